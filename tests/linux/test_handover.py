"""linux/handover.py: what the child gets is what we were started with, byte for byte."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from kubexit.linux import handover
from kubexit.linux.handover import HID, SINGLE_FILE, SOURCE, TREE, Start
from kubexit.linux.libc import call, string_array
from linux.forks import Process, bits, set_mask

APP = Path(handover.__file__).parents[2]
PYTHON = f"{sys.base_prefix}/bin/python3.11"
SCRIPT = f"""
import sys; sys.path.insert(0, {str(APP)!r})
from kubexit.linux.handover import take_over
from kubexit.linux import signals
start = take_over()
try:
    import wave
    late_import = True
except ImportError:
    late_import = False
import posix
now = signals.block_all()
data = repr((start.environment, start.mask, start.ignored, start.form, now, late_import, start.argv0, start.program, start.place)).encode()
while data: data = data[posix.write(FD, data):]
AFTER
"""
UNBLOCKABLE = bits(9, 19)
Found = tuple[list[bytes], int, int, str, int, bool, bytes, bytes, bytes]


def started_with(environment: list[bytes], mask: int = 0, *, before: str = "", after: str = "") -> Found:
    """Give what take_over finds in an interpreter that was executed with exactly this environment and mask."""
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)

    def execute() -> None:
        set_mask(mask)
        script = (before + SCRIPT).replace("FD", str(writer)).replace("AFTER", after).encode()
        # not isolated from its environment, but free of what it may say to Python: those who start kubexit set PYTHON* as they like
        call("execve", PYTHON.encode(), string_array([PYTHON.encode(), b"-E", b"-S", b"-c", script]), string_array(environment))

    process = Process(execute)
    os.close(writer)
    data = b""
    while part := os.read(reader, 1 << 20):
        data += part
    os.close(reader)
    assert process.end() == 0
    found: Found = ast.literal_eval(data.decode())
    return found


ODD = [
    b"B=2",
    b"A=1",
    b"A=3",
    b"=no name",
    b"no equals sign",
    b"X=\xff\xfe",
    b"EMPTY=",
    b"NL=a\nb",
    b"LC_ALL=C",
    b"PYTHONPATH=/nowhere",
    b"L=" + b"x" * 100_000,
]


@pytest.mark.parametrize(
    "environment",
    [[], [b"A=1"], ODD, [b"V%d=%d" % (number, number) for number in range(5000)]],
    ids=["empty", "one", "odd", "many"],
)
def test_from_source_the_environment_is_that_of_the_start(environment: list[bytes]) -> None:
    """Order, repeated names, entries without "=", any bytes; and nothing that the interpreter has added, as its locale coercion does."""
    found = started_with(environment)
    assert found[0] == environment
    assert (found[3], found[6]) == (SOURCE, b"-c")
    assert os.fsdecode(found[7]) == PYTHON


@pytest.mark.parametrize("mask", [0, bits(15), bits(1, 2, 15, 32, 33, 34, 64)])
def test_from_source_the_mask_is_that_of_the_start_and_everything_is_blocked_now(mask: int) -> None:
    """All 64 signals."""
    found = started_with([], mask)
    assert (found[1], found[4] | UNBLOCKABLE) == (mask, 2**64 - 1)


FROZEN = [
    b"_KUBEXIT_ARGV0=/koordinator/koordinator",
    b"_KUBEXIT_MASK=4001",
    b"_KUBEXIT_IGNORED=10002",
    b"_PYI_ARCHIVE_FILE=/x/kubexit",
    b"_PYI_PARENT_PROCESS_LEVEL=1",
]
FROZEN += [b"_PYI_APPLICATION_HOME_DIR=/x", b"_PYI_LINUX_PROCESS_NAME=kubexit"]


def test_the_tree_gives_back_what_its_start_code_noted() -> None:
    """Mask and dispositions come from there, and our own variables are gone."""
    found = started_with([b"A=1", *FROZEN, b"B=2"], bits(5))
    assert found[:4] == ([b"A=1", b"B=2"], 0x4001, 0x10002, TREE)
    assert found[5], "modules can be imported: nothing was removed"
    assert found[6] == b"/koordinator/koordinator", "the name that picks the role"
    assert found[7] == b"/x/kubexit", "beside which the helper lies"


def test_hidden_variables_come_back_in_their_places() -> None:
    """LD_PRELOAD and its like would have been obeyed by the bundled loader; names of our own that the user has set are hidden, too."""
    hidden = [
        b"LD_PRELOAD=/x.so",
        b"LD_PRELOAD=/y.so",
        b"_KUBEXIT_MASK=ff",
        b"_PYI_ARCHIVE_FILE=z",
        b"STATICX_BUNDLE_DIR=/x",
        b"_KUBEXIT_HID.A=b",
        b"LD_X",
    ]
    environment = [b"A=1", *(HID + entry for entry in hidden), *FROZEN, b"Z=1"]
    assert started_with(environment)[0] == [b"A=1", *hidden, b"Z=1"]


def test_the_single_file_removes_its_unpacked_bundle(tmp_path: Path) -> None:
    """Files and links of it, but not what links lead to; and late imports fail in the ordinary way."""
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for name in ("kubexit", "lib.so"):
        (bundle / name).write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").touch()
    (bundle / "link").symlink_to(tmp_path / "outside")
    (bundle / "dangling").symlink_to("nowhere")
    environment = [b"A=1", *FROZEN, b"STATICX_BUNDLE_DIR=" + os.fsencode(bundle), b"STATICX_PROG_PATH=/x/kubexit"]
    found = started_with(environment)
    assert found[:4] == ([b"A=1"], 0x4001, 0x10002, SINGLE_FILE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["outside"]
    assert (tmp_path / "outside" / "precious").exists()
    assert not found[5]
    assert found[7:] == (b"/x/kubexit", os.fsencode(tmp_path)), "where a helper is started from, and unpacks itself"


def test_descriptors_that_hold_the_bundle_in_memory_are_closed(tmp_path: Path) -> None:
    """Where only a noexec folder was to be had; the child must not inherit them."""
    (tmp_path / "bundle").mkdir()
    environment = [*FROZEN, b"STATICX_BUNDLE_DIR=" + os.fsencode(tmp_path / "bundle"), b"_KUBEXIT_MEMFDS=200,201,"]
    before = "import posix; [posix.dup2(2, fd) for fd in (200, 201, 202)]\n"
    after = "assert {'202'} == {'200', '201', '202'} & set(posix.listdir('/proc/self/fd'))"
    assert started_with(environment, before=before, after=after)[3] == SINGLE_FILE


def test_without_proc_the_interpreter_s_own_copy_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree works as pid 1 of a container without /proc: repeated names are lost then, the rest is there."""
    monkeypatch.setattr("kubexit.linux.handover.posix.open", _no_file)
    monkeypatch.setattr("kubexit.linux.handover.posix.environ", {b"A": b"1", b"X": b"\xff"})
    assert handover._entries() == [b"A=1", b"X=\xff"]  # noqa: SLF001  take_over would block all signals


def _no_file(*_: object, **__: object) -> int:
    raise FileNotFoundError


def test_variables_are_seen_as_getenv_sees_them() -> None:
    """The first entry of a name counts; bytes that are no UTF-8 survive."""
    start = Start(
        b"kubexit",
        [b"KUBEXIT_NAME=a", b"KUBEXIT_NAME=b", b"KUBEXIT_X=\xff", b"KUBEXIT_EMPTY=", b"KUBEXIT_NO", b"PATH=/", b"KUBERNETES_SERVICE_HOST=h=1"],
        0,
        0,
        SOURCE,
    )
    assert start.variables(b"KUB") == {"KUBEXIT_NAME": "a", "KUBEXIT_X": "\udcff", "KUBEXIT_EMPTY": "", "KUBERNETES_SERVICE_HOST": "h=1"}
