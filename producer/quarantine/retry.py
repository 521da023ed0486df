"""Another try for refused images: their archives are labelled with them due again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from db.errors import ArchiveGoneError
from db.store import refused, runs
from producer import labelling
from producer import session as sessions
from worker import terminal
from worker.reading import require_archive
from worker.visible import visible_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import Outcome, RefusedImage, RunRecord
    from producer.session import Session, Settings


@dataclass(frozen=True, slots=True)
class Share:
    """The images of one archive that are to be tried again.

    Attributes:
        detect_only: whether the archive's last run stored faces without classifying them.
    """

    root: bytes
    images: tuple[RefusedImage, ...]
    detect_only: bool

    @property
    def contents(self) -> set[int]:
        """The numbers of their bytes, where those could be read."""
        return {image.content_id for image in self.images if image.content_id is not None}

    def without(self, contents: set[int]) -> Share:
        """The images that do not show any of these bytes."""
        images = tuple(image for image in self.images if image.content_id not in contents)
        return replace(self, images=images)


def shares(database: Database, images: Sequence[RefusedImage]) -> list[Share]:
    """The images by archive, each of which is proven to be there and at rest.

    Raises:
        ArchiveGoneError: when an archive's folder is missing or empty.
        UsageError: when a command is at work in one of the archives.
    """
    ordered = sorted(images, key=lambda image: (image.archive_id, image.id))
    with database.read() as connection:
        return [
            _share(connection, archive_id, tuple(some))
            for archive_id, some in groupby(ordered, key=lambda image: image.archive_id)
        ]


def retry(
    session: Session,
    settings: Settings,
    some: Sequence[Share],
    *,
    outcome: Outcome,
    quiet: bool,
) -> list[dict[str, Any]]:
    """Label the archives with their refused images due again; the summaries of the runs.

    Bytes that several archives show are judged once, and every archive is told.

    Args:
        session: with detectors and workers.
        settings: of the command.
        some: the images, by archive.
        outcome: that all of them had.
        quiet: whether there is no progress bar.

    Raises:
        Exit: after an interrupt, with code 130; archives that had no turn are as they were.
        ArchiveGoneError: when an archive's folder has gone.
    """
    judged: set[int] = set()
    summaries = []
    for share in some:
        rest = share.without(judged)
        if rest.images:
            run = _begin(session, rest, outcome)
            terminal.log().print(_announcement(run, rest), soft_wrap=True)
            summaries.append(labelling.drive(session, settings, run, quiet=quiet))
            link = partial(refused.link, run=run, content_ids=rest.contents, outcome=outcome)
            session.database.commit(link)
            judged |= rest.contents
    return summaries


def _begin(session: Session, share: Share, outcome: Outcome) -> RunRecord:
    def give(connection: Connection, run: RunRecord) -> None:
        refused.give_to(connection, run, share.images, outcome)

    return sessions.begin(session, root=share.root, detect_only=share.detect_only, also=give)


def _announcement(run: RunRecord, share: Share) -> str:
    number = len(share.images)
    images = "image" if number == 1 else "images"
    return f"Run {run.id}: {number:,} {images} of {visible_path(share.root)} get another try."


def _share(connection: Connection, archive_id: int, images: tuple[RefusedImage, ...]) -> Share:
    root = images[0].root
    try:
        require_archive(root)
    except ArchiveGoneError as error:
        raise ArchiveGoneError(
            f"{error}; nothing was tried again: bring it back, or choose another with --archive"
        ) from error
    sessions.require_idle(connection, root)
    last = runs.latest(connection, archive_id=archive_id)
    return Share(root, images, detect_only=last is not None and last.detect_only)
