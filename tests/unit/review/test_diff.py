"""A difference between versions, as people see it: in a terminal and on a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from db.errors import UsageError
from review import diff as pages
from tests.archive import HOSTILE
from tests.colours import GREEN, RED, colour_face, store
from worker.models.diff import Diff
from worker.models.pairs import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.ledger import Ledger
    from worker.models.pairs import Pair

EVIL = HOSTILE.path.decode()


def difference(
    counts: Mapping[Pair, int] | None = None, *, annotated: int = 0, stored: int | None = None
) -> Diff:
    """A difference of two versions, the first of which knows Aqua and a hostile name."""
    found = {("Aqua", "Aqua"): 5, ("Aqua", None): 3, (None, EVIL): 1, (None, "Yunyun"): 1}
    scored = sum((counts or found).values())
    faces = scored + annotated
    samples = {
        ("Aqua", None): (Sample(1, 0.91, 0.3), Sample(2, 0.55, 0.2)),
        (None, EVIL): (Sample(99, 0.1, 0.99),),
    }
    return Diff(
        old=3,
        new=4,
        old_labels=("Aqua", EVIL, "Kazuma"),
        new_labels=("Aqua", EVIL, "Yunyun"),
        stored=faces if stored is None else stored,
        faces=faces,
        annotated=annotated,
        skipped=0,
        counts=counts or found,
        samples=samples,
    )


def shown(diff: Diff) -> str:
    """What people read in a terminal, in single spaces."""
    text = io.StringIO()
    Console(file=text, width=300, markup=False, emoji=False).print(pages.render(diff))
    return " ".join(re.sub("[\u2500-\u257f]", " ", text.getvalue()).split())


def page(ledger: Ledger, diff: Diff, folder: Path) -> str:
    """The page, as it was written."""
    pages.write_diff(ledger.database, diff, folder / "diff.html")
    return (folder / "diff.html").read_text(encoding="utf-8")


def test_the_terminal_shows_changes_and_labels() -> None:
    """Changes come with their counts, labels with what they gain and lose, the largest first."""
    text = shown(difference())
    assert "version 3 version 4 faces share Aqua unknown 3 30.0%" in text
    assert "label version 3 version 4 gained lost Aqua 8 5 0 3" in text
    assert "5 of 10 faces (50.0%) change their label from version 3 to 4; 4 (40.0%) count" in text
    assert "Only version 3 knows Kazuma. Only version 4 knows Yunyun." in text
    assert "left out" not in text
    assert "sample" not in text


def test_what_was_not_looked_at_is_told() -> None:
    """Annotated faces and a sample have their sentences."""
    text = shown(difference(annotated=2, stored=1000))
    assert "This is a sample of 12 of 1,000 stored faces." in text
    assert "2 faces left out: what a person said of a face stands." in text


def test_many_changes_are_cut_with_their_sum() -> None:
    """A terminal shows forty rows, and then how much more there is."""
    counts: dict[Pair, int] = {("Aqua", f"name {number:02}"): 2 for number in range(50)}
    text = shown(difference(counts))
    assert "name 39 2 2.0%" in text
    assert "name 40" not in text.split("label version")[0]
    assert "10 more 20 20.0%" in text


def test_nothing_to_compare_is_a_sentence() -> None:
    """Without faces there is neither a table nor a division by zero."""
    nothing = Diff(1, 2, ("Aqua",), ("Aqua",), 0, 0, 0, 0, {}, {})
    assert shown(nothing) == "There is no face on which versions 1 and 2 could differ."


def test_the_page_shows_faces_of_each_change(ledger: Ledger, tmp_path: Path) -> None:
    """Stored crops are there as small pictures with both confidences; lost ones are told."""
    store(ledger, colour_face(RED), colour_face(GREEN))
    html = page(ledger, difference(), tmp_path)
    assert html.count('src="data:image/webp;base64,') == 2
    assert html.count("crop damaged") == 1
    assert '<li title="face 1">' in html
    assert "91% → 30%" in html
    assert '<bdi>Aqua</bdi> → <i class="unknown">unknown</i> <span class="count">3</span>' in html
    assert "The 2 of which version 4 is the most sure." in html


def test_the_page_is_harmless(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Names are text, nothing outside is referred to, and nothing may run."""
    html = page(sqlite_ledger, difference(), tmp_path)
    assert "<script" not in html
    assert "onerror=alert(1)>" not in html
    assert "\u202e" not in html
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline';" in html
    addresses = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert all(address.startswith(("#", "data:")) for address in addresses)


def test_a_page_of_no_change_says_so(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Two versions that agree make a page without sections."""
    html = page(sqlite_ledger, difference({("Aqua", "Aqua"): 5}), tmp_path)
    assert "No face changes its label." in html
    assert 'id="change-1"' not in html


def test_a_place_that_cannot_be_written_is_refused(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """A missing folder is one line with what to do."""
    with pytest.raises(UsageError, match=r"name another file with --html$"):
        pages.write_diff(sqlite_ledger.database, difference(), tmp_path / "missing" / "diff.html")
