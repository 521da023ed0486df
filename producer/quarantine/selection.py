"""Which refused images, those in quarantine or unreadable, a person speaks of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.errors import UsageError
from db.store import places, refused, runs
from worker.visible import visible, visible_path

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import Outcome, RefusedImage


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which refused images a person speaks of.

    Attributes:
        outcome: quarantined or unreadable.
        reasons: only these; all where empty.
        archive_id: only of this archive.
        judged_by_other_than: only those whose bytes another decoder judged.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    archive_id: int | None = None
    judged_by_other_than: str | None = None


def archive_of(database: Database, *, run: int | None, folder: str | None) -> int | None:
    """The number of the archive that a person named, if they did.

    Raises:
        UsageError: when it was named twice, or there is no such run or archive.
    """
    if run is not None and folder is not None:
        raise UsageError("give the number of a run or --archive, not both")
    with database.read() as connection:
        if run is not None:
            return runs.find(connection, run).archive_id
        if folder is None:
            return None
        root = os.path.realpath(os.fsencode(folder))
        known = {path: number for number, path in places.archives(connection).items()}
    if root not in known:
        raise UsageError(
            f"{visible_path(root)} has never been labelled; give it to `kaolabel label`"
        )
    return known[root]


def find(database: Database, wanted: Wanted) -> list[RefusedImage]:
    """The images that are wanted, by reason, archive and path.

    Raises:
        UsageError: for a reason that no image has; lists those there are.
    """
    with database.read() as connection:
        there = refused.reasons(connection, wanted.outcome, archive_id=wanted.archive_id)
        for reason in wanted.reasons:
            if reason not in there:
                raise UsageError(
                    f"no {wanted.outcome} image has the reason {reason!r}; the reasons there are:"
                    f" {visible(', '.join(there) or 'none')}"
                )
        return refused.find(
            connection,
            wanted.outcome,
            reasons=wanted.reasons,
            archive_id=wanted.archive_id,
            judged_by_other_than=wanted.judged_by_other_than,
        )
