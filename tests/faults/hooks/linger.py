"""Keeps the transaction of a job's results open for a while, so that a fault can find it so."""

from __future__ import annotations

import time
from typing import Any

from tests.faults.hooks.late import when_imported


def install(*, seconds: float) -> None:
    """Rest between the last row that is written and the commit."""

    def change(results: Any) -> None:
        commit = results.commit

        def linger(connection: Any, claim: Any, result: Any) -> None:
            commit(connection, claim, result)
            time.sleep(seconds)

        results.commit = linger

    when_imported("db.store.results", change)
