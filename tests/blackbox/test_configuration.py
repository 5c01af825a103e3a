"""The configuration: every variable, what is wrong with it told at once, and no peer left waiting for one that cannot run."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.supervisors import Supervisor
    from support.world import World

OTHER_USER = "65534"
BOOLEANS = {True: ["1", "t", "T", "true", "TRUE", "True"], False: ["0", "f", "F", "false", "FALSE", "False", ""]}


def run(world: World, *commands: str, **variables: str | bytes) -> Supervisor:
    """Start a supervisor called main, if `variables` give it no other name."""
    given: dict[str, Any] = {"name": "main", **variables}
    return world.run([world.installation.actor, *commands], **given)


def configured(world: World, **variables: str | bytes) -> dict[str, Any]:
    """Run a command to its end and give the configuration as the first line of the log has it."""
    main = run(world, "exit 0", **variables)
    assert main.end() == 0
    config: dict[str, Any] = main.log()[0]["config"]
    return config


def refused(world: World, **variables: str | bytes) -> str:
    """Run a command with a wrong configuration; check that it is refused, and give the message."""
    main = run(world, **variables)
    assert main.end() == 2
    assert main.out is not None
    assert main.out.all() == "", "the child was started"
    assert main.err is not None
    lines = [json.loads(line) for line in main.err.all().split("\n") if line]  # not splitlines: a name may have U+0085 in it
    (error,) = [line for line in lines if line["level"] == "error"]
    assert (error["message"], error["stack"]) == ("", [])
    return str(error["error"])


def unusable(world: World, path: Path, *words: str, user: str = "0", stage: tuple[str, ...] = ()) -> str:
    """Run a command with a graveyard that cannot be used; check that the message names it and the cause, and give it."""
    main = world.run([world.installation.actor], name="main", death_deps="other", stage=[*stage, "--user", user], KUBEXIT_GRAVEYARD=str(path))
    assert main.end() == 1
    assert main.out is not None
    assert main.out.all() == "", "the child was started"
    message = main.error()
    for word in (str(path), *words):
        assert word in message
    return message


def listing(folder: Path) -> list[tuple[str, int, int, int, bytes]]:
    """Give all that is in a folder, in a form that shows whether anything was touched."""
    facts = []
    for entry in sorted(folder.iterdir()):
        status = entry.stat()
        facts.append((entry.name, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, entry.read_bytes()))
    return facts


# ── good values ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("name", "a", "name", "a"),
        ("name", "main 2.0_x-y~@#", "name", "main 2.0_x-y~@#"),
        ("name", "n" * 200, "name", "n" * 200),
        ("name", "é" * 100, "name", "é" * 100),
        ("death_deps", "a", "death_deps", ["a"]),
        ("death_deps", " a , ,b:failed,, a,a:exited,b ", "death_deps", ["a", "b:failed", "b"]),
        ("death_deps", ",", "death_deps", None),
        (
            "death_deps",
            "a:started,b:ready,c:exited,d:succeeded,e:failed",
            "death_deps",
            ["a:started", "b:ready", "c:exited", "d:succeeded", "e:failed"],
        ),
        ("death_mode", "any", "death_mode", "any"),
        ("death_mode", "all", "death_mode", "all"),
        ("grace_period", "0", "grace_period", 0),
        ("grace_period", "1m30s", "grace_period", 90_000_000_000),
        ("grace_period", "500ms", "grace_period", 500_000_000),
        ("grace_period", "1.5h", "grace_period", 5_400_000_000_000),
        ("grace_period", "300us", "grace_period", 300_000),
        ("grace_period", "300µs", "grace_period", 300_000),
        ("grace_period", "7ns", "grace_period", 7),
        ("grace_period", "+.5s", "grace_period", 500_000_000),
        ("grace_period", "2562047h47m16.854775807s", "grace_period", 2**63 - 1),
        ("birth_timeout", "0", "birth_timeout", 0),
        ("birth_timeout", "2h", "birth_timeout", 7_200_000_000_000),
        ("readiness", "graveyard", "readiness", "graveyard"),
        ("pod_name", "pod-x2x4z", "pod_name", "pod-x2x4z"),
        ("namespace", "shop", "namespace", "shop"),
        ("stop_signal", "TERM", "stop_signal", "SIGTERM"),
        ("stop_signal", "SIGQUIT", "stop_signal", "SIGQUIT"),
        ("stop_signal", "usr1", "stop_signal", "SIGUSR1"),
        ("stop_signal", "RTMIN", "stop_signal", "SIGRTMIN"),
        ("stop_signal", "SIGRTMIN+3", "stop_signal", "SIGRTMIN+3"),
        ("stop_signal", "RTMAX-1", "stop_signal", "SIGRTMIN+29"),
        ("stop_signal", "15", "stop_signal", "SIGTERM"),
        ("stop_signal", "37", "stop_signal", "SIGRTMIN+3"),
        ("exit_codes", "stopped:0, killed:137 ,143:7,*:0", "exit_codes", ["stopped:0", "killed:137", "143:7", "*:0"]),
        ("exit_codes", "stopped-always:255", "exit_codes", ["stopped-always:255"]),
        ("verbose_level", "3", "verbose_level", 3),
        ("log_format", "json", "log_format", "json"),
        ("log_level", "trace", "log_level", "trace"),
        ("STOPSIGNAL", "INT", "stop_signal", "SIGTERM"),  # somebody else's variable
    ],
)
def test_good_value_is_understood(world: World, variable: str, value: str, field: str, expected: object) -> None:
    """Names, lists, durations, signals and exit codes as the documentation has them."""
    assert configured(world, **{variable: value})[field] == expected


@pytest.mark.parametrize(("truth", "value"), [(truth, value) for truth, values in BOOLEANS.items() for value in values])
def test_boolean_is_what_go_takes(world: World, truth: bool, value: str) -> None:
    """Go's strconv.ParseBool: 1, t, T, true, TRUE, True, and the same for false; nothing else."""
    assert configured(world, signal_group=value)["signal_group"] is truth


