"""What a supervisor carves, and what it reads from others: kubexits in Go as well."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from signal import SIGTERM
from typing import TYPE_CHECKING

import pytest

from support.inotify import CREATED, MODIFIED, MOVED_TO, Recorder

if TYPE_CHECKING:
    from support.world import World

KEYS = ["Born", "ReadyAt", "Died", "ExitCode", "ChildExitCode", "Signal", "Reason", "Message"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def seconds(text: str) -> float:
    """Read a time of a tombstone."""
    assert TIME.fullmatch(text), text
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00" if "." in text else text).timestamp()


def test_life_is_carved_at_birth_and_death(world: World) -> None:
    """Born and ReadyAt while it lives; Died, ExitCode, Reason and Message are added at its end. Times are of now, in UTC."""
    begun = datetime.now(UTC).timestamp()
    main = world.start("main", "on 15 exit 3")
    main.ready()
    alive = world.graveyard.wait_for_stone("main")
    assert set(alive) == {"Born", "ReadyAt"}
    main.send(SIGTERM)
    assert main.end() == 3
    dead = main.stone()
    assert set(dead) == {"Born", "ReadyAt", "Died", "ExitCode", "Reason", "Message"}
    assert (dead["Born"], dead["ReadyAt"], dead["ExitCode"]) == (alive["Born"], alive["ReadyAt"], 3)
    assert alive["Born"] == alive["ReadyAt"]
    assert begun - 1 <= seconds(dead["Born"]) <= seconds(dead["Died"]) <= datetime.now(UTC).timestamp() + 1


def test_keys_stand_in_their_order_one_a_line(world: World) -> None:
    """Every reader, a shell's `grep` too, finds them: `Key: value`, absent ones left out."""
    world.graveyard.carve_died("main", 0)
    sidecar = world.start("sidecar", "on 15 die", death_deps="other")
    sidecar.ready()
    world.graveyard.carve_died("other", 0)
    sidecar.end()
    lines = (world.graveyard.path / "sidecar").read_text().splitlines()
    found = [line.partition(":")[0] for line in lines]
    assert found == [key for key in KEYS if key in found]
    assert all(": " in line for line in lines)


def test_all_keys_can_be_there(world: World) -> None:
    """A child that obeyed, and whose own end is not what is reported."""
    sidecar = world.start("sidecar", "obey 15", death_deps="main")
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    sidecar.end()
    assert list(sidecar.stone()) == KEYS


def test_times_are_quoted_and_numbers_are_not(world: World) -> None:
    """As Go's writer has it: a YAML reader gets text for a time, and a number for a code."""
    assert world.start("main", "exit 9").end() == 9
    text = (world.graveyard.path / "main").read_text()
    assert re.search(r'^Born: "[^"]+Z"$', text, re.MULTILINE)
    assert re.search(r'^Died: "[^"]+Z"$', text, re.MULTILINE)
    assert re.search(r"^ExitCode: 9$", text, re.MULTILINE)


def test_message_is_one_line_whatever_is_in_it(world: World) -> None:
    """A command's name may hold anything; a YAML reader gets it back on one line."""
    main = world.run(['/no "such"\\ thing: {x}\n# \t\x07é日'], name="main")
    assert main.end() == 127
    stone = main.stone()
    assert '/no "such"\\ thing: {x}' in stone["Message"]
    assert len((world.graveyard.path / "main").read_text().splitlines()) == len(stone)


def test_message_is_bounded(world: World) -> None:
    """A tombstone stays what readers accept, 64 KiB, however long a name is."""
    main = world.run(["/nonexistent/" + "x" * 100_000], name="main")
    assert main.end() in (126, 127)
    assert (world.graveyard.path / "main").stat().st_size < 65_536
    assert main.stone()["Reason"] == "StartFailed"


def test_tombstone_is_replaced_not_rewritten(world: World) -> None:
    """A reader that has it open keeps the whole old one; nothing but lock and tombstone is left in the folder."""
    main = world.start("main", "on 15 exit 0")
    main.ready()
    world.graveyard.wait_for_stone("main")
    with (world.graveyard.path / "main").open() as reader:
        main.send(SIGTERM)
        assert main.end() == 0
        assert "Died" not in reader.read()
    assert sorted(entry.name for entry in world.graveyard.path.iterdir()) == [".main.lock", "main"]


def test_tombstone_is_only_ever_renamed_into_place(world: World) -> None:
    """A reader never sees half of it: nothing is ever created or written under its name. Nor is its lock seen before it is held."""
    with Recorder(world.graveyard.path) as recorder:
        main = world.start("main", "quiet", "exit 0")
        assert main.end() == 0
        events = recorder.events()
    assert not {mask for name, mask in events if name == "main"} & {CREATED, MODIFIED}
    assert next(mask for name, mask in events if name == ".main.lock") == MOVED_TO


