"""What happened, in the past tense: all that ever reaches `lifecycle.step`."""

from __future__ import annotations

from kubexit.domain.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubexit.domain.dependencies import Container, Peer


class PeerChanged(Record):
    """The graveyard says something new of a dependency."""

    name: str
    peer: Peer


class GraveyardSurveyed(Record):
    """Every dependency has been looked at once: the PeerChanged events so far are what was true before us."""


class PodChanged(Record):
    """The pod's status says something new: this is all that it says of our dependencies, and of ourselves."""

    containers: Mapping[str, Container]


class PodTroubled(Record):
    """The pod's status cannot be read at the moment; it is tried again."""

    why: str


class PodWatchFailed(Record):
    """The pod's status cannot be read, or what we wait for cannot come true."""

    why: str
    internal: bool = False  # the helper program broke down


class PodGone(Record):
    """The pod is being deleted, or is no more: SIGTERM is about to come, or was meant for others."""

    why: str


class SignalReceived(Record):
    """Somebody sent us a signal other than SIGCHLD."""

    number: int
    from_terminal: bool = False  # the kernel sent it to the whole foreground process group: the child has had it already
    ignored: bool = False  # it was ignored when we were started, as with nohup


class ChildStarted(Record):
    """The child executes its program, or died while it was about to."""


class StartFailed(Record):
    """There is no child: `reason` says why, `code` is the exit status owed."""

    code: int
    reason: str


class ChildStopped(Record):
    """The child was stopped, by Ctrl-Z or SIGSTOP, and not by its end."""


class ChildContinued(Record):
    """We were stopped with the child and continued, and so was the child, by somebody else: a shell's `fg` continues its whole job."""


class ChildExited(Record):
    """The child ended and was reaped: by exit(`code`), or by `signal`, else 0."""

    code: int
    signal: int = 0
    out_of_memory: bool = False  # the kernel's OOM killer was at work in this container


class StopRequestAnswered(Record):
    """The HTTP request that asks the child to stop is over."""

    error: str = ""  # "": it was taken


class DeadlinePassed(Record):
    """The time that the state waited for has come."""


Event = (
    PeerChanged
    | GraveyardSurveyed
    | PodChanged
    | PodTroubled
    | PodWatchFailed
    | PodGone
    | SignalReceived
    | ChildStarted
    | StartFailed
    | ChildStopped
    | ChildContinued
    | ChildExited
    | StopRequestAnswered
    | DeadlinePassed
)
