"""What both forms owe by their helper program, which reads the pod's status. Each docstring is the promise that its function checks."""
# ruff: noqa: D401  a promise is a sentence about the program
# ruff: noqa: PTH115, PTH123, PTH208  os has the call that is meant

from __future__ import annotations

import contextlib
import importlib
import os
import re
import select
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freeze.promises import ANYBODY, FORMS, NOEXEC, PROMISES
from freeze.root import PROBE, SINGLE, SUPERVISED, Case, expect, same
from support import processes
from support.api_server import ApiServer
from support.certificates import CLUSTER, authority
from support.pods import READY, RUNNING, Pod

sys.path.insert(0, str(Path(__file__).parents[2] / "build"))
sys.path.insert(0, str(Path(__file__).parents[2] / "app"))
from kubexit.linux.handover import SINGLE_FILE, Start
from kubexit.linux.helper import HelperProgram

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from freeze.root import Root

TOKEN = "a-token"  # noqa: S105  for a server of our own
ACCOUNT = "run/secrets/kubernetes.io/serviceaccount"
KILLED = 40  # rounds
LARGEST = 30_000_000  # bytes


@contextlib.contextmanager
def pod(root: Root, *, ready: bool) -> Iterator[tuple[ApiServer, tuple[bytes, ...]]]:
    """Give a server that tells of a pod, and the environment of a container in it that depends on another one in it."""
    server = ApiServer()
    server.tokens[TOKEN] = "somebody"
    there = Pod()
    there.statuses = {"client": RUNNING, "server": READY if ready else RUNNING}
    server.put(there)
    account = root.folder / ACCOUNT
    account.mkdir(parents=True, exist_ok=True)
    (account / "token").write_text(TOKEN)
    (account / "ca.crt").write_text(authority(CLUSTER).read_text())
    of_cluster = (b"KUBERNETES_SERVICE_HOST=127.0.0.1", b"KUBERNETES_SERVICE_PORT=%d" % server.port)
    entries = (*of_cluster, b"KUBEXIT_POD_NAME=shop-0", b"KUBEXIT_NAMESPACE=shop", b"KUBEXIT_BIRTH_DEPS=server", *SUPERVISED)
    try:
        yield server, entries
    finally:
        server.go_away()


@contextlib.contextmanager
def helping(root: Root, form: str, place: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, ApiServer]]:
    """Give a supervisor that waits for a dependency that is not ready, the pid of its helper, which watches the pod, and the server."""
    with pod(root, ready=False) as (server, entries), open(os.devnull, "wb") as null:
        case = Case(mounts={"gy": NOEXEC}, entries=entries, bind=((place, "tmp"),))
        with root.started(case, null, null, form, PROBE) as supervisor:
            server.wait_for_watch()
            (helper,) = processes.children(supervisor.pid)
            gone = os.pidfd_open(helper)
            try:
                yield supervisor, helper, server
            finally:
                supervisor.kill()
                dead = select.select([gone], [], [], 30)[0]
                os.close(gone)
            expect(dead, form, "the helper lives on without its supervisor")


def in_an_empty_root(root: Root) -> None:
    """In an empty root both forms read the pod's status over TLS, also as another user, and the child gets what was given."""
    with pod(root, ready=True) as (_, entries):
        for form in FORMS:
            same(root, Case(entries=entries), form, "a")
            same(root, Case(entries=entries, stage=("--umask", "777", *ANYBODY)), form)


def hardly_writable(root: Root) -> None:
    """The same where nothing but a graveyard and a /dev/shm is writable, and neither allows execution."""
    with pod(root, ready=True) as (_, entries):
        for form in FORMS:
            same(root, Case(mounts={"gy": NOEXEC, "dev/shm": NOEXEC}, entries=entries, stage=ANYBODY), form)
            same(root, Case(mounts={"gy": NOEXEC}, entries=entries), form)


