"""What a decoder process is told at its start, and may use up."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the work on one image.

    Attributes:
        max_pixels: width x height above which an image is refused unseen.
        memory: bytes of address space on top of what the loaded libraries take.
        seconds: wall-clock time after which the decoder is killed.
    """

    max_pixels: int = 100_000_000
    memory: int = 2 * 1024**3
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that a decoder process needs to know.

    Attributes:
        chain: the detector chain as JSON.
        limits: of the work on one image.
        input_size: sides in pixels of the classifier's input.
        probe: whether to prove first that every detector finds a drawn face.
    """

    chain: str
    limits: Limits
    input_size: int = 96
    probe: bool = False

    def to_json(self) -> bytes:
        """The order as a frame for the child's standard input."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, frame: bytes) -> Order:
        """The order that `to_json` wrote."""
        fields = json.loads(frame)
        return cls(**{**fields, "limits": Limits(**fields["limits"])})
