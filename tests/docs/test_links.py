"""The links of the documentation: each leads to something that is there."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import pytest

from tests.docs.messages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+).+?\1")
LINK = re.compile(
    r"\]\(([^)\s]+)[^)]*\)|^\[[^]]+\]: +(\S+)|(?:src|href)=\"([^\"]+)\"", re.MULTILINE
)
HEADING = re.compile(r"^#{1,6} +(.+?)\s*#*$", re.MULTILINE)


def links(page: Path) -> list[str]:
    """What a page links to, on this side of the network."""
    text = CODE.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))
    found = ["".join(groups) for groups in LINK.findall(text)]
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs agree on them."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return {anchor(heading) for heading in HEADING.findall(text)}


def anchor(heading: str) -> str:
    """The anchor that a heading gets."""
    plain = re.sub(r"[^\w\s-]", "", unicodedata.normalize("NFKD", heading.replace("`", "")))
    return re.sub(r"\s+", "-", plain.encode("ascii", "ignore").decode().strip().lower())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file of this repository, and a heading in it."""
    for link in links(page):
        path, _, name = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page}: {link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{page}: {link} leads out of the repository"
        assert not name or name in anchors(target), f"{page}: {target.name} has no {name}"


@pytest.mark.parametrize("page", PAGES[3:], ids=lambda page: page.name)
def test_pages_of_the_site_stay_in_it(page: Path) -> None:
    """What the site cannot show is not linked to by its pages, and each page is in its menu."""
    docs = ROOT / "docs"
    for link in links(page):
        target = (page.parent / link.partition("#")[0]).resolve()
        assert target.is_relative_to(docs), f"{page}: the site has no {link}"
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert f": {page.relative_to(docs)}\n" in menu, f"{page} is not in mkdocs.yml"
