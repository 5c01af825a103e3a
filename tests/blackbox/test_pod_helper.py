"""The program that talks to the API server for us: it lives no longer than it is needed, and whatever happens to it is told."""

from __future__ import annotations

from signal import SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTERM, SIGURG, SIGUSR1
from typing import TYPE_CHECKING, Any

import pytest

from support import api_faults, processes
from support.clusters import assert_never_started, helper_of
from support.pods import CREATING, READY, RUNNING

if TYPE_CHECKING:
    from support.clusters import Cluster
    from support.supervisors import Supervisor

MORE = 1500  # kilobytes that a supervisor may have grown by because it had to wait


def facts_of(supervisor: Supervisor) -> tuple[list[str], str, list[int]]:
    """Give what a supervisor whose child runs has open, how many threads it has, and its children."""
    files = [path.partition(":")[0].replace(supervisor.name, "NAME") for path in processes.open_files(supervisor.pid).splitlines()]
    return sorted(files), processes.status(supervisor.pid)["Threads"], processes.children(supervisor.pid)


@pytest.mark.parametrize("waited", [True, False])
def test_nothing_of_the_wait_is_left(cluster: Cluster, *, waited: bool) -> None:
    """No process, no descriptor, no thread, no memory: the supervisor is as one that has never waited for anything."""
    plain = cluster.world.start("plain")
    plain.ready()
    cluster.tell(server=CREATING if waited else READY)
    client = cluster.start(birth_deps="server", birth_timeout="0")
    if waited:
        cluster.server.wait_for_watch()
        cluster.tell(server=READY)
    child = client.ready()
    cluster.server.wait_until_alone()
    processes.wait_until(lambda: processes.children(client.pid) == [child], "the end of the helper")
    plain.stone()
    client.stone()
    files, threads, _ = facts_of(client)
    assert (files, threads) == facts_of(plain)[:2]
    assert processes.resident_kilobytes(client.pid) < processes.resident_kilobytes(plain.pid) + MORE
    assert not list(cluster.world.temporary.iterdir())


def test_child_never_sees_the_helper(cluster: Cluster) -> None:
    """It is no child of the child's, and none that it could wait for: a shell's `wait` is not disturbed."""
    cluster.tell(server=READY)
    variables: dict[str, Any] = {**cluster.variables, "name": "client", "birth_deps": "server"}
    client = cluster.world.run(["/bin/sh", "-c", f"wait; {cluster.world.installation.actor} quiet 'exit 7'"], **variables)
    assert client.end() == 7


def test_lines_of_child_and_log_stay_clean(cluster: Cluster) -> None:
    """Whatever the helper says goes to the supervisor alone, in good times and in bad."""
    cluster.tell(server=CREATING)
    cluster.server.fail(api_faults.garbage, api_faults.UNAUTHORIZED, api_faults.reset)
    client = cluster.start_waiting("server", "say hello", "complain {}", "exit 0")
    cluster.tell(server=READY)
    assert client.end() == 0
    assert client.out is not None
    assert client.out.rest() == ["hello"]
    assert client.log()  # each line is a JSON object, that of the child too


def test_helper_that_dies_ends_the_wait(cluster: Cluster) -> None:
    """Out of memory, for instance: exit 1, with what became of it."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server")
    processes.kill(helper_of(client))
    message = assert_never_started(client, 1, "Internal")
    assert "helper" in message
    assert "SIGKILL" in message
    assert client.error() == message


def test_helper_dies_with_its_supervisor(cluster: Cluster) -> None:
    """Whatever kills that: nobody is left who asks the API server in its name."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server")
    helper = helper_of(client)
    cluster.world.may_leave_bundle = True
    client.kill()
    processes.wait_gone(helper)
    cluster.server.wait_until_alone()


def test_helper_dies_with_its_supervisor_in_the_middle_of_a_silence(cluster: Cluster) -> None:
    """It need not be able to say anything for that."""
    cluster.server.fail_connections(api_faults.silence)
    client = cluster.start(birth_deps="server", birth_timeout="0")
    cluster.server.wait_until(lambda: cluster.server.connections == 1, "a connection")
    helper = helper_of(client)
    cluster.world.may_leave_bundle = True
    client.kill()
    processes.wait_gone(helper)


@pytest.mark.parametrize("number", [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1])
def test_signal_in_the_wait_ends_it(cluster: Cluster, number: int) -> None:
    """No child, no helper any more, Died is written, and the exit code says which signal it was."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server")
    helper = helper_of(client)
    client.send(number)
    assert "server" in assert_never_started(client, 128 + number, "Terminated")
    assert processes.state(helper) in "XZ"


def test_signal_before_the_first_answer_ends_the_wait(cluster: Cluster) -> None:
    """The server is silent, the helper waits for it, and SIGTERM waits for nobody."""
    cluster.server.fail_connections(api_faults.silence)
    client = cluster.start(birth_deps="server", birth_timeout="0")
    cluster.server.wait_until(lambda: cluster.server.connections == 1, "a connection")
    client.send(SIGTERM)
    assert_never_started(client, 143, "Terminated")


def test_signals_for_the_group_do_not_reach_the_helper(cluster: Cluster) -> None:
    """Ctrl-C at a terminal, or a careless kill of the whole group: the supervisor decides, not each for itself."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0", stage=["--session"])
    helper = helper_of(client)
    processes.send_group(processes.group(client.pid), SIGURG)
    assert processes.group(helper) != processes.group(client.pid)
    for number in (SIGTERM, SIGINT, SIGHUP):
        processes.send(helper, number)  # and even one that is meant for it does nothing
    cluster.tell(server=RUNNING)
    client.event("server: running")
    cluster.tell(server=READY)
    assert client.end() == 0


def test_helper_that_was_stopped_goes_on(cluster: Cluster) -> None:
    """Somebody sends SIGSTOP and SIGCONT to everything in the container: what has changed meanwhile is seen."""
    cluster.tell(server=CREATING)
    client = cluster.start_waiting("server", "exit 0")
    helper = helper_of(client)
    processes.send(helper, SIGSTOP)
    processes.wait_until(lambda: processes.state(helper) == "T", "a stopped helper")
    cluster.tell(server=READY)
    client.settle()
    processes.send(helper, SIGCONT)
    assert client.end() == 0


def test_helper_that_cannot_be_started(cluster: Cluster) -> None:
    """A limit of processes that lets the supervisor live, and nobody else: exit 1, and what the kernel said."""
    cluster.tell(server=READY)
    client = cluster.start(birth_deps="server", birth_timeout="0", stage=["--limit", "nproc", "1", "--user", "12345"])
    message = assert_never_started(client, 1, "Internal")
    assert "helper" in message
    assert "Resource temporarily unavailable" in message
