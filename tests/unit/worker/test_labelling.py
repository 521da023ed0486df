"""A labelling job from claim to commit, and what each way to fail means for the ledger."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from db.errors import ModelError
from db.store import cutting, runs
from tests.drawing import face_png, plain_png
from tests.ledger import Ledger
from worker.context import Context
from worker.labelling import rest, run_job
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from db.records import RunRecord
    from worker.models.live import Model
    from worker.sandbox.pool import DecoderPool


class ServedModel:
    """Stands for the live model; an error is raised instead where one is set."""

    def __init__(self) -> None:
        self.model: Model | None = None
        self.error: Exception | None = None

    def current(self) -> Model | None:
        """The model of the next job."""
        if self.error is not None:
            raise self.error
        return self.model


class House:
    """An archive, a ledger, and a worker with a small model."""

    def __init__(self, context: Context, archive: Path, make: Callable[..., Model]) -> None:
        self.ledger = Ledger(context.database)
        self.context = context
        self.archive = archive
        self.live = ServedModel()
        self._make: Callable[..., Model] = make
        served: Any = self.live
        context.live = served

    def publish(self, name: str, label: str = "Aqua", *, embedder: str = "embedder") -> int:
        """A new model version, live at once."""
        version = self.ledger.publish_model(name)
        self.live.model = self._make(version, label, embedder=embedder)
        return version

    def list_all(self, *, detect_only: bool = False) -> RunRecord:
        """A run that has seen the files of the archive."""
        run = self.ledger.run(
            os.fsencode(self.archive), chain=self.context.chain.id, detect_only=detect_only
        )
        version = None if detect_only or self.live.model is None else self.live.model.version_id
        for path in sorted(self.archive.iterdir()):
            status = path.lstat()
            self.ledger.register(
                run,
                os.fsencode(path.name),
                size=status.st_size,
                at=status.st_mtime_ns,
                version=version,
            )
        return run

    def label(self, *, detect_only: bool = False) -> str:
        """Label the archive anew in one job; what became of it, or that nothing was due."""
        run = self.list_all(detect_only=detect_only)
        with self.ledger.database.write() as connection:
            job = cutting.cut_images(connection, run.id, size=1000)
        return "nothing due" if job is None else run_job(self.context, job).state

    def put(self, **files: bytes) -> None:
        """Write files into the archive."""
        for name, data in files.items():
            (self.archive / name).write_bytes(data)

    def job(self) -> dict[str, Any]:
        """The newest job's row."""
        query = "SELECT state, attempts, decoded, error, published_at FROM jobs"
        row = self.ledger.rows(f"{query} ORDER BY id DESC LIMIT 1")[0]
        return dict(
            zip(("state", "attempts", "decoded", "error", "published_at"), row, strict=True)
        )


@pytest.fixture
def house(
    ledger: Ledger,
    tmp_path: Path,
    pool: DecoderPool,
    small_model: Callable[..., Model],
) -> House:
    """A house on each of the databases, with the decoders of the session."""
    settings = WorkerSettings(decoders=pool.decoders)
    context = Context(ledger.database, home=tmp_path / "home", settings=settings, job_limit=60)
    context._pool = pool
    (tmp_path / "archive").mkdir()
    house = House(context, tmp_path / "archive", small_model)
    house.publish("a")
    return house


def test_a_job_is_done_once(house: House) -> None:
    """A job goes from claim to commit, and its second delivery does nothing."""
    house.put(face=face_png(), none=plain_png(), broken=b"no image")
    assert house.label() == "done"
    query = "SELECT display, outcome, reason FROM images ORDER BY display"
    assert house.ledger.rows(query) == [
        ("broken", "unreadable", "not_an_image"),
        ("face", "faces", None),
        ("none", "no_face", "no_face_found"),
    ]
    assert house.ledger.rows("SELECT label FROM predictions") == [("Aqua",)]
    assert (
        run_job(house.context, house.ledger.value("SELECT id FROM jobs")).state == "not claimable"
    )
    assert house.ledger.value("SELECT count(*) FROM faces") == 1


