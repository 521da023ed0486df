"""Decoders that rest instead of computing: what is left is queue, ledger and the worker itself.

Each file says for how many seconds: its bytes end with `rest:0.05`. There is no decoder process
at all, so that hundreds of workers fit on a machine.
"""

from __future__ import annotations

import random
import time
from typing import Any

from tests.faults.hooks.late import when_imported

_MARK = b"rest:"

# A small JPEG of an image without a face takes about as many bytes, and no compression helps.
_PREVIEW_BYTES = 4000


def install() -> None:
    """Replace the decoders of a worker's pool, and those that prove the detectors."""

    def change(decoder: Any) -> None:
        decoder.Decoder = _Resting

    when_imported("worker.sandbox.decoder", change)


class _Resting:
    """Looks like a decoder process and finds no face in anything."""

    confined = True

    def __init__(self, _order: Any) -> None:
        from db.records import Outcome
        from worker.sandbox.examined import Examined

        preview = random.Random(0).randbytes(_PREVIEW_BYTES)
        self._report = Examined(
            Outcome.NO_FACE, "no_face_found", None, 60, 40, format="PNG", preview=preview
        )

    def examine(self, data: bytes, **_options: Any) -> Any:
        """Rest for as long as the bytes say."""
        seconds = float(data.rpartition(_MARK)[2])
        if seconds:
            time.sleep(seconds)
        return self._report

    def close(self) -> None:
        """There is nothing to end."""

    kill = close
