"""A graveyard that cannot be used at the start: a message with path and cause, exit 1, no child. One that breaks later: life goes on."""

from __future__ import annotations

import contextlib
import errno
import shutil
import subprocess
from signal import SIGTERM
from typing import TYPE_CHECKING

import pytest

from support import processes
from support.graveyards import Graveyard

if TYPE_CHECKING:
    from pathlib import Path

    from support.supervisors import Supervisor
    from support.world import World

NOBODY = "65534"


def assert_refused(main: Supervisor, path: str, cause: str) -> None:
    """Check that it ended with 1 and no child, and said which path it could not use and why."""
    assert main.end() == 1
    assert main.out is not None
    assert main.out.rest() == []
    error = main.error()
    assert path in error
    assert cause in error


def test_graveyard_that_is_a_file_is_refused(world: World) -> None:
    """Not a directory."""
    path = world.root / "file"
    path.write_text("mine")
    assert_refused(world.start("main", graveyard=str(path)), str(path), "ot a directory")
    assert path.read_text() == "mine"


def test_graveyard_below_a_file_is_refused(world: World) -> None:
    """It cannot be made there either."""
    (world.root / "file").touch()
    path = world.root / "file" / "graveyard"
    assert_refused(world.start("main", graveyard=str(path)), str(path), "ot a directory")


@pytest.mark.parametrize("mode", [0o755, 0o555, 0o000, 0o666])
def test_graveyard_without_permission_is_refused(world: World, mode: int) -> None:
    """As another user than the one that it belongs to."""
    path = world.root / "private"
    path.mkdir(mode=mode)
    path.chmod(mode)
    main = world.run([world.installation.actor], name="main", graveyard=str(path), stage=["--user", NOBODY])
    assert_refused(main, str(path), "ermission denied")


def test_graveyard_that_cannot_be_made_is_refused(world: World) -> None:
    """Its parent does not allow that."""
    path = world.root / "new"
    main = world.run([world.installation.actor], name="main", graveyard=str(path), stage=["--user", NOBODY])
    assert_refused(main, str(path), "ermission denied")
    assert not path.exists()


def test_read_only_graveyard_is_refused(world: World) -> None:
    """A volume that is mounted read-only, which root cannot write to either."""
    path = str(world.graveyard.path)
    main = world.run([world.installation.actor], name="main", stage=["--mounts", "--bind", path, path, "--readonly", path])
    assert_refused(main, path, "ead-only file system")


def test_full_graveyard_is_refused_where_not_even_a_lock_fits(world: World) -> None:
    """No inode is left."""
    path = str(world.graveyard.path)
    main = world.run([world.installation.actor], name="main", stage=["--mounts", "--tmpfs", path, "nr_inodes=1"])
    assert_refused(main, path, "o space left")


def test_missing_graveyard_is_made_for_all_users(world: World) -> None:
    """With all folders above it; mode 0777 whatever the umask, because other containers run as other users."""
    path = world.root / "some" / "where" / "graveyard"
    main = world.run([world.installation.actor, "exit 0"], name="main", graveyard=str(path), stage=["--umask", "077"])
    assert main.end() == 0
    assert path.stat().st_mode & 0o7777 == 0o777
    assert Graveyard(path).stone("main")["ExitCode"] == 0


def test_graveyard_that_others_make_at_the_same_time_is_used(world: World) -> None:
    """All containers of a pod start at once: whoever is first makes it, and all can use it, whatever their user."""
    for number in range(10):
        path = world.root / f"graveyard-{number}"
        (world.root).chmod(0o777)
        users = ["0", NOBODY, "1234"]
        started = [
            world.run([world.installation.actor, "exit 0"], name=f"main-{user}", graveyard=str(path), stage=["--umask", "077", "--user", user])
            for user in users
        ]
        assert [main.end() for main in started] == [0, 0, 0]
    world.root.chmod(0o755)


def test_different_users_share_a_graveyard(world: World) -> None:
    """Locks can be asked for and tombstones read by any user."""
    main = world.run([world.installation.actor], name="main", stage=["--user", "1234", "--umask", "077"])
    sidecar = world.run([world.installation.actor, "on 15 die"], name="sidecar", death_deps="main:failed", stage=["--user", NOBODY])
    main.ready()
    sidecar.ready()
    main.kill()
    assert sidecar.end() == 143


