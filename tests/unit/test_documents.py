"""The documents: what they point to is there, and they speak of this version."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from kubexit import __version__

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "docs", "cluster", "examples", "examples/*", "licenses")
PAGES = sorted(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """Give a page without what stands in code: brackets mean something else there."""
    return CODE.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Give what a link can name after its `#`: the headings, as GitHub and GitLab spell them there."""
    fenceless = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", fenceless, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def local_links(page: Path) -> list[str]:
    return [link for link in LINK.findall(prose(page)) if "://" not in link]


def is_broken(page: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    return not target.is_relative_to(ROOT) or not target.exists() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    assert [link for link in local_links(page) if is_broken(page, link)] == []


def test_links_are_found_and_broken_ones_are_told(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    assert local_links(page)
    assert is_broken(page, "docs/none.md")
    assert is_broken(page, "#no-such-heading")
    assert is_broken(page, str(tmp_path))
    assert not is_broken(page, "#exit-status")


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        todo += [(page.parent / link.partition("#")[0]).resolve() for link in local_links(page) if link.partition("#")[0]]
    assert set(PAGES) - reached == set()


def test_newest_entry_of_the_changelog_is_of_this_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert re.fullmatch(rf"{re.escape(__version__)} \((unreleased|\d{{4}}-\d\d-\d\d)\)", headings[0])


def test_every_licence_that_is_passed_on_is_in_their_list() -> None:
    listed = set(local_links(ROOT / "licenses" / "README.md"))
    assert {path.name for path in (ROOT / "licenses").glob("*.txt")} <= listed
