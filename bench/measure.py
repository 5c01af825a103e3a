"""The measures. Each adds samples to `Samples` under a name; all but the idle window are taken once or oftener a round."""

from __future__ import annotations

import collections
import contextlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.runs import Pod, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.forms import Form

START, EXIT, CPU, TOLD, TOLD_ALL = "start to child", "start to exit", "CPU of that", "main's end to SIGTERM", "40 sidecars told"  # milliseconds
RSS_ONE, PSS_ONE, RSS_ALL, PSS_ALL = "RSS of one", "PSS of one", "RSS of 40", "PSS of 40"  # MB
IMPORTED, WAITED, WAITED_CPU = "helper's own start", "start to child, ready before", "CPU of that wait"  # milliseconds
SIZE = "size"  # MB
RSS_ALONE, RSS_WAITED = "RSS without a wait", "RSS after the wait"  # MB
SWITCHES, IDLE_CPU = "context switches", "CPU time"  # of a whole idle window; CPU time in milliseconds
MANY = 40  # sidecars


class Samples:
    """Everything that was measured."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], list[float]] = collections.defaultdict(list)

    def add(self, measure: str, form: Form, value: float) -> None:
        """Keep one sample."""
        self._taken[measure, form.name].append(value)

    def median(self, measure: str, form: Form) -> float | None:
        """Give the median, None if it was not measured."""
        taken = self._taken.get((measure, form.name))
        return statistics.median(taken) if taken else None

    def least(self, measure: str, form: Form) -> float | None:
        """Give the minimum, None if it was not measured."""
        return min(self._taken.get((measure, form.name), ()), default=None)


@contextlib.contextmanager
def fresh_graveyard() -> Iterator[Path]:
    """Make an empty graveyard, as a pod's emptyDir is, and remove it."""
    with tempfile.TemporaryDirectory(prefix="kubexit-bench-") as folder:
        yield Path(folder)


def measure_start(form: Form, samples: Samples) -> None:
    """Start a child that ends at once."""
    with fresh_graveyard() as graveyard:
        variables = {"KUBEXIT_NAME": "main", "KUBEXIT_GRAVEYARD": str(graveyard)} if form.is_kubexit else {}
        with Run(form, "noop", variables) as run:
            ended = run.wait()
            samples.add(START, form, (run.next_time() - run.began) / 1e6)
            samples.add(EXIT, form, (ended - run.began) / 1e6)
            samples.add(CPU, form, run.cpu_seconds * 1e3)


def measure_told(form: Form, samples: Samples) -> None:
    """Let a main container end, and one sidecar with it."""
    with fresh_graveyard() as graveyard, Pod(form, graveyard, 1) as pod:
        samples.add(TOLD, form, pod.end_main()[0] / 1e6)


def measure_many(form: Form, samples: Samples) -> None:
    """Weigh one sidecar's supervisor, then 40 of them, and let these 40 be told."""
    with fresh_graveyard() as graveyard, Pod(form, graveyard, 1, with_main=False) as pod:
        _weigh(pod, form, samples, RSS_ONE, PSS_ONE)
    with fresh_graveyard() as graveyard, Pod(form, graveyard, MANY) as pod:
        _weigh(pod, form, samples, RSS_ALL, PSS_ALL)
        if form.is_kubexit:
            samples.add(TOLD_ALL, form, max(pod.end_main()) / 1e6)


def _weigh(pod: Pod, form: Form, samples: Samples, rss: str, pss: str) -> None:
    sizes = [_memory(sidecar.pid) for sidecar in pod.sidecars]
    samples.add(rss, form, sum(size["Rss"] for size in sizes) * 1024 / 1e6)
    samples.add(pss, form, sum(size["Pss"] for size in sizes) * 1024 / 1e6)


def resident(pid: int) -> float:
    """Give what a process has in RAM, in MB."""
    return _memory(pid)["Rss"] * 1024 / 1e6


def measure_alone(form: Form, samples: Samples) -> None:
    """Weigh a supervisor that had nothing to wait for, and whose child sleeps."""
    with fresh_graveyard() as graveyard, Run(form, "main", {"KUBEXIT_NAME": "client", "KUBEXIT_GRAVEYARD": str(graveyard)}) as run:
        run.next_time()
        run.settle(graveyard / "client")
        samples.add(RSS_ALONE, form, resident(run.pid))


def _memory(pid: int) -> dict[str, int]:
    """Read Rss, Pss and the like of a process, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    return {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}


def measure_idle(forms: Iterable[Form], samples: Samples, seconds: float) -> None:
    """Leave a settled pod of each form alone, all at the same time. Nothing should happen: this is the one wait for no event."""
    with contextlib.ExitStack() as stack:
        pods = [(form, stack.enter_context(Pod(form, stack.enter_context(fresh_graveyard()), 1))) for form in forms]
        before = {form.name: _activity(pod) for form, pod in pods}
        time.sleep(seconds)
        for form, pod in pods:
            switches, nanoseconds = _activity(pod)
            samples.add(SWITCHES, form, switches - before[form.name][0])
            samples.add(IDLE_CPU, form, (nanoseconds - before[form.name][1]) / 1e6)


def _activity(pod: Pod) -> tuple[int, int]:
    """Give the context switches (proc_pid_status(5)) and the CPU nanoseconds of all supervisors of a pod."""
    switches = nanoseconds = 0
    for pid in pod.supervisors:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        switches += sum(int(line.split()[1]) for line in lines if "voluntary_ctxt_switches" in line)  # and nonvoluntary_
        nanoseconds += int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])
    return switches, nanoseconds