def test_empty_means_unset(world: World) -> None:
    """A manifest's `value: ""` takes a default."""
    variables = [
        "birth_deps", "birth_timeout", "readiness", "pod_name", "namespace", "death_deps", "death_mode", "grace_period", "stop_signal",
        "exit_codes", "signal_group", "verbose_level", "instant_logging", "log_format", "log_level", "disabled",
    ]  # fmt: skip
    assert configured(world, **dict.fromkeys(variables, "")) == configured(world)


def test_name_of_any_bytes_is_a_name(world: World) -> None:
    """A file's name need not be UTF-8."""
    name = b"caf\xe9"
    main = world.run([world.installation.actor, "exit 0"], name=name)
    assert main.end() == 0
    path = os.fsencode(world.graveyard.path) + b"/" + name
    assert b"Died" in Path(os.fsdecode(path)).read_bytes()


@pytest.mark.parametrize(
    ("variable", "value", "rules"),
    [
        ("suppress_stopped_exitcode", "true", ["stopped-always:0", "killed:0"]),
        ("ignore_code_on_death_deps", "1", ["stopped-always:0", "killed:0"]),
        ("suppress_stopped_exitcode", "false", ["stopped:0"]),
        ("exit_code_override", "7", ["*:7"]),
        ("custom_exit_code", "0", ["*:0"]),
    ],
)
def test_names_of_the_forks_mean_the_same(world: World, variable: str, value: str, rules: list[str]) -> None:
    """A manifest for a fork works unchanged, without a warning."""
    main = world.start("main", "exit 0", **{variable: value})
    assert main.end() == (7 if rules == ["*:7"] else 0)
    assert main.log()[0]["config"]["exit_codes"] == rules
    assert main.warnings() == []


def test_other_spelling_of_the_stop_signal_is_known(world: World) -> None:
    """KUBEXIT_STOPSIGNAL, as images write STOPSIGNAL."""
    main = world.start("main", "exit 0", stopsignal="USR2")
    assert main.end() == 0
    assert main.log()[0]["config"]["stop_signal"] == "SIGUSR2"
    assert main.warnings() == []


# ── wrong values ─────────────────────────────────────────────────────────────────────────────────────────────────

