"""linux/cgroup.py: the counter of the OOM killer, in a real memory cgroup where one can be made, and in all the shapes that /proc shows."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubexit.linux import cgroup
from linux.forks import Process, in_a_process

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 24 * 1024 * 1024


def own_path(controller: str) -> str | None:
    """Give the path of our cgroup in the hierarchy of a controller ("" is the unified one)."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(",") or controllers == controller:
            return path
    return None


def make(parent: Path, limit: str) -> Path | None:
    """Make a memory cgroup with a limit, None where that cannot be done."""
    group = parent / f"kubexit-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        (group / limit).write_text(str(LIMIT))
    except OSError:
        group.rmdir()
        return None
    with contextlib.suppress(OSError):
        (group / "memory.swap.max").write_text("0")
    with contextlib.suppress(OSError):
        (group / "memory.memsw.limit_in_bytes").write_text(str(LIMIT))
    return group


@pytest.fixture
def memory_cgroup() -> Iterator[Path]:
    """Give a memory cgroup of a few MiB: v1 if the memory controller is there, else v2."""
    v1, v2 = own_path("memory"), own_path("")
    group = make(Path(f"/sys/fs/cgroup/memory{v1}"), "memory.limit_in_bytes") if v1 is not None else make(Path(f"/sys/fs/cgroup{v2}"), "memory.max")
    if group is None:
        pytest.skip("no memory cgroup can be made here")
    yield group
    group.rmdir()


def test_a_process_that_the_kernel_killed_for_its_memory_is_counted(memory_cgroup: Path) -> None:
    """In our own cgroup; an ordinary SIGKILL is not counted."""

    @in_a_process
    def live() -> tuple[int, int, int, int]:
        (memory_cgroup / "cgroup.procs").write_text(str(os.getpid()))
        before = cgroup.oom_kills()
        Process(lambda: os.kill(os.getpid(), signal.SIGKILL)).end()
        killed = cgroup.oom_kills()
        ended_by = os.WTERMSIG(Process(lambda: bytearray(4 * LIMIT)).end())
        return before, killed, ended_by, cgroup.oom_kills()

    assert live() == (0, 0, signal.SIGKILL, 1)


EVENTS = "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"


@pytest.mark.parametrize(
    ("proc", "files", "kills"),
    [
        pytest.param("0::/\n", {"/sys/fs/cgroup/memory.events": EVENTS}, 2, id="v2 in a cgroup namespace"),
        pytest.param("0::/pod/box\n", {"/sys/fs/cgroup/pod/box/memory.events": EVENTS}, 2, id="v2 of the host"),
        pytest.param("0::/pod/box\n", {"/sys/fs/cgroup/memory.events": EVENTS}, 2, id="v2, a bind mount of our own"),
        pytest.param("0::/a b:c\n", {"/sys/fs/cgroup/a b:c/memory.events": EVENTS}, 2, id="any characters in the path"),
        pytest.param(
            "5:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/y\n",
            {"/sys/fs/cgroup/memory/docker/1/memory.oom_control": CONTROL, "/sys/fs/cgroup/y/memory.events": EVENTS.replace("kill 2", "kill 9")},
            2,
            id="v1 beside a unified hierarchy",
        ),
        pytest.param("4:memory:/docker/1\n", {"/sys/fs/cgroup/memory/memory.oom_control": CONTROL}, 2, id="v1, a bind mount of our own"),
        pytest.param("4:hugetlb,memory:/\n", {"/sys/fs/cgroup/memory/memory.oom_control": CONTROL}, 2, id="v1, several controllers in one"),
        pytest.param(
            "4:memory:/\n",
            {"/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"},
            0,
            id="an old kernel that does not count",
        ),
        pytest.param("0::/\n", {}, 0, id="no cgroup file system"),
        pytest.param("", {}, 0, id="no cgroups"),
    ],
)
def test_the_counter_is_found_wherever_it_is(proc: str, files: dict[str, str], kills: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both versions, with and without a cgroup namespace; 0 where nothing can be known."""
    contents = {path.encode(): text.encode() for path, text in {"/proc/self/cgroup": proc, **files}.items()}
    monkeypatch.setattr(cgroup, "_read", lambda path: contents.get(path, b""))
    assert cgroup.oom_kills() == kills


def test_without_proc_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that is no error."""

    def no_file(*_: object) -> int:
        raise FileNotFoundError

    monkeypatch.setattr("kubexit.linux.cgroup.posix.open", no_file)
    assert cgroup.oom_kills() == 0
