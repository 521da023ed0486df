"""Labelled images in folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import UsageError
from db.records import Box, Crop, DetectedFace, Outcome
from training import dataset
from worker.sandbox.examined import Examined, ExaminedFace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def write(folder: Path, *names: str) -> None:
    """Make files, each with its own path for content."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def face(side: int) -> ExaminedFace:
    """A face of a size."""
    box = Box(0, 0, side, side)
    return ExaminedFace(
        DetectedFace(box, "any", 1.0), Crop(b"", box), np.zeros((1, 1, 3), np.uint8)
    )


def examine(items: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Examined]]:
    """Find two faces in everything but what is named bad, and answer in reverse."""
    for index, data in reversed(list(items)):
        if b"bad" in data:
            yield index, Examined(Outcome.UNREADABLE, reason="truncated", detail="too short")
        elif b"empty" in data:
            yield index, Examined(Outcome.NO_FACE)
        else:
            yield index, Examined(Outcome.FACES, faces=(face(9), face(3)))


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """Show nothing."""


def test_images_are_listed_in_order(tmp_path: Path) -> None:
    """Images come by label and name, whatever the file system's order."""
    write(tmp_path, "b/2", "b/1", "a/9", "a/8", "stray", ".hidden/1", "a/.DS_Store")
    found = [(image.label, image.path.name) for image in dataset.find(tmp_path)]
    assert found == [("a", "8"), ("a", "9"), ("b", "1"), ("b", "2")]


def test_a_missing_folder_is_a_usage_error(tmp_path: Path) -> None:
    """A folder that does not exist is named."""
    with pytest.raises(UsageError, match="does not exist"):
        dataset.find(tmp_path / "none")


def test_a_file_is_a_usage_error(tmp_path: Path) -> None:
    """A file in place of the folder is named."""
    write(tmp_path, "file")
    with pytest.raises(UsageError, match="is a file"):
        dataset.find(tmp_path / "file")


def test_a_folder_without_labels_is_a_usage_error(tmp_path: Path) -> None:
    """Images beside each other, not in folders, are explained."""
    write(tmp_path, "1.png")
    with pytest.raises(UsageError, match="holds no folders"):
        dataset.find(tmp_path)


def test_a_lonely_image_is_a_usage_error(tmp_path: Path) -> None:
    """A label of one image is named, with what to do."""
    write(tmp_path, "a/1", "a/2", "b/1")
    with pytest.raises(UsageError, match=r"'b' has 1 image.*add images"):
        dataset.find(tmp_path)


@pytest.mark.parametrize("name", ["Aqua", "aqua ", "\uff41qua"])
def test_labels_that_are_the_same_name_are_refused(tmp_path: Path, name: str) -> None:
    """Labels that differ in case, spaces or width only would be confused."""
    write(tmp_path, "aqua/1", "aqua/2", f"{name}/3", f"{name}/4")
    with pytest.raises(UsageError, match="same name"):
        dataset.find(tmp_path)


@pytest.mark.parametrize("name", [" ", "a\\b", "a\nb", "a\udcff"])
def test_names_that_cannot_be_labels_are_refused(tmp_path: Path, name: str) -> None:
    """A blank, path-like or unprintable name is no label."""
    write(tmp_path, "fine/1", "fine/2")
    folder = tmp_path / name
    folder.mkdir()
    with pytest.raises(UsageError, match="cannot name a label"):
        dataset.find(tmp_path)


def test_the_largest_face_carries_the_label(tmp_path: Path) -> None:
    """Of several faces the first is taken, and all are counted."""
    write(tmp_path, "a/1", "a/2")
    gathered = dataset.gather(dataset.find(tmp_path), examine=examine, progress=no_progress)
    assert [sample.image.path.name for sample in gathered.samples] == ["1", "2"]
    assert all(sample.face.face.box.width == 9 for sample in gathered.samples)
    assert gathered.faces == 4


def test_images_without_a_face_are_listed(tmp_path: Path) -> None:
    """Unreadable and faceless images are named with their reasons, and the rest goes on."""
    write(tmp_path, "a/bad", "a/empty", "a/fine")
    gathered = dataset.gather(dataset.find(tmp_path), examine=examine, progress=no_progress)
    assert len(gathered.samples) == 1
    assert [(Path(skip.origin).name, skip.reason) for skip in gathered.skipped] == [
        ("bad", "truncated"),
        ("empty", "no_face"),
    ]


def test_each_content_is_taken_once(tmp_path: Path) -> None:
    """Copies of an image are left out, so that no split can share them."""
    write(tmp_path, "a/1", "a/2")
    (tmp_path / "a" / "3").write_bytes((tmp_path / "a" / "1").read_bytes())
    kept, skipped = dataset.distinct(dataset.find(tmp_path))
    assert [image.path.name for image in kept] == ["1", "2"]
    assert [(Path(skip.origin).name, skip.reason) for skip in skipped] == [("3", "duplicate")]


def test_a_content_of_two_labels_is_left_out(tmp_path: Path) -> None:
    """An image that is filed under two labels teaches neither."""
    write(tmp_path, "a/1", "a/2", "b/1", "b/2")
    (tmp_path / "b" / "3").write_bytes((tmp_path / "a" / "1").read_bytes())
    kept, skipped = dataset.distinct(dataset.find(tmp_path))
    assert len(kept) == 3
    assert [skip.reason for skip in skipped] == ["contradiction", "contradiction"]


def test_a_label_without_faces_is_a_usage_error(tmp_path: Path) -> None:
    """A label whose images show too few faces is named with its counts."""
    write(tmp_path, "a/1", "a/2", "b/1", "b/bad", "b/empty")
    images = dataset.find(tmp_path)
    gathered = dataset.gather(images, examine=examine, progress=no_progress)
    with pytest.raises(UsageError, match="only 1 of the 3 images of 'b'"):
        dataset.require_faces(gathered.samples, images=images)
