"""The child process: fork, exec, signals to it, and reaping all that ends."""

from __future__ import annotations

import posix
from errno import EACCES, ENODEV, ENOENT, ENOEXEC, ENOTDIR, ESTALE, ETIMEDOUT

from kubexit.linux import signals, terminal
from kubexit.linux.fd import Descriptor
from kubexit.linux.libc import call, string_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from kubexit.linux.handover import Start

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SIGKILL = 9
WNOHANG_WUNTRACED = posix.WNOHANG | posix.WUNTRACED
DEFAULT_PATH = b"/bin:/usr/bin"  # where there is no PATH, as execvp has it
SHELL = b"/bin/sh"  # runs an executable file without a "#!" line, as execvp does
GO_ON = (ENOENT, ENOTDIR, EACCES, ESTALE, ENODEV, ETIMEDOUT)  # errors after which execvp tries the next folder


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends: the kernel has no other to reap them in a container."""
    call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with(parent: int) -> bool:
    """Have the kernel kill this new process when `parent` dies, over its exec too; False: that is dead already."""
    call("prctl", PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    return posix.getppid() == parent


class Command:
    """A command line made ready for exec: after the fork there is little left to do."""

    def __init__(self, arguments: Sequence[bytes], environment: Sequence[bytes]) -> None:
        self._environment = string_array(environment)
        self._arguments = list(arguments)
        self._argument_array = string_array(arguments)
        self._paths = _candidates(arguments[0], environment)

    def execute(self) -> NoReturn:
        """Replace this process by the command; an OSError says why that failed, as it would to execvp's caller."""
        denied: OSError | None = None
        for path in self._paths:
            try:
                self._execve(path)
            except OSError as error:
                if error.errno not in GO_ON:
                    raise
                if error.errno == EACCES:
                    denied = error
                last = error
        raise denied or last

    def _execve(self, path: bytes) -> None:
        try:
            call("execve", path, self._argument_array, self._environment)
        except OSError as error:
            if error.errno != ENOEXEC or not _is_script(path):
                raise
            call("execve", SHELL, string_array([SHELL, path, *self._arguments[1:]]), self._environment)


def _is_script(path: bytes) -> bool:
    """Tell whether the first line is text, as shells do: a program for another machine is no script."""
    try:
        fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return False
    start = posix.read(fd, 256)
    posix.close(fd)
    return b"\0" not in start.partition(b"\n")[0]


def _candidates(command: bytes, environment: Sequence[bytes]) -> list[bytes]:
    """Give the paths to try: the command itself if it has a slash, else in each folder of the caller's PATH."""
    if b"/" in command or not command:
        return [command]
    path = next((entry[5:] for entry in environment if entry.startswith(b"PATH=")), DEFAULT_PATH)
    return [(folder + b"/" if folder else b"") + command for folder in path.split(b":")]


class Child:
    """The one child that we supervise. `started` becomes readable when it executes its program, or has failed to."""

    def __init__(self, command: Command, start: Start, *, lead_group: bool) -> None:
        """Fork. An OSError says why there is no child."""
        self._parent = posix.getpid()
        self._group = lead_group
        reader, writer = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)
        self._terminal = terminal.controlling_descriptor() if lead_group else None
        self._in_foreground = self._terminal is not None and terminal.is_foreground(self._terminal)
        self.pid = posix.fork()
        if self.pid == 0:
            self._become(command, start, writer)
        posix.close(writer)
        self.started = Descriptor(reader)
        if lead_group:
            self._form_group(self.pid)  # here too: whichever of us comes first, no signal finds the group missing

    def _form_group(self, pid: int) -> None:
        try:
            posix.setpgid(pid, pid)
        except OSError:  # it executes its program already, and had done so itself
            return
        if self._terminal is not None and self._in_foreground:
            terminal.set_foreground(self._terminal, pid)

    def _become(self, command: Command, start: Start, writer: int) -> None:
        """Run in the child, and never return: give back what we were given, execute. The error's number goes over the pipe."""
        try:
            if self._group:
                self._form_group(posix.getpid())
            if not die_with(self._parent):
                return
            signals.restore(start.mask, start.ignored)
            command.execute()
        except OSError as error:
            posix.write(writer, str(error.errno).encode())
        finally:
            posix._exit(127)

    def start_error(self) -> int | None:
        """Give the errno of the failed exec, 0 if the program runs or the child died before; None: not known yet."""
        try:
            return int(posix.read(self.started.fd, 16) or b"0")
        except BlockingIOError:
            return None

    def send(self, number: int) -> None:
        """Send a signal, to the whole group if the child leads one. It has not been reaped, so the pid is still its own."""
        try:
            posix.kill(-self.pid if self._group else self.pid, number)
        except (ProcessLookupError, PermissionError):  # a group of zombies; a child that became another user
            pass

    def is_in_our_group(self) -> bool:
        """Tell whether what a terminal sends to our process group reaches the child too: it may have left the group."""
        return posix.getpgid(self.pid) == posix.getpgrp()

    def has_left_its_stop(self) -> bool:
        """Tell whether it was continued since its stop was reaped, even if it has stopped again by now or ended (waitid(2))."""
        changes = posix.WCONTINUED | posix.WSTOPPED | posix.WEXITED
        return posix.waitid(posix.P_PID, self.pid, changes | posix.WNOHANG | posix.WNOWAIT) is not None

    def take_terminal(self) -> None:
        """Make our own group the terminal's foreground group again, if the child's was."""
        if self._terminal is not None and terminal.foreground_group(self._terminal) == self.pid:
            terminal.set_foreground(self._terminal, posix.getpgrp())

    def give_terminal(self) -> None:
        """Make the child's group the foreground group, if ours is: a shell's `fg` made it so, `bg` does not."""
        if self._terminal is not None and terminal.is_foreground(self._terminal):
            terminal.set_foreground(self._terminal, self.pid)


def reap() -> tuple[int, int]:
    """Give pid and wait status of one process that ended or stopped, pid 0 if there is none (waitpid(2))."""
    try:
        return posix.waitpid(-1, WNOHANG_WUNTRACED)
    except ChildProcessError:
        return 0, 0


def stop_signal(status: int) -> int:
    """Give the signal that stopped a process, 0 if the status says that it ended."""
    return posix.WSTOPSIG(status) if posix.WIFSTOPPED(status) else 0


def exit_of(status: int) -> tuple[int, int]:
    """Give the exit code and the signal (0 if none) of a wait status of a process that ended."""
    if posix.WIFSIGNALED(status):
        return 0, posix.WTERMSIG(status)
    return posix.WEXITSTATUS(status), 0
