"""What the result of a fine-tuning is kept under."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from training.example import Example
from training.finetuning.key import result_key
from training.finetuning.tuning import FineTuning
from worker.vision.crop import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACES = [
    Example(whole(np.full((9, 9, 3), shade, np.uint8)), label, "here")
    for shade, label in ((10, "a"), (200, "b"))
]
TENSORS = {"conv2d_00/kernel": np.ones((1, 2), np.float32)}
SETTINGS = FineTuning()
HELD = np.array([False, True])


def key(
    *,
    examples: list[Example] = FACES,
    validation: NDArray[np.bool_] = HELD,
    tensors: dict[str, NDArray[np.float32]] = TENSORS,
    settings: FineTuning = SETTINGS,
    seed: int = 0,
) -> str:
    """The key of a fine-tuning that differs in one thing from the others."""
    return result_key(
        examples, validation=validation, tensors=tensors, settings=settings, seed=seed
    )


def test_the_key_names_all_that_a_result_depends_on() -> None:
    """Faces, labels, order, validation part, weights, settings and seed each change the key."""
    keys = [
        key(),
        key(examples=[FACES[0], replace(FACES[1], label="c")]),
        key(examples=FACES[::-1]),
        key(examples=[FACES[0], replace(FACES[1], crop=whole(np.zeros((9, 9, 3), np.uint8)))]),
        key(validation=~HELD),
        key(tensors={"conv2d_00/kernel": np.zeros((1, 2), np.float32)}),
        key(settings=replace(SETTINGS, epochs=99)),
        key(seed=1),
    ]
    assert len(set(keys)) == len(keys)
    assert key() == keys[0]


def test_where_a_face_came_from_does_not_matter() -> None:
    """The same pixels from another folder go on where they stopped."""
    moved = [replace(face, origin="there") for face in FACES]
    assert key(examples=moved) == key()