CONDITIONS = "started, ready, exited, succeeded, failed"
WRONG = [
    ("birth_timeout", "30", "30s"),
    ("birth_timeout", "-1s", "negative"),
    ("birth_timeout", "1 s", "ns, us, ms, s, m, h"),
    ("grace_period", "30", "30s"),
    ("grace_period", "soon", "1m30s"),
    ("grace_period", "1d", "ns, us, ms, s, m, h"),
    ("grace_period", "1e3s", "ns, us, ms, s, m, h"),
    ("grace_period", "3000000h", "292 years"),
    ("grace_period", "1.2.3s", "1m30s"),
    ("death_deps", "a:gone", CONDITIONS),
    ("death_deps", "a:exited:failed", CONDITIONS),
    ("death_deps", ":exited", "1 to 200 bytes"),
    ("death_deps", "../a", "1 to 200 bytes"),
    ("death_deps", "main", "others"),
    ("death_deps", "a,main:failed", "others"),
    ("birth_deps", "a:Ready", CONDITIONS),
    ("birth_deps", ".hidden", "1 to 200 bytes"),
    ("birth_deps", "main", "others"),
    ("death_mode", "both", "any, all"),
    ("death_mode", "ANY", "any, all"),
    ("readiness", "docker", "kubernetes, graveyard"),
    ("stop_signal", "TERMINATE", "TERM or SIGTERM"),
    ("stop_signal", "0", "1 to 64"),
    ("stop_signal", "65", "1 to 64"),
    ("stop_signal", "RTMIN+31", "RTMIN+n"),
    ("stopsignal", "NOPE", "TERM or SIGTERM"),
    ("exit_codes", "stopped", "stopped:0"),
    ("exit_codes", "stopped:256", "0 to 255"),
    ("exit_codes", "sometimes:0", "stopped, stopped-always, killed"),
    ("exit_codes", "-1:0", "0 to 255"),
    ("suppress_stopped_exitcode", "yes", "true"),
    ("ignore_code_on_death_deps", "2", "true"),
    ("exit_code_override", "256", "0 to 255"),
    ("custom_exit_code", "five", "0 to 255"),
    ("signal_group", "on", "true"),
    ("signal_group", "off", "true"),
    ("signal_group", "no", "true"),
    ("signal_group", "y", "true"),
    ("signal_group", "tRUE", "true"),
    ("signal_group", " true", "true"),
    ("verbose_level", "-1", "0, 1"),
    ("verbose_level", "high", "0, 1"),
    ("instant_logging", "yes", "true"),
    ("log_format", "xml", "json, text"),
    ("log_level", "debug", "error, warning, info, trace"),
    ("disabled", "maybe", "true"),
]


@pytest.mark.parametrize(("variable", "value", "accepted"), WRONG)
def test_wrong_value_is_refused_with_what_is_accepted(world: World, variable: str, value: str, accepted: str) -> None:
    """Exit 2, and a message that names the variable, its value and what would be right."""
    message = refused(world, **{variable: value})
    assert f'KUBEXIT_{variable.upper()}="{value}"' in message
    assert accepted in message


def test_all_faults_are_told_at_once(world: World) -> None:
    """One message with every fault: nobody wants to find them one by one, a pod start each."""
    wrong = {variable: (value, accepted) for variable, value, accepted in WRONG}
    message = refused(world, **{variable: value for variable, (value, _) in wrong.items()})
    for variable, (value, accepted) in wrong.items():
        assert f'KUBEXIT_{variable.upper()}="{value}"' in message
        assert accepted in message
    assert message.count("KUBEXIT_GRACE_PERIOD") == 1


def test_duration_without_a_unit_is_told_the_fix(world: World) -> None:
    """The most common mistake: `30` where `30s` is meant."""
    assert "30s?" in refused(world, grace_period="30")


def test_very_long_value_is_not_repeated_whole(world: World) -> None:
    """The message stays readable, whatever was pasted into a variable."""
    message = refused(world, grace_period="x" * 100_000)
    assert "KUBEXIT_GRACE_PERIOD" in message
    assert len(message) < 4000


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "a:b", "a,b", ".a", "..", "n" * 201, "é" * 101, "a\nb", "a\tb", "a\x7fb", "a\u0085b"],
    ids=["unset", "slash", "colon", "comma", "dot", "dots", "long", "long in bytes", "feed", "tab", "delete", "next line"],
)
def test_unusable_name_is_refused_and_leaves_no_file(world: World, name: str) -> None:
    """1 to 200 bytes without / : , control characters and a leading dot: else exit 2, and nothing is written anywhere."""
    before = sorted(world.root.iterdir())
    message = refused(world, name=name)
    assert "KUBEXIT_NAME" in message
    assert list(world.graveyard.path.iterdir()) == []
    assert sorted(world.root.iterdir()) == before


