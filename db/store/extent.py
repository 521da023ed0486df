"""The extent of a run: how many images it has seen, and where its rows lie among all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db.records import Outcome
from db.tables import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from db.records import RunRecord

# The first and the last of some ids, both included.
Span = tuple[int, int]

# The same of ids that may not be there at all.
Ends = tuple[int | None, int | None]

# Images that one query looks at: some tenths of a second.
_SPAN = 250_000


@dataclass(frozen=True, slots=True)
class Extent:
    """What one look at all images of a run tells.

    Attributes:
        images: how many there are by outcome and reason.
        contents: the span of their contents' ids; None where no worker has read any.
        detections: the span of the ids of detections with a face; None without any.
    """

    images: dict[tuple[str | None, str | None], int]
    contents: Span | None
    detections: Span | None

    def count(self, outcome: Outcome | None) -> int:
        """Images of an outcome; None is of those that are still due."""
        return sum(number for (one, _), number in self.images.items() if one == outcome)

    def reasons(self, outcome: Outcome) -> dict[str | None, int]:
        """Images of an outcome by reason, sorted; those without one come last."""
        found = {reason: n for (one, reason), n in self.images.items() if one == outcome}
        return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0])))


def of(connection: Connection, run: RunRecord) -> Extent:
    """Look through the images of a run."""
    detections, contents = Image.detection_id, Image.content_id
    query = (
        select(
            *(Image.outcome, Image.reason, func.count()),
            *(func.min(contents), func.max(contents)),
            *(func.min(detections), func.max(detections)),
        )
        .where(Image.run_id == run.id)
        .group_by(Image.outcome, Image.reason)
    )
    images: dict[tuple[str | None, str | None], int] = {}
    found: list[Ends] = []
    shown: list[Ends] = []
    for span in spans(connection):
        rows = connection.execute(query.where(Image.id.between(*span)))
        for outcome, reason, number, *ends in rows:
            images[outcome, reason] = images.get((outcome, reason), 0) + number
            found.append((ends[0], ends[1]))
            if outcome == Outcome.FACES:
                shown.append((ends[2], ends[3]))
    return Extent(images, _around(found), _around(shown))


def spans(connection: Connection) -> Iterator[Span]:
    """Spans of ids that together hold all images of the ledger, in order."""
    newest = connection.scalar(select(func.max(Image.id)))
    yield from cut((1, newest or 0), _SPAN)


def cut(span: Span, size: int) -> Iterator[Span]:
    """A span in pieces of so many ids at most."""
    first, last = span
    return ((start, min(start + size - 1, last)) for start in range(first, last + 1, size))


def _around(some: list[Ends]) -> Span | None:
    firsts = [first for first, _ in some if first is not None]
    lasts = [last for _, last in some if last is not None]
    return (min(firsts), max(lasts)) if firsts else None
