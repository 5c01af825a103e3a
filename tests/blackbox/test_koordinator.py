"""In koordinator's place: the command starts when its start dependencies are ready, and ends when one of its stop dependencies has."""

from __future__ import annotations

from signal import SIGTERM
from typing import TYPE_CHECKING

import pytest

from support.koordinators import assert_never_started, run, start, start_waiting
from support.pods import CREATING, READY, RUNNING, Pod, Status, ended, waiting

if TYPE_CHECKING:
    from support.clusters import Cluster
    from support.world import World

STOP = {"stopDeps": ["server"]}


@pytest.mark.parametrize("code", [0, 1, 7, 126, 127, 255])
def test_without_dependencies_it_is_the_command(world: World, code: int) -> None:
    """Its exit code is ours, and no API server is needed."""
    assert start(world, {}, f"exit {code}").end() == code


@pytest.mark.parametrize("number", [11, 9, 15, 6])
def test_command_that_a_signal_kills_fails(world: World, number: int) -> None:
    """128+n, and not 0: a Job whose main container crashes has not succeeded."""
    assert start(world, {}, f"die {number}").end() == 128 + number


def test_command_gets_the_environment_unchanged(world: World) -> None:
    """With koordinator's own variables in it."""
    child = run(world, {"stopDelay": "1s"}, ["/usr/bin/env"], KOORDINATOR_OTHER="x")
    assert child.end() == 0
    assert child.out is not None
    given = child.out.rest()
    assert {'KOORDINATOR_SPEC={"stopDelay": "1s"}', "KOORDINATOR_POD_NAME=shop-0", "KOORDINATOR_OTHER=x"} <= set(given)


def test_standard_output_is_the_commands_alone(cluster: Cluster) -> None:
    """The log goes to standard error: koordinator's went between the command's lines."""
    cluster.tell(server=READY)
    main = start(cluster, {"startDeps": ["server"]}, "say hello", "on 15 exit 3", verbose_level="1")
    main.ready()
    main.send(SIGTERM)
    assert main.end() == 3
    assert main.out is not None
    assert [line.split()[0] for line in main.out.all().splitlines()] == ["hello", "ready", "signal"]
    assert len(main.log()) > 3


# ── start dependencies ───────────────────────────────────────────────────────────────────────────────────────────


def test_command_starts_at_once_when_its_dependencies_are_ready(cluster: Cluster) -> None:
    """The first state counts like any other."""
    cluster.tell(server=READY)
    assert start(cluster, {"startDeps": ["server"]}, "exit 4").end() == 4


def test_command_starts_when_its_dependency_becomes_ready(cluster: Cluster) -> None:
    """Running is not ready: that is the readiness probe's affair."""
    cluster.tell(server=CREATING)
    main = start_waiting(cluster, {"startDeps": ["server"]}, "exit 4")
    main.event("server: ")
    cluster.tell(server=RUNNING)
    main.event("server: ")
    main.settle()
    assert not main.has_started_its_child()
    cluster.tell(server=READY)
    assert main.end() == 4


def test_dependencies_have_to_be_ready_in_one_and_the_same_state(cluster: Cluster) -> None:
    """One that was ready earlier, and is not any more, has to become so again."""
    cluster.have(Pod(containers="client a b"))
    cluster.tell(a=READY)
    main = start_waiting(cluster, {"startDeps": ["a", "b", "a"]}, "exit 4")
    main.event("a: ready")
    cluster.tell(a=RUNNING, b=READY)
    main.event("b: ready")
    main.settle()
    assert not main.has_started_its_child()
    cluster.tell(a=READY)
    assert main.end() == 4


def test_readiness_that_is_lost_after_the_start_changes_nothing(cluster: Cluster) -> None:
    """Nor does the end of a start dependency: the watch may be over."""
    cluster.tell(server=READY)
    main = start(cluster, {"startDeps": ["server"]}, "on 12 exit 6")
    main.ready()
    cluster.tell(server=RUNNING)
    cluster.tell(server=ended(1))
    main.settle()
    assert not main.ended
    main.send(12)
    assert main.end() == 6


def test_watch_is_over_when_only_the_start_depended_on_it(cluster: Cluster) -> None:
    """No connection stays, and no process."""
    cluster.tell(server=READY)
    main = start(cluster, {"startDeps": ["server"]}, "on 15 exit 6")
    main.ready()
    cluster.server.wait_until_alone()
    main.send(SIGTERM)
    assert main.end() == 6


def test_wait_has_no_limit(cluster: Cluster) -> None:
    """As koordinator has it; the log says so."""
    cluster.tell(server=RUNNING)
    main = start_waiting(cluster, {"startDeps": ["server"]}, birth_timeout="1ms")
    main.event("server: ")
    main.settle()
    assert not main.ended
    main.send(SIGTERM)
    assert main.end() == 143
    log = main.log()
    assert log[0]["config"]["birth_timeout"] == 0
    assert [line["message"].split()[0] for line in log if line["level"] == "warning"] == ["KUBEXIT_BIRTH_TIMEOUT"]


