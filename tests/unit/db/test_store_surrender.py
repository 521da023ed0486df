"""What a worker or trainer had in hand that has to end: given back, at nobody's cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.records import TrainingState
from db.store import jobs, lost, trainings
from tests.ledger import job_result

if TYPE_CHECKING:
    from tests.ledger import Ledger

HERE, ELSEWHERE = "host:1", "host:2"


def test_a_job_is_given_back(ledger: Ledger) -> None:
    """Its attempt does not count, what its process still writes is fenced off, others go on."""
    run = ledger.run()
    ledger.register(run, b"a", b"b")
    mine, other = ledger.cut(run, 1), ledger.cut(run, 1)
    claim = ledger.claim(mine, worker=HERE)
    assert claim is not None
    assert ledger.claim(other, worker=ELSEWHERE) is not None
    with ledger.database.write() as connection:
        assert lost.surrender(connection, HERE) == 1
        assert lost.surrender(connection, HERE) == 0
    found = ledger.rows("SELECT state, attempts, published_at FROM jobs ORDER BY id")
    assert found == [("queued", 0, None), ("leased", 1, None)]
    with pytest.raises(jobs.FencedError):
        ledger.commit(claim, job_result())
    assert ledger.claim(mine, worker=ELSEWHERE) is not None


def test_a_training_is_given_back(ledger: Ledger) -> None:
    """It waits as if it had never begun; the lock is free, and its process learns of it."""
    with ledger.database.write() as connection:
        first = trainings.request(connection, request="{}", trigger="task").id
        assert trainings.start(connection, first, holder=HERE)
        assert trainings.surrender(connection, ELSEWHERE) == 0
        assert trainings.surrender(connection, HERE) == 1
        assert trainings.running(connection) is None
        assert not trainings.renew(connection, first, stage="x", done=1, total=2, detail="")
        found = trainings.get(connection, first)
        assert (found.state, found.holder, found.error) == (TrainingState.QUEUED, None, None)
        assert trainings.start(connection, first, holder=ELSEWHERE)
