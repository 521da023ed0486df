"""Letting two model versions classify every stored face, to see what would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from db.errors import UnreadableImageError
from db.store import faces, vectors
from worker.models import live, registry
from worker.models.diff import Diff
from worker.models.pairs import Given, Pairs
from worker.vision.crop import face_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from db.engine import Database
    from db.records import Crop, VersionRecord
    from db.store.vectors import FacePage, Portion
    from worker.models.live import Model
    from worker.vision.embed import Embedder

    # Called with the faces that are done, and all of them.
    Progress = Callable[[int, int], object]

# What people call the live version.
ACTIVE = "active"

# Sample faces of each change.
SAMPLES = 8

# Faces in memory at a time: 3 MB of embeddings, and 45 MB of crops and pixels where there are none.
_PAGE = 1024


def compare(
    database: Database, old: Model, new: Model, *, sample: int | None = None, progress: Progress
) -> Diff:
    """Let two versions classify every stored face; nothing is written.

    A face is classified from its stored embedding, or from its crop where the version's embedder
    has not seen it yet. Faces that are stored meanwhile may or may not be among them.

    Args:
        database: holds the faces.
        old: the one version.
        new: the other.
        sample: about how many faces to look at, evenly spread and always the same ones; None is
            all of them.
        progress: called with (faces done, faces in all).

    Returns:
        The difference.

    Raises:
        ModelError: a backbone is needed for faces without an embedding, and cannot be loaded.
    """
    with database.read() as connection:
        portion = vectors.portion(connection, sample=sample)
    comparison = _Comparison(database, old, new)
    progress(0, portion.faces)
    for page in _pages(database, portion, comparison.embedders):
        comparison.add(page)
        progress(min(comparison.faces, portion.faces), portion.faces)
    return comparison.diff(stored=max(portion.stored, comparison.faces))


def compare_versions(
    database: Database,
    old: str,
    new: str,
    *,
    home: Path,
    sample: int | None = None,
    progress: Progress,
) -> Diff:
    """Compare two versions as people name them.

    Args:
        database: knows the versions.
        old: the one: a number, the first digits of its artifact's hash, or `active`.
        new: the other.
        home: kaolabel's own folder.
        sample: see `compare`.
        progress: see `compare`.

    Returns:
        The difference.

    Raises:
        UsageError: there is no such version, or none is active.
        ModelError: an artifact or a backbone is missing or damaged.
    """
    records = [_find(database, name) for name in (old, new)]
    first = live.load(records[0], home=home)
    second = live.load(records[1], home=home, like=first)
    return compare(database, first, second, sample=sample, progress=progress)


def _find(database: Database, name: str) -> VersionRecord:
    return registry.require_active(database) if name == ACTIVE else registry.find(database, name)


def _pages(database: Database, portion: Portion, embedders: Sequence[str]) -> Iterator[FacePage]:
    """All pages of a portion; no transaction is held while one is worked on."""
    after = 0
    while True:
        with database.read() as connection:
            page = vectors.page(connection, portion, after=after, size=_PAGE, embedders=embedders)
        if page is None:
            return
        yield page
        after = page.ids[-1]


class _Comparison:
    """What two versions said of the faces so far."""

    def __init__(self, database: Database, old: Model, new: Model) -> None:
        self._database = database
        self._old, self._new = old, new
        self._embedders = {model.embedder.spec.id: model.embedder for model in (old, new)}
        self._pairs = Pairs(old.head.labels, new.head.labels, samples=SAMPLES)
        self.faces = self._annotated = self._skipped = 0

    @property
    def embedders(self) -> tuple[str, ...]:
        """The embedders whose vectors pages must have, in their order."""
        return tuple(self._embedders)

    def add(self, page: FacePage) -> None:
        """Take a page; faces that a person judged are only counted."""
        judged = np.array(page.annotated, np.bool_)
        ids = np.array(page.ids, np.int64)[~judged]
        embedded, seen = self._embeddings(page, ids, np.flatnonzero(~judged))
        old, new = (
            Given.by(model.head, embedded[model.embedder.spec.id][seen])
            for model in (self._old, self._new)
        )
        self._pairs.add(ids[seen], old, new)
        self.faces += len(judged)
        self._annotated += int(judged.sum())
        self._skipped += int((~seen).sum())

    def diff(self, *, stored: int) -> Diff:
        """The difference, where all archives together have `stored` faces."""
        return Diff(
            old=self._old.version_id,
            new=self._new.version_id,
            old_labels=self._old.head.labels,
            new_labels=self._new.head.labels,
            stored=stored,
            faces=self.faces,
            annotated=self._annotated,
            skipped=self._skipped,
            counts=self._pairs.counts(),
            samples=self._pairs.samples(),
        )

    def _embeddings(
        self, page: FacePage, ids: NDArray[np.int64], places: NDArray[np.intp]
    ) -> tuple[dict[str, NDArray[np.float16]], NDArray[np.bool_]]:
        """By embedder float16 (n, d), and bool (n,): whether all of them have seen the face."""
        embedded: dict[str, NDArray[np.float16]] = {}
        seen = np.ones(len(ids), np.bool_)
        for (name, embedder), stored in zip(self._embedders.items(), page.vectors, strict=True):
            embedded[name], known = _unpack([stored[place] for place in places], embedder)
            missing = np.flatnonzero(~known)
            if len(missing):
                made, readable = self._embed(ids[missing].tolist(), embedder)
                embedded[name][missing[readable]] = made
                known[missing[readable]] = True
            seen &= known
        return embedded, seen

    def _embed(
        self, face_ids: Sequence[int], embedder: Embedder
    ) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """Embed stored crops: float16 (m, d) of the m readable ones, and bool (n,): which."""
        with self._database.read() as connection:
            crops = faces.crops(connection, face_ids)
        inputs = [_input(crops.get(face_id), size=embedder.spec.size) for face_id in face_ids]
        readable = np.array([pixels is not None for pixels in inputs], np.bool_)
        if not readable.any():
            return np.empty((0, embedder.spec.dimension), np.float16), readable
        return embedder.embed(np.stack([p for p in inputs if p is not None])), readable


def _unpack(
    stored: Sequence[bytes | None], embedder: Embedder
) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Stored embeddings as float16 (n, d), and bool (n,): which are there and whole."""
    dimension = embedder.spec.dimension
    size = np.dtype(np.float16).itemsize * dimension
    whole = [vector if vector is not None and len(vector) == size else None for vector in stored]
    known = np.array([vector is not None for vector in whole], np.bool_)
    unpacked = np.zeros((len(stored), dimension), np.float16)
    joined = b"".join(vector for vector in whole if vector is not None)
    unpacked[known] = np.frombuffer(joined, "<f2").reshape(-1, dimension)
    return unpacked, known


def _input(crop: Crop | None, *, size: int) -> NDArray[np.uint8] | None:
    try:
        return None if crop is None else face_input(crop, size=size)
    except UnreadableImageError:
        return None
