"""Embedding examples, with an embedder that needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import UnreadableImageError
from db.records import Box, Crop
from tests.squares import Thumbnails, coloured, silent
from training.embedding import embed_examples
from training.example import Example

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from worker.vision.embed import Embedder


def embed(
    examples: Sequence[Example], embedder: Embedder, *, copies: int, cache: Path | None
) -> NDArray[np.float16]:
    """Embed with copies."""
    return embed_examples(
        examples, embedder=embedder, copies=copies, seed=0, cache=cache, progress=silent
    )


def test_a_second_training_embeds_nothing(tmp_path: Path) -> None:
    """What the cache knows is not made again; more copies are made on top of it."""
    embedder, examples = Thumbnails(tmp_path), coloured(3)
    first = embed(examples, embedder, copies=2, cache=tmp_path / "cache")
    assert embedder.embedded == 9 * 3
    again = embed(examples[::-1], embedder, copies=2, cache=tmp_path / "cache")
    assert embedder.embedded == 9 * 3
    np.testing.assert_array_equal(first, again[::-1])
    more = embed(examples, embedder, copies=3, cache=tmp_path / "cache")
    assert embedder.embedded == 9 * 4
    np.testing.assert_array_equal(more, embed(examples, embedder, copies=3, cache=None))


def test_damaged_entries_are_made_again(tmp_path: Path) -> None:
    """Cut, altered and emptied files give the same embeddings as none."""
    embedder, examples = Thumbnails(tmp_path), coloured(1)
    first = embed(examples, embedder, copies=1, cache=tmp_path / "cache")
    cut, altered, emptied = sorted((tmp_path / "cache").glob("*/*/*"))
    cut.write_bytes(cut.read_bytes()[:-1])
    altered.write_bytes(altered.read_bytes()[:-1] + b"?")
    emptied.write_bytes(b"")
    again = embed(examples, embedder, copies=1, cache=tmp_path / "cache")
    np.testing.assert_array_equal(first, again)
    assert embedder.embedded == 3 * 2 * 2


def test_a_damaged_crop_is_named(tmp_path: Path) -> None:
    """The message says which face cannot be read."""
    broken = Example(Crop(b"broken", Box(0, 0, 9, 9)), "a", "face 7")
    with pytest.raises(UnreadableImageError, match="face 7"):
        embed([broken], Thumbnails(tmp_path), copies=0, cache=None)
