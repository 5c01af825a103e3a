"""Signals: all blocked and read from a descriptor. No handler runs, but for a moment in `suspend`, so none runs at the wrong instant."""

from __future__ import annotations

import posix
from _struct import Struct

from kubexit.linux.fd import Descriptor
from kubexit.linux.libc import Bits, byref, call

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal  # `signal` wraps it in enums, for 3 ms

SIGCHLD = _signal.SIGCHLD
SIGTSTP = _signal.SIGTSTP
SIGCONT = _signal.SIGCONT
SI_KERNEL = 0x80
SFD_NONBLOCK_CLOEXEC = 0o2004000
SIG_SETMASK = 2
ALL = 2**64 - 1
SIGINFO = Struct("=IiiI112x")  # struct signalfd_siginfo: ssi_signo, ssi_errno, ssi_code, ssi_pid, ...
AT_ONCE = 32  # records read by one call

# The Python interpreter sets these for itself when it starts, and we set SIGCHLD and SIGCONT: what the child gets is what we were given.
CHANGED_FOR_US = (_signal.SIGINT, _signal.SIGPIPE, _signal.SIGXFSZ, SIGCHLD, _signal.SIGCONT)

# No wrapper of glibc's lets signals 32 and 33 (its own) through, nor one of musl's 34: the kernel's call does.
SYS_RT_SIGPROCMASK = 14 if posix.uname().machine == "x86_64" else 135  # 135: the table of all newer architectures


class Received:
    """One record of the signalfd."""

    __slots__ = ("code", "number", "pid")

    def __init__(self, number: int, code: int, pid: int) -> None:
        self.number = number
        self.code = code
        self.pid = pid

    @property
    def from_terminal(self) -> bool:
        """The kernel sent it: for INT, QUIT, TSTP and WINCH that is a terminal's driver, to its whole foreground group."""
        return self.code == SI_KERNEL


class SignalFd(Descriptor):
    """All signals of this process."""

    def __init__(self) -> None:
        super().__init__(call("signalfd", -1, ALL.to_bytes(128, "little"), SFD_NONBLOCK_CLOEXEC))
        self._own_pid = posix.getpid()

    def read(self) -> list[Received]:
        """Give the signals that came, SIGCHLD included, none if there is none.

        Those that we caused ourselves are left out: SIGPIPE by a log line that nobody reads, SIGXFSZ by a tombstone.
        """
        try:
            data = posix.read(self.fd, SIGINFO.size * AT_ONCE)
        except BlockingIOError:
            return []
        received = [Received(number, code, pid) for number, _, code, pid in SIGINFO.iter_unpack(data)]
        return [signal for signal in received if signal.pid != self._own_pid or signal.number == SIGCHLD]


def block_all() -> int:
    """Block every signal and give the bits that were blocked before (bit n-1 is signal n)."""
    return _sigprocmask(SIG_SETMASK, ALL)


def _sigprocmask(how: int, mask: int) -> int:
    """Set the signal mask by the kernel's own call, and give the one before."""
    before = Bits()
    call("syscall", SYS_RT_SIGPROCMASK, how, byref(Bits(mask)), byref(before), 8)
    return int(before.value)


def expect_children() -> None:
    """Have SIGCHLD sent: where it is ignored, as our starter may have left it, the kernel reaps children unseen."""
    _signal.signal(SIGCHLD, _signal.SIG_DFL)


def ignored_signals() -> int:
    """Give the bits of the signals that are ignored now and that nobody but our starter can have ignored."""
    numbers = [n for n in _signal.valid_signals() if _signal.getsignal(n) == _signal.SIG_IGN]
    return sum(1 << number - 1 for number in numbers if number not in (_signal.SIGPIPE, _signal.SIGXFSZ))


def restore(mask: int, ignored: int) -> None:
    """Give mask and dispositions back as they were at our start; exec resets all other handlers."""
    for number in CHANGED_FOR_US:
        _signal.signal(number, _signal.SIG_IGN if ignored >> number - 1 & 1 else _signal.SIG_DFL)
    _sigprocmask(SIG_SETMASK, mask)


def suspend(*, whole_group: bool = False) -> bool:
    """Stop this process, or its whole process group, as SIGTSTP does, and return once it is continued: True if SIGCONT came.

    The kernel ignores it where no shell could continue us: for pid 1, and in an orphaned process group. It drops a pending SIGCONT
    when a stop signal is sent, so a SIGCONT is not left pending, but caught, and a SIGTSTP that it came before is taken back. Only one
    that meets the kernel in the very act of sending our SIGTSTP is lost; shells send theirs when they have seen us stopped.
    """
    target = 0 if whole_group else posix.getpid()
    came: list[int] = []
    before = _signal.signal(SIGTSTP, _signal.SIG_DFL)
    _signal.signal(SIGCONT, lambda number, _frame: came.append(number))  # stays, blocked: SIG_DFL would drop one that is pending
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (SIGCONT,))
    posix.kill(target, SIGTSTP)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, ())  # has the interpreter run the handler of what came
    if came:
        posix.kill(target, SIGCONT)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, (SIGTSTP,))
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (SIGTSTP, SIGCONT))
    _signal.signal(SIGTSTP, before)
    return bool(came)
