"""Refused images: listed with what is known of them, dropped, linked, told what they became."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from db.records import ImageResult, Outcome
from db.store import refused, results
from tests.ledger import content, face, job_result, unreadable
from tests.refusals import TODAY, broken, finish, poison, store

if TYPE_CHECKING:
    from collections.abc import Collection

    from db.records import Claim, JobResult, RefusedImage, RunRecord
    from tests.ledger import Ledger

EARLIER = "opencv 4, pillow 11"


def find(
    ledger: Ledger, outcome: Outcome = Outcome.QUARANTINED, **options: object
) -> list[RefusedImage]:
    """The refused images."""
    with ledger.database.read() as connection:
        return refused.find(connection, outcome, **options)  # type: ignore[arg-type]  # passed on


def paths(images: Collection[RefusedImage]) -> list[bytes]:
    """Their paths."""
    return [image.path for image in images]


def give(
    ledger: Ledger,
    run: RunRecord,
    images: list[RefusedImage],
    outcome: Outcome = Outcome.QUARANTINED,
) -> None:
    """Have a run work on refused images."""
    with ledger.database.write() as connection:
        refused.give_to(connection, run, images, outcome)


def link(ledger: Ledger, run: RunRecord, images: list[RefusedImage]) -> None:
    """Tell every image what the run made of these images' bytes."""
    contents = {image.content_id for image in images if image.content_id is not None}
    with ledger.database.write() as connection:
        refused.link(connection, run, contents, Outcome.QUARANTINED)


def outcomes(ledger: Ledger) -> list[tuple[bytes, str | None, str | None]]:
    """Path, outcome and reason of every image."""
    return [(*row,) for row in ledger.rows("SELECT path, outcome, reason FROM images ORDER BY id")]


def linking(ledger: Ledger, data: bytes) -> tuple[Claim, JobResult]:
    """A claimed job of another archive, and its result: an image of bytes with a verdict."""
    claim = ledger.take(ledger.run(b"/b"), b"2")
    (image,) = ledger.todo(claim.job_id)
    return claim, job_result(images=[ImageResult(image.id, poison(data).content.sha256)])


def wait_until_blocked(ledger: Ledger) -> None:
    """Until a transaction waits for the one of this thread."""
    while not ledger.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        pass


def test_an_image_is_listed_with_all_that_is_known(ledger: Ledger) -> None:
    """Archive, path, reason, detail, decoder and time of the job stand beside each other."""
    store(
        ledger, ledger.take(ledger.run(b"/a\xff"), b"p\xfe", b"good"), poison(b"x"), content(b"y")
    )
    (image,) = find(ledger)
    assert (image.root, image.path) == (b"/a\xff", b"p\xfe")
    assert (image.reason, image.detail, image.decoder) == ("decoder_crashed", "a detail", TODAY)
    assert image.at == ledger.value("SELECT finished_at FROM jobs")


def test_images_come_by_reason_archive_and_path(ledger: Ledger) -> None:
    """The order is the one in which a person reads them."""
    contents = [poison(b"1", "z"), poison(b"2", "a"), poison(b"3", "z"), poison(b"4", "a")]
    store(ledger, ledger.take(ledger.run(b"/b"), b"2", b"1"), *contents[:2])
    store(ledger, ledger.take(ledger.run(b"/a"), b"4", b"3"), *contents[2:])
    found = [(image.reason, image.root, image.path) for image in find(ledger)]
    assert found == [("a", b"/a", b"3"), ("a", b"/b", b"1"), ("z", b"/a", b"4"), ("z", b"/b", b"2")]


def test_images_are_found_by_outcome_reason_and_archive(ledger: Ledger) -> None:
    """Each filter leaves what it names, and reasons are counted, the most frequent first."""
    claim = ledger.take(ledger.run(b"/a"), b"1", b"2", b"3", b"4")
    store(ledger, claim, poison(b"1"), poison(b"2", "decoder_timeout"), broken(b"3"), poison(b"4"))
    store(ledger, ledger.take(ledger.run(b"/b"), b"5"), poison(b"5", "decoder_memory"))
    archive = claim.run.archive_id  # type: ignore[union-attr]  # a labelling's claim
    assert paths(find(ledger, Outcome.UNREADABLE)) == [b"3"]
    assert paths(find(ledger, reasons=["decoder_timeout", "decoder_memory"])) == [b"5", b"2"]
    assert paths(find(ledger, archive_id=archive)) == [b"1", b"4", b"2"]
    with ledger.database.read() as connection:
        counted = refused.reasons(connection, Outcome.QUARANTINED, archive_id=archive)
        every = refused.reasons(connection, Outcome.QUARANTINED)
    assert list(counted.items()) == [("decoder_crashed", 2), ("decoder_timeout", 1)]
    assert every == {"decoder_crashed": 2, "decoder_memory": 1, "decoder_timeout": 1}


