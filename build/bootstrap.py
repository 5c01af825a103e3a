"""Takes the place of PyInstaller's bootstrap, importer and module archive: what every start executes before the first line of ours.

PyInstaller's importer serves any program: it imports os, zlib and struct, resolves paths, opens the archive anew for each module, and
Python's import machinery adds its share: 4 ms for our modules, half as much as the interpreter itself. Here they lie in this very code
object, which build/embed.py completes, and are executed in the order in which they need each other. They stay importable when the single
file has removed its bundle.
"""
# ruff: noqa: PLC0415  what only some starts need is imported there
# ruff: noqa: S102, S302  code of our own is executed: that is what an importer is for
# ruff: noqa: SLF001  sys._MEIPASS is PyInstaller's way to say where the bundle lies

import sys


def _bootstrap(start: tuple, later: dict, extensions: dict) -> None:
    """Import the modules of `start` and make the others importable.

    start: (name, is a package, code)...; later: {name: (is a package, code, marshalled or not)}; extensions: {name: path in the bundle}.
    """
    from _frozen_importlib import ModuleSpec

    class Importer:
        @staticmethod
        def find_spec(name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
            if name in later:
                return ModuleSpec(name, Importer, is_package=later[name][0])
            if name in extensions:
                from _frozen_importlib_external import ExtensionFileLoader

                place = f"{sys._MEIPASS}/{extensions[name]}"
                return ModuleSpec(name, ExtensionFileLoader(name, place), origin=place)
            return None

        @staticmethod
        def create_module(_spec: ModuleSpec) -> None:
            return None

        @staticmethod
        def exec_module(module: object) -> None:
            _, code = later.pop(module.__spec__.name)
            if isinstance(code, bytes):
                from marshal import loads

                code = loads(code)
            exec(code, module.__dict__)

    sys.frozen = True
    sys.meta_path.insert(0, Importer)
    for name, is_package, code in start:
        module = sys.modules[name] = type(sys)(name)
        package, _, own_name = name.rpartition(".")
        module.__package__ = name if is_package else package
        if is_package:
            module.__path__ = []
        exec(code, module.__dict__)
        if package:
            setattr(sys.modules[package], own_name, module)


# build/embed.py puts the modules in the place of these constants
_bootstrap("START", dict("LATER"), dict("EXTENSIONS"))
del _bootstrap
