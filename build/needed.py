"""Which of the modules that PyInstaller found a program can really come to import."""

import ast
from collections.abc import Iterator
from pathlib import Path


def needed(entry: Path, names: tuple[str, ...], sources: dict[str, Path], read_whole: tuple[str, ...]) -> set[str]:
    """Give the modules among `sources` that `entry` and the modules `names` import, directly or not.

    PyInstaller follows every import statement. Those within the functions of Python's library lead to hundreds of modules for uses that
    the program does not make of it, so only what is imported with a module counts, but for the packages `read_whole`, where all counts.
    """
    found: set[str] = set()
    todo = [*names, *_imports(ast.parse(entry.read_bytes()), "", whole=True)]
    while todo:
        name = todo.pop()
        package = name.rpartition(".")[0]
        if package:
            todo.append(package)
        if name in sources and sources[name].suffix == ".py" and name not in found:
            found.add(name)
            package = name if sources[name].name == "__init__.py" else package
            todo += _imports(ast.parse(sources[name].read_bytes()), package, whole=name.partition(".")[0] in read_whole)
    return found


def _imports(tree: ast.AST, package: str, *, whole: bool) -> Iterator[str]:
    """Give the names that are imported, and what may be modules among the names taken from them. `package` is that of the module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: None if node.level < 2 else 1 - node.level] if node.level else []  # noqa: PLR2004  "." is the package itself
            module = ".".join([*parents, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in node.orelse:
                yield from _imports(ast.Module([other], []), package, whole=whole)
        elif whole or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _imports(node, package, whole=whole)