def test_verdicts_of_other_decoders_are_told_from_todays(ledger: Ledger) -> None:
    """Other versions and unknown ones count as other; a file that nobody could open does not."""
    store(ledger, ledger.take(ledger.run(b"/a"), b"old"), broken(b"1"), decoder=EARLIER)
    store(ledger, ledger.take(ledger.run(b"/b"), b"unknown"), broken(b"2"), decoder=None)
    store(ledger, ledger.take(ledger.run(b"/c"), b"today"), broken(b"3"))
    claim = ledger.take(ledger.run(b"/d"), b"closed")
    ledger.commit(claim, job_result(images=[unreadable(ledger.todo(claim.job_id)[0])]))
    found = find(ledger, Outcome.UNREADABLE, judged_by_other_than=TODAY)
    assert paths(found) == [b"old", b"unknown"]
    assert len(find(ledger, Outcome.UNREADABLE)) == 4


def test_a_file_that_left_the_archive_is_not_listed(ledger: Ledger) -> None:
    """Only a finished run says that a file is gone; one that was stopped has not seen all."""
    store(ledger, ledger.take(ledger.run(), b"1", b"2"), poison(b"1"), poison(b"2"))
    second = ledger.run()
    ledger.register(second, b"2")
    assert paths(find(ledger)) == [b"1", b"2"]
    finish(ledger, second.id)
    assert paths(find(ledger)) == [b"2"]


def test_a_file_that_killed_its_workers_is_listed(ledger: Ledger) -> None:
    """Quarantine without a verdict on bytes has no decoder, and can be given another try."""
    run = ledger.run()
    claim = ledger.take(run, b"1")
    for _ in range(3):
        ledger.lose(claim.job_id)
        ledger.recover()
        ledger.claim(claim.job_id)
    (image,) = find(ledger)
    assert (image.reason, image.decoder, image.content_id) == ("worker_lost", None, None)
    give(ledger, run, [image])
    assert outcomes(ledger) == [(b"1", None, None)]
    assert ledger.claim(ledger.cut(run)) is not None


def test_what_is_given_to_a_run_is_due_again(ledger: Ledger) -> None:
    """The image is as one that was never seen, its verdict is gone, and others stay."""
    claim = ledger.take(ledger.run(), b"1", b"2", b"3")
    store(ledger, claim, poison(b"1"), poison(b"2", "decoder_timeout"), content(b"3"))
    second = ledger.run()
    give(ledger, second, find(ledger, reasons=["decoder_crashed"]))
    assert outcomes(ledger) == [
        (b"1", None, None),
        (b"2", "quarantined", "decoder_timeout"),
        (b"3", "no_face", "no_face_found"),
    ]
    assert ledger.rows("SELECT path, run_id FROM images WHERE due") == [(b"1", second.id)]
    assert ledger.value("SELECT count(*) FROM detections") == 2
    claimed = ledger.claim(ledger.cut(second))
    assert claimed is not None
    ledger.finish(claimed, content(b"1", face()))
    assert outcomes(ledger)[0] == (b"1", "faces", None)


def test_verdicts_of_every_chain_are_dropped(ledger: Ledger) -> None:
    """A verdict under the chain of today does not answer for one of yesterday."""
    store(ledger, ledger.take(ledger.run(b"/a", chain="old"), b"1"), poison(b"x"))
    store(ledger, ledger.take(ledger.run(b"/b", chain="new"), b"2"), poison(b"x"))
    give(ledger, ledger.run(b"/a", chain="new"), find(ledger)[:1])
    assert ledger.value("SELECT count(*) FROM detections") == 0


def test_shared_bytes_are_judged_once_for_all_archives(ledger: Ledger) -> None:
    """An image of another archive stays in quarantine until it is told what its bytes became."""
    store(ledger, ledger.take(ledger.run(b"/a"), b"1", b"2"), poison(b"x"), poison(b"x"))
    store(ledger, ledger.take(ledger.run(b"/b"), b"3"), poison(b"x"))
    images = find(ledger)
    run = ledger.run(b"/a")
    give(ledger, run, [image for image in images if image.root == b"/a"])
    assert outcomes(ledger)[2] == (b"3", "quarantined", "decoder_crashed")
    assert paths(find(ledger)) == [b"3"]
    claim = ledger.claim(ledger.cut(run))
    assert claim is not None
    ledger.finish(claim, content(b"x", face()), content(b"x", face()))
    link(ledger, run, images)
    assert [row[1] for row in outcomes(ledger)] == ["faces"] * 3
    assert ledger.value("SELECT count(DISTINCT detection_id) FROM images") == 1


