"""Refused images, those in quarantine or unreadable: looked at, and given another try."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, update

from db.records import Outcome, RefusedImage, RunState
from db.store.upsert import chunks
from db.tables import Archive, Detection, Image, Job, Preview, Run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select

    from db.records import RunRecord

# A decoder that hostile bytes took over may give none.
_REASON = func.coalesce(Image.reason, "no_reason").label("reason")


def find(
    connection: Connection,
    outcome: Outcome,
    *,
    reasons: Collection[str] = (),
    archive_id: int | None = None,
    judged_by_other_than: str | None = None,
) -> list[RefusedImage]:
    """The images of an outcome, by reason, archive and path.

    A file that the last finished run of its archive did not list any more is left out.

    Args:
        outcome: quarantined or unreadable.
        reasons: only these, if any.
        archive_id: only of this archive.
        judged_by_other_than: only images whose bytes another decoder judged, or an unknown one.
    """
    query = _refused(outcome, archive_id).order_by(_REASON, Archive.root, Image.path)
    if reasons:
        query = query.where(_REASON.in_(reasons))
    if judged_by_other_than is not None:
        decoder = Detection.decoder
        other = or_(decoder.is_(None), decoder != judged_by_other_than)
        query = query.where(Image.content_id.is_not(None), other)
    return [RefusedImage(*row) for row in connection.execute(query)]


def reasons(
    connection: Connection, outcome: Outcome, *, archive_id: int | None = None
) -> dict[str, int]:
    """How many images of an outcome there are by reason, the most frequent first."""
    some = _refused(outcome, archive_id).subquery()
    rows = connection.execute(
        select(some.c.reason, func.count())
        .group_by(some.c.reason)
        .order_by(func.count().desc(), some.c.reason)
    )
    return dict(rows.all())


def give_to(
    connection: Connection, run: RunRecord, images: Sequence[RefusedImage], outcome: Outcome
) -> None:
    """Have a run work on refused images as if it had never seen them.

    What any chain said of their bytes is dropped where it is that outcome, for every image that
    shows them; `link` brings images outside the run up to what it finds.
    """
    contents = {image.content_id for image in images if image.content_id is not None}
    for some in chunks(sorted(contents)):
        _drop(connection, some, outcome)
    for some in chunks(sorted(image.id for image in images)):
        connection.execute(
            update(Image)
            .where(Image.id.in_(some), Image.outcome == outcome)
            .values(
                run_id=run.id,
                due=True,
                job_id=None,
                content_id=None,
                detection_id=None,
                version_id=None,
                outcome=None,
                reason=None,
                detail=None,
            )
        )


def link(
    connection: Connection, run: RunRecord, content_ids: Collection[int], outcome: Outcome
) -> None:
    """Tell images that lost their detection to `give_to` what the run has made of their bytes."""
    for some in chunks(sorted(content_ids)):
        connection.execute(
            update(Image)
            .where(Image.content_id.in_(some), Image.content_id == Detection.content_id)
            .where(Image.detection_id.is_(None), Image.outcome == outcome, ~Image.due)
            .where(Detection.chain_id == run.chain_id)
            .values(
                detection_id=Detection.id,
                outcome=Detection.outcome,
                reason=Detection.reason,
                detail=Detection.detail,
            )
        )


def outcomes(
    connection: Connection, image_ids: Collection[int]
) -> Counter[tuple[Outcome | None, str | None]]:
    """How many of the images have which outcome and reason; no outcome where one is still due."""
    found: Counter[tuple[Outcome | None, str | None]] = Counter()
    for some in chunks(sorted(image_ids)):
        query = select(Image.outcome, Image.reason, func.count()).where(Image.id.in_(some))
        for outcome, reason, number in connection.execute(
            query.group_by(Image.outcome, Image.reason)
        ):
            found[None if outcome is None else Outcome(outcome), reason] += number
    return found


def _refused(outcome: Outcome, archive_id: int | None) -> Select[*tuple[Any, ...]]:
    query = (
        select(
            *(Image.id, Image.archive_id, Archive.root, Image.path, Image.content_id),
            *(_REASON, Image.detail, Detection.decoder, Job.finished_at),
        )
        .join(Archive, Archive.id == Image.archive_id)
        .outerjoin(Detection, _is_behind(outcome))
        .outerjoin(Job, Job.id == Image.job_id)
        .where(Image.outcome == outcome, Image.run_id >= func.coalesce(_last_finished(), 0))
    )
    return query if archive_id is None else query.where(Image.archive_id == archive_id)


def _is_behind(outcome: Outcome) -> ColumnElement[bool]:
    # A file that killed its workers may still have the detection of an earlier chain.
    return (Detection.id == Image.detection_id) & (Detection.outcome == outcome)


def _last_finished() -> ScalarSelect[int]:
    """The last run that has walked an image's whole archive."""
    return (
        select(func.max(Run.id))
        .where(Run.archive_id == Image.archive_id, Run.state == RunState.FINISHED)
        .scalar_subquery()
    )


def _drop(connection: Connection, content_ids: Sequence[int], outcome: Outcome) -> None:
    # Locked first: a worker that links to one of them waits, and finds it gone.
    doomed = connection.scalars(
        select(Detection.id)
        .where(Detection.content_id.in_(content_ids), Detection.outcome == outcome)
        .order_by(Detection.id)
        .with_for_update()
    ).all()
    for some in chunks(doomed):
        connection.execute(
            update(Image).where(Image.detection_id.in_(some)).values(detection_id=None)
        )
        connection.execute(delete(Preview).where(Preview.detection_id.in_(some)))
        connection.execute(delete(Detection).where(Detection.id.in_(some)))
