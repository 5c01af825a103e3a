"""In koordinator's place: by which name or variable, and what it refuses. Where koordinator exits 0, or hangs, we fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.koordinators import OWN_POD, assert_never_started, run, start
from support.pods import READY

if TYPE_CHECKING:
    from support.clusters import Cluster
    from support.supervisors import Supervisor
    from support.world import World

BAD_SPECS = [
    "{",
    "nonsense",
    "[]",
    '[["a"],["b"],"1s",{"signal":2},"SIGINT","2s",1,2]',
    "null",
    '"{}"',
    "{} {}",
    '{"stopDeps":["a"],}',
    "\ufeff{}",
    '{"startDeps":"a"}',
    '{"startDeps":[1]}',
    '{"stopDeps":null}',
    '{"stopDeps":{}}',
    '{"stopDeps":["a"],"stopDeps":["a"]}',
    '{"stopDelay":5}',
    '{"stopDelay":"5"}',
    '{"stopDelay":"1 min"}',
    '{"termTimeout":"-1s"}',
    '{"termTimeout":"600y"}',
    '{"termSignal":15}',
    '{"whenStopDepExited":"signal"}',
    '{"whenStopDepExited":{}}',
    '{"whenStopDepExited":{"signal":"SIGINT"}}',
    '{"whenStopDepExited":{"signal":2.0}}',
    '{"whenStopDepExited":{"http":{"get":[]}}}',
    '{"killedByStopDepExitCode":-1}',
    '{"killedByStopDepExitCode":"1"}',
    '{"terminatedByStopDepExitCode":2147483648}',
    "\udcff",
]


def refused(supervisor: Supervisor) -> str:
    """Check that it is a configuration error, and give it."""
    assert_never_started(supervisor, 2)
    return supervisor.error()


# ── the role ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.frozen_only("the interpreter has a name of its own, and its argv[0] says where its library is")
@pytest.mark.parametrize("kind", ["link", "copy"])
def test_name_of_the_program_is_enough(world: World, kind: str) -> None:
    """Its image leaves a copy: a program of that name is one, with a spec or without."""
    kubexit = _called_koordinator(world, kind)
    assert start(world, None, "exit 7", kubexit=[kubexit]).end() == 7
    assert "KOORDINATOR_POD_NAME is not set" in refused(start(world, None, "exit 7", kubexit=[kubexit], KOORDINATOR_POD_NAME=""))
    assert "the variable is set, but empty" in refused(start(world, "", "exit 7", kubexit=[kubexit]))


def _called_koordinator(world: World, kind: str) -> str:
    """Give the path of a kubexit that is called koordinator."""
    program, called = Path(world.installation.command[0]), world.shared / "koordinator"
    if kind == "link":
        called.symlink_to(program)
        return str(called)
    if (program.parent / "lib").is_dir():  # a tree: the program finds its library beside it
        shutil.copytree(program.parent, world.shared / "tree", symlinks=True)
        called = world.shared / "tree" / "koordinator"
    shutil.copy(program, called)
    return str(called)


def test_spec_is_enough_in_either_spelling(world: World) -> None:
    """A kubexit without KUBEXIT_NAME would be refused."""
    assert start(world, {}, "exit 7").end() == 7
    assert start(world, None, "exit 7", KOOORDINATOR_SPEC="{}").end() == 7
    both = start(world, {}, "exit 7", KOOORDINATOR_SPEC="{")
    assert both.end() == 7
    assert both.warnings() == ["KOORDINATOR_SPEC and KOOORDINATOR_SPEC are set and differ: KOORDINATOR_SPEC counts"]


def test_without_name_and_spec_it_is_kubexit(world: World) -> None:
    """The other variables do not make a koordinator, nor does an empty spec."""
    assert "KUBEXIT_NAME is not set" in refused(start(world, None, "exit 7"))
    assert "KUBEXIT_NAME is not set" in refused(start(world, "", "exit 7"))


def test_nothing_is_written_into_a_graveyard(world: World) -> None:
    """Nor looked for: there need not be one."""
    main = start(world, {}, "exit 0", name="main", graveyard=str(world.graveyard.path))
    assert main.end() == 0
    assert list(world.graveyard.path.iterdir()) == []
    (warning,) = main.warnings()
    assert warning.startswith("KUBEXIT_GRAVEYARD set without effect")
    assert start(world, "{", "exit 0", name="main").end() == 2
    assert list(world.graveyard.path.iterdir()) == []


def test_kill_switch_comes_first(world: World) -> None:
    """KUBEXIT_DISABLED: the command at once, whatever the spec is."""
    assert start(world, "{", "exit 7", KOORDINATOR_POD_NAME="", disabled="true").end() == 7


def test_signal_group_and_log_are_kubexits_own(world: World) -> None:
    """What no spec speaks of."""
    main = start(world, {}, "exit 0", log_format="text", log_level="info", instant_logging="", KOORDINATOR_NAME="x")
    assert main.end() == 0
    assert "INFO kubexit initialized" in main.logged_so_far()
    assert "WARNING KOORDINATOR_NAME is no variable of koordinator and has no effect: did you mean KOORDINATOR_POD_NAME?" in main.logged_so_far()


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


def test_bad_spec_fails(world: World) -> None:
    """Where koordinator exits 0, and the Job has succeeded."""
    for spec in BAD_SPECS:
        assert "KOORDINATOR_SPEC" in refused(start(world, spec)), spec
    for spelling in ("KOORDINATOR_SPEC", "KOOORDINATOR_SPEC"):
        error = refused(start(world, None, **{spelling: '{"stopDeps":["a"],"stopDelay":5,"termTimeout":null}'}))
        assert f"{spelling}: stopDelay=5 " in error
        assert f"{spelling}: termTimeout=null " in error


def test_array_in_place_of_the_request_is_refused_with_the_right_form(world: World) -> None:
    """Where koordinator takes it, panics when it is due, and leaves the command behind."""
    error = refused(start(world, {"whenStopDepExited": {"http": {"post": []}}}))
    assert '{"http": {"post": {"port": 15020, "path": "/quitquitquit", "host": "127.0.0.1", "scheme": "http"}}}' in error


def test_missing_command_fails(world: World) -> None:
    """All faults at once."""
    error = refused(run(world, {"stopDelay": 5}, []))
    assert "no command given" in error
    assert "stopDelay" in error


@pytest.mark.parametrize("variable", OWN_POD)
@pytest.mark.parametrize("spec", [{}, {"stopDeps": ["server"]}])
def test_unknown_pod_fails(cluster: Cluster, variable: str, spec: dict[str, object]) -> None:
    """Even if nothing depends on it. An empty variable is none."""
    error = refused(start(cluster, spec, **{variable: ""}))
    assert f"{variable} is not set and there is no /etc/podinfo/{'namespace' if variable.endswith('SPACE') else 'name'}" in error


def test_pod_is_known_by_its_files(cluster: Cluster) -> None:
    """A downwardAPI volume, newline or not; the variables win."""
    cluster.podinfo.write(name="shop-0\n", namespace="shop")
    cluster.tell(server=READY)
    spec = {"startDeps": ["server"]}
    assert start(cluster, spec, "exit 7", **dict.fromkeys(OWN_POD, "")).end() == 7
    cluster.podinfo.write(name="another", namespace="elsewhere")
    main = start(cluster, spec, "exit 7")
    assert main.end() == 7
    config = main.log()[0]["config"]
    assert (config["pod_name"], config["namespace"]) == ("shop-0", "shop")


@pytest.mark.parametrize("key", ["startDeps", "stopDeps"])
def test_dependencies_outside_of_a_cluster_fail(world: World, key: str) -> None:
    """The message names the variables that a pod has."""
    assert "KUBERNETES_SERVICE_HOST" in refused(start(world, {key: ["server"]}))


@pytest.mark.parametrize(("command", "status"), [("/nonexistent/command", 127), ("nonexistent-command", 127), ("/etc/passwd", 126)])
def test_command_that_cannot_be_started_fails(world: World, command: str, status: int) -> None:
    """Where koordinator hangs."""
    main = run(world, {"terminatedByStopDepExitCode": 0}, [command])
    assert main.end() == status
    assert command in main.error()


def test_misspelt_field_is_told(world: World) -> None:
    """It has no effect, as in koordinator, but nobody has to search for the reason."""
    main = start(world, json.dumps({"stopdeps": ["server"]}), "exit 7")
    assert main.end() == 7
    assert main.warnings() == ['KOORDINATOR_SPEC: "stopdeps" is not known and has no effect: did you mean stopDeps?']
