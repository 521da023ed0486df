"""Which labels a model takes for which."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from worker.models.confusion import Confusion

HOLDOUT = {
    "confusion": {
        "labels": ["Aqua", "Megumin", "Zoë"],
        "counts": [[0, 0, 8], [0, 1, 2], [1, 1, 5], [2, 0, 3], [2, 1, 0]],
    }
}


def confusion(*labels: str) -> Confusion:
    """One mistake between labels."""
    return Confusion(labels, {(0, 1): 4, (1, 1): 1})


def titles(svg: str) -> list[str | None]:
    """What the cells of a picture say."""
    root = ET.fromstring(svg)  # noqa: S314  # our own picture
    return [element.text for element in root.iter() if element.tag.endswith("title")]


def test_mistakes_come_with_the_most_frequent_first() -> None:
    """Only mistakes that were made are told."""
    found = Confusion.of(HOLDOUT)
    assert found is not None
    assert found.mistakes() == [("Zoë", "Aqua", 3), ("Aqua", "Megumin", 2)]


def test_a_hold_out_without_a_confusion_has_none() -> None:
    """Models of which none was kept can be shown all the same."""
    assert Confusion.of({"n": 3}) is None
    assert Confusion.of({"confusion": None}) is None


def test_the_picture_has_a_cell_for_every_count() -> None:
    """Each cell says in words what it counts."""
    found = Confusion.of(HOLDOUT)
    assert found is not None
    assert titles(found.svg()) == [
        "Aqua called Aqua: 8",
        "Aqua called Megumin: 2",
        "Megumin called Megumin: 5",
        "Zoë called Aqua: 3",
    ]


def test_any_label_can_be_drawn() -> None:
    """Markup, control characters and endless names leave the picture well-formed."""
    svg = confusion("<script>alert(1)</script>\x00\udcff", "x" * 500).svg()
    assert len(titles(svg)) == 2
    assert "<script>" not in svg
    assert "x" * 100 not in svg