def test_pod_that_is_not_there_yet_is_waited_for(cluster: Cluster) -> None:
    """The list is empty, and the pod is ADDED later."""
    main = start_waiting(cluster, {"startDeps": ["server"]}, "exit 4")
    cluster.tell(server=READY)
    assert main.end() == 4


@pytest.mark.parametrize("number", [15, 2, 3, 1, 10])
def test_signal_ends_the_wait(cluster: Cluster, number: int) -> None:
    """128+n, and no command: as the first process of a container koordinator hears nothing of it."""
    cluster.tell(server=RUNNING)
    main = start_waiting(cluster, {"startDeps": ["server"], "stopDelay": "1h"})
    main.send(number)
    assert_never_started(main, 128 + number)


def test_native_sidecar_is_a_container_like_any_other(cluster: Cluster) -> None:
    """Its state is told among those of the init containers, where koordinator does not look."""
    cluster.have(Pod(containers="client", sidecars="proxy"))
    main = start_waiting(cluster, {"startDeps": ["proxy"], "stopDeps": ["proxy"]}, "on 15 exit 1")
    cluster.tell(proxy=READY)
    main.ready()
    cluster.tell(proxy=ended(0))
    assert main.end() == 0


def test_wait_that_is_in_vain_fails(cluster: Cluster) -> None:
    """A name that is no container of the pod, and one that has ended for good."""
    for spec in ({"startDeps": ["sevrer"]}, {"startDeps": ["server", ""]}):
        main = start(cluster, spec)
        cluster.tell(server=READY)
        assert_never_started(main, 1)
        assert "server" in main.error()
    cluster.have(Pod(policy="Never"))
    main = start_waiting(cluster, {"startDeps": ["server"]})
    cluster.tell(server=ended(3))
    assert_never_started(main, 1)
    assert "server" in main.error()


# ── stop dependencies ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [0, 3, 137])
def test_command_is_told_to_stop_when_a_stop_dependency_has_ended(cluster: Cluster, code: int) -> None:
    """Whatever its exit code, and whatever the command's: 0."""
    cluster.tell(server=RUNNING)
    sidecar = start(cluster, STOP, "on 15 exit 9")
    sidecar.ready()
    cluster.tell(server=ended(code))
    assert sidecar.says("signal").startswith("signal 15 ")
    assert sidecar.end() == 0


def test_one_of_them_is_enough(cluster: Cluster) -> None:
    """Repeats and names that no container has do no harm; the latter are told."""
    cluster.have(Pod(containers="client a b"))
    sidecar = start(cluster, {"stopDeps": ["a", "nobody", "b", "b"]}, "on 15 exit 9")
    sidecar.ready()
    cluster.tell(b=ended(0))
    assert sidecar.end() == 0
    (warning,) = sidecar.warnings()
    assert "nobody" in warning


def test_command_starts_when_the_first_state_is_known(cluster: Cluster) -> None:
    """And not before, even if nothing is to be waited for: a stop dependency may have ended already."""
    sidecar = start_waiting(cluster, STOP, "on 15 exit 9")
    sidecar.settle()
    assert not sidecar.has_started_its_child()
    cluster.tell(server=RUNNING)
    sidecar.ready()
    cluster.tell(server=ended(0))
    assert sidecar.end() == 0


@pytest.mark.parametrize(("given", "status"), [({}, 0), ({"terminatedByStopDepExitCode": 5}, 5), ({"terminatedByStopDepExitCode": -1}, 0)])
@pytest.mark.parametrize("code", [0, 3])
def test_stop_dependency_that_had_ended_before_keeps_the_command_from_starting(
    cluster: Cluster, given: dict[str, int], status: int, code: int
) -> None:
    """The first state counts: koordinator starts the command, and stops it at the next event."""
    cluster.tell(server=ended(code))
    assert_never_started(start(cluster, {**STOP, **given}), status)


def test_stop_dependency_that_ends_during_the_wait_ends_it(cluster: Cluster) -> None:
    """The command is not started: there is nothing left to serve."""
    cluster.have(Pod(containers="client a b"))
    sidecar = start_waiting(cluster, {"startDeps": ["a"], "stopDeps": ["b"]})
    cluster.tell(b=ended(1))
    assert_never_started(sidecar, 0)


@pytest.mark.parametrize("status", [READY, waiting("CrashLoopBackOff").again(3), RUNNING.again(1)], ids=["ready", "backoff", "running"])
def test_end_of_a_former_life_is_no_end(cluster: Cluster, status: Status) -> None:
    """`lastState` is not looked at."""
    cluster.tell(server=status)
    sidecar = start(cluster, STOP, "on 12 exit 6")
    sidecar.ready()
    cluster.tell(client=RUNNING)
    sidecar.settle()
    assert not sidecar.ended
    sidecar.send(12)
    assert sidecar.end() == 6


