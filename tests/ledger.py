"""Short ways to bring a ledger into a state, and records to fill it with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from db.records import (
    Box,
    ContentRecord,
    ContentResult,
    Crop,
    DetectedFace,
    FaceResult,
    FileEntry,
    ImageResult,
    JobResult,
    Outcome,
    Prediction,
)
from db.store import cutting, images, jobs, lost, models, relabels, results, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.engine import Database
    from db.records import Claim, JobImage, RelabelRecord, Rescored, RunRecord

EMBEDDER = "embedder"


class Ledger:
    """Short ways to bring a database into a state, and to look at it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def run(
        self, root: bytes = b"/archive", *, chain: str = "chain", detect_only: bool = False
    ) -> RunRecord:
        """A new run."""
        with self.database.write() as connection:
            return runs.start(connection, root=root, chain_id=chain, detect_only=detect_only)

    def register(
        self, run: RunRecord, *paths: bytes, size: int = 1, at: int = 1, version: int | None = None
    ) -> None:
        """Let the run see files of that size and time."""
        entries = [FileEntry(path, size, at) for path in paths]
        with self.database.write() as connection:
            images.register(connection, run, entries, version_id=version)
            listed = text("UPDATE runs SET listed = listed + :more WHERE id = :run")
            connection.execute(listed, {"more": len(entries), "run": run.id})

    def cut(self, run: RunRecord, size: int = 2048) -> int:
        """A job of the run's next images."""
        with self.database.write() as connection:
            job = cutting.cut_images(connection, run.id, size=size)
        assert job is not None
        return job

    def faces(self, *found: FaceResult, version: int | None = None) -> list[int]:
        """Store faces, all of one image, by that version; their numbers."""
        before = self.value("SELECT coalesce(max(id), 0) FROM faces")
        path = b"%d" % before
        self.finish(self.take(self.run(), path), content(path, *found), version=version)
        query = "SELECT id FROM faces WHERE id > :before ORDER BY id"
        return [row[0] for row in self.rows(query, before=before)]

    def relabel(self, version: int) -> RelabelRecord:
        """A new relabelling."""
        with self.database.write() as connection:
            return relabels.start(connection, version_id=version)

    def cut_faces(self, relabel: RelabelRecord, size: int = 32_768) -> int | None:
        """A job of the relabelling's next faces, if there are any."""
        with self.database.write() as connection:
            return cutting.cut_faces(connection, relabel, size=size)

    def claim(self, job_id: int, worker: str = "worker") -> Claim | None:
        """A claim, if the job can be had."""
        with self.database.write() as connection:
            return jobs.claim(connection, job_id, worker=worker)

    def take(self, run: RunRecord, *paths: bytes) -> Claim:
        """A claimed job of fresh files."""
        self.register(run, *paths)
        claim = self.claim(self.cut(run))
        assert claim is not None
        return claim

    def todo(self, job_id: int) -> list[JobImage]:
        """The images that a job has yet to work on."""
        with self.database.read() as connection:
            return images.of_job(connection, job_id)

    def commit(self, claim: Claim, result: JobResult) -> None:
        """Write a job's results."""
        with self.database.write() as connection:
            results.commit(connection, claim, result)

    def finish(self, claim: Claim, *contents: ContentResult, version: int | None = None) -> None:
        """Commit a job whose images have these contents, in order."""
        todo = self.todo(claim.job_id)
        linked = zip(todo, contents, strict=True)
        self.commit(
            claim,
            job_result(
                contents,
                [ImageResult(image.id, content.content.sha256) for image, content in linked],
                version=version,
            ),
        )

    def publish_model(self, name: str = "a", *, activate: bool = True) -> int:
        """A new model version; its number."""
        with self.database.write() as connection:
            version = models.publish(
                connection, sha256=name * 64, embedder="embedder", manifest="{}", parent_id=None
            )
            if activate:
                models.activate(connection, version.id, why="a test")
        return version.id

    def recover(self) -> list[int]:
        """Requeue, split or quarantine what was lost."""
        with self.database.write() as connection:
            return lost.recover(connection)

    def lose(self, job_id: int) -> None:
        """Let a job's lease run out."""
        self.execute("UPDATE jobs SET lease_until = 1 WHERE id = :job", job=job_id)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def value(self, query: str, **values: Any) -> Any:
        """The one value that a query gives."""
        ((value,),) = self.rows(query, **values)
        return value

    def execute(self, statement: str, **values: Any) -> None:
        """Change rows behind the store's back."""
        with self.database.write() as connection:
            connection.execute(text(statement), values)


def prediction(
    label: str = "Aqua", *, confidence: float = 0.9, unknown: bool = False
) -> Prediction:
    """What a model says."""
    return Prediction(label, confidence, unknown, ((label, confidence),))


def face(said: Prediction | None = None, *, embedding: bytes | None = b"vector") -> FaceResult:
    """A face, of which a model said something."""
    return FaceResult(
        face=DetectedFace(Box(1, 2, 30, 40), "lbp", 1.5),
        crop=Crop(b"jpeg", Box(0, 0, 10, 12)),
        embedding=embedding,
        prediction=said,
    )


def content(data: bytes, *faces: FaceResult) -> ContentResult:
    """Bytes that were examined, with their faces, or without one."""
    return ContentResult(
        content=ContentRecord(hashlib.sha256(data).digest(), len(data), "PNG", 64, 48),
        outcome=Outcome.FACES if faces else Outcome.NO_FACE,
        reason=None if faces else "no_face_found",
        preview=None if faces else b"preview",
        faces=faces,
    )


def unreadable(image: JobImage, reason: str = "vanished") -> ImageResult:
    """An image whose file could not be read."""
    return ImageResult(image.id, None, Outcome.UNREADABLE, reason, "no such file")


def job_result(
    contents: Sequence[ContentResult] = (),
    images: Sequence[ImageResult] = (),
    *,
    rescored: Sequence[Rescored] = (),
    version: int | None = None,
) -> JobResult:
    """Everything that a job found out."""
    return JobResult(
        contents=tuple(contents),
        images=tuple(images),
        rescored=tuple(rescored),
        version_id=version,
        embedder=EMBEDDER,
        decoded=len(contents),
    )
