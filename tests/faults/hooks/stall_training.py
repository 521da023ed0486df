"""A training that never gets past its examples, as a long one seems to who waits for its end."""

from __future__ import annotations

import time
from typing import Any

from tests.faults.hooks.fuse import burn
from tests.faults.hooks.late import when_imported

_FOR_EVER = 3600.0


def install(*, times: int) -> None:
    """Stand still so many times, after the training has begun."""

    def change(run: Any) -> None:
        gather = run.gather

        def stalling(*arguments: Any, **options: Any) -> Any:
            if burn("stall_training", times=times):
                time.sleep(_FOR_EVER)
            return gather(*arguments, **options)

        run.gather = stalling

    when_imported("training.run", change)