def test_wrong_name_and_other_faults_are_told_together(world: World) -> None:
    """The name is one variable among others."""
    message = refused(world, name="a/b", grace_period="soon", death_mode="both")
    assert all(variable in message for variable in ("KUBEXIT_NAME", "KUBEXIT_GRACE_PERIOD", "KUBEXIT_DEATH_MODE"))


def test_missing_command_and_wrong_values_are_told_together(world: World) -> None:
    """A usage error is a fault like any other."""
    main = world.run([], name="main", grace_period="soon")
    assert main.end() == 2
    assert "no command" in main.error()
    assert "KUBEXIT_GRACE_PERIOD" in main.error()
    assert world.graveyard.stone("main")["Reason"] == "ConfigError"


# ── what the peers learn of it ───────────────────────────────────────────────────────────────────────────────────


def test_config_error_is_written_down_as_a_death(world: World) -> None:
    """A tombstone with Died, ExitCode 2, Reason ConfigError and the message, and no Born."""
    message = refused(world, grace_period="soon")
    stone = world.graveyard.stone("main")
    assert set(stone) == {"Died", "ExitCode", "Reason", "Message"}
    assert (stone["ExitCode"], stone["Reason"]) == (2, "ConfigError")
    assert "KUBEXIT_GRACE_PERIOD" in stone["Message"]
    assert stone["Message"] in message


def test_config_error_takes_the_place_of_an_earlier_tombstone(world: World) -> None:
    """What is written is what happened last."""
    assert world.start("main", "exit 0").end() == 0
    refused(world, grace_period="soon")
    assert world.graveyard.stone("main")["Reason"] == "ConfigError"


def test_sidecar_of_a_misconfigured_main_ends(world: World) -> None:
    """A death dependency that never could start is dead."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    sidecar.ready()
    refused(world, grace_period="soon")
    assert sidecar.end() == 143
    assert "main exited 2" in sidecar.stone()["Message"]


def test_client_of_a_misconfigured_server_ends(world: World) -> None:
    """A birth dependency that never can start fails the wait."""
    client = world.start("client", birth_deps="main", birth_timeout="0")
    client.next_record("kubexit initialized")
    world.graveyard.wait_for_file(".client.lock")
    refused(world, grace_period="soon")
    assert client.end() == 1
    assert client.stone()["Reason"] == "DependencyFailed"


def test_misconfigured_twin_of_a_living_supervisor_touches_nothing(world: World) -> None:
    """Without the lock of its name nothing is written, not even why."""
    main = world.start("main", "on 15 exit 0")
    main.ready()
    world.graveyard.wait_for_stone("main")
    before = listing(world.graveyard.path)
    refused(world, grace_period="soon")
    assert listing(world.graveyard.path) == before
    main.send(15)
    assert main.end() == 0


def test_twin_of_a_living_supervisor_touches_nothing(world: World) -> None:
    """A duplicate name: exit 2, the message names it and the graveyard."""
    main = world.start("main", "on 15 exit 0")
    main.ready()
    world.graveyard.wait_for_stone("main")
    before = listing(world.graveyard.path)
    twin = world.start("main")
    assert twin.end() == 2
    assert twin.out is not None
    assert twin.out.all() == ""
    assert "main" in twin.error()
    assert str(world.graveyard.path) in twin.error()
    assert listing(world.graveyard.path) == before
    main.send(15)
    assert main.end() == 0


# ── where birth conditions are read ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variables", [{"readiness": "kubernetes"}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}])
def test_readiness_by_the_pod_needs_a_cluster(world: World, variables: dict[str, str]) -> None:
    """Asked for, or meant because we are inside one: where the API server's address is missing, the message says what can be set instead."""
    message = refused(world, birth_deps="server", **variables)
    assert "KUBERNETES_SERVICE_PORT not set" in message
    assert "KUBEXIT_READINESS=graveyard" in message


def test_readiness_by_the_graveyard_works_inside_a_cluster(world: World) -> None:
    """No API server is asked."""
    world.graveyard.carve_born("server")
    main = world.start("main", "exit 0", birth_deps="server", readiness="graveyard", KUBERNETES_SERVICE_HOST="10.0.0.1")
    assert main.end() == 0


def test_cluster_without_birth_dependencies_needs_no_readiness(world: World) -> None:
    """There is nothing to be read."""
    assert world.start("main", "exit 0", KUBERNETES_SERVICE_HOST="10.0.0.1").end() == 0


