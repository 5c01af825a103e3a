"""Put the program's modules into the code object of build/bootstrap.py, for kubexit.spec."""

import ast
import importlib.util
import marshal
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


class _WithoutAnnotations(ast.NodeTransformer):
    """Takes the annotations from functions: nothing reads them at run time, while those of classes name the fields of records."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]:
            if argument is not None:
                argument.annotation = None
        return node


def _parse(path: Path) -> ast.Module:
    tree: ast.Module = _WithoutAnnotations().visit(ast.parse(path.read_bytes()))
    return tree


def _compile(tree: ast.Module, shown: str) -> CodeType:
    """Compile without docstrings and assertions. `shown` is the file's name in tracebacks, the same on any machine."""
    code: CodeType = compile(tree, shown, "exec", dont_inherit=True, optimize=2)
    return code


def _imports(tree: ast.Module) -> Iterator[str]:
    """Give the names that a module imports when it is imported itself, and what may be modules among the names taken from them."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _in_order(entry: str, trees: dict[str, ast.Module]) -> list[str]:
    """Give the modules that `entry` imports at the start, each after those that it needs."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in trees and name not in seen:
            seen.add(name)
            visit(name.rpartition(".")[0])
            for needed in _imports(trees[name]):
                visit(needed)
            order.append(name)

    visit(entry)
    return order


def embed(sources: dict[str, Path], entry: str | None, extensions: dict[str, str], target: Path) -> None:
    """Write the bootstrap to `target` (a .pyc) with the modules of `sources`, of which it imports what the module `entry` needs, if any.

    `extensions` says where in the bundle the extension modules lie.
    """
    trees = {name: _parse(path) for name, path in sources.items()}
    packages = {name for name, path in sources.items() if path.name == "__init__.py"}
    codes = {name: _compile(tree, name.replace(".", "/") + ("/__init__.py" if name in packages else ".py")) for name, tree in trees.items()}
    start = _in_order(entry, trees) if entry else []
    later = sorted(trees.keys() - set(start))
    # Where hardly any start needs one of them, unmarshalling can wait; where all do (no entry: an ordinary program), at once is faster.
    packed = {name: marshal.dumps(codes[name]) if entry else codes[name] for name in later}
    constants = {
        "START": tuple((name, name in packages, codes[name]) for name in start),
        "LATER": tuple((name, (name in packages, packed[name])) for name in later),
        "EXTENSIONS": tuple(sorted(extensions.items())),
    }
    bootstrap = _compile(_parse(BOOTSTRAP), "bootstrap.py")
    if not constants.keys() <= set(bootstrap.co_consts):
        raise SystemExit(f"embed.py: {BOOTSTRAP} has no place for all of {', '.join(constants)}")
    # source text cannot hold code objects: the names of their places stand there
    bootstrap = bootstrap.replace(co_consts=tuple(constants.get(c, c) if isinstance(c, str) else c for c in bootstrap.co_consts))
    target.write_bytes(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(bootstrap))
