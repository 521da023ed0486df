"""The report page: its totals, its sections, its harmlessness, and its errors."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy.exc import OperationalError

from db.errors import UsageError
from review import gallery
from review.report import write_report
from tests.archive import HOSTILE, fill, publish

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from db.records import RunRecord
    from tests.ledger import Ledger


class Page(HTMLParser):
    """What a browser would find in a page: text, addresses and elements.

    Attributes:
        html: as it was written.
        text: everything between the tags, style and script aside, in single spaces.
        addresses: values of the attributes that a browser follows or loads.
        tags: every element with its attributes, in order.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.addresses: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside: str = ""
        self._texts: list[str] = []
        self.feed(html)
        self.close()
        self.text = " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element and its addresses."""
        self._inside = tag
        self.tags.append((tag, dict(attrs)))
        names = ("src", "href", "srcset", "action", "data", "poster", "background")
        self.addresses += [value for name, value in attrs if name in names and value]

    def handle_data(self, data: str) -> None:
        """Keep text that people see."""
        if self._inside not in ("style", "script"):
            self._texts.append(data)

    def titles(self) -> list[str]:
        """The titles of the faces and previews, in order."""
        return [
            attrs["title"] or "" for tag, attrs in self.tags if tag == "li" and "title" in attrs
        ]


def _page(database: Database, run: RunRecord, folder: Path) -> Page:
    out = folder / "report.html"
    write_report(database, run.id, out)
    return Page(out.read_text(encoding="utf-8"))


def _between(text: str, first: str, last: str) -> str:
    return text[text.index(first) : text.index(last)]


def test_the_totals_are_those_of_the_archive(ledger: Ledger, tmp_path: Path) -> None:
    """Every number of the tally is there, on SQLite and on PostgreSQL."""
    page = _page(ledger.database, fill(ledger), tmp_path)
    for total in (
        "14 images 10 contents",
        "7 with face",
        "2 no face",
        "3 unreadable",
        "1 quarantined",
        "1 pending",
        "7 faces 2 labels",
        "4 labelled",
        "2 unknown",
        "1 unscored",
    ):
        assert total in page.text


