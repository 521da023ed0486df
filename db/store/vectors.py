"""Every stored face with its embeddings, in pages, for whoever scores all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select, true
from sqlalchemy.orm import aliased

from db.tables import Annotation, EmbedderName, Embedding, Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

# Fibonacci hashing (Knuth, The Art of Computer Programming, vol. 3, section 6.4): multiples of the
# golden ratio, modulo 1, fill the interval evenly, and so do those of any run of ids. The product
# of 31 bits and 32 bits fits into a signed 64-bit integer.
_GOLDEN = 2_654_435_769
_INTERVAL = 1 << 32
_IDS = 1 << 31


@dataclass(frozen=True, slots=True)
class FacePage:
    """Some faces in the order of their ids, as columns; there may be millions of them.

    Attributes:
        ids: n face ids.
        annotated: n; whether a person said anything of the face.
        vectors: for each embedder that was asked for, n embeddings (float16, little-endian), with
            None where there is none.
    """

    ids: tuple[int, ...]
    annotated: tuple[bool, ...]
    vectors: tuple[tuple[bytes | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of the stored faces that is looked at.

    Attributes:
        faces: how many faces are in it.
        stored: how many there are in all.
        limit: a face is in it if its place in the interval is below.
    """

    faces: int
    stored: int
    limit: int = _INTERVAL

    @property
    def whole(self) -> bool:
        """Whether it is all faces."""
        return self.limit >= _INTERVAL


def portion(connection: Connection, *, sample: int | None) -> Portion:
    """All faces, or about `sample` of them, evenly spread and always the same ones."""
    stored = connection.execute(select(func.count()).select_from(Face)).scalar_one()
    if sample is None or sample >= stored:
        return Portion(stored, stored)
    limit = _INTERVAL * sample // stored
    chosen = select(func.count()).select_from(Face).where(_place() < limit)
    return Portion(connection.execute(chosen).scalar_one(), stored, limit)


def page(
    connection: Connection, portion: Portion, *, after: int, size: int, embedders: Sequence[str]
) -> FacePage | None:
    """The next faces of a portion, with their embeddings by each of the embedders.

    Args:
        portion: from `portion`.
        after: the last face id of the page before; 0 for the first page.
        size: faces in the page, at most.
        embedders: ids of embedders.

    Returns:
        The page; None after the last one.
    """
    said = select(Annotation.id).where(Annotation.face_id == Face.id).exists()
    within = true() if portion.whole else _place() < portion.limit
    query = select(Face.id, said).select_from(Face).where(Face.id > after, within)
    for embedder in embedders:
        stored = aliased(Embedding)
        number = select(EmbedderName.id).where(EmbedderName.name == embedder).scalar_subquery()
        ours = and_(stored.face_id == Face.id, stored.embedder_id == number)
        query = query.add_columns(stored.vector).outerjoin(stored, ours)
    rows = connection.execute(query.order_by(Face.id).limit(size)).all()
    if not rows:
        return None
    ids, annotated, *vectors = zip(*rows, strict=True)
    return FacePage(ids, annotated, tuple(vectors))


def _place() -> ColumnElement[int]:
    return Face.id % _IDS * _GOLDEN % _INTERVAL
