"""Decoders that are taken over by some images, and send their worker well-framed nonsense."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.faults.hooks.late import when_imported

if TYPE_CHECKING:
    from collections.abc import Callable

    Frames = tuple[bytes, bytes]

# The end of an image's bytes that takes a decoder over, and names its lie.
_MARK = re.compile(rb"lie:([a-z_]+)$")


def install() -> None:
    """Have images decide what is reported of them."""
    told: list[str] = []

    def listen(vision: Any) -> None:
        decode = vision.decode

        def heard(data: bytes, *arguments: Any, **options: Any) -> Any:
            told[:] = [name.decode() for name in _MARK.findall(data)]
            return decode(data, *arguments, **options)

        vision.decode = heard

    def lie(wire: Any) -> None:
        pack = wire.pack

        def packed(examined: Any) -> Frames:
            frames: Frames = pack(examined)
            for name in told:
                frames = LIES[name](*frames)
            return frames

        wire.pack = packed

    when_imported("worker.vision.decode", listen)
    when_imported("worker.sandbox.wire", lie)


def _field(name: str, value: Any) -> Callable[[bytes, bytes], Frames]:
    return lambda head, body: (json.dumps({**json.loads(head), name: value}).encode(), body)


def _face(name: str, value: Any) -> Callable[[bytes, bytes], Frames]:
    def changed(head: bytes, body: bytes) -> Frames:
        fields = json.loads(head)
        fields["faces"][0][name] = value
        return json.dumps(fields).encode(), body

    return changed


def _crowd(head: bytes, body: bytes) -> Frames:
    fields = json.loads(head)
    fields["faces"] *= 5_000
    return json.dumps(fields).encode(), body


LIES: dict[str, Callable[[bytes, bytes], Frames]] = {
    "outcome": _field("outcome", "great"),
    "endless_detail": _field("detail", "x" * 3_000_000),
    "vast_width": _field("width", 2**40),
    "text_lengths": _field("blobs", ["1", "2", "3"]),
    "box_outside": _face("box", [0, 0, 4000, 4000]),
    "no_score": _face("score", float("nan")),
    "odd_detector": _face("detector", "\ud800" * 100),
    "crowd": _crowd,
    "no_jpeg": lambda head, body: (head, bytes(len(body))),
    "short": lambda head, body: (head, body[:-1]),
    "nested": lambda _, body: (b"[" * 1_000_000, body),
    "nothing": lambda _head, _body: (b"", b""),
}
