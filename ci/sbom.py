"""sbom.py DIST SITE_PACKAGES VERSION COMMIT FILE: write the bill of materials of what ci/freeze made in DIST, as CycloneDX has it.

Nothing of it is typed in but what no machine can tell: the licences, and which archives are linked into a program, where no name is left
of them. What files there are is seen in DIST, what Python modules in the programs, what version each is of from the package that the file
came from. A file that nobody accounts for, and a package whose licence is not in licenses/, is an error.
"""

import hashlib
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import distributions
from os import environ
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

# The terms by source package of Debian or name in Python's package index, as licenses/README.md has them.
TERMS = {
    "python3.11": "PSF-2.0",
    "glibc": "LGPL-2.1-or-later",
    "libffi": "MIT",
    "openssl": "Apache-2.0",
    "zlib": "Zlib",
    "musl": "MIT",
    "gcc-12": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "pyinstaller": "GPL-2.0-or-later WITH Bootloader-exception",
    "staticx": "GPL-2.0-or-later WITH Bootloader-exception",
    "kubernetes": "Apache-2.0",
    "urllib3": "MIT",
}
LIBRARY = "lib"
# What is linked into programs: archives that gcc knows by name, and others, by the end of their path. libgcc.a stands for GCC's start files, too
GLIBC = ("libc_nonshared.a", "libgcc.a", "libm.a", "libz.a", "config-3.11-*/libpython3.11.a")
MUSL = ("*-linux-musl/libc.a", "libgcc.a")
LINKED = {
    "lib/kubexit": GLIBC,
    "lib/kubexit-helper": GLIBC,
    "kubexit": MUSL,  # the tree's launcher
    "single file": MUSL,
}
BOOTLOADERS = {"lib/kubexit": "pyinstaller", "lib/kubexit-helper": "pyinstaller", "single file": "staticx"}


class Part(NamedTuple):
    """What a file carries of others."""

    name: str
    version: str
    url: PackageURL


def output_of(*command: str) -> str:
    """Run a command and give what it prints."""
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()


def debian_part(path: Path) -> Part | None:
    """Give the source package that a file of this machine comes from; None if it is no package's."""
    # /lib and /usr/lib are one folder, and packages name either: the last two names of the path are enough
    found = subprocess.run(["dpkg", "-S", f"*/{path.parent.name}/{path.name}"], check=False, text=True, capture_output=True).stdout
    packages = {line.rpartition(": ")[0] for line in found.splitlines()}
    if len(packages) != 1:
        return None
    name, version = output_of("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}", packages.pop()).split()
    system = platform.freedesktop_os_release()
    return Part(name, version, PackageURL("deb", system["ID"], name, version, {"arch": "source", "distro": f"{system['ID']}-{system['VERSION_ID']}"}))


def index_parts(site_packages: str) -> dict[str, Part]:
    """Give what is installed from Python's package index in a folder."""
    found = {each.name: each.version for each in distributions(path=[site_packages])}
    return {name.lower(): Part(name.lower(), version, PackageURL("pypi", None, name.lower(), version)) for name, version in found.items()}


def place_of(name: str) -> Path:
    """Give where gcc finds a library or an archive; a path that does not exist if it knows none."""
    return Path(name if "/" in name else output_of("gcc", f"-print-file-name={name}"))


def linked_parts(file: str) -> Iterator[Part]:
    """Give what is linked into a program."""
    for name in LINKED[file]:
        part = debian_part(place_of(name))
        if part is None:
            raise SystemExit(f"sbom.py: {file} is linked with {name}, which is of no package of this machine, or of several")
        yield part


def imported_parts(program: Path, installed: dict[str, Part]) -> Iterator[Part]:
    """Give the packages whose modules a program holds: each module has its file's name in it."""
    names = set(re.findall(rb"\b(\w+)/[\w/]+\.py\b", program.read_bytes()))
    return (part for name, part in installed.items() if name.encode() in names)


def parts_of(file: str, path: Path, installed: dict[str, Part]) -> list[Part]:
    """Give all that a file of the tree, or the single file, carries of others."""
    if file not in LINKED:
        part = debian_part(place_of(path.name)) or debian_part(Path("lib-dynload", path.name))
        if part is None:
            raise SystemExit(f"sbom.py: {file} is of no package of this machine, or of several")
        return [part]
    bootloader = [installed[BOOTLOADERS[file]]] if file in BOOTLOADERS else []
    modules = imported_parts(path, installed) if file.startswith(LIBRARY) else ()
    return [*linked_parts(file), *bootloader, *modules]


def components(dist: Path, site_packages: str) -> list[Component]:
    """Give a component for each part, with the files that carry it."""
    tree = dist / "kubexit-tree"
    files = {str(path.relative_to(tree)): path for path in sorted(tree.rglob("*")) if path.is_file()} | {"single file": dist / "kubexit"}
    installed = index_parts(site_packages)
    carriers: dict[Part, set[str]] = {}
    for file, path in files.items():
        for part in parts_of(file, path, installed):
            carriers.setdefault(part, set()).add(file)
    if unknown := {part.name for part in carriers} ^ TERMS.keys():
        raise SystemExit(f"sbom.py: what is bundled and what licenses/ knows are not the same: {', '.join(sorted(unknown))}")
    return [
        Component(
            name=part.name,
            version=part.version,
            purl=part.url,
            bom_ref=str(part.url),
            licenses=[LicenseExpression(TERMS[part.name])],
            evidence=ComponentEvidence(occurrences=[Occurrence(location=file, bom_ref=f"{part.name}:{file}") for file in sorted(found)]),
        )
        for part, found in sorted(carriers.items())
    ]


def bill(dist: Path, site_packages: str, version: str, commit: str) -> Bom:
    """Give the bill. Its number and its time are those of what was made: the same program has the same bill."""
    own = LicenseExpression("Apache-2.0")
    kubexit = Component(
        name="kubexit", version=version, description=f"commit {commit}", type=ComponentType.APPLICATION, bom_ref="kubexit", licenses=[own]
    )
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, hashlib.sha256((dist / "kubexit").read_bytes()).hexdigest()))
    bom.metadata.component = kubexit
    bom.metadata.timestamp = datetime.fromtimestamp(int(environ["SOURCE_DATE_EPOCH"]), UTC)
    bom.metadata.tools.components.add(this_component())
    parts = components(dist, site_packages)
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(kubexit, parts)
    return bom


def main() -> None:
    """Make the bill, have it validated, and write it."""
    dist, site_packages, version, commit, file = sys.argv[1:]
    text = make_outputter(bill(Path(dist), site_packages, version, commit), OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"sbom.py: the bill is not valid: {error}")
    Path(file).write_text(f"{text}\n")


main()
