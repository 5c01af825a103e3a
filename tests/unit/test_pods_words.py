"""The state of a container in words: what somebody needs who looks at a timeout at three in the morning."""

from __future__ import annotations

from typing import Any

import pytest

from kubexit.domain.pods import one_line, read_pod
from unit.pod_objects import RUNNING, ended, pod_of, status_of, waiting


def words(status: dict[str, Any], policy: str = "Never") -> str:
    return read_pod(pod_of(status, restartPolicy=policy)).containers["main"].describe()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (status_of("main", RUNNING, ready=True), "ready"),
        (status_of("main", RUNNING, started=True), "running, not ready"),
        (status_of("main", RUNNING, started=False), "running, but its startup probe has not succeeded yet"),
        (status_of("main", waiting("ContainerCreating")), "not ready, waiting: ContainerCreating"),
        (status_of("main", {"waiting": {}}), "not ready, waiting"),
        (status_of("main"), "not ready, waiting"),
        (
            status_of("main", waiting("ImagePullBackOff", 'Back-off pulling image "server:1"')),
            'not ready, waiting: ImagePullBackOff (Back-off pulling image "server:1")',
        ),
        (
            status_of("main", waiting("CrashLoopBackOff"), lastState=ended(137, "OOMKilled"), restartCount=3),
            "not ready, waiting: CrashLoopBackOff, 3 restarts, exited 137 (OOMKilled) before",
        ),
        (status_of("main", RUNNING, ready=True, restartCount=1), "ready, 1 restart"),
        (status_of("main", ended(0, "Completed")), "exited 0"),
        (status_of("main", ended(3)), "exited 3"),
        (status_of("main", ended(137, "OOMKilled")), "exited 137 (OOMKilled)"),
        (status_of("main", ended(1, "Error", message="no such table\n")), "exited 1 (no such table)"),
        (status_of("main", ended(128, "StartError", message="exec: no such file")), "exited 128 (StartError: exec: no such file)"),
    ],
)
def test_says_what_a_container_lacks(status: dict[str, Any], expected: str) -> None:
    """The reason and the message of the kubelet, unless they say nothing new."""
    assert words(status) == expected


def test_says_that_an_end_is_not_the_last() -> None:
    """A wait goes on then, and the reader should know why."""
    assert words(status_of("main", ended(3)), "Always") == "exited 3, to be started again"


def test_words_of_others_are_bounded_and_of_one_line() -> None:
    """A program may write anything into its termination message; it must not fill or forge the log."""
    message = "line one\nline two\t\x1b[31mred\x00 " + "x" * 10_000
    found = words(status_of("main", ended(1, "R" * 10_000, message=message), restartCount=2**31 - 1))
    assert len(found) < 300
    assert found.isprintable()
    assert "line one line two [31mred" in found
    assert found.endswith("…)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), (" a\n b ", "a b"), ("123456", "123456"), ("1234567", "12345…"), ("\ud800a\u202eb", "a b"), ("\n" * 50, "…")],
)
def test_makes_one_line_of_any_text(text: str, expected: str) -> None:
    """Printable, and at most as long as is asked for."""
    assert one_line(text, 6) == expected
