"""The exit status of a supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.world import World

SAMPLED_CODES = [0, 1, 2, 3, 42, 77, 125, 126, 127, 128, 129, 137, 143, 192, 254, 255]
DEADLY = [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 50, 64]
OBEYED = ("on 15 die",)


@pytest.mark.parametrize("code", SAMPLED_CODES)
def test_code_of_the_child_is_ours(world: World, code: int) -> None:
    """A child that exits n: n."""
    main = world.start("main", f"exit {code}")
    assert main.end() == code
    stone = main.stone()
    assert stone["ExitCode"] == code
    assert stone["Reason"] == ("Error" if code else "Completed")
    assert "ChildExitCode" not in stone
    assert "Signal" not in stone


def test_death_of_the_child_by_a_signal_is_128_and_its_number(world: World) -> None:
    """A child that is killed by signal n: exit status 128+n, for each n that kills, those between SYS and RTMIN included."""
    for number in DEADLY:
        main = world.start(f"main-{number}", f"die {number}")
        assert (number, main.end()) == (number, 128 + number)
        stone = main.stone()
        assert (stone["ExitCode"], stone["Reason"]) == (128 + number, "Error")
        assert str(stone["Signal"]).startswith("SIG") or number in (32, 33)  # these two have no name


@pytest.mark.parametrize(
    ("child", "rules", "dead", "status"),
    [
        # the default, stopped:0
        ("on 15 die", None, 0, 0),
        ("on 15 exit 143", None, 0, 0),
        ("on 15 exit 0", None, 0, 0),
        ("on 15 exit 5", None, 0, 5),
        ("on 15 die", None, 1, 143),
        ("on 15 exit 143", None, 1, 143),
        # given, it replaces the default
        ("on 15 die", "7:8", 0, 143),
        ("on 15 die", "stopped:9", 0, 9),
        ("on 15 die", "stopped:9", 1, 143),
        ("on 15 die", "stopped-always:9", 0, 9),
        ("on 15 die", "stopped-always:9", 1, 9),
        ("on 15 exit 143", "stopped-always:9", 1, 9),
        ("on 15 exit 1", "stopped-always:9", 1, 1),
        ("on 15 die", "143:3", 1, 3),
        ("on 15 exit 5", "5:6,*:7", 0, 6),
        ("on 15 exit 4", "5:6,*:7", 0, 7),
        ("on 15 die", "*:7,stopped:0", 0, 7),
        ("on 15 die", " stopped:0 ,, *:7 ", 0, 0),
    ],
)
def test_rules_decide_what_a_stopped_child_reports(world: World, child: str, rules: str | None, dead: int, status: int) -> None:
    """KUBEXIT_EXIT_CODES maps causes and codes to the code reported; the first match wins."""
    variables = {} if rules is None else {"exit_codes": rules}
    sidecar = world.start("sidecar", child, death_deps="main", **variables)
    sidecar.ready()
    world.graveyard.carve_died("main", dead)
    assert sidecar.end() == status
    assert sidecar.stone()["ExitCode"] == status


@pytest.mark.parametrize(("rules", "status"), [("killed:0", 0), ("stopped-always:0", 137), ("137:4", 4), ("stopped:0", 137)])
def test_rules_know_that_the_child_was_killed(world: World, rules: str, status: int) -> None:
    """`killed`: the grace period ran out. It has not obeyed, so `stopped` does not match."""
    sidecar = world.start("sidecar", "on 15 report", death_deps="main", grace_period="10ms", exit_codes=rules)
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == status
    assert sidecar.stone().get("ChildExitCode", 137) == 137


def test_killed_by_somebody_else_is_not_killed_by_us(world: World) -> None:
    """`killed` is about our grace period, not about any SIGKILL."""
    main = world.start("main", "die 9", exit_codes="killed:0")
    assert main.end() == 137


@pytest.mark.parametrize(
    ("rules", "dead", "status"), [("stopped:4", 0, 4), ("stopped:4", 1, 143), ("stopped-always:4", 1, 4), ("143:6", 1, 6), ("*:7", 0, 7)]
)
def test_rules_apply_to_a_stop_before_the_start(world: World, rules: str, dead: int, status: int) -> None:
    """A child that was not started because its dependency was dead counts as one that obeyed."""
    world.graveyard.carve_died("main", dead)
    assert world.start("sidecar", death_deps="main", exit_codes=rules).end() == status


@pytest.mark.parametrize(
    ("child", "rules", "status"),
    [("exit 3", "3:0", 0), ("exit 3", "*:9", 9), ("die 9", "137:1", 1), ("exit 0", "0:5", 5), ("exit 3", "stopped:0", 3)],
)
def test_rules_apply_to_the_childs_own_end(world: World, child: str, rules: str, status: int) -> None:
    """Codes are mapped however the end came about; the child's own stands in the tombstone."""
    main = world.start("main", child, exit_codes=rules)
    assert main.end() == status
    stone = main.stone()
    assert stone["ExitCode"] == status
    assert stone.get("ChildExitCode", status) == {"exit 3": 3, "die 9": 137, "exit 0": 0}[child]


@pytest.mark.parametrize(
    ("variable", "value", "child", "status"),
    [
        ("suppress_stopped_exitcode", "true", "on 15 die", 0),
        ("ignore_code_on_death_deps", "1", "on 15 die", 0),
        ("ignore_code_on_death_deps", "false", "on 15 die", 143),
        ("ignore_code_on_death_deps", "true", "on 15 report", 0),
        ("suppress_stopped_exitcode", "true", "on 15 exit 6", 6),
        ("exit_code_override", "12", "on 15 exit 6", 12),
        ("custom_exit_code", "13", "on 15 exit 6", 13),
    ],
)
def test_variables_of_the_forks_mean_what_they_meant(world: World, variable: str, value: str, child: str, status: int) -> None:
    """The forks' variables are rules by other names: `stopped-always:0,killed:0` and `*:n`."""
    sidecar = world.start("sidecar", child, death_deps="main", grace_period="200ms", **{variable: value})
    sidecar.ready()
    world.graveyard.carve_died("main", 1)
    assert sidecar.end() == status


@pytest.mark.parametrize(("command", "status"), [("/nonexistent/command", 127), ("/etc/passwd", 126)])
def test_rules_never_apply_to_a_failed_start(world: World, command: str, status: int) -> None:
    """Our own 126 and 127 are no end of a child."""
    assert world.run([command], name="main", exit_codes="*:0").end() == status


def test_rules_never_apply_to_a_failed_wait(world: World) -> None:
    """Nor is our own 1."""
    assert world.start("main", birth_deps="nobody", birth_timeout="1ms", exit_codes="*:0").end() == 1


def test_rules_never_apply_to_a_duplicate_name(world: World) -> None:
    """Nor is our own 2."""
    world.start("twin").ready()
    assert world.start("twin", exit_codes="*:0").end() == 2