# ── names that are not known ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("KUBEXIT_DEATH_DEP", "KUBEXIT_DEATH_DEPS"),
        ("KUBEXIT_GRAVEYRAD", "KUBEXIT_GRAVEYARD"),
        ("KUBEXIT_GRACEPERIOD", "KUBEXIT_GRACE_PERIOD"),
        ("KUBEXIT_BIRTH_DEPENDENCIES", "KUBEXIT_BIRTH_DEPS"),
        ("KUBEXIT_LOGLEVEL", "KUBEXIT_LOG_LEVEL"),
        ("KUBEXIT_VERBOSE", "KUBEXIT_VERBOSE_LEVEL"),
        ("KUBEXIT_COLOUR", ""),
        ("KUBEXIT_", ""),
    ],
)
def test_unknown_variable_is_warned_of_with_the_nearest_name(world: World, variable: str, nearest: str) -> None:
    """Most are misspelt, and the command runs without what was meant: one warning each, and it goes on."""
    main = world.start("main", "exit 0", **{variable: "x"})
    assert main.end() == 0
    (warning,) = main.warnings()
    assert variable in warning
    if nearest:
        assert f"{nearest}?" in warning


def test_variables_of_a_service_called_kubexit_are_no_misspelt_ones(world: World) -> None:
    """Kubernetes sets them in each container of a namespace that has such a service: no warning."""
    service = {
        "KUBEXIT_SERVICE_HOST": "10.0.0.1",
        "KUBEXIT_SERVICE_PORT": "8080",
        "KUBEXIT_SERVICE_PORT_HTTP": "8080",
        "KUBEXIT_PORT": "tcp://10.0.0.1:8080",
        "KUBEXIT_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "KUBEXIT_PORT_8080_TCP_PROTO": "tcp",
        "KUBEXIT_PORT_8080_TCP_PORT": "8080",
        "KUBEXIT_PORT_8080_TCP_ADDR": "10.0.0.1",
        "KUBEXIT_PORT_53_UDP": "udp://10.0.0.1:53",
        "KUBEXIT_WEB_SERVICE_HOST": "10.0.0.2",
        "KUBEXIT_WEB_PORT_80_TCP_ADDR": "10.0.0.2",
    }
    main = world.start("main", "exit 0", **service)
    assert main.end() == 0
    assert main.warnings() == []


# ── the kill switch ──────────────────────────────────────────────────────────────────────────────────────────────


def test_disabled_kubexit_becomes_the_command(world: World) -> None:
    """KUBEXIT_DISABLED: the same process, the same environment, its arguments; nothing is made, nothing is said."""
    main = world.run([world.installation.probe, "a", "b c"], name="main", disabled="true", death_deps="other")
    assert main.end() == 0
    assert main.out is not None
    facts = main.out.all().splitlines()
    inside, given = ("1", "9") if world.installation.first else (str(main.pid), "0")  # stage is told of its own parent's death there
    assert f"process {inside}" in facts
    assert [fact for fact in facts if fact.startswith("argument ")] == [f"argument {world.installation.probe}", "argument a", "argument b c"]
    assert "environment KUBEXIT_DISABLED=true" in facts
    assert f"parent-death-signal {given}" in facts
    assert main.logged_so_far() == ""
    assert list(world.graveyard.path.iterdir()) == []


def test_disabled_kubexit_looks_at_nothing_else(world: World) -> None:
    """The kill switch works in an emergency: whatever else is wrong."""
    wrong = {variable: value for variable, value, _ in WRONG if variable != "disabled"}
    main = run(world, "exit 7", **{**wrong, "disabled": "1", "name": "a/b", "KUBEXIT_GRAVEYARD": "/dev/null"})
    assert main.end() == 7
    assert main.logged_so_far() == ""


def test_disabled_kubexit_does_not_mind_a_living_twin(world: World) -> None:
    """No lock is looked at."""
    main = world.start("main", "on 15 exit 0")
    main.ready()
    assert world.start("main", "exit 7", disabled="t").end() == 7
    main.send(15)
    assert main.end() == 0


@pytest.mark.parametrize(("command", "status"), [("/no/such/command", 127), ("no-such-command", 127), ("/etc/passwd", 126), ("/etc", 126)])
def test_command_that_cannot_be_run_without_us_has_the_same_status(world: World, command: str, status: int) -> None:
    """126 and 127, as with us, and a word about why."""
    main = world.run([command], name="main", disabled="true")
    assert main.end() == status
    assert command in main.logged_so_far()


