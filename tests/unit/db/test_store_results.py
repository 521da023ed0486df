"""Results: one transaction a job; the first insert stays and the loser links."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from db.records import Box, Crop, DetectedFace, FaceResult, ImageResult, Outcome, Rescored
from db.store import faces, jobs, results
from tests.ledger import content, face, job_result, prediction, unreadable

if TYPE_CHECKING:
    from db.records import Claim, ContentResult, DetectionRecord
    from tests.ledger import Ledger


def known(ledger: Ledger, *contents: ContentResult) -> dict[bytes, DetectionRecord]:
    """The stored detections of contents."""
    with ledger.database.read() as connection:
        return results.known(connection, "chain", [c.content.sha256 for c in contents])


def outcomes(ledger: Ledger) -> list[tuple[bytes, str]]:
    """What became of each path."""
    rows = ledger.rows("SELECT path, outcome FROM images ORDER BY path")
    return [(bytes(path), outcome) for path, outcome in rows]


def test_everything_of_a_job_is_stored(ledger: Ledger) -> None:
    """Content, detection, face, crop, embedding, prediction and image state are all written."""
    version = ledger.publish_model()
    claim = ledger.take(ledger.run(), b"a")
    ledger.finish(claim, content(b"1", face(prediction("Aqua", confidence=0.8))), version=version)
    assert ledger.rows("SELECT size, format, width, height FROM contents") == [(1, "PNG", 64, 48)]
    query = 'SELECT "index", x0, y0, x1, y1, detector, score FROM faces'
    assert ledger.rows(query) == [(0, 1, 2, 30, 40, "lbp", 1.5)]
    assert ledger.rows("SELECT jpeg, x0, y0, x1, y1 FROM crops") == [(b"jpeg", 0, 0, 10, 12)]
    assert ledger.rows("SELECT vector FROM embeddings") == [(b"vector",)]
    query = "SELECT version_id, label, confidence, top FROM predictions"
    assert ledger.rows(query) == [(version, "Aqua", 0.8, '[["Aqua", 0.8]]')]
    query = "SELECT outcome, reason, version_id FROM images"
    assert ledger.rows(query) == [("faces", None, version)]
    query = "SELECT state, decoded, version_id, lease_until FROM jobs"
    assert ledger.rows(query) == [("done", 1, version, None)]


def test_an_image_without_a_face_has_a_reason_and_a_preview(ledger: Ledger) -> None:
    """What has no face can be reviewed without its archive."""
    ledger.finish(ledger.take(ledger.run(), b"a"), content(b"1"))
    assert ledger.rows("SELECT outcome, reason FROM images") == [("no_face", "no_face_found")]
    assert ledger.rows("SELECT jpeg FROM previews") == [(b"preview",)]


def test_an_unreadable_file_has_a_reason_and_no_content(ledger: Ledger) -> None:
    """A file that could not be read is in the ledger with the reason."""
    claim = ledger.take(ledger.run(), b"a")
    (image,) = ledger.todo(claim.job_id)
    ledger.commit(claim, job_result(images=[unreadable(image, "permission_denied")]))
    query = "SELECT outcome, reason, detail, content_id FROM images"
    assert ledger.rows(query) == [("unreadable", "permission_denied", "no such file", None)]


def test_the_same_bytes_under_two_names_are_one_content(ledger: Ledger) -> None:
    """Two images of a job link to one detection with one set of faces."""
    claim = ledger.take(ledger.run(), b"a", b"b")
    same = content(b"1", face(), face())
    images = [ImageResult(image.id, same.content.sha256) for image in ledger.todo(claim.job_id)]
    ledger.commit(claim, job_result([same], images))
    assert ledger.value("SELECT count(*) FROM faces") == 2
    assert ledger.value("SELECT count(DISTINCT detection_id) FROM images") == 1
    assert outcomes(ledger) == [(b"a", "faces"), (b"b", "faces")]


def test_a_second_commit_of_a_job_is_fenced(ledger: Ledger) -> None:
    """A job that is done takes no more results."""
    claim = ledger.take(ledger.run(), b"a")
    ledger.finish(claim, content(b"1"))
    with pytest.raises(jobs.FencedError, match="taken over"):
        ledger.commit(claim, job_result([content(b"2", face())]))
    assert ledger.value("SELECT count(*) FROM contents") == 1


def two_jobs(ledger: Ledger, *paths: bytes) -> tuple[Claim, Claim]:
    """Two claimed jobs of one run, with these paths and the same with a prefix."""
    run = ledger.run()
    return ledger.take(run, *paths), ledger.take(run, *(b"copy/" + path for path in paths))


def test_the_first_insert_stays_and_the_loser_links(ledger: Ledger) -> None:
    """Of two jobs that decoded the same bytes the second one's report is dropped."""
    first, second = two_jobs(ledger, b"a")
    ledger.finish(first, content(b"1", face()))
    ledger.finish(second, content(b"1", face(), face()))
    assert ledger.value("SELECT count(*) FROM faces") == 1
    assert ledger.value("SELECT count(DISTINCT detection_id) FROM images") == 1
    assert outcomes(ledger) == [(b"a", "faces"), (b"copy/a", "faces")]


