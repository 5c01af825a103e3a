"""What may be imported: the domain stays pure, and the light program stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
HELPERS = set((APP / "kubexit" / "helpers").rglob("*.py"))
INTERPRETER = Path(sys.base_prefix) / "bin" / "python3.11"
IMPURE = {
    "os",
    "posix",
    "time",
    "signal",
    "_signal",
    "select",
    "socket",
    "_socket",
    "ctypes",
    "_ctypes",
    "subprocess",
    "threading",
    "_thread",
    "logging",
    "fcntl",
    "pathlib",
}
# Free or nearly so at every start. Before a module is added here, measure what it costs the start of the child.
LIGHT = {"__future__", "posix", "_signal", "select", "time", "_struct", "fcntl", "errno", "_ctypes", "sys"}
# What only some starts have to do with: of these modules no other start has any.
LATER = (
    *("kubexit.pod", "kubexit.helper", "kubexit.linux.helper", "kubexit.domain.koordinator"),
    *("kubexit.commands", "kubexit.linux.copying", "kubexit.linux.single_file"),
)


def imported_names(path: Path) -> set[str]:
    """Give the modules that a file imports, wherever in it, but for the sake of type checkers alone."""
    names: set[str] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        todo += ast.iter_child_nodes(node)
    return names


@pytest.mark.parametrize("path", sorted((APP / "kubexit" / "domain").glob("*.py")), ids=lambda path: path.stem)
def test_the_domain_neither_asks_the_kernel_nor_tells_it(path: Path) -> None:
    """All policy is a function of values, so that every race can be written down as a sequence of events."""
    names = imported_names(path)
    assert not {name.partition(".")[0] for name in names} & IMPURE
    assert all(name == "__future__" or name.startswith("kubexit.domain") for name in names)


def loaded_by(statement: str) -> set[str]:
    """Give the modules that a bare interpreter has loaded after `statement` and not before."""
    script = f"import sys; before = set(sys.modules); sys.path.insert(0, {str(APP)!r}); {statement}; print(*sorted(set(sys.modules) - before))"
    return set(subprocess.run([INTERPRETER, "-I", "-S", "-c", script], check=True, capture_output=True, text=True, timeout=30).stdout.split())


def test_the_light_program_loads_nothing_but_built_in_modules() -> None:
    """Every ordinary import is felt by everybody who starts a container, and in the single file there is none once main() has begun."""
    loaded = {name for name in loaded_by("import kubexit.cli") if name.partition(".")[0] != "kubexit"}
    assert loaded <= LIGHT, f"new imports: {sorted(loaded - LIGHT)}"


def test_a_start_pays_for_nothing_that_it_does_not_use() -> None:
    """The pod's status, koordinator's specs, the helper program, cp and --install are imported by the starts that have to do with them."""
    loaded = loaded_by("import kubexit.cli")
    assert not [name for name in loaded if name.startswith(LATER)]
    assert not {"kubexit.domain.reports", "kubexit.domain.json_reader", "kubexit.domain.pods"} & loaded


@pytest.mark.parametrize("path", sorted((APP / "kubexit").rglob("*.py")), ids=lambda path: str(path.relative_to(APP)))
def test_every_import_of_a_program_is_at_the_top_of_its_file(path: Path) -> None:
    """In the single file an import within a function would fail: the unpacked bundle is gone by then, the helper's too.

    Our own modules stay importable: what only some starts need may be imported by those.
    """
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    nodes = [node for function in functions for node in ast.walk(function)]
    assert not [node for node in nodes if isinstance(node, ast.Import)]
    assert all((node.module or "").startswith("kubexit.") for node in nodes if isinstance(node, ast.ImportFrom))


@pytest.mark.parametrize("path", sorted(set((APP / "kubexit").rglob("*.py")) - HELPERS), ids=lambda path: str(path.relative_to(APP)))
def test_the_light_program_imports_what_is_light(path: Path) -> None:
    """The helper program alone may import ordinary libraries: it is started when it is needed."""
    allowed = LIGHT | {"typing", "collections.abc", "types"}  # the latter only for type checkers
    names = imported_names(path)
    assert {name for name in names if not name.startswith("kubexit")} <= allowed
    assert not any(name.startswith("kubexit.helpers") for name in names)


def test_the_helper_program_imports_no_more_of_the_client_than_it_needs() -> None:
    """The package's hundreds of API classes and models would take half a second and 40 MB; and kube_config reads files of users."""
    names = {name for path in HELPERS for name in imported_names(path)}
    assert {name for name in names if name.partition(".")[0] == "kubernetes"} == {
        "kubernetes.client.configuration",
        "kubernetes.client.exceptions",
        "kubernetes.client.rest",
        "kubernetes.config.config_exception",
        "kubernetes.config.incluster_config",
    }


def test_the_domain_alone_loads_nothing_else() -> None:
    """Not even through a module of ours in between."""
    modules = ", ".join(f"kubexit.domain.{path.stem}" for path in (APP / "kubexit" / "domain").glob("*.py") if path.stem != "__init__")
    loaded = loaded_by(f"import {modules}")
    assert {name for name in loaded if not name.startswith("kubexit.domain")} <= {"kubexit", "__future__"}