@pytest.mark.parametrize("closed", ["1", "2"])
def test_disabled_kubexit_has_the_same_status_with_closed_descriptors(world: World, closed: str) -> None:
    """Nowhere to say it is no reason for another status."""
    main = world.run(["/no/such/command"], name="main", disabled="true", stage=["--close", closed])
    assert main.end() == 127


# ── the graveyard ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("umask", ["0", "022", "077", "777"])
def test_missing_graveyard_is_made_for_everybody(world: World, umask: str) -> None:
    """Mode 0777 whatever the umask is, and it can be reached: containers of other users come as well."""
    path = world.root / "not" / "there" / "yet"
    main = world.run([world.installation.actor, "exit 0"], name="main", stage=["--umask", umask], KUBEXIT_GRAVEYARD=str(path))
    assert main.end() == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o777
    other = world.run([world.installation.actor, "exit 0"], name="other", stage=["--user", OTHER_USER], KUBEXIT_GRAVEYARD=str(path))
    assert other.end() == 0
    assert sorted(entry.name for entry in path.iterdir()) == [".main.lock", ".other.lock", "main", "other"]


def test_files_of_ours_have_their_modes_whatever_the_umask_is(world: World) -> None:
    """Tombstones are read by other users (0644), the lock is taken by later containers of our name, as whatever user (0666)."""
    main = world.run([world.installation.actor, "exit 0"], name="main", stage=["--umask", "777"])
    assert main.end() == 0
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in world.graveyard.path.iterdir()}
    assert modes == {"main": 0o644, ".main.lock": 0o666}


def test_graveyard_that_is_there_keeps_its_mode(world: World) -> None:
    """Somebody else's folder is not changed."""
    world.graveyard.path.chmod(0o750)
    assert world.start("main", "exit 0").end() == 0
    assert stat.S_IMODE(world.graveyard.path.stat().st_mode) == 0o750


@pytest.mark.parametrize("text", ["{}/", "{}//", "{}/.", "graveyard", "./graveyard/"])
def test_graveyard_may_be_written_in_several_ways(world: World, text: str) -> None:
    """Slashes at the end and relative paths name the same folder; deaths are seen there."""
    path = text.format(world.graveyard.path)
    world.graveyard.carve_died("main", 0)
    sidecar = world.start("sidecar", death_deps="main", KUBEXIT_GRAVEYARD=path)
    assert sidecar.end() == 0
    assert sidecar.stone()["Reason"] == "DependencyDied"


def test_graveyard_behind_a_link_is_followed(world: World) -> None:
    """Volumes are mounted in all kinds of places; the folder may be a link to one."""
    (world.root / "link").symlink_to(world.graveyard.path)
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", KUBEXIT_GRAVEYARD=str(world.root / "link"))
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0


def test_graveyard_that_is_no_folder_is_refused(world: World) -> None:
    """A file in the way: exit 1, a message that names path and cause, no child."""
    path = world.root / "file"
    path.write_text("content")
    unusable(world, path, "Not a directory")
    unusable(world, path / "below", "Not a directory")
    assert path.read_text() == "content"


def test_graveyard_behind_a_broken_link_is_refused(world: World) -> None:
    """What the link names is not made."""
    path = world.root / "link"
    path.symlink_to(world.root / "nowhere")
    unusable(world, path, "No such file")
    assert not (world.root / "nowhere").exists()


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o000])
def test_graveyard_without_permission_is_refused(world: World, mode: int) -> None:
    """Another user's folder: the message says what to do about it."""
    world.graveyard.path.chmod(mode)
    assert "fsGroup" in unusable(world, world.graveyard.path, "Permission denied", user=OTHER_USER)
    assert list(world.graveyard.path.iterdir()) == []


def test_graveyard_that_may_not_be_made_is_refused(world: World) -> None:
    """As another user, in a folder that is not his."""
    unusable(world, world.root / "new", "Permission denied", user=OTHER_USER)
    assert not (world.root / "new").exists()


