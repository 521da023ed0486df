"""Has every message sent again and again."""

from __future__ import annotations

from typing import Any

from tests.faults.hooks.late import when_imported


def install(*, times: int) -> None:
    """Publish each job so many times."""

    def change(reconciler: Any) -> None:
        publish = reconciler.publish

        def often(database: Any, app: Any, job_ids: list[int]) -> None:
            publish(database, app, job_ids * times)

        reconciler.publish = often

    when_imported("worker.reconciler", change)
