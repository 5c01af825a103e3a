"""Images as an archive that every container runtime imports (`docker save` format), written without a container engine.

All images stand in one archive and share their layers. Everything in it is decided by its contents: the same files give the same names.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

REPOSITORY = "localhost/kubexit-e2e"  # a name that no registry answers for
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # by the kernel's name; Kubernetes' is Go's

Content = bytes | Path | str  # of a file: itself, or that of a file here; text: where a symbolic link points


class Layer:
    """Files by their path in the image, folders come with them; or what is a layer already."""

    def __init__(self, files: Mapping[str, Content], *, tar: bytes = b"") -> None:
        self.tar = tar or _tar(_entries(files))
        self.digest = hashlib.sha256(self.tar).hexdigest()

    @classmethod
    def of_folder(cls, folder: Path, place: str) -> Layer:
        """Give all files of a folder, to be found below `place`."""
        return cls({f"{place}/{path.relative_to(folder)}": path for path in sorted(folder.rglob("*")) if path.is_file()})


@dataclass(frozen=True)
class Image:
    """An image: `name` is a word of ours, `reference` what a manifest calls it, `config` its configuration, made of the rest unless there is one."""

    name: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str] = ()
    path: str = "/bin"
    user: str = ""
    config: bytes = b""

    def __post_init__(self) -> None:
        if self.config:
            return
        settings = {"Env": [f"PATH={self.path}"], "Entrypoint": list(self.entrypoint), "User": self.user}
        diff_ids = [f"sha256:{layer.digest}" for layer in self.layers]
        machine = platform.machine()
        config = {"architecture": ARCHITECTURES.get(machine, machine), "os": "linux", "config": settings}
        text = json.dumps({**config, "rootfs": {"type": "layers", "diff_ids": diff_ids}}, sort_keys=True)
        object.__setattr__(self, "config", text.encode())

    @classmethod
    def read(cls, name: str, archive: Path) -> Image:
        """Take the one image of an archive as it is."""
        with tarfile.open(archive) as tar:

            def content(member: str) -> bytes:
                file = tar.extractfile(member)
                assert file is not None, f"{archive}: {member} is no file"
                return file.read()

            (entry,) = json.loads(content("manifest.json"))
            return cls(name, [Layer({}, tar=content(layer)) for layer in entry["Layers"]], config=content(entry["Config"]))

    @property
    def reference(self) -> str:
        """Name it by its contents: an older one of the same name is never taken for it, and nothing has to be pulled (the tag is not latest)."""
        return f"{REPOSITORY}/{self.name}:{hashlib.sha256(self.config).hexdigest()[:16]}"


def write_archive(images: Iterable[Image], out: Path) -> None:
    """Write images into one file."""
    manifest, blobs = [], {}
    for image in images:
        name = f"{hashlib.sha256(image.config).hexdigest()}.json"
        blobs[name] = image.config
        blobs |= {f"{layer.digest}/layer.tar": layer.tar for layer in image.layers}
        layers = [f"{layer.digest}/layer.tar" for layer in image.layers]
        manifest.append({"Config": name, "RepoTags": [image.reference], "Layers": layers})
    blobs["manifest.json"] = json.dumps(manifest).encode()
    with out.open("wb") as archive:
        archive.write(_tar((_entry(name, tarfile.REGTYPE, 0o644), content) for name, content in blobs.items()))


def _entries(files: Mapping[str, Content]) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    folders = {str(parent) for path in files for parent in Path(path).parents} - {"/"}
    for folder in sorted(folders):
        yield _entry(folder, tarfile.DIRTYPE, 0o755), b""
    for path, content in sorted(files.items()):
        if isinstance(content, str):
            link = _entry(path, tarfile.SYMTYPE, 0o777)
            link.linkname = content
            yield link, b""
        elif isinstance(content, Path):
            yield _entry(path, tarfile.REGTYPE, content.stat().st_mode & 0o777), content.read_bytes()
        else:
            yield _entry(path, tarfile.REGTYPE, 0o755), content


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path.strip("/"))  # of root, from 1970: nothing of this machine
    entry.type, entry.mode = kind, mode
    return entry


def _tar(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()
