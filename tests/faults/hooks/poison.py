"""Images that really crash, hang or exhaust the decoder that opens them: by how their bytes end."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from tests.faults.hooks.late import when_imported

if TYPE_CHECKING:
    from collections.abc import Callable

# What native code asks for in one piece, in bytes.
_PIECE = 16 * 1024 * 1024


def install() -> None:
    """Have poison take effect where a decoder begins to decode."""

    def change(vision: Any) -> None:
        decode = vision.decode

        def poisoned(data: bytes, *arguments: Any, **options: Any) -> Any:
            for ending, effect in _EFFECTS.items():
                if data.endswith(ending):
                    effect()
            return decode(data, *arguments, **options)

        vision.decode = poisoned

    when_imported("worker.vision.decode", change)


def _crash() -> None:
    ctypes.string_at(0)


def _hang() -> None:
    while True:
        pass


def _exhaust() -> None:
    import numpy as np

    hoard = []
    while True:
        # Address space is what is limited; to fill it with pages would only take time.
        hoard.append(np.empty(_PIECE, np.uint8))


_EFFECTS: dict[bytes, Callable[[], None]] = {
    b"poison:crash": _crash,
    b"poison:hang": _hang,
    b"poison:memory": _exhaust,
}
