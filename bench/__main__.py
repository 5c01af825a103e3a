"""`python3.11 -m bench [ROUNDS] [--write]`: measure everything in one run, print the tables, write them into the document."""

from __future__ import annotations

import argparse
import sys

from bench import machine, measure, pods, report
from bench.forms import ROOT, Form, present_forms, size_in_bytes
from bench.measure import Samples

DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- results of ci/bench --write -->", "<!-- end of the results -->"
WARM_UP_ROUNDS = 2  # files get into the page cache, modules get compiled
ROUNDS_PER_CROWD = 4  # 40 supervisors take as long to start as a whole round of the others


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="ci/bench", description="measures every form of kubexit that is there, see docs/PERFORMANCE.md")
    parser.add_argument("rounds", metavar="ROUNDS", nargs="?", type=int, default=60, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--idle", metavar="SECONDS", type=float, default=10, help="length of the idle window (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write the results into {DOCUMENT.relative_to(ROOT)}")
    options = parser.parse_args()
    forms = present_forms()
    with pods.ready_pod() as pod:
        samples = run(forms, pod, max(options.rounds, 1), options.idle)
    results = f"{machine.describe(forms, options.rounds)}\n\n{report.render(samples, forms, options.idle)}"
    sys.stdout.write(results + "\n")
    if options.write:
        write(results)


def run(forms: list[Form], pod: pods.ReadyPod, rounds: int, idle_seconds: float) -> Samples:
    """Measure: in each round every form in turn, so that whatever else the machine does meets them all alike."""
    samples = Samples()
    for number in range(-WARM_UP_ROUNDS, rounds):
        tell(f"round {max(number + 1, 0)} of {rounds}")
        turn = number % len(forms)
        measure_all(forms[turn:] + forms[:turn], pod, samples if number >= 0 else Samples(), crowd=number % ROUNDS_PER_CROWD == 0)
    tell(f"idle for {idle_seconds:g} s")
    measure.measure_idle(forms, samples, idle_seconds)
    tell("")
    for form in forms:
        if form.file:
            samples.add(measure.SIZE, form, size_in_bytes(form.file) / 1e6)
    return samples


def measure_all(forms: list[Form], pod: pods.ReadyPod, into: Samples, *, crowd: bool) -> None:
    """Measure one round; with `crowd` also what takes long."""
    kubexits, shipped = [form for form in forms if form.is_kubexit], [form for form in forms if form.is_shipped]
    for form in forms:
        measure.measure_start(form, into)
    for form in kubexits:
        measure.measure_told(form, into)
    for form in shipped:
        pod.measure_helper(form, into)
        pod.measure_wait(form, into)
    for form in forms if crowd else ():
        measure.measure_many(form, into)
    for form in shipped if crowd else ():
        measure.measure_alone(form, into)
        pod.weigh(form, into)


def tell(what: str) -> None:
    """Show how far we are, on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


def write(results: str) -> None:
    """Put the results into the document, between its two marks."""
    before, begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{DOCUMENT} lacks the lines {BEGIN} and {END}")
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{results}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
