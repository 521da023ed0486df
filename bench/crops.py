"""The development data's faces, for benchmarks; KAOLABEL_DEV_DATA says where they are."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.devdata import DEV_DATA
from training.duplicates import group
from training.example import Example
from worker.vision.crop import face_input, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DATA = DEV_DATA / "data"
TRAINING, TEST = ("keima/resized_for_training",), ("keima/resized_for_test",)
UNRECOGNIZED = ("keima/resized_for_test_unrecognized",)
FOLDERS = {
    "keima": TRAINING + TEST + UNRECOGNIZED,
    "newgame": ("newgame/verified_crops",),
    "faces96": ("faces96",),
}
LEARNED = 45


def groups_of(examples: Sequence[Example]) -> NDArray[np.intp]:
    """Number near-duplicates."""
    return group(face_input(example.crop, size=96) for example in examples)


@functools.cache
def load(name: str) -> list[Example]:
    """Read a whole set, once."""
    return read(FOLDERS[name])


def read(folders: Sequence[str]) -> list[Example]:
    """Read faces from `folder/<label>/<image>`."""
    paths = [path for folder in folders for path in sorted((DATA / folder).glob("*/*"))]
    if not paths:
        raise SystemExit(f"no faces in {DATA}: set KAOLABEL_DEV_DATA")
    images = ((path, cv2.imread(str(path))) for path in paths)
    return [
        Example(whole(np.asarray(pixels, np.uint8)), path.parent.name, str(path))
        for path, pixels in images
        if pixels is not None
    ]


def parted(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """The first 45 of each character to learn from, the others to test."""
    train, test = [], []
    for _, same in itertools.groupby(examples, key=lambda example: example.label):
        faces = list(same)
        train += faces[:LEARNED]
        test += faces[LEARNED:]
    return train, test
