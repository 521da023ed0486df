"""Where examples come from, and what is left out before anything is learned."""

from __future__ import annotations

import pytest

from db.errors import UsageError
from db.records import Box, Crop
from training.example import Example
from training.sources import Examples, require_labels

CROP = Crop(b"jpeg", Box(0, 0, 96, 96))


def examples(**counts: int) -> Examples:
    """So many examples of each label."""
    return Examples(
        tuple(
            Example(CROP, label, f"{label} {number}")
            for label, count in counts.items()
            for number in range(count)
        )
    )


def test_a_label_with_one_face_is_left_out_and_told() -> None:
    """One annotation of a new character does not keep the others from being learned."""
    found = require_labels(examples(aqua=2, darkness=3, wiz=1), sources="annotations")
    assert dict(found.counts) == {"aqua": 2, "darkness": 3}
    assert [(skip.origin, skip.reason) for skip in found.skipped] == [("wiz 0", "too_few")]


def test_faces_without_a_label_stay() -> None:
    """What is known not to be something is learned from as well."""
    negative = Examples((Example(CROP, None, "face 1"), Example(CROP, None, "face 2", ("aqua",))))
    found = require_labels(examples(aqua=2, wiz=2) + negative, sources="annotations")
    assert [example.rejected for example in found.learned] == [False] * 4 + [True, False]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "annotations: no label has two faces"),
        ({"aqua": 5}, "annotations: only the label 'aqua'"),
        ({"aqua": 5, "wiz": 1}, r"\(1 more have a single face\)"),
    ],
)
def test_fewer_than_two_labels_are_refused(counts: dict[str, int], message: str) -> None:
    """There must be something to tell apart."""
    with pytest.raises(UsageError, match=message):
        require_labels(examples(**counts), sources="annotations")