def test_chains_have_detections_of_their_own(ledger: Ledger) -> None:
    """The same bytes searched by another chain are one content with two detections."""
    ledger.finish(ledger.take(ledger.run(b"/1", chain="x"), b"a"), content(b"1", face()))
    ledger.finish(ledger.take(ledger.run(b"/2", chain="y"), b"a"), content(b"1"))
    assert ledger.value("SELECT count(*) FROM contents") == 1
    assert ledger.value("SELECT count(*) FROM detections") == 2
    assert ledger.rows("SELECT outcome FROM images ORDER BY id") == [("faces",), ("no_face",)]


def commit_together(ledger: Ledger, work: list[tuple[Claim, list[ContentResult]]]) -> None:
    """Commit jobs from a thread each, at the same moment."""
    start, errors = threading.Barrier(len(work)), list[Exception]()

    def commit(claim: Claim, contents: list[ContentResult]) -> None:
        todo = {image.path.split(b"/")[-1]: image for image in ledger.todo(claim.job_id)}
        images = [
            ImageResult(todo[b"%d" % place].id, item.content.sha256)
            for place, item in enumerate(contents)
        ]
        result = job_result(contents, images)
        start.wait()
        try:
            ledger.database.commit(lambda connection: results.commit(connection, claim, result))
        except Exception as error:  # noqa: BLE001  # handed to the test
            errors.append(error)

    threads = [threading.Thread(target=commit, args=item) for item in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_jobs_with_the_same_bytes_commit_at_the_same_time(ledger: Ledger) -> None:
    """Two jobs that store the same contents in opposite orders are both done, once each."""
    names = [b"%d" % number for number in range(40)]
    first, second = two_jobs(ledger, *names)
    contents = [content(name, face(), face()) for name in names]
    commit_together(ledger, [(first, contents), (second, contents[::-1])])
    assert ledger.rows("SELECT DISTINCT state FROM jobs") == [("done",)]
    assert ledger.value("SELECT count(*) FROM contents") == 40
    assert ledger.value("SELECT count(*) FROM faces") == 80
    assert ledger.value("SELECT count(*) FROM images WHERE outcome = 'faces'") == 80


def test_the_loser_of_a_race_adds_no_faces(postgresql_ledger: Ledger) -> None:
    """A report that arrives while another one of the same bytes is written is dropped whole."""
    ledger = postgresql_ledger
    # The content is known by another chain, so that only the detection is contended.
    ledger.finish(ledger.take(ledger.run(b"/old", chain="old"), b"a"), content(b"1"))
    first, second = two_jobs(ledger, b"a")
    loser = threading.Thread(target=ledger.finish, args=(second, content(b"1", face(), face())))
    with ledger.database.write() as connection:
        images = [
            ImageResult(i.id, content(b"1").content.sha256) for i in ledger.todo(first.job_id)
        ]
        results.commit(connection, first, job_result([content(b"1")], images))
        loser.start()
        # Until it is blocked by the transaction of this thread.
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not ledger.value(blocked):
            pass
    loser.join()
    assert ledger.value("SELECT count(*) FROM faces") == 0
    query = (
        "SELECT DISTINCT outcome FROM images JOIN runs ON runs.id = run_id WHERE chain_id = 'chain'"
    )
    assert ledger.rows(query) == [("no_face",)]


def test_stored_faces_get_their_prediction(ledger: Ledger) -> None:
    """A new version adds a prediction to a known face and keeps the older one."""
    old = ledger.publish_model("a")
    run = ledger.run()
    ledger.finish(ledger.take(run, b"a"), content(b"1", face(prediction("Aqua"))), version=old)
    new = ledger.publish_model("b")
    face_id = ledger.value("SELECT id FROM faces")
    rescored = [Rescored(face_id, None, prediction("Megumin"))]
    result = job_result(rescored=rescored, version=new)
    ledger.commit(ledger.take(run, b"b"), result)
    query = "SELECT version_id, label FROM predictions ORDER BY version_id"
    assert ledger.rows(query) == [(old, "Aqua"), (new, "Megumin")]


def test_a_prediction_is_never_replaced(ledger: Ledger) -> None:
    """The same version asked again does not change what it said."""
    version = ledger.publish_model()
    run = ledger.run()
    ledger.finish(ledger.take(run, b"a"), content(b"1", face(prediction("Aqua"))), version=version)
    face_id = ledger.value("SELECT id FROM faces")
    rescored = [Rescored(face_id, b"other", prediction("Megumin"))]
    ledger.commit(ledger.take(run, b"b"), job_result(rescored=rescored, version=version))
    assert ledger.rows("SELECT label FROM predictions") == [("Aqua",)]
    assert ledger.rows("SELECT vector FROM embeddings") == [(b"vector",)]


def test_unscored_faces_come_with_an_embedding_or_a_crop(ledger: Ledger) -> None:
    """Faces without a prediction by the version are found, with what it takes to make one."""
    version = ledger.publish_model()
    claim = ledger.take(ledger.run(), b"a")
    vector, bare, scored = face(), face(embedding=None), face(prediction())
    ledger.finish(claim, content(b"1", vector, bare, scored), version=version)
    detections = [row[0] for row in ledger.rows("SELECT id FROM detections")]
    with ledger.database.read() as connection:
        found = list(
            faces.unscored(connection, detections, version_id=version, embedder="embedder")
        )
        other = list(faces.unscored(connection, detections, version_id=version, embedder="x"))
        none = list(faces.unscored(connection, [], version_id=version, embedder="embedder"))
    crop = Crop(b"jpeg", Box(0, 0, 10, 12))
    assert [(f.embedding, f.crop) for f in found] == [(b"vector", None), (None, crop)]
    # Another embedder's vectors are of no use, so there are only crops.
    assert [(f.embedding, f.crop) for f in other] == [(None, crop), (None, crop)]
    assert none == []


def test_a_crop_is_found_by_its_face(ledger: Ledger) -> None:
    """The stored pixels of a face come back; a face that does not exist has none."""
    ledger.finish(ledger.take(ledger.run(), b"a"), content(b"1", face()))
    face_id = ledger.value("SELECT id FROM faces")
    with ledger.database.read() as connection:
        assert faces.crop(connection, face_id) == Crop(b"jpeg", Box(0, 0, 10, 12))
        assert faces.crop(connection, face_id + 1) is None


def test_known_contents_are_found_by_hash(ledger: Ledger) -> None:
    """Of many hashes those that the chain has examined are found, with their outcome."""
    stored, other = content(b"1", face()), content(b"2")
    ledger.finish(ledger.take(ledger.run(), b"a"), stored)
    found = known(ledger, stored, other)
    assert list(found) == [stored.content.sha256]
    detection = found[stored.content.sha256]
    assert (detection.outcome, detection.reason) == (Outcome.FACES, None)
    with ledger.database.read() as connection:
        hashes = results.hashes(connection, [detection.content_id, 999])
        assert results.known(connection, "other chain", [stored.content.sha256]) == {}
    assert hashes == {detection.content_id: stored.content.sha256}


def test_thousands_of_faces_fit_into_one_job(ledger: Ledger) -> None:
    """A job may hold more rows than one statement can bind."""
    names = [b"%d" % number for number in range(1200)]
    claim = ledger.take(ledger.run(), *names)
    ledger.finish(claim, *(content(name, face(), face()) for name in names))
    assert ledger.value("SELECT count(*) FROM faces") == 2400


def test_labels_of_any_script_are_kept(ledger: Ledger) -> None:
    """Labels, detectors and details may hold any characters."""
    version = ledger.publish_model()
    odd = "アクア 🌊 'quote\" \\ %s"
    said = FaceResult(
        DetectedFace(Box(0, 0, 1, 1), "x", 0.5), Crop(b"", Box(0, 0, 1, 1)), None, prediction(odd)
    )
    ledger.finish(ledger.take(ledger.run(), b"a"), content(b"1", said), version=version)
    assert ledger.value("SELECT label FROM predictions") == odd
