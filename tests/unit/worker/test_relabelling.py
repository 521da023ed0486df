"""A relabelling job: from stored embeddings, else stored crops, to predictions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from db.errors import ModelError
from db.records import Box, Crop
from db.store import queue, runs
from tests.drawing import plain_png
from tests.ledger import face
from tests.unit.worker.conftest import MeanEmbedder
from worker import relabelling
from worker.context import Context
from worker.labelling import run_job
from worker.models.live import Model
from worker.settings import WorkerSettings
from worker.vision.classify import Head

if TYPE_CHECKING:
    from pathlib import Path

    from db.records import FaceResult, RelabelRecord
    from tests.ledger import Ledger

RNG = np.random.default_rng(0)
HEAD = Head(
    labels=("Aqua", "Megumin", 'Zoë "日本"'),
    weight=RNG.normal(size=(3, 3)).astype(np.float32),
    bias=np.zeros(3, np.float32),
    temperature=1.0,
    background=0.0,
    threshold=0.6,
)


class Room:
    """A worker with a small model, in a ledger with faces.

    Attributes:
        embedder: notes what it was given.
        error: raised instead of giving a model that may embed.
    """

    def __init__(self, ledger: Ledger, home: Path) -> None:
        self.ledger = ledger
        self.context = Context(
            ledger.database, home=home, settings=WorkerSettings(decoders=1), job_limit=60
        )
        self.embedder = MeanEmbedder("embedder")
        self.error: Exception | None = None
        self.version_id = ledger.publish_model("b")
        self.context._classifier = self.version(self.version_id)
        served: Any = self
        self.context.live = served

    def version(self, version_id: int) -> Model:
        """The model that may embed."""
        if self.error is not None:
            raise self.error
        return Model(version_id, cast("Any", self.embedder), HEAD)

    def relabel(self, job_of: RelabelRecord | None = None) -> str:
        """Do the next job; what became of it."""
        run = job_of or self.ledger.relabel(self.version_id)
        job = self.ledger.cut_faces(run)
        assert job is not None
        return run_job(self.context, job).state

    def predictions(self) -> list[tuple[Any, ...]]:
        """What the version said, by face."""
        query = "SELECT face_id, label, confidence, unknown, top FROM predictions"
        return self.ledger.rows(
            f"{query} WHERE version_id = :version ORDER BY face_id", version=self.version_id
        )

    def job(self) -> tuple[Any, ...]:
        """State, attempts, size, decoded and error of the newest job."""
        query = "SELECT state, attempts, size, decoded, error FROM jobs ORDER BY id DESC LIMIT 1"
        return self.ledger.rows(query)[0]


@pytest.fixture
def room(ledger: Ledger, tmp_path: Path) -> Room:
    """A room on each of the databases."""
    return Room(ledger, tmp_path / "home")


def embedded(*values: float) -> FaceResult:
    """A face with that embedding."""
    return face(None, embedding=np.array(values, "<f2").tobytes())


def cropped(jpeg: bytes | None = None) -> FaceResult:
    """A face with a crop alone."""
    crop = Crop(plain_png() if jpeg is None else jpeg, Box(10, 10, 50, 30))
    return replace(face(None, embedding=None), crop=crop)


def test_stored_embeddings_are_classified_as_ever(room: Room) -> None:
    """Rows are those that labelling writes, to the last digit, and no network is needed."""
    room.error = AssertionError("nothing is embedded")
    vectors = RNG.normal(size=(40, 3)).astype("<f2")
    faces = room.ledger.faces(*(embedded(*row) for row in vectors))
    assert room.relabel() == "done"
    expected = [
        (number, one.label, one.confidence, one.unknown, json.dumps(one.top))
        for number, one in zip(faces, HEAD.predict(vectors), strict=True)
    ]
    assert room.predictions() == expected
    assert room.job() == ("done", 1, 40, 0, None)


def test_faces_without_an_embedding_get_one(room: Room) -> None:
    """A new embedder works from stored crops, and its embeddings are stored for next time."""
    faces = room.ledger.faces(cropped(), embedded(1, 2, 3), cropped())
    assert room.relabel() == "done"
    assert [row[0] for row in room.predictions()] == faces
    white = np.array([255, 255, 255], "<f2").tobytes()
    query = "SELECT face_id, vector FROM embeddings ORDER BY face_id"
    stored = [(number, bytes(vector)) for number, vector in room.ledger.rows(query)]
    assert stored[0] == (faces[0], white)
    assert stored[2] == (faces[2], white)
    assert room.job() == ("done", 1, 3, 2, None)


def test_a_damaged_crop_is_left_out(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    """A crop that cannot be decoded costs its face alone; the job and the log name it."""
    faces = room.ledger.faces(cropped(), cropped(b"no jpeg"), cropped(b""))
    room.ledger.execute("DELETE FROM crops WHERE face_id = :face", face=faces[2])
    assert room.relabel() == "done"
    assert [row[0] for row in room.predictions()] == faces[:1]
    state, _, size, decoded, error = room.job()
    assert (state, size, decoded) == ("done", 1, 1)
    assert f"face {faces[1]} is left out" in error
    assert "1 more" in error
    assert f"face {faces[2]} is left out" in caplog.text


def test_a_job_that_takes_too_long_leaves_the_rest(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while a job commits what it has; what is left becomes a job of its own."""
    monkeypatch.setattr(relabelling, "_ENOUGH", -1.0)
    first, second, third = room.ledger.faces(cropped(), embedded(1, 2, 3), cropped())
    assert room.relabel() == "done"
    assert [row[0] for row in room.predictions()] == [second]
    query = "SELECT id, first_face, last_face FROM jobs WHERE state = 'queued'"
    ((rest, *span),) = room.ledger.rows(query)
    assert span == [first, third]
    monkeypatch.setattr(relabelling, "_ENOUGH", 60.0)
    assert run_job(room.context, rest).state == "done"
    assert [row[0] for row in room.predictions()] == [first, second, third]