def test_a_message_that_comes_ten_times_has_one_effect(house: House) -> None:
    """Deliveries of one job at the same time give one result set."""
    house.put(face=face_png(), none=plain_png())
    job = house.ledger.cut(house.list_all())
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(run_job(house.context, job).state))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["done"] + ["not claimable"] * 9
    assert house.ledger.value("SELECT count(*) FROM faces") == 1
    assert house.ledger.value("SELECT count(*) FROM predictions") == 1
    assert house.job()["attempts"] == 1


def test_an_unchanged_archive_is_not_read_again(house: House) -> None:
    """A second run of the same files has nothing due."""
    house.put(face=face_png())
    house.label()
    assert house.label() == "nothing due"


def test_copies_and_new_names_are_linked_without_decoding(house: House) -> None:
    """Bytes that the ledger knows are read, hashed and linked, and not decoded."""
    house.put(face=face_png())
    house.label()
    house.put(copy=face_png())
    assert house.label() == "done"
    assert house.job()["decoded"] == 0
    assert house.ledger.value("SELECT count(DISTINCT detection_id) FROM images") == 1


def test_a_changed_file_is_decoded_again(house: House) -> None:
    """New bytes under an old name are a new content; the old one stays in the ledger."""
    house.put(face=face_png())
    house.label()
    house.put(face=plain_png())
    os.utime(house.archive / "face", ns=(1, 1))
    assert house.label() == "done"
    assert house.ledger.rows("SELECT outcome FROM images") == [("no_face",)]
    assert house.ledger.value("SELECT count(*) FROM contents") == 2


def test_a_new_head_labels_from_stored_embeddings(house: House) -> None:
    """Another model with the same embedder touches no image and embeds nothing."""
    house.put(face=face_png())
    house.label()
    (house.archive / "face").write_bytes(bytes(len(face_png())))
    os.utime(house.archive / "face", ns=(1, house.ledger.value("SELECT mtime_ns FROM images")))
    new = house.publish("b", "Megumin")
    assert house.label() == "done"
    query = "SELECT label FROM predictions ORDER BY version_id"
    assert house.ledger.rows(query) == [("Aqua",), ("Megumin",)]
    assert house.job()["decoded"] == 0
    assert house.ledger.value("SELECT version_id FROM images") == new
    assert house.live.model is not None
    embedder: Any = house.live.model.embedder
    assert embedder.batches == []
    # The stored embedding was rounded before it was classified: both say the same.
    assert house.ledger.value("SELECT count(DISTINCT confidence) FROM predictions") == 1


def test_a_new_embedder_labels_from_stored_crops(house: House) -> None:
    """A model with another embedder embeds the crops, and stores the result for next time."""
    house.put(face=face_png())
    house.label()
    house.publish("b", "Megumin", embedder="other")
    assert house.label() == "done"
    assert house.job()["decoded"] == 0
    assert house.ledger.value("SELECT count(*) FROM embeddings") == 2
    # The crop is what the first embedding was made from, so both are the same.
    assert house.ledger.value("SELECT count(DISTINCT vector) FROM embeddings") == 1
    assert house.ledger.value("SELECT count(DISTINCT confidence) FROM predictions") == 1


def test_faces_that_were_only_detected_are_labelled_later(house: House) -> None:
    """A run without a model stores faces; the next one classifies them from their crops."""
    house.put(face=face_png())
    assert house.label(detect_only=True) == "done"
    assert house.ledger.value("SELECT count(*) FROM predictions") == 0
    assert house.label() == "done"
    assert house.ledger.rows("SELECT label FROM predictions") == [("Aqua",)]
    assert house.job()["decoded"] == 0


def test_an_archive_that_is_gone_stops_its_run(house: House) -> None:
    """No file is blamed: the job is given back without an attempt, and the run says why."""
    house.put(face=face_png())
    job = house.ledger.cut(house.list_all())
    house.archive.rename(house.archive.parent / "elsewhere")
    assert run_job(house.context, job).state == "stopped"
    assert house.ledger.value("SELECT count(*) FROM images WHERE due AND outcome IS NULL") == 1
    assert (house.job()["state"], house.job()["attempts"]) == ("queued", 0)
    state, reason = house.ledger.rows("SELECT state, reason FROM runs")[0]
    assert state == "stopped"
    assert "is gone" in reason
    assert run_job(house.context, job).state == "not claimable"


