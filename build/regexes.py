"""regexes.py MODULE: print, as Python, the regular expressions that are compiled while MODULE is imported.

They take a fifth of the helper's start: its client and what that needs of Python's library compile 50 of them. The program brings them
compiled, by the same interpreter.
"""

import _sre
import importlib
import re._compiler as compiler
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

# appended to Python's own re._compiler; the name, the arguments and the flags are its own
ADDITION = """
_compile_anew, _known_patterns = compile, {table}


def compile(p, flags=0):
    known = _known_patterns.pop((p, flags), None) if isstring(p) else None
    return _sre.compile(p, *known) if known else _compile_anew(p, flags)
"""


def stand_in(module: str, path: list[str], target: Path) -> None:
    """Write to `target` a re._compiler that need not compile what `module` compiles, found along `path`, when it is imported."""
    print_table = [sys.executable, "-S", __file__, module]
    done = subprocess.run(print_table, env={"PYTHONPATH": ":".join(path), "PYTHONHASHSEED": "0"}, stdout=subprocess.PIPE, text=True, check=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(Path(compiler.__file__).read_text() + ADDITION.format(table=done.stdout.strip()))


def main() -> None:
    """Import the module, and print what was compiled: {(pattern, flags): arguments of _sre.compile}."""
    table: dict[tuple[object, int], tuple[object, ...]] = {}
    last: list[tuple[object, ...]] = []
    real = compiler.compile

    def compile_c(pattern: object, *arguments: object) -> object:
        last[:] = [arguments]
        return _sre.compile(pattern, *arguments)

    def compile_pattern(pattern: object, flags: int = 0) -> object:
        compiled = real(pattern, flags)
        table[pattern, int(flags)] = last[0]
        return compiled

    compiler._sre = SimpleNamespace(**vars(_sre) | {"compile": compile_c})  # noqa: SLF001  the one place that all of them come through
    compiler.compile = compile_pattern
    importlib.import_module(sys.argv[1])
    print(table)


if __name__ == "__main__":
    main()
