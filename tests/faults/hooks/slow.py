"""Decoders that take their time over every image, without keeping a processor busy."""

from __future__ import annotations

import time
from typing import Any

from tests.faults.hooks.late import when_imported


def install(*, seconds: float) -> None:
    """Have a decoder rest before each request; its warm-up goes as ever."""

    def change(bounds: Any) -> None:
        grant = bounds.grant_seconds

        def rest_and_grant(allowed: float) -> None:
            time.sleep(seconds)
            grant(allowed)

        bounds.grant_seconds = rest_and_grant

    when_imported("worker.sandbox.bounds", change)
