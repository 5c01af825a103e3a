"""Names of the signals of Linux on every architecture that has no numbering of its own (signal(7)): all but alpha, mips, parisc, sparc."""

from __future__ import annotations

# fmt: off
NAMES = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
    "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
)
# fmt: on
NUMBERS = {name: number for number, name in enumerate(NAMES, 1)}
ALIASES = {"IOT": 6, "CLD": 17, "POLL": 29}
INT, QUIT, KILL, TERM, CONT, TSTP, TTIN, TTOU, URG, WINCH = (
    NUMBERS[name] for name in ("INT", "QUIT", "KILL", "TERM", "CONT", "TSTP", "TTIN", "TTOU", "URG", "WINCH")
)
RTMIN = 34  # as programs see it: 32 and 33 are the C library's own
RTMAX = 64
ACCEPTED = "a name such as TERM or SIGTERM, RTMIN+n, RTMAX-n, or a number from 1 to 64"


def signal_number(text: str) -> int:
    """Read a signal's name, with or without SIG, in any case, or its number; a ValueError says what is accepted."""
    name = text.upper().removeprefix("SIG")
    number = NUMBERS.get(name) or ALIASES.get(name) or _real_time(name) or (int(name) if _is_number(name) else 0)
    if not 1 <= number <= RTMAX:
        raise ValueError("is no signal; accepted is " + ACCEPTED)
    return number


def _real_time(name: str) -> int:
    base, sign = (RTMIN, 1) if name.startswith("RTMIN") else (RTMAX, -1) if name.startswith("RTMAX") else (0, 0)
    offset = name[5:] or ("+0" if sign > 0 else "-0")
    if not base or offset[0] != ("+" if sign > 0 else "-") or not _is_number(offset[1:]):
        return 0
    number = base + sign * int(offset[1:])
    return number if RTMIN <= number <= RTMAX else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3


def signal_name(number: int) -> str:
    """Give the name with SIG: SIGTERM, SIGRTMIN+3."""
    if number <= len(NAMES):
        return "SIG" + NAMES[number - 1]
    if number < RTMIN:
        return f"signal {number}"
    return f"SIGRTMIN+{number - RTMIN}" if number > RTMIN else "SIGRTMIN"
