"""Reading every stored face with its embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from db.store import vectors
from tests.colours import GREEN, RED, colour_face, store
from tests.ledger import EMBEDDER

if TYPE_CHECKING:
    from tests.ledger import Ledger


def pages(ledger: Ledger, *, sample: int | None = None, size: int = 3) -> list[vectors.FacePage]:
    """All pages of a portion."""
    found: list[vectors.FacePage] = []
    with ledger.database.read() as connection:
        portion = vectors.portion(connection, sample=sample)
        after = 0
        while page := vectors.page(
            connection, portion, after=after, size=size, embedders=[EMBEDDER, "another"]
        ):
            found.append(page)
            after = page.ids[-1]
    assert portion.faces == sum(len(page.ids) for page in found)
    return found


def test_pages_hold_every_face_once(ledger: Ledger) -> None:
    """Faces come in the order of their ids, with an embedding or none by each embedder."""
    store(ledger, *(colour_face(RED) for _ in range(4)), colour_face(GREEN, embedded=False))
    first, last = pages(ledger)
    assert (first.ids, last.ids) == ((1, 2, 3), (4, 5))
    red = np.array([1, 0, 0], "<f2").tobytes()
    assert (last.vectors, last.annotated) == (((red, None), (None, None)), (False, False))


def test_there_may_be_no_faces(ledger: Ledger) -> None:
    """Of nothing there is no page, with or without a sample."""
    assert pages(ledger) == pages(ledger, sample=5) == []


def test_a_sample_is_spread_evenly(ledger: Ledger) -> None:
    """Each tenth of the ids gives about as many faces, and a sample of all is all."""
    store(ledger, *(colour_face(RED) for _ in range(500)))
    ids = [face for page in pages(ledger, sample=50, size=1000) for face in page.ids]
    per_tenth = np.histogram(ids, bins=10, range=(1, 501))[0]
    assert set(per_tenth.tolist()) <= {4, 5, 6}
    assert sum(len(page.ids) for page in pages(ledger, sample=500)) == 500
