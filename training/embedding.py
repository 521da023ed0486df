"""Embedding faces and altered copies of them, in bounded memory and never twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from db.errors import UnreadableImageError
from training.augment import alter
from training.embedding_cache import EmbeddingCache
from worker.vision.crop import face_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from training.example import Example
    from worker.progress import Progress
    from worker.vision.embed import Embedder

STAGE = "embedding"


def embed_examples(
    examples: Sequence[Example],
    *,
    embedder: Embedder,
    copies: int,
    seed: int,
    cache: Path | None,
    progress: Progress,
) -> NDArray[np.float16]:
    """Embed each face and altered copies of it.

    A view depends on nothing but the face's key, the seed and the copy's number, so that it is the
    same in every training; only views that the cache lacks are made. No more than a batch of
    pixels is held at once.

    Args:
        examples: n faces.
        embedder: what embeds them.
        copies: altered copies of each.
        seed: what the copies come from.
        cache: a folder to keep embeddings in, or None to keep none.
        progress: called with ("embedding", views done, views in all).

    Returns:
        float16 (n, 1 + copies, d); the first view is the face itself.

    Raises:
        UnreadableImageError: a crop's JPEG is damaged; the message names its origin.
        ModelError: the backbone's weights are missing or damaged.
    """
    job = _Job.of(examples, embedder=embedder, copies=copies, seed=seed, cache=cache)
    missing = [view for index in range(len(examples)) for view in job.missing(index)]
    progress(STAGE, 0, len(missing))
    for start in range(0, len(missing), embedder.batch):
        job.embed(missing[start : start + embedder.batch], embedder=embedder)
        progress(STAGE, min(start + embedder.batch, len(missing)), len(missing))
    job.finish()
    return job.embeddings


@dataclass(frozen=True, slots=True)
class _View:
    """The `number`-th view of the example at `index`; 0 is the face itself."""

    index: int
    number: int


@dataclass(slots=True, eq=False)
class _Job:
    """What is asked for and what there is of it so far.

    `known` counts the views that each example has; views are made in order, so that an example is
    complete when its last one is there.
    """

    examples: Sequence[Example]
    keys: list[int]
    seed: int
    cache: EmbeddingCache | None
    embeddings: NDArray[np.float16]
    known: list[int] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        examples: Sequence[Example],
        *,
        embedder: Embedder,
        copies: int,
        seed: int,
        cache: Path | None,
    ) -> _Job:
        """Start with what the cache knows."""
        dimension = embedder.spec.dimension
        store = None if cache is None else EmbeddingCache(cache / embedder.id, dimension, seed)
        embeddings = np.empty((len(examples), 1 + copies, dimension), np.float16)
        keys = [example.key for example in examples]
        job = cls(examples, keys, seed, store, embeddings)
        job.known = [job._recall(index) for index in range(len(examples))]
        return job

    def missing(self, index: int) -> Iterator[_View]:
        """The views of an example that are still to be made."""
        numbers = range(self.known[index], self.embeddings.shape[1])
        return (_View(index, number) for number in numbers)

    def embed(self, views: list[_View], *, embedder: Embedder) -> None:
        """Make one batch of views, and keep the examples that it completes."""
        pixels = np.stack(list(self._pixels(views, size=embedder.spec.size)))
        for view, embedding in zip(views, embedder.embed(pixels), strict=True):
            self.embeddings[view.index, view.number] = embedding
            if self.cache and view.number + 1 == self.embeddings.shape[1]:
                self.cache.write(self.keys[view.index], self.embeddings[view.index])

    def finish(self) -> None:
        """Keep the cache within its bounds."""
        if self.cache:
            self.cache.prune()

    def _recall(self, index: int) -> int:
        if self.cache is None:
            return 0
        views = self.cache.read(self.keys[index])[: self.embeddings.shape[1]]
        self.embeddings[index, : len(views)] = views
        return len(views)

    def _pixels(self, views: Iterable[_View], *, size: int) -> Iterator[NDArray[np.uint8]]:
        for view in views:
            key = self.keys[view.index]
            yield view_of(
                self.examples[view.index], key, number=view.number, seed=self.seed, size=size
            )


def view_of(example: Example, key: int, *, number: int, seed: int, size: int) -> NDArray[np.uint8]:
    """Make one view of a face.

    Args:
        example: the face.
        key: its key.
        number: 0 for the face itself, else the number of an altered copy.
        seed: what the copies come from.
        size: sides of the view in pixels.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        UnreadableImageError: the crop's JPEG is damaged; the message names its origin.
    """
    try:
        if number == 0:
            return face_input(example.crop, size=size)
        rng = np.random.default_rng((seed, key, number))
        return alter(_decode(example), example.crop.inner, size=size, rng=rng)
    except UnreadableImageError as error:
        detail = f"{example.origin}: {error.detail}; leave that face out"
        raise UnreadableImageError(error.reason, detail) from error


def _decode(example: Example) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(example.crop.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise UnreadableImageError("damaged", "the stored crop is no JPEG any more")
    return np.asarray(pixels, np.uint8)
