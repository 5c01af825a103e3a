"""What the kubelet mounts into each container: the service account's token, the CA, the namespace; and /etc/podinfo."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from support.mounts import mount_tmpfs, unmount

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = Path("/run/secrets/kubernetes.io/serviceaccount")  # /var/run is a link to /run
PODINFO = Path("/etc/podinfo")


def mounted() -> Iterator[None]:
    """Have a /run and an /etc of our own in this mount namespace: nothing that is written there is seen by anybody else."""
    with tempfile.TemporaryDirectory() as kept:
        shutil.copytree("/etc", f"{kept}/etc", symlinks=True)
        for path in (Path("/run"), Path("/etc")):
            mount_tmpfs(path, "mode=0755")
        shutil.copytree(f"{kept}/etc", "/etc", symlinks=True, dirs_exist_ok=True)
    yield
    for path in (Path("/etc"), Path("/run")):
        unmount(path)


class Projection:
    """A volume of small files, changed as the kubelet does it: a new folder, and a link that is swapped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count = 0

    def write(self, **files: str) -> None:
        """Have these files and no others. `__` in a name is a dot."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._count += 1
        folder = self.path / f"..{self._count}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        (self.path / "..new").symlink_to(folder.name)
        (self.path / "..new").rename(self.path / "..data")
        for name in (entry.name for entry in folder.iterdir()):
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")

    def remove(self) -> None:
        """Have no such volume."""
        shutil.rmtree(self.path, ignore_errors=True)


class ServiceAccount:
    """The service account's volume."""

    def __init__(self, ca: Path, token: str, namespace: str = "shop") -> None:
        self.ca, self.token, self.namespace = ca, token, namespace
        self.volume = Projection(ACCOUNT)
        self.write()

    def write(self) -> None:
        """Have the files say what is set here."""
        self.volume.write(ca__crt=self.ca.read_text(), token=self.token, namespace=self.namespace)

    def rotate(self, token: str) -> None:
        """Have another token."""
        self.token = token
        self.write()
