"""What to do, in the imperative: all that `lifecycle.step` ever asks for."""

from __future__ import annotations

from kubexit.domain.record import Record


class StartChild(Record):
    """Fork; ChildStarted or StartFailed follows."""


class SignalChild(Record):
    """Send a signal to the child, or to its process group if it leads one."""

    number: int


class StopSelf(Record):
    """Stop as the child has stopped (job control), and return when somebody continues us."""


class RecordBirth(Record):
    """Carve the tombstone with Born."""


class Trace(Record):
    """Note an event in one of the event traces of the log."""

    trace: str
    message: str


Action = StartChild | SignalChild | StopSelf | RecordBirth | Trace
