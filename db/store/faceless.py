"""The images of an archive that have no face, and some of them to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from db.records import FacelessImage, Outcome
from db.store import extent
from db.store.upsert import chunks
from db.tables import Image, Preview

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from db.records import RunRecord


def briefs(
    connection: Connection, run: RunRecord, outcome: Outcome
) -> Iterator[tuple[int, str | None]]:
    """The archive's images of an outcome as (id, reason), in the order in which they were found."""
    query = select(Image.id, Image.reason).where(Image.run_id == run.id, Image.outcome == outcome)
    for span in extent.spans(connection):
        some = query.where(Image.id.between(*span)).order_by(Image.id)
        yield from ((row.id, row.reason) for row in connection.execute(some).all())


def images(connection: Connection, image_ids: Sequence[int]) -> list[FacelessImage]:
    """Images without a face as people are shown them, in the order of their ids."""
    query = (
        select(
            *(Image.id, Image.path, Image.outcome, Image.reason, Image.detail),
            Preview.jpeg.label("preview"),
        )
        .outerjoin(Preview, Preview.detection_id == Image.detection_id)
        .order_by(Image.id)
    )
    found: list[FacelessImage] = []
    for some in chunks(sorted(image_ids)):
        rows = connection.execute(query.where(Image.id.in_(some)))
        found += [
            FacelessImage(**{**row._mapping, "outcome": Outcome(row.outcome)}) for row in rows
        ]
    return found
