"""Writers of the same rows in opposite order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from db.engine import Database
from db.records import ImageResult
from db.store import results
from tests.ledger import Ledger, content, face, job_result

if TYPE_CHECKING:
    from db.records import Claim, ContentResult, JobResult


def test_the_same_contents_are_written_in_opposite_order(postgresql: Database) -> None:
    """Of two jobs with the same bytes in opposite order, both commit, and no deadlock surfaces."""
    ledger = Ledger(postgresql)
    other = Database(postgresql.url.render_as_string(hide_password=False), patience=20.0)
    for number in range(20):
        contents = [content(b"%d-%d" % (number, index), face(), face()) for index in range(30)]
        first = overlapping(ledger, b"/first", contents)
        second = overlapping(ledger, b"/second", contents[::-1])
        commit_at_once([(postgresql, *first), (other, *second)])
    other.close()
    assert ledger.rows("SELECT count(*), count(DISTINCT sha256) FROM contents") == [(600, 600)]
    assert ledger.value("SELECT count(*) FROM faces") == 1200
    assert ledger.value("SELECT count(*) FROM images WHERE outcome = 'faces'") == 1200


def overlapping(
    ledger: Ledger, root: bytes, contents: list[ContentResult]
) -> tuple[Claim, JobResult]:
    """A claimed job of fresh files that have these contents, and what it writes."""
    prefix = contents[0].content.sha256.hex().encode()
    paths = [prefix + b"%d" % number for number in range(len(contents))]
    claim = ledger.take(ledger.run(root), *paths)
    linked = zip(ledger.todo(claim.job_id), contents, strict=True)
    images = [ImageResult(image.id, result.content.sha256) for image, result in linked]
    return claim, job_result(contents, images)


def commit_at_once(jobs: list[tuple[Database, Claim, JobResult]]) -> None:
    """Commit jobs at the same time; what one of them raises is raised."""
    ready = threading.Barrier(len(jobs))

    def write(database: Database, claim: Claim, result: JobResult) -> None:
        ready.wait()
        database.commit(lambda connection: results.commit(connection, claim, result))

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(write, *job) for job in jobs]:
            done.result()