def test_the_head_says_what_the_page_is_about(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Archive, run, chain and the model with its hold-out are named."""
    page = _page(sqlite_ledger.database, fill(sqlite_ledger), tmp_path)
    head = _between(page.text, "kaolabel report", "14 images")
    assert "drawings\\xff" in head
    assert "/archives/drawings\\xff" in head
    assert "Run 1 active" in head
    assert "version 2 9 of 12 held-out faces right (75%), 2 labels, drawn backbone" in head
    assert "lbp:1234@400n3" in head
    assert "1 image still waits for a worker" in head


def test_faces_stand_under_their_labels(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Each label has its faces, the most certain first; then unknown and unscored ones."""
    page = _page(sqlite_ledger.database, fill(sqlite_ledger), tmp_path)
    faces = [title.split("\n")[0] for title in page.titles() if "box" in title]
    assert faces == [
        "aqua/1.png",
        "two faces.png",
        "old.png",
        "two faces.png",
        HOSTILE.shown,
        "maybe.png",
        "fresh.png",
    ]
    main = page.text[page.text.index("Filter by label or path") :]
    assert re.search(r"Aqua 3 98% 81% stale 60%", main)
    assert "20% Megumin?" in main
    assert page.titles()[0] == "aqua/1.png\nbox 1 2 30 40 · lbp"


def test_a_persons_word_is_marked(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """An annotated face stands under the label that it was given, without a confidence."""
    run = fill(sqlite_ledger)
    sqlite_ledger.execute(
        "INSERT INTO annotations (face_id, kind, label, created_at)"
        " SELECT face_id, 'is', 'Megumin', 1 FROM predictions WHERE confidence > 0.9"
    )
    page = _page(sqlite_ledger.database, run, tmp_path)
    (annotated,) = [attrs for _, attrs in page.tags if "data-annotated" in attrs]
    assert (annotated["title"] or "").startswith("aqua/1.png")
    assert "data-c" not in annotated
    assert "Megumin 2" in page.text


def test_a_denied_label_is_shown_as_such(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """A face that is not what the model says stands among the unknown ones, with the denial."""
    run = fill(sqlite_ledger)
    sqlite_ledger.execute(
        "INSERT INTO annotations (face_id, kind, label, created_at)"
        " SELECT face_id, 'is_not', 'Aqua', 1 FROM predictions WHERE confidence > 0.9"
    )
    page = _page(sqlite_ledger.database, run, tmp_path)
    assert "Aqua 2" in page.text
    assert "3 unknown" in page.text
    assert "annotated not Aqua" in page.text
    assert "Aqua?" in page.text


def test_files_without_a_face_are_listed_by_reason(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Every image without a face, unreadable or quarantined file is there with its reason."""
    page = _page(sqlite_ledger.database, fill(sqlite_ledger), tmp_path)
    main = page.text[page.text.index("No face 2 Images in which") :]
    assert "no face found 2" in main
    assert "not an image 1" in main
    assert "it starts like no known image format" in main
    assert "vanished 2" in main
    assert "decoder died 1" in main
    assert "evil\\xfe.gif killed by signal 11" in main


def test_every_thumbnail_decodes(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Faces and previews are there as WebP pictures; a damaged crop is said to be one."""
    run = fill(sqlite_ledger)
    sqlite_ledger.execute("UPDATE crops SET jpeg = x'00' WHERE face_id = 1")
    page = _page(sqlite_ledger.database, run, tmp_path)
    pictures = [address for address in page.addresses if address.startswith("data:image")]
    assert len(pictures) == 7 - 1 + 2
    for picture in pictures:
        with Image.open(io.BytesIO(b64decode(picture.partition(",")[2]))) as image:
            image.load()
            assert image.format == "WEBP"
    assert page.text.count("crop damaged") == 1


def test_the_page_refers_to_nothing_outside(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """No address leaves the page, and its policy forbids to load any."""
    page = _page(sqlite_ledger.database, fill(sqlite_ledger), tmp_path)
    anchors = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    inner = [address for address in page.addresses if not address.startswith("data:")]
    assert {address[1:] for address in inner if address.startswith("#")} <= anchors
    assert all(address.startswith("#") for address in inner)
    assert not re.search(r"https?:|@import|url\(", page.html)
    assert "default-src 'none'; img-src data:" in page.html


def test_hostile_names_are_only_text(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """A name of markup, quotes, newlines and overrides adds no element and stays on its line."""
    page = _page(sqlite_ledger.database, fill(sqlite_ledger), tmp_path)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [attrs for _, attrs in page.tags if "onerror" in attrs]
    assert any(title.startswith(HOSTILE.shown + "\n") for title in page.titles())
    assert "\u202e" not in page.html
    (exact,) = [attrs["data-u"] for _, attrs in page.tags if "evil%FE" in str(attrs.get("data-u"))]
    assert exact == "file:///archives/drawings%FF/evil%FE.gif"


def test_a_superseded_run_shows_the_newest(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """The page of an older run says so, and counts what the newest run sees."""
    first = fill(sqlite_ledger)
    second = sqlite_ledger.run(first.root)
    sqlite_ledger.register(second, b"aqua/1.png")
    note = "Run 1 was followed by run 2 of the same archive"
    assert note in _page(sqlite_ledger.database, first, tmp_path).text
    page = _page(sqlite_ledger.database, second, tmp_path)
    assert note not in page.text
    assert "1 image 1 content" in page.text


def test_an_empty_archive_has_a_page(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Without files, faces or a model there is still a page that says so."""
    page = _page(sqlite_ledger.database, sqlite_ledger.run(b"/"), tmp_path)
    assert "0 images" in page.text
    assert "This archive holds no files." in page.text
    assert "none active" in page.text


def test_a_model_without_a_hold_out_is_shown(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """A manifest with an empty hold-out is no error."""
    publish(sqlite_ledger, "a", holdout={})
    page = _page(sqlite_ledger.database, sqlite_ledger.run(), tmp_path)
    assert "version 1 no hold-out, 2 labels" in page.text


def test_a_large_archive_shows_a_fair_share(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond what a page can hold, each group is thinned, and the page says how far."""
    monkeypatch.setattr(gallery, "FACES_SHOWN", 5)
    monkeypatch.setattr(gallery, "IMAGES_SHOWN", 1)
    page = _page(sqlite_ledger.database, fill(sqlite_ledger), tmp_path)
    assert "The page holds 1 of these 3 faces, evenly spread." in page.text
    assert "The page holds 1 of these 2 images, evenly spread." in page.text
    assert "7 faces" in page.text
    assert len([title for title in page.titles() if "box" in title]) == 4


def test_an_unknown_run_is_refused(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """A run that is not there is one line, and no file is left."""
    with pytest.raises(UsageError, match="there is no run 7"):
        write_report(sqlite_ledger.database, 7, tmp_path / "report.html")
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.parametrize("place", ["missing/report.html", "folder", "file/report.html"])
def test_a_place_that_cannot_be_written_is_refused(
    sqlite_ledger: Ledger, tmp_path: Path, place: str
) -> None:
    """A missing folder, a folder, and a file as a folder are one line with what to do."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    run = sqlite_ledger.run()
    with pytest.raises(UsageError, match=r"name another.* with --out$"):
        write_report(sqlite_ledger.database, run.id, tmp_path / place)


def test_a_failure_leaves_the_old_page_alone(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """When writing breaks off, the older page stays whole and no half one is left."""
    run = fill(sqlite_ledger)
    (tmp_path / "pages").mkdir()
    out = tmp_path / "pages" / "report.html"
    out.write_text("old")
    sqlite_ledger.execute("DROP TABLE crops")
    with pytest.raises(OperationalError, match="crops"):
        write_report(sqlite_ledger.database, run.id, out)
    assert [path.read_text() for path in out.parent.iterdir()] == ["old"]