def test_hard_link_to_an_old_tombstone_is_not_written_through(world: World) -> None:
    """What somebody keeps of an earlier life stays as it is."""
    assert world.start("main", "exit 1").end() == 1
    kept = world.root / "kept"
    (world.graveyard.path / "main").rename(kept)
    (world.graveyard.path / "main").hardlink_to(kept)
    before = kept.read_text()
    assert world.start("main", "exit 2").end() == 2
    assert kept.read_text() == before


BORN = '"2026-11-20T03:12:18.233793483Z"'
DIED = '"2026-11-20T03:12:19.5Z"'


@pytest.mark.parametrize(
    "text",
    [
        f"Born: {BORN}\nDied: {DIED}\nExitCode: 0\n",
        f"ExitCode: 0\nDied: {DIED}\n",
        f"died: {DIED}\nexitcode: 0\n",
        f"BORN: {BORN}\nDIED: {DIED}\nEXITCODE: 0",
        "Died: 2026-11-20T03:12:19Z\nExitCode: 0\n",
        "Died: '2026-11-20T03:12:19+01:00'\nExitCode: '0'\n",
        f"---\n# a comment\nDied: {DIED}   # another\n\nExitCode: 0\n...\n",
        f"Died: {DIED}\r\nExitCode: 0\r\n",
        f"Future: {{a: [1, 2]}}\nNested:\n  Died: no\n  - x\nDied: {DIED}\nExitCode: 0\n",
        f'"Died": {DIED}\n"ExitCode": 0\n',
        f"Died:    {DIED}\nExitCode:    0   \nMessage: \"colon: and # and 'quotes'\"\n",
    ],
)
def test_tombstone_may_be_written_in_several_ways(world: World, text: str) -> None:
    """Keys in any case and order, values quoted or not, unknown keys and comments ignored."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main:succeeded")
    sidecar.ready()
    world.graveyard.carve("main", text)
    assert sidecar.end() == 0


@pytest.mark.parametrize(
    "text", [f"Born: {BORN}\n", f"Born: {BORN}\nDied: null\n", f"Born: {BORN}\nDied:\nExitCode:\n", f"Born: {BORN}\nDied: ~\n", ""]
)
def test_tombstone_without_died_is_no_death(world: World, text: str) -> None:
    """Nor is an empty file: a Go kubexit truncates before it writes."""
    sidecar = world.start("sidecar", "on 10 exit 3", death_deps="main", instant_logging="1")
    sidecar.ready()
    world.graveyard.carve("main", text)
    sidecar.settle()
    sidecar.send(10)
    assert sidecar.end() == 3


def test_death_without_an_exit_code_is_a_failure(world: World) -> None:
    """An end that does not say that it was a success."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    sidecar.ready()
    world.graveyard.carve("main", f"Died: {DIED}\n")
    assert sidecar.end() == 143


def test_go_peer_that_truncates_and_writes_in_pieces_is_read_when_it_is_whole(world: World) -> None:
    """In place, without a lock file: nothing is believed until it makes sense, and nothing is warned of while it is written."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", instant_logging="1")
    sidecar.ready()
    world.graveyard.carve_born("main")
    sidecar.settle()
    with (world.graveyard.path / "main").open("wb", buffering=0) as file:  # truncated
        sidecar.settle()
        for piece in (f"Born: {BORN}\n", f"Died: {DIED}\nExit", "Code: 0\n"):
            file.write(piece.encode())
            sidecar.settle()
            assert not sidecar.ended
    assert sidecar.end() == 0
    assert sidecar.warnings() == []


def test_go_peer_is_ready_when_it_is_born(world: World) -> None:
    """It writes no ReadyAt and has no lock file."""
    client = world.start("client", "exit 0", birth_deps="server", birth_timeout="0", instant_logging="1")
    client.settle()
    world.graveyard.carve_born("server")
    assert client.end() == 0


def test_go_peer_that_is_restarted_writes_over_its_old_tombstone(world: World) -> None:
    """Born is written in place over an old Died: it lives again."""
    world.graveyard.carve_died("server", 1)
    client = world.start("client", "exit 0", birth_deps="server", birth_timeout="0", instant_logging="1")
    client.settle()
    assert not client.ended
    world.graveyard.carve_born("server")
    assert client.end() == 0


def test_job_with_a_go_main_and_our_sidecar_ends(world: World) -> None:
    """A whole life of a peer that knows nothing of locks."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    sidecar.ready()
    world.graveyard.carve_born("main")
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0


def test_unreadable_tombstone_is_told_once_until_it_changes(world: World) -> None:
    """The same broken content is no news, however often it is written; another one is."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", instant_logging="1")
    sidecar.ready()
    for content in (b"\x00\x01", b"\x00\x01", b"\x00\x01", b"[]", b"[]"):
        world.graveyard.carve("main", content)
        sidecar.settle()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    assert len([warning for warning in sidecar.warnings() if "main" in warning]) == 2
