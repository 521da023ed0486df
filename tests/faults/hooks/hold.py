"""Work that stands still for as long as a test wants to look at it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.faults.hooks.late import when_imported

_PAUSE = 0.05


def install(*, call: str, until: str) -> None:
    """Have a function wait, before it does anything, as long as there is no such file.

    Args:
        call: the function, with its module: `worker.relabelling.relabel`.
        until: the file's path.
    """
    module, _, name = call.rpartition(".")

    def change(imported: Any) -> None:
        function = getattr(imported, name)

        def waiting(*arguments: Any, **options: Any) -> Any:
            while not Path(until).exists():
                time.sleep(_PAUSE)
            return function(*arguments, **options)

        setattr(imported, name, waiting)

    when_imported(module, change)