def little_room(root: Root) -> None:
    """Room for the supervisor alone is enough for a start without the helper, and the helper finds another place."""
    room = {"gy": NOEXEC, "tmp": "size=10m,mode=1777"}
    same(root, Case(mounts=room), SINGLE)
    with pod(root, ready=True) as (_, entries):
        same(root, Case(mounts=room | {"dev/shm": NOEXEC}, entries=entries), SINGLE)


def low_limits(root: Root) -> None:
    """16 descriptors and 64 MB of addresses are enough for it, in memory too."""
    with pod(root, ready=True) as (_, entries):
        for form in FORMS:
            for mounts in ({"gy": "", "tmp": ""}, {"gy": NOEXEC}):
                same(root, Case(mounts=mounts, entries=entries, stage=("--limit", "nofile", "16", "--limit", "as", str(64 << 20))), form)


def foreign_files(root: Root) -> None:
    """Nothing of the root's libraries, of OpenSSL's settings there or of its name services is looked at: here all of them are broken."""
    names = ("libc.so.6", "libcrypto.so.3", "libssl.so.3", "libnss_evil.so.2", "libnss_files.so.2", "ossl-modules/legacy.so")
    made = [root.folder / folder / name for folder in ("lib", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu") for name in names]
    made += [root.folder / name for name in ("usr/lib/ssl/openssl.cnf", "etc/ssl/openssl.cnf", "etc/ld.so.cache", "etc/localtime", "etc/gai.conf")]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[this is broken\n")
    made += [root.folder / "etc" / name for name in ("nsswitch.conf", "hosts")]
    made[-2].write_text("hosts: evil\n")
    made[-1].write_text("127.0.0.1 localhost\n")
    with pod(root, ready=True) as (_, entries):
        by_name = (b"KUBERNETES_SERVICE_HOST=localhost", *entries[1:])
        for form in FORMS:
            same(root, Case(entries=by_name), form)
    for path in made:
        path.unlink()


def alone(root: Root) -> None:
    """The running helper has a minimal environment, four descriptors, blocked signals, no foreign library, no file, and dies with its supervisor."""
    allowed = {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "OPENSSL_CONF", "KUBEXIT_GRAVEYARD", "TMPDIR"}
    private = re.compile("(_PYI|STATICX|_KUBEXIT)_.*")
    for form in FORMS:
        place = root.outside / f"helper-{Path(form).parent.name}"
        place.mkdir(mode=0o777)
        with helping(root, form, place) as (supervisor, helper, _):
            environment = dict(entry.partition("=")[::2] for entry in processes.read(f"/proc/{helper}/environ").split("\0")[:-1])
            expect(all(name in allowed or private.fullmatch(name) for name in environment), form, *environment)
            expect(not {*environment.values()} & {"/nonexistent", "/bin", "/bin/probe"}, form, *environment.items())
            links = [os.readlink(f"/proc/{helper}/fd/{fd}") for fd in sorted(os.listdir(f"/proc/{helper}/fd"), key=int)]
            expect([link.partition(":")[0] for link in links] == ["pipe", "pipe", "pipe", "socket"] and links[1] == links[2], form, *links)
            mapped = [line.split(maxsplit=5)[5] for line in processes.read(f"/proc/{helper}/maps").splitlines() if "/" in line]
            expect(all("(deleted)" in path or path.startswith(str(root.folder / "tree" / "lib")) for path in mapped), form, *mapped)
            expect(processes.status(helper)["SigBlk"] == processes.status(supervisor.pid)["SigBlk"], form, "signals")
            expect(os.getsid(helper) == helper and processes.status(helper)["Threads"] == "1", form, "session, threads")
            expect(processes.status(helper)["Name"] == "kubexit-helper", form, processes.status(helper)["Name"])
            expect(not os.listdir(place), form, *os.listdir(place))


def killed_at_any_instant(root: Root) -> None:
    """A helper that is killed at any instant of its start leaves nothing once its supervisor has cleaned up."""
    place = root.outside / "killed"
    place.mkdir()
    start = Start(b"kubexit", [], 0, 0, SINGLE_FILE, os.fsencode(root.dist / "kubexit"), os.fsencode(place))
    unpacked = 0
    for number in range(KILLED):
        reader, writer = os.pipe()
        program = HelperProgram(start)
        pid = program.start([b"http", b"GET", b"http://127.0.0.1:1/", b"9"], writer)
        os.close(writer)
        # the instant: from the fork to beyond the first report, for which a helper removes what it has unpacked
        select.select([reader], [], [], 0.1 * number / KILLED)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        unpacked += bool(os.listdir(place))
        program.clean_up()
        expect(not os.listdir(place), f"round {number}", *os.listdir(place))
    expect(unpacked, "no round met a helper with its bundle")


def cleaned_with_care(root: Root) -> None:
    """Cleaning up follows no link that somebody has put in the place of a helper's folder."""
    place, elsewhere = root.outside / "trap", root.outside / "elsewhere"
    for folder in (place, elsewhere):
        folder.mkdir()
    (elsewhere / "file").touch()
    program = HelperProgram(Start(b"kubexit", [], 0, 0, SINGLE_FILE, os.fsencode(root.dist / "kubexit"), os.fsencode(place)))
    _, environment = program.command([])
    (name,) = (entry.partition(b".")[2] for entry in environment if entry.startswith(b"_KUBEXIT_HELPER="))
    (place / os.fsdecode(name)).symlink_to(elsewhere)
    program.clean_up()
    expect(os.listdir(elsewhere) == ["file"], "what a link led to was removed")


def modules(root: Root) -> None:
    """Of a library only what is imported with it is embedded; of our own packages what functions import, too."""
    needed = importlib.import_module("needed")
    texts = {
        "ours/__init__": "",
        "ours/entry": "from . import near\nfrom library.part import x\nif TYPE_CHECKING:\n    import library.types\nelse:\n    import library.real\n",
        "ours/near": "def late():\n    from .far import x\n    import ours.gone\n",
        "ours/far": "class C:\n    from library import within\n",
        "library/__init__": "try:\n    import library.tried\nexcept ImportError:\n    pass\n",
        **{f"library/{name}": "" for name in ("real", "types", "within", "tried", "unused")},
        "library/part": "def late():\n    import library.unused\n",
    }
    folder = root.outside / "modules"
    for name in ("ours", "library"):
        (folder / name).mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    sources = {name.removesuffix("/__init__").replace("/", "."): folder / f"{name}.py" for name in texts}
    (folder / "main.py").write_text("import ours.entry\n")
    found = needed.needed(folder / "main.py", (), sources, ("ours",))
    expect(found == sources.keys() - {"library.types", "library.unused"}, *sorted(found ^ sources.keys()))


def regular_expressions(root: Root) -> None:
    """The regular expressions that are brought compiled are those that the interpreter would have made, and others are compiled as ever."""
    regexes, real = importlib.import_module("regexes"), importlib.import_module("re._compiler")
    target = root.outside / "compiler.py"
    regexes.stand_in("email.parser", [], target)
    content: dict[str, Any] = {"__name__": "re._compiler", "__package__": "re"}
    exec(compile(target.read_text(), str(target), "exec"), content)  # noqa: S102  our own
    known = list(content["_known_patterns"])
    expect(len(known) > 10 and all(content["compile"](*each) == real.compile(*each) for each in known), *known)
    expect(not content["_known_patterns"] and content["compile"]("[a-f]+", 2).match("BAD"), "what is not known")


def size(root: Root) -> None:
    """Each form takes at the most 30 MB."""
    for name in ("kubexit", "kubexit-tree"):
        files = [path for path in [root.dist / name, *(root.dist / name).rglob("*")] if path.is_file()]
        total = sum(path.stat().st_size for path in files)
        expect(total <= LARGEST, f"{name}: {total}", *files)


def add() -> None:
    """Put them on the list of promises."""
    PROMISES.extend((in_an_empty_root, hardly_writable, little_room, low_limits))
    PROMISES.extend((foreign_files, alone, killed_at_any_instant, cleaned_with_care, modules, regular_expressions, size))
