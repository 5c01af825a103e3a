"""Each artefact of a release does what its user takes it for. ci/release runs this as root, after it has made them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from release.conftest import VERSION
from release.containers import EmptyRoot
from support.forms import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LICENSES = {path.name for path in (ROOT / "licenses").iterdir()}
# What programs tell of their parts: the file, and the words around a version
TOLD = {
    "python3.11": ("lib/kubexit", rb"\0(3\.11\.\d+)\0"),
    "zlib": ("lib/kubexit", rb" deflate ([\d.]+) Copyright"),
    "glibc": ("lib/libc.so.6", rb"Debian GLIBC ([^)]+)\)"),
    "openssl": ("lib/libcrypto.so.3", rb"\0OpenSSL (3[\d.]+) "),
    "gcc-12": ("kubexit", rb"GCC: \(Debian ([^)]+)\)"),
}


def version_of(program: Path) -> str:
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout


def test_checksums_are_those_of_all_files(release: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=release, check=True)
    listed = {line.split("  ")[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in release.iterdir()} - {"SHA256SUMS"}
    assert all(name.startswith((f"kubexit-{VERSION}-", f"koordinator-{VERSION}-")) for name in listed)


def test_single_file_and_tree_are_of_this_version_and_of_one_commit(single_file: Path, tree: Path) -> None:
    expected = rf"kubexit {re.escape(VERSION)} \(commit ([0-9a-f]{{12}}), (single file|tree)\)\n"
    told = [re.fullmatch(expected, version_of(program)) for program in (single_file, tree / "kubexit")]
    assert all(told)
    assert len({each[1] for each in told if each}) == 1


def test_single_file_runs_a_job_in_an_empty_root(single_file: Path, tmp_path: Path) -> None:
    root = EmptyRoot(tmp_path)
    shutil.copy(single_file, tmp_path / "kubexit")
    assert root.job("/kubexit") == (0, 0)


def test_tree_runs_a_job_in_an_empty_root(tree: Path, tmp_path: Path) -> None:
    root = EmptyRoot(tmp_path)
    shutil.copytree(tree, tmp_path / "tree")
    assert root.job("/tree/kubexit") == (0, 0)


def test_licences_are_in_the_tree_and_in_a_bundle_of_their_own(release: Path, tree: Path) -> None:
    with tarfile.open(release / f"kubexit-{VERSION}-licenses.tar.gz") as archive:
        bundled = {name.removeprefix(f"kubexit-{VERSION}/") for name in archive.getnames()}
    assert {path.name for path in (tree / "licenses").iterdir()} == LICENSES
    assert bundled >= {"LICENSE", *(f"licenses/{name}" for name in LICENSES)}


def test_archives_hold_nothing_of_who_made_them(release: Path, single_file: Path) -> None:
    for path in (single_file.with_name(f"{single_file.name}.tar.gz"), release / f"kubexit-{VERSION}-licenses.tar.gz"):
        with tarfile.open(path) as archive:
            members = archive.getmembers()
        assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
        assert len({member.mtime for member in members}) == 1


def test_bill_of_materials_names_a_part_for_every_file(single_file: Path, tree: Path) -> None:
    bill = json.loads(single_file.with_name(f"{single_file.name}.cdx.json").read_text())
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("kubexit", VERSION)
    carriers = {place["location"] for part in bill["components"] for place in part["evidence"]["occurrences"]}
    programs = {str(path.relative_to(tree)) for path in (tree / "kubexit", *(tree / "lib").iterdir())}
    assert carriers == programs | {"single file"}


@pytest.mark.parametrize("part", TOLD)
def test_bill_of_materials_has_the_version_that_the_program_tells(single_file: Path, tree: Path, part: str) -> None:
    bill = json.loads(single_file.with_name(f"{single_file.name}.cdx.json").read_text())
    (listed,) = (each["version"] for each in bill["components"] if each["name"] == part)
    file, words = TOLD[part]
    told = {found.decode() for found in re.findall(words, (tree / file).read_bytes())}
    assert any(re.match(rf"(\d+:)?{re.escape(version)}\b", listed) for version in told), (listed, told)
