"""From the way a child ended to the exit status that the kubelet sees (KUBEXIT_EXIT_CODES)."""

from __future__ import annotations

from kubexit.domain.record import Record

USAGE = 2  # configuration or usage error, duplicate name
FAILURE = 1  # birth timeout or failure, unusable graveyard, internal error
CANNOT_EXECUTE = 126
NOT_FOUND = 127
SIGNALLED = 128  # + the signal's number
STOPPED_BEFORE_START = 143  # a death dependency was dead before the child could be started

STOPPED = "stopped"  # told to stop by dependencies that all succeeded, and obeyed
STOPPED_ALWAYS = "stopped-always"  # the same, however the dependencies ended
KILLED = "killed"  # the grace period ran out
CAUSES = (STOPPED, STOPPED_ALWAYS, KILLED)
# What koordinator distinguishes besides; no KUBEXIT_EXIT_CODES has them
TOLD = "told"  # told to stop by dependencies, and ended in any way before the grace period was over
NOT_STARTED = "not-started"  # dependencies were dead before the child could be started
ANY = "*"


class ExitRule(Record):
    """`when` is a cause, an exit code or `*`; `then` is the exit code reported."""

    when: str | int
    then: int

    @property
    def text(self) -> str:
        return f"{self.when}:{self.then}"


DEFAULT_RULES = (ExitRule(STOPPED, 0),)


def reported_code(code: int, causes: frozenset[str], rules: tuple[ExitRule, ...]) -> int:
    """Give the exit status for an end with `code` that has these causes: the first matching rule decides."""
    for rule in rules:
        if rule.when in (ANY, code) or rule.when in causes:
            return rule.then
    return code


def parse_exit_rules(items: list[str]) -> tuple[ExitRule, ...]:
    """Read `stopped:0`, `143:0`, `*:5`; a ValueError names the item and says what is accepted."""
    return tuple(_parse_rule(item) for item in items)


def _parse_rule(item: str) -> ExitRule:
    when, _, then = item.rpartition(":")
    code = exit_code(then)
    cause: str | int | None = when if when in (*CAUSES, ANY) else exit_code(when)
    if cause is None or code is None:
        accepted = f"{', '.join(CAUSES)}, * or a code from 0 to 255, a colon, a code from 0 to 255"
        raise ValueError(f"has {item!r}; accepted is a list of rules such as stopped:0,143:0,*:5, each: {accepted}")
    return ExitRule(cause, code)


def exit_code(text: str) -> int | None:
    """Read an exit code from 0 to 255, None if it is none."""
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255:
        return int(text)
    return None
