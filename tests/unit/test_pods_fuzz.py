"""Whatever JSON the server gives: a pod, or a ValueError that says what is wrong."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kubexit.domain.pods import Pod, read_pod
from kubexit.domain.reports import format_container, parse_container, parse_report
from unit.pod_objects import RUNNING, ended, pod_of, status_of, waiting

KEYS = [
    *("metadata", "spec", "status", "kind", "name", "uid", "resourceVersion", "deletionTimestamp", "containers", "initContainers"),
    *("restartPolicy", "restartPolicyRules", "containerStatuses", "initContainerStatuses", "state", "lastState", "running", "waiting"),
    *("terminated", "exitCode", "exitCodes", "reason", "message", "ready", "started", "restartCount", "operator", "values", "action"),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["Pod", "Always", "Never", "OnFailure", "In", "u"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=8),
    max_leaves=40,
)
STATES = st.sampled_from([RUNNING, ended(0), ended(1), ended(137, "OOMKilled"), waiting("CrashLoopBackOff", "back-off"), {}])
STATUSES = st.builds(status_of, st.sampled_from(["main", "side", "db"]), STATES, ready=st.booleans(), started=st.none() | st.booleans())


@st.composite
def damaged_pods(draw: st.DrawFn) -> Any:
    """Give a pod in which a few things are something else."""
    pod: Any = json.loads(json.dumps(pod_of(*draw(st.lists(STATUSES, max_size=3)), init=tuple(draw(st.lists(STATUSES, max_size=2))))))
    for _ in range(draw(st.integers(0, 3))):
        place = pod
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
                continue
            place[key] = draw(VALUES)
            break
    return pod


@settings(max_examples=400)
@given(VALUES | damaged_pods())
def test_any_json_is_a_pod_or_a_value_error(value: object) -> None:
    """Nothing else is raised, what is said is short, and what is read can be reported over the pipe as it is."""
    try:
        pod = read_pod(value)
    except ValueError as error:
        assert 0 < len(str(error)) < 500  # noqa: PT017
        return
    assert isinstance(pod, Pod)
    for name, container in pod.containers.items():
        assert len(container.state) < 800
        assert not (container.ended and (container.ready or container.started))
        assert container.started or not container.ready
        report = parse_report(format_container(name, container).rstrip(b"\n"))
        assert report is not None
        if max(name) < "\ud800" or max(name) > "\udfff":  # no lone surrogate, which no pipe takes
            assert parse_container(report[1:]) == (name, container)
