"""The images as init containers: what they leave in a volume, and that it runs in images that know nothing of kubexit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from image.containers import ACTOR, KOORDINATOR

if TYPE_CHECKING:
    from image.containers import Container, Pod

CONFINED = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges")
# A manifest's `command`: its first word takes the place of the image's entrypoint.
WAYS = {
    "cp": ("cp", "/bin/kubexit", "/kubexit/kubexit"),
    "cp, another path": ("cp", "/app/bin/kubexit", "/kubexit/kubexit"),
    "cp, options": ("/bin/cp", "-a", "-f", "/bin/kubexit", "/kubexit/"),
    "install": ("kubexit", "--install", "/kubexit"),
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
PODINFO = {"KOORDINATOR_POD_NAME": "pod", "KOORDINATOR_POD_NAMESPACE": "default"}


def start_init(pod: Pod, way: tuple[str, ...], user: str = "65534") -> Container:
    program, *arguments = way
    return pod.start("init", *arguments, options=[*CONFINED, f"--user={user}", f"--entrypoint={program}"])


def install(pod: Pod, way: tuple[str, ...], user: str = "65534") -> None:
    ended = start_init(pod, way, user).end()
    assert ended.status == 0, ended.err


def start_main(pod: Pod, plain: str, *commands: str) -> Container:
    return pod.start("main", ACTOR, *commands, image=plain, options=[*CONFINED, "--user=4711", "--entrypoint=/kubexit/kubexit"])


def check_that_it_runs(pod: Pod, plain: str) -> None:
    ended = start_main(pod, plain, "exit 3").end()
    assert ended.status == 3, ended.err


@each_way
@pytest.mark.parametrize("user", ["0", "65534", "12345:0"])
def test_what_an_init_container_leaves_in_a_volume_runs_in_another_image(pod: Pod, plain: str, way: tuple[str, ...], user: str) -> None:
    install(pod, way, user)
    check_that_it_runs(pod, plain)


@each_way
def test_several_init_containers_at_once_do_no_harm(pod: Pod, plain: str, way: tuple[str, ...]) -> None:
    started = [start_init(pod, way) for _ in range(4)]
    assert [init.end().status for init in started] == [0, 0, 0, 0]
    check_that_it_runs(pod, plain)


@each_way
@pytest.mark.parametrize("before", ["cp", "install"])
def test_a_kubexit_that_runs_from_the_volume_runs_on_when_another_is_put_there(pod: Pod, plain: str, way: tuple[str, ...], before: str) -> None:
    install(pod, WAYS[before])
    running = start_main(pod, plain, "obey 15")
    running.says("ready")
    install(pod, way)
    running.stop(20)
    assert running.end().status == 143
    check_that_it_runs(pod, plain)


@each_way
def test_an_older_version_is_replaced(pod: Pod, plain: str, way: tuple[str, ...]) -> None:
    older = pod.volume / ".kubexit-0.0.1-0123456789ab" / "kubexit"
    older.parent.mkdir()
    older.write_text("an older version")
    (pod.volume / "kubexit").symlink_to(older.relative_to(pod.volume))
    install(pod, way)
    check_that_it_runs(pod, plain)
    assert older.read_text() == "an older version"


def test_the_image_of_koordinator_leaves_koordinator_where_its_arguments_say(pod: Pod, plain: str) -> None:
    volume = f"--volume={pod.volume}:/koordinator"
    init = pod.run("init", "/koordinator", image=KOORDINATOR, options=[*CONFINED, volume])
    assert (init.status, init.out) == (0, "/koordinator/koordinator\n")
    options = [*CONFINED, volume, "--entrypoint=/koordinator/koordinator"]
    ended = pod.run("main", ACTOR, "exit 3", image=plain, options=options, KOOORDINATOR_SPEC='{"stopDelay":"10s"}', **PODINFO)
    assert ended.status == 3, ended.err


def test_an_init_container_that_may_not_write_says_so(pod: Pod) -> None:
    pod.volume.chmod(0o755)
    for way in WAYS.values():
        ended = start_init(pod, way).end()
        assert ended.status == 1
        assert "/kubexit" in ended.err
        assert ended.err.count("\n") == 1
