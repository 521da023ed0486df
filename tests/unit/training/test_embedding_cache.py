"""The cache of embeddings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from training.embedding_cache import EmbeddingCache

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Views come back as they were, for their key and seed alone."""
    views = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float16)
    cache = EmbeddingCache(tmp_path / "one", 8, seed=0)
    cache.write(2**64 - 1, views)
    np.testing.assert_array_equal(cache.read(2**64 - 1), views)
    assert cache.read(1).shape == (0, 8)
    assert EmbeddingCache(tmp_path / "one", 8, seed=1).read(2**64 - 1).shape == (0, 8)


def test_the_oldest_entries_go_first(tmp_path: Path) -> None:
    """Pruning leaves the entries that were written last."""
    cache = EmbeddingCache(tmp_path, 4, seed=0, most=2)
    for key in range(5):
        cache.write(key, np.full((1, 4), key, np.float16))
        os.utime(cache._path(key), (key, key))
    cache.prune()
    assert [len(cache.read(key)) for key in range(5)] == [0, 0, 0, 1, 1]
