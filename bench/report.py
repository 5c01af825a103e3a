"""The results as Markdown: the same text on the terminal and in docs/PERFORMANCE.md."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench import measure
from bench.forms import FLOOR, SINGLE_FILE, TREE, Form

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.measure import Samples

ABSENT = ""  # a cell of what a program does not do


@dataclasses.dataclass(frozen=True)
class Aim:
    """An upper limit for a form's measure, or for its ratio to another: the floor's, or its own."""

    form: Form
    measure: str
    limit: float
    against: str | None = None  # the measure that it is divided by
    base: Form | None = FLOOR  # whose; None: its own
    unit: str = ""

    def row(self, samples: Samples) -> list[str]:
        """Give the aim, what is reached (median, minimum) and whether that is enough. The medians decide."""
        what = f"{self.form.name}: {self.measure}"
        if self.against:
            what += f" / {'floor' if self.base else 'its'} {self.against}"
        reached = [self._reached(take) for take in (samples.median, samples.least)]
        verdict = "not measured" if reached[0] is None else "yes" if round(reached[0], 2) <= self.limit else "**no**"
        return [what, f"≤ {self.limit:g}{self.unit}", *(_number(value, 2) for value in reached), verdict]

    def _reached(self, take: Callable[[str, Form], float | None]) -> float | None:
        value = take(self.measure, self.form)
        return _ratio(value, take(self.against, self.base or self.form)) if self.against else value


AIMS = (
    Aim(TREE, measure.START, 1.45, measure.START),
    Aim(TREE, measure.EXIT, 1.25, measure.EXIT),
    Aim(SINGLE_FILE, measure.START, 2.1, measure.START),
    *(Aim(form, measure.TOLD, 0.16, measure.START) for form in (TREE, SINGLE_FILE)),
    *(Aim(form, measure.TOLD_ALL, 2.5, measure.START) for form in (TREE, SINGLE_FILE)),
    *(Aim(form, measure.RSS_ONE, 11, unit=" MB") for form in (TREE, SINGLE_FILE)),
    *(Aim(form, measure.SWITCHES, 0) for form in (TREE, SINGLE_FILE)),
    *(Aim(form, measure.WAITED, 2, measure.IMPORTED, None) for form in (TREE, SINGLE_FILE)),
    *(Aim(form, measure.RSS_WAITED, 1.02, measure.RSS_ALONE, None) for form in (TREE, SINGLE_FILE)),
    Aim(SINGLE_FILE, measure.SIZE, 30, unit=" MB"),
)


def render(samples: Samples, forms: Sequence[Form], idle_seconds: float) -> str:
    """Give all tables."""
    kubexits = [form for form in forms if form.is_kubexit]
    start = _timing_rows(samples, forms, (measure.START, measure.EXIT, measure.CPU))
    told = _timing_rows(samples, kubexits, (measure.TOLD, measure.TOLD_ALL))
    memory = (measure.RSS_ONE, measure.PSS_ONE, measure.RSS_ALL, measure.PSS_ALL)
    weights = [[form.name, *(_number(samples.median(name, form), 1) for name in memory)] for form in forms]
    idle = [[form.name, _number(samples.median(measure.SWITCHES, form), 0), _number(samples.median(measure.IDLE_CPU, form), 3)] for form in forms]
    waits = (measure.IMPORTED, measure.WAITED, measure.WAITED_CPU)
    waited = [
        [form.name, *(_pair([samples.median(name, form), samples.least(name, form)]) for name in waits)]
        + [_number(samples.median(name, form), 2) for name in (measure.RSS_ALONE, measure.RSS_WAITED)]
        for form in kubexits
        if form.is_shipped
    ]
    sizes = [[form.name, _number(samples.median(measure.SIZE, form), 2)] for form in forms if form.file]
    return "\n\n".join(
        (
            "**Start** (ms: median / minimum; / floor: the same two as ratios)\n\n"
            + _table(["", measure.START, "/ floor", measure.EXIT, "/ floor", measure.CPU, "/ floor"], start),
            "**Stop** (ms: median / minimum; / floor: ratios to the floor's start to child)\n\n"
            + _table(["", measure.TOLD, "/ floor", measure.TOLD_ALL, "/ floor"], told),
            "**Memory** of supervisors whose child sleeps (MB of 10⁶ bytes, medians)\n\n" + _table(["", *memory], weights),
            f"**Idle** for {idle_seconds:g} s, all supervisors of a pod (kubexit: main and one sidecar with a death dependency)\n\n"
            + _table(["", "context switches", "CPU time (ms)"], idle),
            "**Wait for the pod's status** (ms: median / minimum; MB: medians)\n\n"
            + _table(["", *waits, measure.RSS_ALONE, measure.RSS_WAITED], waited),
            "**Size** (MB of 10⁶ bytes)\n\n" + _table(["", "size"], sizes),
            "**Aims** (the medians decide)\n\n" + _table(["", "aim", "median", "minimum", "reached"], [aim.row(samples) for aim in AIMS]),
        )
    )


def _timing_rows(samples: Samples, forms: Sequence[Form], measures: Sequence[str]) -> list[list[str]]:
    rows = []
    for form in forms:
        row = [form.name]
        for name in measures:
            values = [samples.median(name, form), samples.least(name, form)]
            base = name if samples.median(name, FLOOR) else measure.START
            floor = [samples.median(base, FLOOR), samples.least(base, FLOOR)]
            row += [_pair(values), _pair([_ratio(value, least) for value, least in zip(values, floor, strict=True)])]
        rows.append(row)
    return rows


def _ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def _pair(values: Sequence[float | None]) -> str:
    return ABSENT if None in values else " / ".join(_number(value, 2) for value in values)


def _number(value: float | None, digits: int) -> str:
    return ABSENT if value is None else f"{value:.{digits}f}"


def _table(head: list[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table with columns of one width, so that it can be read as it stands."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = ["-" * width if column == 0 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    lines = []
    for row in (head, rule, *rows):
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
