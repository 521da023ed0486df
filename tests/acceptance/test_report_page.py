"""The report page in a real browser: it opens from its file, runs clean, and filters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from review.report import write_report
from tests.archive import fill
from tests.browser import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Opened:
    """A page after its script ran: its elements as HTML, and what it wrote to the console."""

    html: str
    console: list[str]

    def shown(self) -> list[str]:
        """The titles of the faces and previews that are not hidden."""
        tiles = re.findall(r'<li (?=[^>]*\btitle="([^"\n]*))([^>]*)>', self.html)
        return [title for title, attributes in tiles if ' hidden=""' not in attributes]


@pytest.fixture
def page(home_ledger: Ledger, tmp_path: Path) -> Path:
    """The report of a small archive."""
    out = tmp_path / "report.html"
    write_report(home_ledger.database, fill(home_ledger).id, out)
    return out


def _open(page: Path, fragment: str = "") -> Opened:
    html, console = opened(page.as_uri() + fragment, profile=page.parent / "profile")
    return Opened(html, console)


def test_the_page_opens_without_a_complaint(page: Path) -> None:
    """Nothing is written to the console, names run no script, and the tools are there."""
    seen = _open(page)
    assert seen.console == []
    assert "<title>drawings\\xff · run 1 · kaolabel</title>" in seen.html
    assert '<form class="tools idle" role="search">' in seen.html
    assert len(seen.shown()) == 9


@pytest.mark.parametrize(
    ("fragment", "shown"),
    [
        ("#find=AQUA+two", ["two faces.png"]),
        ("#find=megumin", ["two faces.png", "maybe.png"]),
        ("#find=hills", ["hills.png"]),
        ("#least=70&most=90", ["two faces.png", "two faces.png"]),
        ("#stale=1", ["old.png"]),
        ("#find=nothing+at+all", []),
    ],
)
def test_filters_leave_what_matches(page: Path, fragment: str, shown: list[str]) -> None:
    """Label, path, confidence and badges narrow the page, and an address can carry them."""
    seen = _open(page, fragment)
    assert seen.console == []
    assert seen.shown() == shown
    assert f"{len(shown)} of 13 shown" in seen.html


def test_the_least_certain_can_come_first(page: Path) -> None:
    """The order of the faces under a label is turned around."""
    seen = _open(page, "#doubtful=1&find=aqua&least=50")
    assert seen.shown() == ["old.png", "two faces.png", "aqua/1.png"]
