"""Near-duplicates and contradictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from db.records import Box, Crop
from training.drawn import cast, draw_face
from training.duplicates import distinct, group
from training.example import Example
from worker.vision.crop import face_input, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


def draw(count: int) -> list[Pixels]:
    """Faces of different characters; uint8 (96, 96, 3)."""
    rng = np.random.default_rng(3)
    return [draw_face(character, rng=rng) for character in cast(count, seed=1)]


def again(face: Pixels, quality: int) -> Pixels:
    """Encode and decode."""
    _, encoded = cv2.imencode(".jpg", face, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def smaller(face: Pixels) -> Pixels:
    """Shrink by a third and enlarge again."""
    small = cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (96, 96)), np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        lambda face: again(face, 60),
        smaller,
        lambda face: np.clip(face * 1.1 + 5, 0, 255).astype(np.uint8),
        lambda face: face[:, ::-1],
    ],
    ids=["compressed", "resized", "brightened", "mirrored"],
)
def test_copies_of_a_face_are_found(change: Callable[[Pixels], Pixels]) -> None:
    """A face that was encoded, resized, brightened or mirrored joins its original."""
    faces = draw(6)
    numbers = group([*faces, *(change(face) for face in faces)])
    np.testing.assert_array_equal(numbers[:6], numbers[6:])


def test_different_faces_stand_alone() -> None:
    """Noise pictures, which share nothing, form no groups."""
    noise = np.random.default_rng(0).integers(0, 256, (1200, 12, 12, 3), np.uint8)
    np.testing.assert_array_equal(group(noise), np.arange(1200))


def test_no_faces_form_no_groups() -> None:
    """Nothing can be grouped."""
    assert group([]).shape == (0,)


def test_real_faces_are_hardly_ever_mistaken(dev_data: Path) -> None:
    """Among 450 real faces of six characters no group joins two characters."""
    paths = sorted((dev_data / "data" / "faces96").glob("*/*.jpg"))
    numbers = group(read(path) for path in paths)
    names = [path.parent.name for path in paths]
    assert [names[number] for number in numbers] == names
    assert len(paths) - 10 < len(np.unique(numbers)) < len(paths)


def read(path: Path) -> Pixels:
    """A face as labelling sees it."""
    return face_input(whole(np.asarray(cv2.imread(str(path)), np.uint8)), size=96)


def example(pixels: bytes, label: str | None, *denied: str) -> Example:
    """A face with pixels of its own."""
    return Example(Crop(pixels, Box(0, 0, 9, 9)), label, f"{label}{denied}", denied)


def test_one_of_each_face_is_kept() -> None:
    """The same pixels are learned from once, in an order that only they decide."""
    one, same, other = example(b"1", "a"), example(b"1", "a"), example(b"2", "b")
    kept, refused = distinct([one, same, other])
    assert {item.label for item in kept} == {"a", "b"}
    assert refused == ()
    assert distinct([other, same, one])[0] == kept


def test_the_label_says_most() -> None:
    """A face with a label is not also learned from as something else."""
    kept, refused = distinct([example(b"1", None, "b"), example(b"1", "a")])
    assert [item.label for item in kept] == ["a"]
    assert refused == ()


@pytest.mark.parametrize(
    "other", [example(b"1", "b"), example(b"1", None), example(b"1", None, "a")]
)
def test_contradictions_are_left_out(other: Example) -> None:
    """Two labels for one face, or a label and its contrary, teach nothing and are named."""
    kept, refused = distinct([example(b"1", "a"), other, example(b"2", "b")])
    assert [item.label for item in kept] == ["b"]
    assert {item.origin for item in refused} == {"a()", other.origin}
    assert all(item.detail for item in refused)
