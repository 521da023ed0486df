"""What an archive holds, in counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db.records import Outcome, Tally
from db.store import extent, survey
from db.tables import Image

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from db.records import RunRecord
    from db.store.extent import Extent

# Contents that one query looks at: some tenths of a second.
_SPAN = 100_000


def count(connection: Connection, run: RunRecord) -> Tally:
    """Counts over every file that the run has seen."""
    reach = extent.of(connection, run)
    labels, unknown, unscored = _labels(connection, run, reach)
    return Tally(
        images=sum(reach.images.values()),
        contents=_contents(connection, run, reach),
        faces=sum(labels.values()) + unknown + unscored,
        labels=labels,
        unknown=unknown,
        unscored=unscored,
        with_face=reach.count(Outcome.FACES),
        no_face=reach.count(Outcome.NO_FACE),
        unreadable=reach.count(Outcome.UNREADABLE),
        quarantined=reach.count(Outcome.QUARANTINED),
        pending=reach.count(None),
    )


def _contents(connection: Connection, run: RunRecord, reach: Extent) -> int:
    """How many different bytes the run's images have."""
    different = select(func.count(Image.content_id.distinct())).where(Image.run_id == run.id)
    # To tell two million numbers apart in one go takes seconds.
    return sum(
        connection.execute(different.where(Image.content_id.between(*span))).scalar_one()
        for span in (extent.cut(reach.contents, _SPAN) if reach.contents else ())
    )


def _labels(
    connection: Connection, run: RunRecord, reach: Extent
) -> tuple[dict[str, int], int, int]:
    labels: dict[str, int] = {}
    unknown = unscored = 0
    for (label, is_unknown), number in survey.counts(connection, run, within=reach).items():
        if label is None:
            unscored += number
        elif is_unknown:
            unknown += number
        else:
            labels[label] = number
    return dict(sorted(labels.items())), unknown, unscored
