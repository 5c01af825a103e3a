"""A run of the helper program, which talks to a network for us: what it reports, and how it ended."""

from __future__ import annotations

import posix
import select

from kubexit.domain.reports import parse_report
from kubexit.domain.signal_names import KILL, signal_name
from kubexit.linux.fd import Descriptor
from kubexit.linux.helper import HelperProgram
from kubexit.linux.process import exit_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubexit.linux.handover import Start

LONGEST_LINE = 65_536  # bytes; none of its reports is as long
LAST_WORDS = 1_000  # bytes of what it says besides, which is told when it breaks down
PATIENCE = 1_000  # milliseconds that a killed helper may take to be gone


class Helper:
    """Starts the helper program, as often as is wished, and reads its reports. The descriptor to wait on stays the same."""

    def __init__(self, start: Start, arguments: Sequence[str]) -> None:
        self._arguments = [argument.encode("utf-8", "surrogateescape") for argument in arguments]
        reader, writer = posix.pipe2(posix.O_CLOEXEC)
        posix.set_blocking(reader, False)
        self._reader, self._writer = Descriptor(reader), Descriptor(writer)
        self._program = HelperProgram(start)
        self._buffer = b""
        self._words = b""
        self.pid = 0

    def fileno(self) -> int:
        """Give the descriptor that becomes readable when it has reported something."""
        return self._reader.fd

    def run(self) -> None:
        """Start the program. An OSError says why there is no process; all else is told by its reports and its end."""
        self._buffer = self._words = b""
        self.pid = self._program.start(self._arguments, self._writer.fd)

    def reports(self) -> Iterator[tuple[str, ...]]:
        """Give what it has reported since the last look, each as kind and fields."""
        while data := self._read():
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            if len(self._buffer) > LONGEST_LINE:
                self._buffer = b""
            for line in lines:
                report = parse_report(line)
                if report is None:
                    self._words = (self._words + b" " + line.strip())[-LAST_WORDS:]
                else:
                    yield report

    def _read(self) -> bytes:
        try:
            return posix.read(self._reader.fd, LONGEST_LINE) if self._reader.fd >= 0 else b""
        except BlockingIOError:
            return b""

    def reaped(self, status: int) -> str:
        """Be told of its end; give how it ended, for a message."""
        self.pid = 0
        self._program.clean_up()
        code, signal = exit_of(status)
        how = f"was ended by {signal_name(signal)}" if signal else f"exited {code}"
        if signal == KILL:
            how += " (was this container out of memory?)"
        words = (self._words + b" " + self._buffer.strip()).decode("utf-8", "replace").strip()
        return f"{how}: {words}" if words else how

    def end(self) -> None:
        """Kill it, and close the pipe: nothing of it is left but a process that is about to be reaped."""
        if self.pid:
            posix.kill(self.pid, KILL)
        self._reader.close()
        self._writer.close()

    def wait_gone(self) -> None:
        """Wait until the killed process is gone, so that all it has unpacked can be removed. One that the kernel keeps is left to itself."""
        if not self.pid:
            return
        fd = posix.pidfd_open(self.pid)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.poll(PATIENCE)
        posix.close(fd)
        self._program.clean_up()
