"""linux/locks.py against the kernel: who holds a lock, seen from another process, by another user, for reading only."""

from __future__ import annotations

import errno
import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from kubexit.linux import locks
from linux.forks import Process, Talk, become, descriptors, in_a_process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = b".main.lock"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users and devices need root")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    """Give a folder by descriptor, as the graveyard has it, with a lock file in it."""
    (tmp_path / NAME.decode()).touch()
    fd = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def hold(directory: int) -> Process:
    """Give another process that holds the lock until it is told to let go of it."""

    def live(talk: Talk) -> None:
        fd = os.open(NAME, os.O_RDWR, dir_fd=directory)
        talk.say(locks.try_lock(fd))
        talk.hear()
        os.close(fd)
        talk.say("closed")
        talk.hear()

    process = Process(live, talks=True)
    assert process.talk.hear()
    return process


def test_a_lock_is_seen_while_it_is_held_and_no_longer(directory: int) -> None:
    """Asking takes nothing: the holder holds it all the time, and could take it again at once."""
    assert locks.state_of(directory, NAME) is False
    holder = hold(directory)
    assert locks.state_of(directory, NAME) is True
    assert locks.state_of(directory, NAME) is True
    holder.talk.say()
    assert holder.talk.hear() == "closed"
    assert locks.state_of(directory, NAME) is False
    holder.talk.say()
    holder.result()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGALRM])
def test_the_kernel_lets_go_of_a_killed_holder_s_lock(directory: int, number: int) -> None:
    """However it ends."""
    holder = hold(directory)
    holder.end(number)
    assert locks.state_of(directory, NAME) is False


def test_a_second_one_does_not_get_it(directory: int) -> None:
    """Nor does the same process by another open file description; by the same one it does."""
    fds = [os.open(NAME, os.O_RDWR, dir_fd=directory) for _ in range(2)]
    assert locks.try_lock(fds[0])
    assert not locks.try_lock(fds[1])
    assert locks.try_lock(fds[0])
    os.close(fds[0])
    assert locks.try_lock(fds[1])
    os.close(fds[1])
    holder = hold(directory)
    fd = os.open(NAME, os.O_RDWR, dir_fd=directory)
    assert not locks.try_lock(fd)
    os.close(fd)
    assert locks.state_of(directory, NAME) is True
    holder.kill()


def test_asking_does_not_disturb_one_who_tries_at_the_same_moment(directory: int) -> None:
    """With flock(2) the question itself would take the lock, and a restarting supervisor would meet a second one of its name."""
    fd = os.open(NAME, os.O_RDWR, dir_fd=directory)
    asker = Process(lambda: [locks.state_of(directory, NAME) for _ in range(2000)])
    for _ in range(2000):
        assert locks.try_lock(fd)
    answers = asker.result()
    assert set(answers) <= {True, False}
    os.close(fd)


@needs_root
@in_a_process
def test_any_user_may_ask_for_reading_only(directory: int, tmp_path: Path) -> None:
    """Containers of a pod run as different users; the volume may be mounted read-only for some."""
    (tmp_path / NAME.decode()).chmod(0o444)
    holder = hold(directory)
    tmp_path.chmod(0o555)
    become(12345, tmp_path / "x")
    assert locks.state_of(directory, NAME) is True
    with pytest.raises(PermissionError):
        os.open(NAME, os.O_RDWR, dir_fd=directory)
    holder.talk.say()
    assert holder.talk.hear() == "closed"
    assert locks.state_of(directory, NAME) is False
    holder.talk.say()
    holder.result()


def test_what_is_no_lock_file_is_no_lock(directory: int, tmp_path: Path) -> None:
    """Nothing there, a link to a locked file, a folder, a FIFO, a socket: none of ours, and none is opened."""
    holder = hold(directory)
    (tmp_path / "link").symlink_to(NAME.decode())
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name in (b"missing", b"link", b"folder", b"fifo"):
        assert locks.state_of(directory, name) is None
    holder.kill()


def test_asking_does_not_open_a_fifo(directory: int, tmp_path: Path) -> None:
    """A writer that waits for a reader goes on waiting."""
    os.mkfifo(tmp_path / "fifo")

    def write(talk: Talk) -> None:
        talk.say("soon")
        os.open(tmp_path / "fifo", os.O_WRONLY)
        talk.say("somebody opened it")

    writer = Process(write, talks=True)
    assert writer.talk.hear() == "soon"
    for _ in range(100):
        assert locks.state_of(directory, b"fifo") is None
    os.kill(writer.pid, 0)
    fd = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)  # now it may go on: that was us
    assert writer.talk.hear() == "somebody opened it"
    os.close(fd)
    writer.kill()


@needs_root
@in_a_process
def test_a_lock_file_that_we_may_not_read_is_no_lock(directory: int, tmp_path: Path) -> None:
    """Nothing to wait for: it stays so."""
    (tmp_path / NAME.decode()).chmod(0)
    tmp_path.chmod(0o755)
    become(12345, tmp_path / "x")
    assert locks.state_of(directory, NAME) is None


@in_a_process
def test_a_lack_of_descriptors_is_an_error_and_no_answer(directory: int) -> None:
    """For a moment it cannot be told: that is neither held nor free."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    filler = []
    while True:
        try:
            filler.append(os.open("/", os.O_PATH))
        except OSError:
            break
    with pytest.raises(OSError, match="Too many open files") as error:
        locks.state_of(directory, NAME)
    assert error.value.errno == errno.EMFILE
    os.close(filler.pop())
    assert locks.state_of(directory, NAME) is False


def test_asking_leaves_nothing_open(directory: int, tmp_path: Path) -> None:
    """It is done at every news of every peer."""
    (tmp_path / "folder").mkdir()
    before = descriptors()
    for name in (NAME, b"missing", b"folder"):
        for _ in range(10):
            locks.state_of(directory, name)
    assert descriptors() == before
