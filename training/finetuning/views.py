"""The faces that a fine-tuning sees, batch by batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import cv2
import numpy as np

from db.errors import UnreadableImageError
from training.augment import alter
from worker.vision.crop import face_input

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from training.example import Example

# OpenCV releases the interpreter's lock; more threads than this only wait for each other.
_THREADS = 8


def altered_batches(
    examples: Sequence[Example], *, batch: int, size: int, seed: int, epoch: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8]]]:
    """Show every face once, altered anew, in an order of the epoch's own.

    All batches are full, as every size of batch would be another network to compile and a batch of
    one or two another step than the rest: the last one is filled up with faces that came first.
    What a face looks like depends on the seed, the epoch and its place alone.

    Args:
        examples: n faces.
        batch: faces in a batch.
        size: width and height of a face in pixels.
        seed: where chance comes from.
        epoch: the epoch's number.

    Yields:
        Indices, int (batch,), and their faces, uint8 (batch, size, size, 3), RGB.
    """

    def view(place: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([seed, epoch, place])
        return _altered(examples[order[place]], size=size, rng=rng)

    steps = steps_of(len(examples), batch=batch)
    shuffled = np.random.default_rng([seed, epoch]).permutation(len(examples))
    order = np.resize(shuffled, steps * batch)
    with ThreadPoolExecutor(_THREADS) as threads:
        coming = [threads.submit(view, place) for place in range(min(batch, len(order)))]
        for start in range(0, len(order), batch):
            faces = np.stack([face.result() for face in coming])
            # Drawn while the network learns from these.
            after = range(start + batch, min(start + 2 * batch, len(order)))
            coming = [threads.submit(view, place) for place in after]
            yield order[start : start + batch], faces


def plain_batches(
    examples: Sequence[Example], *, batch: int, size: int
) -> Iterator[NDArray[np.uint8]]:
    """Show every face as labelling sees it, in order.

    Args:
        examples: n faces.
        batch: faces in a batch; the last one may have fewer.
        size: width and height of a face in pixels.

    Yields:
        uint8 (batch, size, size, 3), RGB.
    """
    for start in range(0, len(examples), batch):
        part = examples[start : start + batch]
        yield np.stack([face_input(example.crop, size=size) for example in part])


def steps_of(faces: int, *, batch: int) -> int:
    """Count the batches of an epoch.

    Args:
        faces: how many there are.
        batch: faces in a batch.
    """
    return -(-faces // batch)


def _altered(example: Example, *, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    crop = example.crop
    pixels = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise UnreadableImageError("damaged", f"the face from {example.origin} is no JPEG any more")
    return alter(np.asarray(pixels, np.uint8), crop.inner, size=size, rng=rng)