def test_restarted_sidecar_that_knows_its_name_lets_a_failed_stop_dependency_come_back(cluster: Cluster) -> None:
    """With `restartPolicy: OnFailure` both come back: KUBEXIT_NAME tells which container of the status is ours, and that it was restarted."""
    cluster.have(Pod(policy="OnFailure"))
    cluster.tell(client=RUNNING.again(1, code=143), server=ended(3))
    sidecar = start(cluster, {**STOP, "terminatedByStopDepExitCode": -1}, "on 15 die", name="client")
    sidecar.ready()
    cluster.tell(server=RUNNING.again(1, code=3))
    cluster.tell(server=ended(0).again(1, code=3))
    assert sidecar.end() == 143
    cluster.tell(client=RUNNING.again(2, code=143))
    assert_never_started(start(cluster, {**STOP, "terminatedByStopDepExitCode": -1}, name="client"), 0)


@pytest.mark.parametrize(
    ("given", "child", "status"),
    [
        ({"terminatedByStopDepExitCode": 5}, "on 15 exit 9", 5),
        ({"terminatedByStopDepExitCode": 5}, "on 15 die", 5),
        ({"terminatedByStopDepExitCode": 300}, "on 15 exit 9", 44),
        ({"terminatedByStopDepExitCode": -1}, "on 15 exit 9", 9),
        ({"terminatedByStopDepExitCode": -1}, "on 15 exit 0", 0),
        ({"terminatedByStopDepExitCode": -1}, "on 15 die", 143),
        ({}, "on 15 die", 0),
        ({"killedByStopDepExitCode": 7}, "on 15 exit 9", 0),
    ],
)
def test_spec_says_what_a_stopped_command_reports(cluster: Cluster, given: dict[str, int], child: str, status: int) -> None:
    """`terminatedByStopDepExitCode`; below zero it is the command's own, 128+n if the signal killed it."""
    cluster.tell(server=RUNNING)
    sidecar = start(cluster, {**STOP, **given}, child)
    sidecar.ready()
    cluster.tell(server=ended(1))
    assert sidecar.end() == status


@pytest.mark.parametrize("given", [{}, {"stopDeps": ["server"]}])
def test_spec_says_nothing_of_a_command_that_ends_by_itself(cluster: Cluster, given: dict[str, object]) -> None:
    """Both codes are about stop dependencies."""
    cluster.tell(server=RUNNING)
    spec = {**given, "terminatedByStopDepExitCode": 5, "killedByStopDepExitCode": 7}
    assert start(cluster, spec, "exit 9").end() == 9
    assert start(cluster, spec, "die 15").end() == 143


@pytest.mark.parametrize(("given", "status"), [({}, 137), ({"killedByStopDepExitCode": 7}, 7), ({"killedByStopDepExitCode": 300}, 44)])
def test_command_that_ignores_the_stop_is_killed(cluster: Cluster, given: dict[str, int], status: int) -> None:
    """After `termTimeout`; `terminatedByStopDepExitCode` has no say in it."""
    cluster.tell(server=RUNNING)
    sidecar = start(cluster, {**STOP, "termTimeout": "150ms", "terminatedByStopDepExitCode": 5, **given}, "on 15 report")
    sidecar.ready()
    cluster.tell(server=ended(0))
    assert sidecar.says("signal").startswith("signal 15 ")
    assert sidecar.end() == status


def test_end_of_the_watch_follows_the_stop(cluster: Cluster) -> None:
    """Further ends change nothing."""
    cluster.tell(server=RUNNING)
    sidecar = start(cluster, STOP, "on 15 report", "on 12 exit 0")
    sidecar.ready()
    cluster.tell(server=ended(0))
    sidecar.says("signal")
    cluster.server.wait_until_alone()
    sidecar.send(12)
    assert sidecar.end() == 0


@pytest.mark.parametrize("wrapped", [True, False])
def test_job_of_the_readme(cluster: Cluster, wrapped: bool) -> None:
    """The manifest of koordinator's README: with three O, and podinfo files. The main container may as well be somebody else's."""
    cluster.have(Pod(containers="cloud-sql-proxy main-container", policy="Never"))
    cluster.podinfo.write(name="shop-0\n", namespace="shop\n")
    other = {"KOORDINATOR_POD_NAME": "", "KOORDINATOR_POD_NAMESPACE": ""}
    proxy_spec, main_spec = '{"stopDeps":["main-container"]}', '{"startDeps":["cloud-sql-proxy"],"stopDelay":"10s"}'
    proxy = start(cluster, None, "on 15 die", **other, KOOORDINATOR_SPEC=proxy_spec)
    proxy.ready()
    main = start_waiting(cluster, None, "exit 0", **other, KOOORDINATOR_SPEC=main_spec) if wrapped else None
    cluster.tell({"cloud-sql-proxy": READY})
    if main:
        assert main.end() == 0
        assert main.warnings() == []
    cluster.tell({"main-container": ended(0)})
    assert proxy.end() == 0
    assert proxy.warnings() == []
