"""The images of the tests: our own two as ci/image has built them, and others of the frozen kubexit, the tests' static programs, and busybox.

`python images.py FILE` makes them, has KUBEXIT_E2E_LOAD bring them into the cluster, and writes what they are called into FILE. KUBEXIT_E2E_IMAGES
tells that file to several runs of tests, which would otherwise each do the same.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.archives import Content, Image, Layer, write_archive
from e2e.programs import puppet
from e2e.stand_ins import stand_ins
from support.programs import program

ROOT = Path(__file__).resolve().parent.parent.parent
DIST = ROOT / "dist"
BUSYBOX = Path("/bin/busybox")  # Debian's package busybox-static
FORMS = {"single": "/bin/kubexit", "tree": "/tree/kubexit"}  # where an image has them
PASSWD = b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
# Stand-ins for the programs of other people's images: what they have in common with the real ones is the command line, the port and the end.
NGINX = b"#!/bin/sh\nexec puppet serve 80 on-term exit 0\n"
CURL = b"#!/bin/sh\nexec puppet get 80 /\n"
APK = b'#!/bin/sh\necho "apk $*"\n'
PSQL = b'#!/bin/sh\necho "psql $* of $PGDATABASE"\nexec puppet get 5432 /\n'
CLOUD_SQL_PROXY_1 = b'#!/bin/sh\necho "proxy for $INSTANCES by $GOOGLE_APPLICATION_CREDENTIALS"\nexec puppet serve 5432 on-term exit 0\n'
CLOUD_SQL_PROXY_2 = b'#!/bin/sh\necho "proxy $*"\nexec puppet serve 9090\n'
MAIN_APP = b"#!/bin/sh\nexec puppet get 9090 /main\n"
SLEEP = b"#!/bin/sh\nexec busybox sleep 1\n"  # whoever asks for a minute means some time
MY_SERVER = b'#!/bin/sh\nexec puppet serve "${1#--port=}"\n'
MY_CLIENT = b'#!/bin/sh\n[ "$1" ] || exec puppet exit 0\nuntil puppet get "${1##*:}"; do :; done\n'


def images() -> dict[str, Image]:
    """Give all images by their name."""
    single, tree = Layer({"/bin/kubexit": DIST / "kubexit", "/bin/koordinator": "kubexit"}), Layer.of_folder(DIST / "kubexit-tree", "/tree")
    tools = Layer({"/bin/puppet": puppet(), "/bin/actor": program("actor")})
    applets: dict[str, Content] = {f"/bin/{name}": "busybox" for name in _applets()}
    local = Layer({"/usr/local/bin/kubexit": DIST / "kubexit"})
    shell = Layer({**applets, "/bin/busybox": BUSYBOX, "/etc/passwd": PASSWD})

    def stand_in(name: str, *more: Layer, **files: bytes) -> Image:
        own = Layer({f"/{path.replace('__', '/').replace('_', '-')}": text for path, text in files.items()})
        return Image(name, [shell, tools, *more, own], path="/usr/local/bin:/bin")

    made = [
        Image("plain", [single, tree, tools]),  # no shell, no /tmp, no users: as distroless images are
        Image("shell", [shell, single, tools]),
        Image("bare", [tools]),
        Image.read("kubexit", DIST / "images/kubexit.tar"),
        Image.read("koordinator", DIST / "images/koordinator.tar"),
        stand_in("alpine", bin__apk=APK, bin__curl=CURL),
        stand_in("nginx", bin__nginx=NGINX),
        Image("psql", [shell, tools, single, Layer({"/bin/psql": PSQL})]),
        Image("proxy", [shell, tools, single, Layer({"/bin/cloud_sql_proxy": CLOUD_SQL_PROXY_1})]),
        Image("connector", [shell, tools, Layer({"/cloud-sql-proxy": CLOUD_SQL_PROXY_2})]),
        Image("application", [shell, tools, Layer({"/main-app": MAIN_APP})]),
        Image("kubexit-httpd", [single, Layer({"/bin/httpd": BUSYBOX})], entrypoint=["kubexit", "httpd", "-f", "-v", "-p", "8080", "-h", "/www"]),
        Image("busybox", [shell]),
        *stand_ins([shell, tools]),
        stand_in("sleeper", local, usr__local__bin__sleep=SLEEP),
        stand_in("my-server", local, usr__local__bin__my_server=MY_SERVER),
        stand_in("my-client", local, usr__local__bin__my_client=MY_CLIENT),
    ]
    return {image.name: image for image in made}


@functools.cache
def references() -> dict[str, str]:
    """Give what manifests call the images. Unless somebody has brought them into the cluster already, that is done first."""
    known = os.environ.get("KUBEXIT_E2E_IMAGES")
    return dict(json.loads(Path(known).read_text())) if known else load()


def load() -> dict[str, str]:
    """Make all images and bring them into the cluster; give what manifests call them. A subprocess.CalledProcessError if that fails."""
    command = shlex.split(os.environ["KUBEXIT_E2E_LOAD"])
    made = images()
    with tempfile.TemporaryDirectory(prefix="kubexit-e2e-") as folder:
        archive = Path(folder) / "images.tar"
        write_archive(made.values(), archive)
        subprocess.run([*command, str(archive)], check=True)
    return {name: image.reference for name, image in made.items()}


def _applets() -> list[str]:
    listed = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    return [name for name in listed if name != "busybox"]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(load()))
