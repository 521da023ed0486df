"""Images: byte-exact paths, and which files a run must work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.records import Outcome
from tests.ledger import content, face, job_result, prediction, unreadable

if TYPE_CHECKING:
    from db.records import ContentResult, RunRecord
    from tests.ledger import Ledger

ODD_PATHS = [
    b"plain.png",
    b"\xff\xfe.png",
    b"line\nbreak",
    b"tab\tand\rreturn",
    b"-rf",
    b"'quoted' \"twice\"",
    b"back\\slash",
    b"100%s",
    b"n" * 255,
    b"deep/" * 100 + b"x",
    "画像/顔.png".encode(),
    b" ",
]


def label(ledger: Ledger, run: RunRecord, *contents: ContentResult, version: int | None) -> None:
    """Work through everything that is due, in one job."""
    claim = ledger.claim(ledger.cut(run))
    assert claim is not None
    ledger.finish(claim, *contents, version=version)


def due(ledger: Ledger) -> list[bytes]:
    """The paths that await work."""
    return [bytes(path) for (path,) in ledger.rows("SELECT path FROM images WHERE due ORDER BY id")]


def test_odd_paths_come_back_byte_exact(ledger: Ledger) -> None:
    """Names that are no UTF-8, have line breaks or quotes, or are very long are kept exactly."""
    run = ledger.run()
    ledger.register(run, *ODD_PATHS)
    assert [image.path for image in ledger.todo(ledger.cut(run))] == ODD_PATHS
    # Found again under the same bytes: nothing is doubled.
    ledger.register(run, *ODD_PATHS)
    assert ledger.value("SELECT count(*) FROM images") == len(ODD_PATHS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.sets(st.binary(min_size=1, max_size=255), min_size=1, max_size=20))
def test_any_path_comes_back_byte_exact(sqlite_ledger: Ledger, paths: set[bytes]) -> None:
    """Whatever bytes a path has, the job carries the same bytes."""
    run = sqlite_ledger.run()
    sqlite_ledger.register(run, *paths)
    assert {image.path for image in sqlite_ledger.todo(sqlite_ledger.cut(run))} == paths


def test_new_files_are_due(ledger: Ledger) -> None:
    """Files that were never seen are worked on, in the order of the walk."""
    run = ledger.run()
    ledger.register(run, b"b", b"a")
    todo = ledger.todo(ledger.cut(run))
    assert [(image.path, image.size, image.content_id) for image in todo] == [
        (b"b", 1, None),
        (b"a", 1, None),
    ]


def test_more_files_than_one_statement_takes(ledger: Ledger) -> None:
    """Registering thousands of files at once neither fails nor loses one."""
    run = ledger.run()
    paths = [b"%d" % number for number in range(2500)]
    ledger.register(run, *paths)
    ledger.register(ledger.run(), *paths)
    assert ledger.value("SELECT count(*) FROM images WHERE due") == 2500


def test_unchanged_files_are_not_read_again(ledger: Ledger) -> None:
    """A second run of an unchanged archive has nothing to do and counts everything as done."""
    first = ledger.run()
    ledger.register(first, b"a", b"b")
    label(ledger, first, content(b"1", face()), content(b"2"), version=None)
    second = ledger.run()
    ledger.register(second, b"a", b"b")
    assert due(ledger) == []
    assert ledger.rows("SELECT DISTINCT run_id FROM images") == [(second.id,)]


@pytest.mark.parametrize(("size", "at"), [(2, 1), (1, 2)])
def test_changed_files_are_read_again(ledger: Ledger, size: int, at: int) -> None:
    """Another size or time makes a file due, and nothing known of its old bytes stays on it."""
    first = ledger.run()
    ledger.register(first, b"a", b"b")
    label(ledger, first, content(b"1", face()), content(b"2", face()), version=None)
    second = ledger.run()
    ledger.register(second, b"a", size=size, at=at)
    ledger.register(second, b"b")
    assert due(ledger) == [b"a"]
    query = "SELECT size, mtime_ns, content_id, detection_id, outcome FROM images WHERE due"
    assert ledger.rows(query) == [(size, at, None, None, None)]


def test_another_chain_searches_again(ledger: Ledger) -> None:
    """Results of other detectors do not count, but the bytes stay known."""
    first = ledger.run(chain="old")
    ledger.register(first, b"a")
    label(ledger, first, content(b"1", face()), version=None)
    second = ledger.run(chain="new")
    ledger.register(second, b"a")
    (image,) = ledger.todo(ledger.cut(second))
    assert image.content_id == ledger.value("SELECT id FROM contents")


def test_another_model_version_labels_again(ledger: Ledger) -> None:
    """Only files with faces await a new model; without faces there is nothing to label."""
    old = ledger.publish_model("a")
    first = ledger.run()
    ledger.register(first, b"face", b"none", version=old)
    label(ledger, first, content(b"1", face(prediction())), content(b"2"), version=old)
    new = ledger.publish_model("b")
    ledger.register(ledger.run(), b"face", b"none", version=new)
    assert due(ledger) == [b"face"]


def test_the_same_model_version_is_not_asked_again(ledger: Ledger) -> None:
    """Faces that the version has labelled are done."""
    version = ledger.publish_model()
    first = ledger.run()
    ledger.register(first, b"a", version=version)
    label(ledger, first, content(b"1", face(prediction())), version=version)
    ledger.register(ledger.run(), b"a", version=version)
    assert due(ledger) == []


def test_detecting_only_awaits_no_model(ledger: Ledger) -> None:
    """A run that only detects takes faces of any model version for done."""
    first = ledger.run(detect_only=True)
    ledger.register(first, b"a")
    label(ledger, first, content(b"1", face()), version=None)
    version = ledger.publish_model()
    ledger.register(ledger.run(detect_only=True), b"a", version=version)
    assert due(ledger) == []
    ledger.register(ledger.run(), b"a", version=version)
    assert due(ledger) == [b"a"]


def test_files_that_an_older_run_left_are_taken_over(ledger: Ledger) -> None:
    """What a superseded run had cut or not yet cut is due in the new one."""
    first = ledger.run()
    ledger.register(first, b"a", b"b")
    ledger.cut(first, 1)
    second = ledger.run()
    ledger.register(second, b"a", b"b")
    assert [image.path for image in ledger.todo(ledger.cut(second))] == [b"a", b"b"]


def test_files_in_a_job_of_the_run_stay_in_it(ledger: Ledger) -> None:
    """Listing an archive anew on `resume` does not tear jobs apart."""
    run = ledger.run()
    ledger.register(run, b"a", b"b")
    job = ledger.cut(run, 1)
    ledger.register(run, b"a", b"b")
    assert [image.path for image in ledger.todo(job)] == [b"a"]
    assert [image.path for image in ledger.todo(ledger.cut(run))] == [b"b"]


def test_a_file_that_changes_while_a_job_has_it_is_due_again(ledger: Ledger) -> None:
    """Nobody knows which bytes the job read, so its result for that file does not count."""
    run = ledger.run()
    claim = ledger.take(run, b"a", b"b")
    todo = ledger.todo(claim.job_id)
    ledger.register(run, b"a", at=2)
    gone = [unreadable(image) for image in todo]
    ledger.commit(claim, job_result(images=gone))
    assert due(ledger) == [b"a"]


def test_unreadable_files_are_tried_again(ledger: Ledger) -> None:
    """A file that could not be read may be readable in the next run."""
    run = ledger.run()
    claim = ledger.take(run, b"a")
    (image,) = ledger.todo(claim.job_id)
    ledger.commit(claim, job_result(images=[unreadable(image)]))
    assert due(ledger) == []
    ledger.register(ledger.run(), b"a")
    assert due(ledger) == [b"a"]


def test_damaged_contents_are_not_decoded_again(ledger: Ledger) -> None:
    """Bytes that cannot be decoded stay so as long as they do not change."""
    run = ledger.run()
    ledger.register(run, b"a")
    label(ledger, run, content(b"1"), version=None)
    ledger.execute("UPDATE images SET outcome = 'unreadable', reason = 'truncated'")
    ledger.register(ledger.run(), b"a")
    assert due(ledger) == []


def test_quarantined_files_are_left_alone_until_they_change(ledger: Ledger) -> None:
    """What killed its workers is not tried again, unless it is another file by now."""
    ledger.register(ledger.run(), b"a", b"b")
    state = {"outcome": Outcome.QUARANTINED}
    ledger.execute("UPDATE images SET due = false, outcome = :outcome", **state)
    run = ledger.run()
    ledger.register(run, b"a")
    ledger.register(run, b"b", at=2)
    assert due(ledger) == [b"b"]


def test_archives_do_not_share_paths(ledger: Ledger) -> None:
    """The same path below two roots is two images."""
    ledger.register(ledger.run(b"/1"), b"a")
    ledger.register(ledger.run(b"/2"), b"a")
    assert ledger.value("SELECT count(*) FROM images") == 2
