"""What to do, in the imperative: all that `lifecycle.step` ever asks for."""

from __future__ import annotations

from kubexit.domain.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubexit.domain.config import StopRequest


class StartChild(Record):
    """Fork; ChildStarted or StartFailed follows."""


class SignalChild(Record):
    """Send a signal to the child, or to its process group if it leads one."""

    number: int


class RequestStop(Record):
    """Send the HTTP request that asks the child to stop; StopRequestAnswered follows."""

    request: StopRequest
    patience: int  # nanoseconds


class EndPodWatch(Record):
    """Stop reading the pod's status: nothing depends on it any more."""


class StopSelf(Record):
    """Stop as the child has stopped (job control), and return when somebody continues us."""


class RecordBirth(Record):
    """Carve the tombstone with Born."""


class Warn(Record):
    """Say in the log what is wrong while the work goes on."""

    message: str


class Trace(Record):
    """Note an event in one of the event traces of the log."""

    trace: str
    message: str


Action = StartChild | SignalChild | RequestStop | EndPodWatch | StopSelf | RecordBirth | Warn | Trace
