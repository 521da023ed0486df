"""Relabellings: cut over all faces, claimed, fenced, split and resumed like any other run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.records import RelabelRecord, RunState
from db.store import jobs, queue, relabels, results, runs, spans
from db.store.spans import SpanResult
from tests.ledger import face, job_result, prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.records import Claim
    from tests.ledger import Ledger


def said(faces: Sequence[int], version: int, label: str = "Megumin") -> SpanResult:
    """What a worker found out about faces with embeddings."""
    top = f'[["{label}", 0.5]]'
    rows = [(number, version, label, 0.5, False, top) for number in faces]
    return SpanResult(version, predictions=rows, embeddings=(), rest=(), error=None)


def take(ledger: Ledger, job: int | None) -> Claim:
    """A claim of a job that can be had."""
    assert job is not None
    claim = ledger.claim(job)
    assert claim is not None
    return claim


def commit(ledger: Ledger, claim: Claim, result: SpanResult) -> None:
    """Write what a worker found out."""
    with ledger.database.write() as connection:
        spans.commit(connection, claim, result)


@pytest.fixture
def faces(ledger: Ledger) -> list[int]:
    """Five faces that version 1 has seen."""
    version = ledger.publish_model("a")
    return ledger.faces(*[face(prediction())] * 5, version=version)


@pytest.fixture
def relabel(ledger: Ledger, faces: list[int]) -> RelabelRecord:
    """A relabelling of the five faces by version 2."""
    assert faces
    return ledger.relabel(ledger.publish_model("b"))


def test_faces_are_cut_in_order(ledger: Ledger, faces: list[int], relabel: RelabelRecord) -> None:
    """Jobs cover every face once, remember where they end, and come to an end."""
    cut = [ledger.cut_faces(relabel, 2) for _ in range(4)]
    assert cut[3] is None
    rows = ledger.rows("SELECT size, first_face, last_face FROM jobs WHERE first_face > 0")
    expected = [(2, faces[0], faces[1]), (2, faces[2], faces[3]), (1, faces[4], faces[4])]
    assert rows == expected
    assert ledger.value("SELECT cursor FROM runs WHERE kind = 'relabel'") == faces[4]


def test_faces_that_the_version_has_seen_are_not_cut(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """Work that labelling has done meanwhile is not done again."""
    ledger.execute(
        "INSERT INTO predictions SELECT face_id, :version, label, confidence, unknown, top"
        " FROM predictions WHERE face_id IN (:one, :two)",
        version=relabel.version_id,
        one=faces[0],
        two=faces[2],
    )
    assert ledger.cut_faces(relabel, 2) is not None
    query = "SELECT size, first_face, last_face FROM jobs WHERE first_face > 0"
    assert ledger.rows(query) == [(2, faces[1], faces[3])]


def test_a_claim_says_what_is_to_be_done(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """A claimed job names its relabelling, whose version is pinned, and its span of faces."""
    claim = take(ledger, ledger.cut_faces(relabel))
    assert isinstance(claim.run, RelabelRecord)
    assert (claim.run.id, claim.run.version_id) == (relabel.id, relabel.version_id)
    with ledger.database.read() as connection:
        span = spans.of_job(connection, claim.job_id)
        (story,) = queue.stories(connection, [claim.job_id])
    assert story.told() == {"run": claim.run.id, "job": claim.job_id, "faces": story.size}
    assert (span.first, span.last) == (faces[0], faces[-1])


def test_embeddings_are_read_by_pages(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """A span's embeddings come in order, after the last one of the page before."""
    claim = take(ledger, ledger.cut_faces(relabel))
    version_id = relabel.version_id
    with ledger.database.read() as connection:
        span = spans.of_job(connection, claim.job_id)
        every = spans.vectors(connection, span, version_id=version_id)
        rest = spans.vectors(connection, span, version_id=version_id, after=faces[3])
        bare = spans.bare(connection, span, version_id=version_id)
    assert [tuple(row) for row in every] == [(number, b"vector") for number in faces]
    assert [tuple(row) for row in rest] == [(faces[4], b"vector")]
    assert bare == []