@pytest.mark.parametrize("below", [False, True])
def test_graveyard_on_a_read_only_file_system_is_refused(world: World, below: bool) -> None:
    """A volume that is mounted read-only, whether the folder is there or not."""
    path = str(world.graveyard.path)
    stage = ("--mounts", "--bind", path, path, "--readonly", path)
    unusable(world, world.graveyard.path / "new" if below else world.graveyard.path, "Read-only file system", stage=stage)


def test_name_of_another_user_in_a_sticky_graveyard_is_refused(world: World) -> None:
    """There only its owner may replace a file: the error says so."""
    world.graveyard.path.chmod(0o1777)
    assert world.start("main", "exit 0").end() == 0
    before = listing(world.graveyard.path)
    assert "sticky" in unusable(world, world.graveyard.path, user=OTHER_USER)
    assert [entry[-1] for entry in listing(world.graveyard.path)] == [entry[-1] for entry in before]


@pytest.mark.parametrize("name", ["main", ".main.new", ".main.lock"])
@pytest.mark.parametrize("kind", ["folder", "link", "fifo"])
def test_thing_in_the_way_of_our_own_files_is_refused_and_left_alone(world: World, name: str, kind: str) -> None:
    """Whatever is there that no kubexit makes: exit 1, the message names it, and what a link points to is not touched."""
    path, target = world.graveyard.path / name, world.root / "target"
    target.write_text("content")
    make: dict[str, Callable[[], None]] = {"folder": path.mkdir, "link": lambda: path.symlink_to(target), "fifo": lambda: os.mkfifo(path)}
    make[kind]()
    unusable(world, world.graveyard.path, name, "not a regular file")
    assert path.is_dir() or path.is_symlink() or path.is_fifo()
    assert target.read_text() == "content"


# ── volumes that are none ────────────────────────────────────────────────────────────────────────────────────────


def volume_warnings(supervisor: Supervisor) -> list[str]:
    """Wait for its end and give the warnings about volumes."""
    return [line["message"] for line in supervisor.log() if line["level"] == "warning" and "volume" in line["message"]]


@pytest.mark.parametrize("dependencies", ["death_deps", "birth_deps"])
def test_graveyard_that_we_made_is_no_volume(world: World, dependencies: str) -> None:
    """The mount was forgotten: no peer in another container will ever be seen. The command runs all the same."""
    path = world.root / "new"
    sidecar = world.start("sidecar", "exit 0", KUBEXIT_GRAVEYARD=str(path), birth_timeout="1ms", **{dependencies: "main"})
    sidecar.end()
    (warning,) = volume_warnings(sidecar)
    assert f"no volume is mounted at {path}; peers in other containers will never be seen" in warning


def test_graveyard_that_nobody_else_is_asked_for_in_needs_no_volume(world: World) -> None:
    """Without dependencies there is nobody to be seen."""
    main = world.start("main", "exit 0", KUBEXIT_GRAVEYARD=str(world.root / "new"))
    assert main.end() == 0
    assert volume_warnings(main) == []


@pytest.mark.not_pid1("as pid 1 on a root file system it is no volume")
def test_graveyard_that_was_there_may_be_a_volume(world: World) -> None:
    """On a plain machine a folder is as good."""
    sidecar = world.start("sidecar", "exit 0", death_deps="main")
    assert sidecar.end() == 0
    assert volume_warnings(sidecar) == []


@pytest.mark.pid1_only("only the first process of a container takes its root file system for an image")
@pytest.mark.parametrize("mounted", [True, False])
def test_graveyard_on_the_root_file_system_of_a_container_is_no_volume(world: World, mounted: bool) -> None:
    """The folder comes with the image, and nothing is mounted there."""
    root = world.root / "root"
    for folder in ("graveyard", "installation", "proc", "tmp"):
        (root / folder).mkdir(parents=True)
    stage = ["--bind", str(world.installation.folder), f"{root}/installation", "--proc", f"{root}/proc"]
    stage += ["--tmpfs", f"{root}/graveyard", ""] if mounted else []
    sidecar = world.run(
        ["/installation/actor", "exit 0"],
        kubexit=["/installation" + world.installation.command[0].removeprefix(str(world.installation.folder))],
        stage=[*stage, "--chroot", str(root)],
        name="sidecar",
        death_deps="main",
        TMPDIR="/tmp",
        KUBEXIT_GRAVEYARD="/graveyard",
    )
    assert sidecar.end() == 0
    assert [warning.split(";")[0] for warning in volume_warnings(sidecar)] == ([] if mounted else ["no volume is mounted at /graveyard"])
