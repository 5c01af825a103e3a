"""linux/fd.py and linux/libc.py against the kernel."""

from __future__ import annotations

import errno
import itertools
import os

import pytest

from kubexit.linux.fd import Descriptor, reserve_standard_descriptors
from kubexit.linux.libc import call, string_array
from linux.forks import in_a_process

SUBSETS = [closed for size in range(4) for closed in itertools.combinations((0, 1, 2), size)]


@pytest.mark.parametrize("closed", SUBSETS, ids=str)
@in_a_process
def test_closed_standard_descriptors_are_taken_up(closed: tuple[int, ...]) -> None:
    """Else the next file that we open would be the standard error of the log; the child finds them closed as they were."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
        if fd in closed:
            os.close(fd)
    assert reserve_standard_descriptors() == frozenset(closed)
    assert os.open("/dev/null", os.O_RDONLY) > 2
    assert [fd for fd in (0, 1, 2) if not os.get_inheritable(fd)] == list(closed)
    assert reserve_standard_descriptors() == frozenset()


def test_a_descriptor_is_closed_once() -> None:
    """Its number may belong to somebody else afterwards."""
    reader, writer = os.pipe()
    one = Descriptor(reader)
    assert one.fileno() == reader
    one.close()
    assert one.fd == -1
    other = os.dup(writer)
    assert other == reader
    one.close()
    os.fstat(other)
    os.close(other)
    os.close(writer)


def test_calls_give_the_result_or_the_error() -> None:
    """Numbers, texts and errno pass through; each error is the subclass of OSError that it should be."""
    assert call("getpid") == os.getpid()
    assert call("access", b"/", os.R_OK) == 0
    with pytest.raises(FileNotFoundError) as error:
        call("access", b"/nowhere", os.R_OK)
    assert (error.value.errno, error.value.strerror) == (errno.ENOENT, "No such file or directory")
    with pytest.raises(OSError, match="Bad file descriptor"):
        call("dup", 10_000)


def test_large_numbers_keep_all_their_bits() -> None:
    """The variadic prctl and syscall read whole registers."""
    fd = os.memfd_create("test")
    call("ftruncate", fd, 2**33)
    assert os.fstat(fd).st_size == 2**33
    os.close(fd)


@in_a_process
def test_a_list_of_texts_is_what_execve_takes() -> None:
    """It ends with a null pointer, an empty one too; and the texts stay alive."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        call(
            "execve",
            b"/bin/sh",
            string_array([b"sh", b"-c", b'printf "%s|" "$0" "$@"; printf "$X"', *[b"%d" % number for number in range(1000)]]),
            string_array([b"X=y"]),
        )
    os.close(writer)
    data = b""
    while part := os.read(reader, 65536):
        data += part
    assert data == b"".join(b"%d|" % number for number in range(1000)) + b"y"
    os.waitpid(child, 0)
    assert len(string_array([])) == 1  # type: ignore[arg-type]