def test_predictions_are_added_to_earlier_ones(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """A relabelling adds rows; what earlier versions said stays as it is."""
    before = ledger.rows("SELECT * FROM predictions ORDER BY face_id")
    claim = take(ledger, ledger.cut_faces(relabel))
    commit(ledger, claim, said(faces, relabel.version_id))
    query = "SELECT * FROM predictions WHERE version_id {} :version ORDER BY face_id"
    assert ledger.rows(query.format("<"), version=relabel.version_id) == before
    added = ledger.rows(query.format("="), version=relabel.version_id)
    assert [row[:5] for row in added] == [
        (number, relabel.version_id, "Megumin", 0.5, False) for number in faces
    ]


def test_a_prediction_that_is_there_already_stays(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """Of two writers of the same face and version the first one counts."""
    claims = [take(ledger, ledger.cut_faces(relabel, 3)) for _ in range(2)]
    commit(ledger, claims[0], said(faces, relabel.version_id, "Aqua"))
    commit(ledger, claims[1], said(faces, relabel.version_id, "Megumin"))
    query = "SELECT DISTINCT label FROM predictions WHERE version_id = :version"
    assert ledger.rows(query, version=relabel.version_id) == [("Aqua",)]


def test_a_stale_worker_is_fenced_off(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """A worker whose job was taken over writes nothing at all."""
    job = ledger.cut_faces(relabel)
    stale = take(ledger, job)
    ledger.lose(stale.job_id)
    fresh = take(ledger, job)
    with pytest.raises(jobs.FencedError):
        commit(ledger, stale, said(faces, relabel.version_id))
    query = "SELECT count(*) FROM predictions WHERE version_id = :version"
    assert ledger.value(query, version=relabel.version_id) == 0
    commit(ledger, fresh, said(faces, relabel.version_id))
    assert ledger.value(query, version=relabel.version_id) == len(faces)


def test_a_job_that_is_lost_again_and_again_is_split(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """After three lost claims a span falls into halves that cover the same faces."""
    job = ledger.cut_faces(relabel)
    for _ in range(3):
        ledger.lose(take(ledger, job).job_id)
        halves = ledger.recover()
    query = "SELECT id, size, first_face, last_face FROM jobs WHERE state = 'queued' ORDER BY id"
    assert ledger.rows(query) == [
        (halves[0], 2, faces[0], faces[1]),
        (halves[1], 3, faces[2], faces[4]),
    ]


def test_a_face_that_kills_its_worker_is_given_up(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """A lone face is left out after three lost claims, and the relabelling says so."""
    job = ledger.cut_faces(relabel, 1)
    for _ in range(3):
        ledger.lose(take(ledger, job).job_id)
        assert ledger.recover() in ([job], [])
    with ledger.database.read() as connection:
        (complaint,) = relabels.complaints(connection, relabel.id)
        progress = relabels.progress(connection, relabel.id)
    assert f"face {faces[0]} is left out: 3 workers" in complaint
    assert (progress.done, progress.jobs_open) == (0, 0)


def test_what_a_job_leaves_over_becomes_a_job(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """A worker that runs out of time commits what it has; the rest waits for the next one."""
    claim = take(ledger, ledger.cut_faces(relabel))
    done = said(faces[:2], relabel.version_id)
    rest = SpanResult(relabel.version_id, done.predictions, (), faces[2:], "one is left out")
    commit(ledger, claim, rest)
    query = "SELECT size, first_face, last_face FROM jobs WHERE state = 'queued'"
    assert ledger.rows(query) == [(3, faces[2], faces[4])]
    with ledger.database.read() as connection:
        progress = relabels.progress(connection, relabel.id)
        assert relabels.complaints(connection, relabel.id) == ["one is left out"]
    assert (progress.listed, progress.done, progress.jobs_open) == (5, 2, 1)


def test_new_embeddings_are_stored_by_the_embedder_of_the_version(ledger: Ledger) -> None:
    """Faces without an embedding are found, and get one beside their prediction."""
    (number,) = ledger.faces(face(None, embedding=None))
    relabel = ledger.relabel(ledger.publish_model())
    claim = take(ledger, ledger.cut_faces(relabel))
    with ledger.database.read() as connection:
        span = spans.of_job(connection, claim.job_id)
        assert spans.bare(connection, span, version_id=relabel.version_id) == [number]
        assert relabels.without_embedding(connection, relabel.version_id) == 1
    found = said([number], relabel.version_id)
    result = SpanResult(relabel.version_id, found.predictions, [(number, b"new")], (), None)
    commit(ledger, claim, result)
    query = "SELECT face_id, name, vector FROM embeddings JOIN embedders ON id = embedder_id"
    assert [(one, name, bytes(vector)) for one, name, vector in ledger.rows(query)] == [
        (number, "embedder", b"new")
    ]
    with ledger.database.read() as connection:
        assert relabels.without_embedding(connection, relabel.version_id) == 0


def test_a_new_relabelling_supersedes_the_old_one(ledger: Ledger, relabel: RelabelRecord) -> None:
    """Jobs of a relabelling by another version are cancelled; labelling is left alone."""
    job = ledger.cut_faces(relabel)
    run = ledger.run(b"/b")
    newer = ledger.relabel(relabel.version_id)
    assert ledger.rows("SELECT state FROM jobs WHERE id = :job", job=job) == [("cancelled",)]
    with ledger.database.read() as connection:
        assert relabels.get(connection, relabel.id).state == RunState.SUPERSEDED
        assert runs.get(connection, run.id).state == RunState.ACTIVE
        assert relabels.unfinished(connection) == relabels.latest(connection) == newer


def test_a_stopped_relabelling_goes_on_where_it_was(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """Its jobs cannot be claimed while it is stopped; taken up, it cuts the next faces."""
    job = ledger.cut_faces(relabel, 2)
    with ledger.database.write() as connection:
        assert relabels.live(connection) is not None
        runs.stop(connection, relabel.id, reason="interrupted")
        assert relabels.live(connection) is None
    assert job is not None
    assert ledger.claim(job) is None
    with ledger.database.write() as connection:
        again = relabels.activate(connection, relabel.id)
    assert (again.state, again.reason, again.cursor) == (RunState.ACTIVE, None, faces[1])
    assert ledger.claim(job) is not None
    ledger.cut_faces(again)
    assert ledger.value("SELECT max(first_face) FROM jobs") == faces[2]


def test_runs_and_relabellings_are_told_apart(ledger: Ledger, relabel: RelabelRecord) -> None:
    """What looks for runs finds no relabelling, and the other way round."""
    with ledger.database.read() as connection:
        assert relabel.id not in {run.id for run in runs.every(connection, state=tuple(RunState))}
        newest = runs.latest(connection)
        assert newest is not None
        with pytest.raises(LookupError):
            runs.get(connection, relabel.id)
        with pytest.raises(LookupError):
            relabels.get(connection, newest.id)
        assert relabels.either(connection, relabel.id) == relabel
        assert relabels.either(connection, newest.id) == newest


def test_a_relabelling_writes_no_images(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """The results of a labelling job are refused for a job of faces, and nothing is written."""
    assert faces
    claim = take(ledger, ledger.cut_faces(relabel))
    with ledger.database.write() as connection, pytest.raises(TypeError, match="holds faces"):
        results.commit(connection, claim, job_result())


def test_settled_images_are_not_due_again(
    ledger: Ledger, faces: list[int], relabel: RelabelRecord
) -> None:
    """Images whose faces the version has all seen count as labelled by it, and no others."""
    more = ledger.faces(face(prediction()), face(prediction()), version=1)
    claim = take(ledger, ledger.cut_faces(relabel))
    commit(ledger, claim, said([*faces, more[0]], relabel.version_id))
    with ledger.database.write() as connection:
        relabels.settle(connection, relabel.version_id)
    query = "SELECT version_id FROM images ORDER BY id"
    assert ledger.rows(query) == [(relabel.version_id,), (1,)]
