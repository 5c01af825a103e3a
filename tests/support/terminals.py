"""Pseudo-terminals, and a shell with job control at one: what Ctrl-C, Ctrl-Z, `fg` and a closed window do is the kernel's and bash's own."""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import struct
import subprocess
import termios
from typing import TYPE_CHECKING

from support import processes
from support.lines import Lines

if TYPE_CHECKING:
    from support.world import World

CONTROL_C, CONTROL_BACKSLASH, CONTROL_Z = b"\x03", b"\x1c", b"\x1a"
PROMPT = "what now?"  # a line of its own, so that everything on the screen is a line


class Terminal:
    """A pseudo-terminal that the test sits at: `slave` is for programs, the test has the screen and the keys."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.change(off=termios.ECHO, on=termios.NOFLSH)  # a key does not throw away what was said before it
        self.screen = Lines(self.master, "the terminal")

    def change(self, *, off: int = 0, on: int = 0) -> None:
        """Change local modes (termios(3), c_lflag)."""
        attributes = termios.tcgetattr(self.slave)
        attributes[3] = attributes[3] & ~off | on
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)

    def press(self, keys: bytes) -> None:
        """Press keys that are no text."""
        os.write(self.master, keys)

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.master, line.encode() + b"\n")

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def foreground(self) -> int:
        """Give the foreground process group."""
        return os.tcgetpgrp(self.master)

    def hang_up(self) -> None:
        """Close the window."""
        master, self.master = self.master, -1
        if master >= 0:
            os.close(master)

    def close(self) -> None:
        """Close both ends."""
        self.hang_up()
        os.close(self.slave)


class Shell:
    """An interactive bash, the session leader of a terminal of its own."""

    def __init__(self, world: World, terminal: Terminal, **variables: str) -> None:
        self.terminal = terminal
        self._installation = world.installation
        environment = world.environment({"TERM": "dumb", "PS1": PROMPT + "\n", **variables})
        bash = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
        end = terminal.slave
        self.process = subprocess.Popen(
            [world.installation.stage, "--terminal", "--", *bash], stdin=end, stdout=end, stderr=end, env=environment, cwd=world.root
        )
        self.pid = self.process.pid
        self.prompts()

    def prompts(self) -> None:
        """Wait until it asks for the next command."""
        self.sees(PROMPT)

    def sees(self, beginning: str) -> str:
        """Wait for a line on the screen that begins like this."""
        return self.terminal.screen.until(lambda line: line.startswith(beginning), f"on the screen: {beginning!r}")

    def supervise(self, *commands: str, program: str = "", after: str = "") -> None:
        """Type the start of a kubexit whose child is an actor (or another program); `after` is what follows in the line."""
        words = [*self._installation.command, program or self._installation.actor, *commands]
        self.terminal.type(f"{shlex.join(words)} {after}")

    def close(self) -> None:
        """Kill it and all that it started."""
        for pid in processes.pids():
            if pid != self.pid and _session(pid) == self.pid:
                processes.kill(pid)
                processes.wait_gone(pid)
        self.process.kill()
        self.process.wait()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