def test_an_image_that_nobody_told_is_due_at_the_next_run(ledger: Ledger) -> None:
    """A command that died before it told all archives leaves nothing in quarantine for ever."""
    store(ledger, ledger.take(ledger.run(b"/a"), b"1"), poison(b"x"))
    store(ledger, ledger.take(ledger.run(b"/b"), b"2", b"3"), poison(b"x"), poison(b"y"))
    first, *_ = (image for image in find(ledger) if image.root == b"/a")
    give(ledger, ledger.run(b"/a"), [first])
    ledger.register(ledger.run(b"/b"), b"2", b"3")
    assert ledger.rows("SELECT path FROM images WHERE due ORDER BY path") == [(b"1",), (b"2",)]


def test_only_images_that_lost_their_verdict_are_told(ledger: Ledger) -> None:
    """An image that is due, or was refused by another chain, is left to its own run."""
    store(ledger, ledger.take(ledger.run(b"/a"), b"1"), poison(b"x"))
    store(ledger, ledger.take(ledger.run(b"/b", chain="other"), b"2"), poison(b"y"))
    images = find(ledger)
    run = ledger.run(b"/a")
    give(ledger, run, images[:1])
    link(ledger, run, images)
    assert outcomes(ledger) == [(b"1", None, None), (b"2", "quarantined", "decoder_crashed")]


def test_what_images_became_is_counted(ledger: Ledger) -> None:
    """Outcomes with their reasons are counted over exactly the images asked for."""
    claim = ledger.take(ledger.run(), b"1", b"2", b"3")
    store(ledger, claim, poison(b"1"), poison(b"2"), content(b"3", face()))
    ledger.register(ledger.run(b"/b"), b"4")
    ids = [row[0] for row in ledger.rows("SELECT id FROM images ORDER BY id")]
    with ledger.database.read() as connection:
        found = refused.outcomes(connection, ids)
        some = refused.outcomes(connection, ids[:1])
    assert found == {
        (Outcome.QUARANTINED, "decoder_crashed"): 2,
        (Outcome.FACES, None): 1,
        (None, None): 1,
    }
    assert some == {(Outcome.QUARANTINED, "decoder_crashed"): 1}


def test_a_job_that_knew_what_was_dropped_is_done_again(ledger: Ledger) -> None:
    """A worker that found a verdict which is gone when it commits writes nothing."""
    store(ledger, ledger.take(ledger.run(b"/a"), b"1"), poison(b"x"))
    claim, result = linking(ledger, b"x")
    give(ledger, ledger.run(b"/a"), find(ledger))
    with pytest.raises(results.ForgottenError):
        ledger.commit(claim, result)
    assert ledger.value("SELECT state FROM jobs WHERE id = :job", job=claim.job_id) == "leased"


def test_dropping_waits_for_a_job_that_links(postgresql_ledger: Ledger) -> None:
    """A verdict to which a job has just linked is dropped with that link, not with an error."""
    ledger = postgresql_ledger
    store(ledger, ledger.take(ledger.run(b"/a"), b"1"), poison(b"x"))
    claim, result = linking(ledger, b"x")
    again = ledger.run(b"/a")
    dropping = threading.Thread(target=give, args=(ledger, again, find(ledger)))
    with ledger.database.write() as connection:
        results.commit(connection, claim, result)
        dropping.start()
        wait_until_blocked(ledger)
    dropping.join()
    assert ledger.value("SELECT count(*) FROM detections") == 0
    assert outcomes(ledger) == [(b"1", None, None), (b"2", "quarantined", "decoder_crashed")]


def test_a_job_waits_for_a_verdict_that_is_being_dropped(postgresql_ledger: Ledger) -> None:
    """A job that links to what is dropped meanwhile finds that out, and writes nothing."""
    ledger = postgresql_ledger
    store(ledger, ledger.take(ledger.run(b"/a"), b"1"), poison(b"x"))
    claim, result = linking(ledger, b"x")
    images, again = find(ledger), ledger.run(b"/a")
    with ThreadPoolExecutor(1) as pool:
        with ledger.database.write() as connection:
            refused.give_to(connection, again, images, Outcome.QUARANTINED)
            committing = pool.submit(ledger.commit, claim, result)
            wait_until_blocked(ledger)
        with pytest.raises(results.ForgottenError):
            committing.result()
    assert outcomes(ledger) == [(b"1", None, None), (b"2", None, None)]


def test_the_decoder_is_stored_with_every_verdict(ledger: Ledger) -> None:
    """Faces found and images refused alike name the libraries that decoded them."""
    store(ledger, ledger.take(ledger.run(), b"1", b"2"), poison(b"1"), content(b"2", face()))
    assert ledger.rows("SELECT DISTINCT decoder FROM detections") == [(TODAY,)]
