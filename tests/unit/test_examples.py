"""The examples and the documents' manifests, without a cluster: Kubernetes' own schemas, what a careful pod has, and what kubexit makes of them."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from kubexit.domain.config import Config, parse_config
from kubexit.domain.koordinator import parse_koordinator
from kubexit.domain.unknown_variables import unknown_variable_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"
MANIFESTS = sorted(EXAMPLES.rglob("*.yaml"))
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *EXAMPLES.rglob("*.md")])
VERSIONS = ["1.29", kubernetes_validate.latest_version()]  # the first with native sidecars, and the newest
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
SPECS = ("KOORDINATOR_SPEC", "KOOORDINATOR_SPEC")

Object = dict[str, Any]


def path_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def objects(text: str) -> list[Object]:
    """Give the whole objects of some YAML; fragments are left out."""
    found = [each for each in yaml.safe_load_all(text) if isinstance(each, dict) and "kind" in each]
    return [copy.deepcopy(each) for each in found]  # an alias is the same object twice


def check(manifest: Object, version: str) -> None:
    """Refuse what Kubernetes would refuse, and unknown fields, which it would only warn of."""
    kubernetes_validate.validate(manifest, version, strict=True)


def pods() -> Iterator[Object]:
    """Give the pod spec of each example."""
    for path in MANIFESTS:
        for each in objects(path.read_text()):
            if each["kind"] == "Job":
                yield each["spec"]["template"]["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


PODS = pytest.mark.parametrize("pod", list(pods()), ids=[path_of(path) for path in MANIFESTS])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=path_of)
def test_example_fits_the_schemas(path: Path, version: str) -> None:
    found = objects(path.read_text())
    assert len(found) == len(list(yaml.safe_load_all(path.read_text())))
    for each in found:
        check(each, version)


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_whole_manifest_of_a_page_fits_the_schemas(page: Path) -> None:
    for block in YAML_BLOCK.findall(page.read_text()):
        for each in objects(block):
            check(each, VERSIONS[-1])


def test_slip_of_the_pen_does_not_fit() -> None:
    """Or the tests above would say nothing."""
    job = objects((EXAMPLES / "client-server-job" / "job.yaml").read_text())[-1]
    job["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        check(job, VERSIONS[-1])


@pytest.mark.parametrize("path", MANIFESTS, ids=path_of)
def test_every_example_is_run_in_a_cluster(path: Path) -> None:
    assert f'"{path.relative_to(EXAMPLES)}"' in (ROOT / "tests" / "e2e" / "test_examples.py").read_text()


@PODS
def test_example_asks_for_no_more_than_it_needs(pod: Object) -> None:
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert all("sizeLimit" in each["emptyDir"] for each in pod["volumes"] if each["name"] in ("graveyard", "kubexit"))
    for container in containers(pod):
        assert container["resources"]["limits"]["memory"]
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


@PODS
def test_image_of_an_example_has_a_version_unless_it_is_the_reader_s_own(pod: Object) -> None:
    own = {"kubexit", "koordinator", "kubexit-httpd", "main-app-image"}
    assert all(re.search(r":\d", each["image"]) for each in containers(pod) if each["image"] not in own)


@PODS
def test_kubexit_finds_nothing_wrong_with_an_example(pod: Object) -> None:
    """No faults, no variables that it does not know, and only containers of the pod as dependencies."""
    names = {each["name"] for each in containers(pod)}
    for container in containers(pod):
        variables = {each["name"]: each.get("value", "") for each in container.get("env", [])}
        config = configuration(variables)
        if config is not None:
            assert {each.name for each in (*config.birth_deps, *config.death_deps)} <= names
            assert config.name in ("", container["name"])
        assert unknown_variable_warnings(variables) == []


def configuration(variables: dict[str, str]) -> Config | None:
    """Give what kubexit or koordinator makes of them; None if they are for neither."""
    if any(name in variables for name in SPECS):
        config, warnings = parse_koordinator(variables | CLUSTER, [], lambda _: "found")
        assert warnings == []
        return config
    return parse_config(variables | CLUSTER, [], lambda _: "found") if "KUBEXIT_NAME" in variables else None


@pytest.mark.parametrize("folder", sorted(path for path in EXAMPLES.iterdir() if path.is_dir()), ids=path_of)
def test_readme_of_an_example_names_its_files_and_the_list_names_the_example(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    assert all(path.name in readme for path in folder.iterdir() if path.name != "README.md")
    assert f"({folder.name}/README.md)" in (EXAMPLES / "README.md").read_text()


@pytest.mark.parametrize("page", sorted(EXAMPLES.rglob("*.md")), ids=path_of)
def test_file_that_a_page_of_the_examples_names_is_there(page: Path) -> None:
    text = page.read_text()
    named = [ROOT / path for path in re.findall(r"(?<![\w/])examples/[\w./-]*\w", text)]
    named += [page.parent / path for path in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
    assert [path for path in named if not path.exists()] == []
