"""Kills a worker that has committed a job, before it acknowledges the job's message."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.faults.hooks.fuse import burn
from tests.faults.hooks.late import when_imported


def install(*, times: int) -> None:
    """Die so many times: the parent, which would acknowledge, and its child."""

    def change(labelling: Any) -> None:
        run_job = labelling.run_job

        def dying(context: Any, job_id: int, **options: Any) -> Any:
            account = run_job(context, job_id, **options)
            if account.state == "done" and burn("die_after_commit", times=times):
                os.kill(os.getppid(), signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            return account

        labelling.run_job = dying

    when_imported("worker.labelling", change)