def test_files_that_go_one_by_one_are_unreadable(house: House) -> None:
    """A file that was deleted since the walk ends as unreadable with its reason."""
    house.put(face=face_png(), gone=plain_png())
    job = house.ledger.cut(house.list_all())
    (house.archive / "gone").unlink()
    assert run_job(house.context, job).state == "done"
    query = "SELECT outcome, reason FROM images WHERE display = 'gone'"
    assert house.ledger.rows(query) == [("unreadable", "vanished")]


def test_a_model_that_cannot_be_loaded_costs_no_attempt(house: House) -> None:
    """The job is offered again after a moment, with the reason for people to read."""
    house.put(face=face_png())
    house.live.error = ModelError("the artifact is missing; publish it again")
    assert house.label() == "refused"
    job = house.job()
    assert (job["state"], job["attempts"]) == ("queued", 0)
    assert job["error"] == "the artifact is missing; publish it again"
    assert house.ledger.value("SELECT not_before > created_at FROM jobs")


def test_a_worker_with_other_detectors_refuses(house: House) -> None:
    """A run's chain is pinned: a worker that lacks it gives the job back and says so."""
    house.put(face=face_png())
    run = house.ledger.run(os.fsencode(house.archive), chain="lbp+r1")
    house.ledger.register(run, b"face")
    assert run_job(house.context, house.ledger.cut(run)).state == "refused"
    assert "needs the detectors lbp+r1" in house.job()["error"]
    assert house.job()["attempts"] == 0


def test_an_unforeseen_error_counts_as_a_lost_claim(house: House) -> None:
    """A job that raises is requeued at once; the attempt counts, so that it ends."""
    house.put(face=face_png())
    house.live.error = ZeroDivisionError("two\nlines")
    with pytest.raises(ZeroDivisionError):
        house.label()
    assert house.job()["error"] == "two lines"
    assert len(house.ledger.recover()) == 1
    assert (house.job()["state"], house.job()["attempts"]) == ("queued", 1)


def test_a_job_of_a_superseded_run_writes_nothing(house: House) -> None:
    """A worker whose run is superseded under it is fenced off, and its job stays cancelled."""
    house.put(face=face_png())
    run = house.list_all()
    job = house.ledger.cut(run)

    def supersede() -> Model | None:
        # While the job is worked on, a person starts another run in the same archive.
        house.ledger.run(run.root, chain=run.chain_id)
        return house.live.model

    served: Any = supersede
    house.live.current = served  # type: ignore[method-assign]  # stands for a slow start
    assert run_job(house.context, job).state == "lost"
    assert house.ledger.value("SELECT count(*) FROM contents") == 0
    assert house.job()["state"] == "cancelled"


def test_a_job_that_was_taken_over_writes_nothing(house: House) -> None:
    """A worker that was too slow is fenced off, and the new claim is left alone."""
    house.put(face=face_png())
    job = house.ledger.cut(house.list_all())

    def be_overtaken() -> Model | None:
        house.ledger.lose(job)
        assert house.ledger.claim(job, "somebody else") is not None
        return house.live.model

    served: Any = be_overtaken
    house.live.current = served  # type: ignore[method-assign]  # stands for a slow start
    assert run_job(house.context, job).state == "lost"
    assert house.ledger.value("SELECT count(*) FROM contents") == 0
    assert (house.job()["state"], house.job()["attempts"]) == ("leased", 2)


def test_other_archives_go_on_when_one_is_gone(house: House) -> None:
    """Stopping a run leaves the runs of other archives active."""
    other = house.ledger.run(b"/other", chain="x")
    house.put(face=face_png())
    job = house.ledger.cut(house.list_all())
    house.archive.rename(house.archive.parent / "elsewhere")
    run_job(house.context, job)

    def look(connection: Connection) -> str:
        return str(runs.get(connection, other.id).state)

    assert house.ledger.database.commit(look) == "active"


def test_who_refuses_again_and_again_leaves_the_queue_to_others() -> None:
    """One refusal costs a worker nothing; each further one a longer rest, up to a bound."""
    rests = [rest(refusals, limit=300.0) for refusals in range(8)]
    assert rests == [0.0, 0.0, 5.0, 10.0, 20.0, 20.0, 20.0, 20.0]
    assert rest(10**6, limit=30.0) == 3.0