def test_a_version_that_cannot_be_loaded_costs_no_attempt(room: Room) -> None:
    """A worker that lacks the model gives the job back, for another worker or another time."""
    room.ledger.faces(embedded(1, 2, 3))
    room.context._classifier = None
    assert room.relabel() == "refused"
    state, attempts, *_, error = room.job()
    assert (state, attempts) == ("queued", 0)
    assert "the model in" in error


def test_a_model_that_does_not_prove_itself_embeds_nothing(room: Room) -> None:
    """Faces are embedded by a proven model only."""
    room.ledger.faces(cropped())
    room.error = ModelError("its golden faces are other ones")
    assert room.relabel() == "refused"
    assert room.job()[-1] == "its golden faces are other ones"


def test_a_stopped_relabelling_is_not_worked_on(room: Room) -> None:
    """A job of a stopped relabelling is left as it is."""
    room.ledger.faces(embedded(1, 2, 3))
    run = room.ledger.relabel(room.version_id)
    with room.ledger.database.write() as connection:
        runs.stop(connection, run.id, reason="interrupted")
    assert room.relabel(run) == "not claimable"


def test_a_fenced_worker_writes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is taken over while it is worked on is lost to this worker, without a trace."""
    room.ledger.faces(cropped())

    def taken_over(version_id: int) -> Model:
        room.ledger.execute("UPDATE jobs SET generation = generation + 1 WHERE first_face > 0")
        return Model(version_id, cast("Any", room.embedder), HEAD)

    monkeypatch.setattr(room, "version", taken_over)
    assert room.relabel() == "lost"
    assert room.predictions() == []
    assert room.ledger.value("SELECT count(*) FROM embeddings") == 0


def test_a_second_delivery_does_nothing(room: Room) -> None:
    """A job is done once, however often its message comes."""
    room.ledger.faces(embedded(1, 2, 3))
    assert room.relabel() == "done"
    job = room.ledger.value("SELECT max(id) FROM jobs")
    assert run_job(room.context, job).state == "not claimable"
    with room.ledger.database.read() as connection:
        assert [one.unit for one in queue.stories(connection, [job])] == ["faces"]
