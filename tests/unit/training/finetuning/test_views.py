"""What a fine-tuning sees of the faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import UnreadableImageError
from db.records import Box, Crop
from training.example import Example
from training.finetuning.views import altered_batches, plain_batches, steps_of
from worker.vision.crop import face_input, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACES = [
    Example(whole(np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)), "a", "here")
    for seed in range(5)
]


def show(*, epoch: int, seed: int = 0) -> list[tuple[NDArray[np.intp], NDArray[np.uint8]]]:
    """An epoch in batches of two."""
    return list(altered_batches(FACES, batch=2, size=32, seed=seed, epoch=epoch))


def test_an_epoch_shows_every_face_in_full_batches() -> None:
    """Each face comes once; only what fills up the last batch comes again."""
    batches = show(epoch=1)
    order = np.concatenate([chosen for chosen, _ in batches])
    assert len(batches) == steps_of(5, batch=2) == 3
    assert all(faces.shape == (2, 32, 32, 3) for _, faces in batches)
    assert sorted(order[:5]) == [0, 1, 2, 3, 4]
    assert order[5] == order[0]


def test_fewer_faces_than_a_batch_fill_one() -> None:
    """A batch that is larger than the set shows faces several times, each time altered anew."""
    ((chosen, faces),) = altered_batches(FACES[:1], batch=3, size=32, seed=0, epoch=1)
    assert chosen.tolist() == [0, 0, 0]
    assert (faces[0] != faces[1]).any()


def test_an_epoch_can_be_shown_again() -> None:
    """Order and alterations depend on seed and epoch alone, and change with both."""
    first, again = show(epoch=1), show(epoch=1)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    for changed in (show(epoch=2), show(epoch=1, seed=1)):
        assert any((a[1] != b[1]).any() for a, b in zip(first, changed, strict=True))


def test_plain_faces_are_what_labelling_sees() -> None:
    """Judged faces are the classifier's inputs, in order, the last batch as long as it is."""
    batches = list(plain_batches(FACES, batch=3, size=32))
    assert [len(batch) for batch in batches] == [3, 2]
    wanted = np.stack([face_input(face.crop, size=32) for face in FACES])
    np.testing.assert_array_equal(np.concatenate(batches), wanted)


def test_a_damaged_crop_is_named() -> None:
    """A crop that is no JPEG any more says where it came from."""
    damaged = Example(Crop(b"no image", Box(0, 0, 4, 4)), "a", "a/1.png")
    with pytest.raises(UnreadableImageError, match=r"a/1\.png"):
        list(altered_batches([damaged], batch=1, size=32, seed=0, epoch=1))