def test_name_may_change_its_user_between_two_lives(world: World) -> None:
    """The lock file of an earlier life belongs to another user and can be locked all the same."""
    for user in ("1234", NOBODY, "0"):
        main = world.run([world.installation.actor, "exit 4"], name="main", stage=["--user", user])
        assert main.end() == 4
        assert main.stone()["ExitCode"] == 4


def test_sticky_graveyard_works_for_one_user_only_and_says_so(world: World) -> None:
    """In a folder like /tmp nobody may replace another user's file: the message says what is wrong."""
    world.graveyard.path.chmod(0o1777)
    assert world.run([world.installation.actor, "exit 4"], name="main", stage=["--user", "1234"]).end() == 4
    main = world.run([world.installation.actor], name="main", stage=["--user", NOBODY])
    assert_refused(main, str(world.graveyard.path), "sticky")


def test_missing_volume_is_warned_of(world: World) -> None:
    """With dependencies, and a graveyard that we had to make ourselves: no peer will ever be seen there."""
    sidecar = world.start("sidecar", "exit 0", death_deps="main", graveyard=str(world.root / "new"))
    assert sidecar.end() == 0
    assert any("no volume is mounted" in line["message"] for line in sidecar.log() if line["level"] == "warning")


def test_missing_volume_does_not_matter_without_dependencies(world: World) -> None:
    """Whoever waits for nobody needs no shared folder."""
    main = world.start("main", "exit 0", graveyard=str(world.root / "new"))
    assert main.end() == 0
    assert "no volume" not in main.logged_so_far()


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with (path / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 512):
            pass


def test_volume_that_fills_up_does_not_stop_the_child(world: World) -> None:
    """Died cannot be written: one warning, and the exit status is the child's."""
    world.mount_graveyard("size=64k")
    main = world.start("main", "on 15 exit 6")
    main.ready()
    world.graveyard.wait_for_stone("main")
    fill(world.graveyard.path)
    main.send(SIGTERM)
    assert main.end() == 6
    assert sum("tombstone" in warning for warning in main.warnings()) == 1


def test_volume_that_was_full_from_the_start_does_not_keep_the_child_from_running(world: World) -> None:
    """A lock needs no room, only an inode."""
    world.mount_graveyard("size=64k")
    fill(world.graveyard.path)
    main = world.start("main", "exit 6")
    assert main.end() == 6
    assert sum("tombstone" in warning for warning in main.warnings()) == 1


def test_full_volume_still_tells_peers_of_the_end(world: World) -> None:
    """What cannot be written in the tombstone is said by the lock: the peer counts as vanished."""
    world.mount_graveyard("size=64k")
    main = world.start("main", "on 15 exit 0")
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    for supervisor in (main, sidecar):
        supervisor.ready()
        world.graveyard.wait_for_stone(supervisor.name)
    fill(world.graveyard.path)
    main.send(SIGTERM)
    assert (main.end(), sidecar.end()) == (0, 143)


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_graveyard_that_is_taken_away_does_not_stop_the_child(world: World, how: str) -> None:
    """The child lives on, one warning is logged, signals work, and the exit status is the child's."""
    sidecar = world.start("sidecar", "on 15 exit 6", death_deps="main", instant_logging="1")
    sidecar.ready()
    world.graveyard.wait_for_stone("sidecar")
    if how == "removed":
        shutil.rmtree(world.graveyard.path)
    else:
        world.graveyard.path.rename(world.root / "elsewhere")
    if how == "replaced":
        world.graveyard.path.mkdir()
    sidecar.settle()
    sidecar.send(10)
    assert sidecar.says("signal 10")
    sidecar.send(SIGTERM)
    assert sidecar.end() == 6
    assert len(sidecar.warnings()) <= 2  # that it is gone, and that Died could not be written


def test_moved_graveyard_is_still_the_same_graveyard(world: World) -> None:
    """The folder is what counts, not its path: peers that write into it are seen."""
    sidecar = world.start("sidecar", "on 15 die", death_deps="main", instant_logging="1")
    sidecar.ready()
    world.graveyard.wait_for_stone("sidecar")
    moved = Graveyard(world.graveyard.path.rename(world.root / "elsewhere"))
    sidecar.settle()
    moved.carve_died("main", 0)
    assert sidecar.end() == 0
    assert moved.stone("sidecar")["Reason"] == "DependencyDied"


