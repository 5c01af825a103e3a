"""Whether status, reason and history of an end go together, by the specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubexit.domain.config import Config
    from kubexit.domain.endings import Ending
    from unit.world_model import World

KILL = 9


def check_ending(ending: Ending, config: Config, world: World) -> None:
    """Check an end of this world."""
    own = ending.child_code
    assert ending.message
    assert "\n" not in ending.message
    assert (own is None) == (not world.executed or ending.reason == "StartFailed")
    if own is None:
        _check_without_child(ending, config, world)
    else:
        _check_with_child(ending, config, world, own)


def reported(code: int, causes: set[str], config: Config) -> int:
    """Give what the user's rules make of a code."""
    codes = [rule.then for rule in config.exit_rules if rule.when in (code, "*", *causes)]
    return codes[0] if codes else code


def _check_with_child(ending: Ending, config: Config, world: World, own: int) -> None:
    causes: set[str] = set()
    if world.told_to_stop:
        obeyed = config.stop_signal != 0 and own == 128 + config.stop_signal
        causes = {"killed"} if world.killed_by_us and own == 128 + KILL else world.causes if obeyed else {"told"}
    assert ending.exit_code == reported(own, causes, config)
    if world.told_to_stop:
        assert ending.reason == ("GraceExpired" if "killed" in causes else "DependencyDied")
    elif ending.reason != "OOMKilled":
        assert ending.reason == ("Terminated" if own - 128 in world.outside else "Error" if own else "Completed")
    else:
        assert own == 128 + KILL


def _check_without_child(ending: Ending, config: Config, world: World) -> None:
    truth, code = world.truth, ending.exit_code
    causes = {"not-started", "stopped-always"} | (set() if truth.failures_among_the_causes() else {"stopped"})
    expected = {
        "BirthTimeout": code == 1 and config.birth_timeout > 0 and (truth.births_missing() or truth.pod_is_missing()),
        "DependencyFailed": code == 1 and (truth.births_lost() or world.watch_failed == "DependencyFailed"),
        "Internal": code == 1 and world.watch_failed == "Internal",
        "StartFailed": code in (1, 126, 127) and world.child == "gone",
        "Terminated": code > 128,
        "DependencyDied": truth.death_holds() and code == reported(143, causes, config),
    }
    assert expected[ending.reason], ending