@pytest.mark.parametrize("lazy", [True, False])
def test_graveyard_that_is_unmounted_does_not_stop_the_child(world: World, lazy: bool) -> None:
    """Lazily, or by force while it is in use (which fails for a tmpfs): the child lives on."""
    path = str(world.graveyard.path)
    sidecar = world.run(
        [world.installation.actor, "on 15 exit 6"],
        name="sidecar",
        death_deps="main",
        instant_logging="1",
        stage=["--mounts", "--tmpfs", path, "mode=777"],
    )
    sidecar.ready()
    subprocess.run(["nsenter", "-t", str(sidecar.pid), "-m", "-p", "umount", "-l" if lazy else "-f", path], check=lazy, stderr=subprocess.DEVNULL)
    sidecar.settle()
    sidecar.send(10)
    assert sidecar.says("signal 10")
    sidecar.send(SIGTERM)
    assert sidecar.end() == 6


def test_own_tombstone_that_others_remove_is_written_again(world: World) -> None:
    """Whoever cleans up the graveyard does not keep Died from being written."""
    main = world.start("main", "on 15 exit 0")
    main.ready()
    world.graveyard.wait_for_stone("main")
    (world.graveyard.path / "main").unlink()
    (world.graveyard.path / ".main.lock").unlink()
    main.send(SIGTERM)
    assert main.end() == 0
    assert main.stone()["ExitCode"] == 0


def test_something_strange_in_the_place_of_the_tombstone_later_on_harms_nothing(world: World) -> None:
    """A directory that appears where Died is to be written: one warning, and the child's exit status."""
    main = world.start("main", "on 15 exit 6")
    main.ready()
    world.graveyard.wait_for_stone("main")
    path = world.graveyard.path / "main"
    path.unlink()
    path.mkdir()
    (path / "x").touch()
    main.send(SIGTERM)
    assert main.end() == 6
    assert len(main.warnings()) == 1


def test_file_system_without_locks_is_warned_of_once(world: World) -> None:
    """No alive lock can be had there: one warning, and everything else works."""
    main = world.run([world.installation.actor, "on 15 exit 6"], name="main", stage=["--deny", "lock", str(errno.EINVAL)])
    sidecar = world.start("sidecar", "on 15 die", death_deps="main")
    main.ready()
    sidecar.ready()
    main.send(SIGTERM)
    assert (main.end(), sidecar.end()) == (6, 143)
    assert sum("lock" in warning for warning in main.warnings()) == 1


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM])
def test_sandbox_without_inotify_means_a_look_every_second(world: World, error: int) -> None:
    """One warning, and deaths are seen all the same."""
    sidecar = world.run([world.installation.actor, "on 15 die"], name="sidecar", death_deps="main", stage=["--deny", "inotify", str(error)])
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    assert sum("inotify" in warning for warning in sidecar.warnings()) == 1


def test_no_inotify_instance_left_means_a_look_every_second(world: World) -> None:
    """One warning that names the sysctl, and deaths are seen all the same."""
    user = str(50_000 + processes.own_pid() % 10_000)
    hoarder = world.actor("hoard", stage=["--user", user])
    hoarder.text("ready")
    sidecar = world.run([world.installation.actor, "on 15 die"], name="sidecar", death_deps="main", stage=["--user", user])
    sidecar.ready()
    world.graveyard.carve_died("main", 0)
    assert sidecar.end() == 0
    (warning,) = sidecar.warnings()
    assert "fs.inotify.max_user_instances" in warning


def test_vanished_peer_is_seen_without_inotify_too(world: World) -> None:
    """The look every second asks for locks as well."""
    user = str(50_000 + processes.own_pid() % 10_000)
    hoarder = world.actor("hoard", stage=["--user", user])
    hoarder.text("ready")
    main = world.start("main")
    main.ready()
    sidecar = world.run([world.installation.actor, "on 15 die"], name="sidecar", death_deps="main", stage=["--user", user])
    sidecar.ready()
    main.kill()
    assert sidecar.end() == 143
