"""Embeddings: what the backbone sees in a face, as a vector that a head can classify."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from db.errors import ModelError, UsageError
from worker.models import backbone, device
from worker.models.network import tapped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ARCHITECTURE = "inception_v3"
# Channels of the layers of Inception V3 that can be tapped.
CHANNELS = {
    "mixed0": 256,
    "mixed1": 288,
    "mixed2": 288,
    "mixed3": 768,
    "mixed4": 768,
    "mixed5": 768,
    "mixed6": 768,
    "mixed7": 768,
    "mixed8": 1280,
    "mixed9": 2048,
    "mixed10": 2048,
}
# Trained weights know drawings best in the middle; untrained ones only scramble with depth.
TRAINED_TAPS = ("mixed3", "mixed5")
DRAWN_TAPS = ("mixed1", "mixed3", "mixed5")
SEEDED_TAPS = ("mixed1",)
INPUT_SIZE = 96

_SMALLEST_INPUT = 75
_LARGEST_INPUT = 512
_USUAL_TAPS = {backbone.DRAWN: DRAWN_TAPS, backbone.SEEDED: SEEDED_TAPS}
_FLOAT16_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """Everything that an embedding depends on.

    Attributes:
        source: where the weights came from: `drawn`, `imagenet`, `seeded`, `file` or `fine-tuned`.
        sha256: the canonical hash of the weights.
        taps: the layers whose global averages make the embedding, in order.
        size: width and height of the input in pixels.
        flip: whether it is the mean of the face's and of its mirror image's.
        architecture: always `inception_v3`.
    """

    source: str
    sha256: str
    taps: tuple[str, ...] = TRAINED_TAPS
    size: int = INPUT_SIZE
    flip: bool = False
    architecture: str = ARCHITECTURE

    def __post_init__(self) -> None:
        if self.architecture != ARCHITECTURE:
            raise ValueError(f"the architecture must be {ARCHITECTURE}, not {self.architecture!r}")
        if not self.taps or not set(self.taps) <= CHANNELS.keys():
            raise ValueError(f"taps must be layers such as mixed5, not {self.taps!r}")
        if not _SMALLEST_INPUT <= self.size <= _LARGEST_INPUT:
            raise ValueError(f"the input size must be 75 to 512 pixels, not {self.size}")
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):  # noqa: PLR2004
            raise ValueError(
                f"the weights' SHA-256 must be 64 hexadecimal digits, not {self.sha256!r}"
            )

    @classmethod
    def of(
        cls,
        weights: backbone.Backbone,
        *,
        taps: tuple[str, ...] | None = None,
        size: int = INPUT_SIZE,
        flip: bool = False,
    ) -> Self:
        """Describe the embedder of a backbone.

        Args:
            weights: the backbone.
            taps: the layers to tap; by default those that suit the backbone's source.
            size: width and height of the input in pixels.
            flip: whether to average with the mirror image.

        Returns:
            The spec.
        """
        chosen = taps or _USUAL_TAPS.get(weights.source, TRAINED_TAPS)
        return cls(weights.source, weights.sha256, chosen, size=size, flip=flip)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read a spec from a manifest.

        Args:
            value: what `to_json` gave, perhaps damaged on the way.

        Returns:
            The spec.

        Raises:
            ModelError: the value is no embedder's.
        """
        try:
            return cls(
                source=str(value["source"]),
                sha256=str(value["sha256"]),
                taps=tuple(str(tap) for tap in value["taps"]),
                size=int(value["size"]),
                # Specs were written without it before there was any choice.
                flip=bool(value.get("flip", False)),
                architecture=str(value["architecture"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"the embedder cannot be read: {error}; train again") from error

    def to_json(self) -> dict[str, Any]:
        """Give the spec as JSON values, with its id for readers.

        Returns:
            A dict for `json.dumps`.
        """
        return {**asdict(self), "taps": list(self.taps), "id": self.id}

    @property
    def id(self) -> str:
        """Architecture, taps, input size, flip and hash of the weights, readable and short."""
        view = f"{self.size}px-flip" if self.flip else f"{self.size}px"
        return f"{self.architecture}-{'+'.join(self.taps)}-{view}-{self.sha256[:12]}"

    @property
    def dimension(self) -> int:
        """The length of an embedding."""
        return sum(CHANNELS[tap] for tap in self.taps)


def parse_taps(text: str) -> tuple[str, ...]:
    """Read taps as people write them: `mixed3+mixed5`.

    Raises:
        UsageError: one of them is no layer of the backbone.
    """
    taps = tuple(part.strip() for part in text.split("+"))
    unknown = [tap for tap in taps if tap not in CHANNELS]
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is no layer that can be tapped; give some of {', '.join(CHANNELS)},"
            " joined by +"
        )
    return taps


class Embedder:
    """Turns faces into embeddings; the network is built when the first faces come.

    A GPU that has units for bfloat16 computes in it. On drawings that moved an embedding by 0.8%
    and a confidence by 0.007 at most, a seventh of what golden faces may be off by; as every loaded
    model has to pass those on its own device, the id says what is computed, not how exactly.

    Args:
        spec: what the embeddings shall be.
        home: kaolabel's own folder, which holds the backbone's weights.
        batch: faces that are embedded at once, to which smaller batches are padded; by default as
            many as suit the device.
    """

    def __init__(self, spec: EmbedderSpec, *, home: Path, batch: int | None = None) -> None:
        self.spec = spec
        self._home = home
        self._batch = batch

    @property
    def id(self) -> str:
        """The spec's id, by which embeddings are stored."""
        return self.spec.id

    @cached_property
    def batch(self) -> int:
        """Faces that are embedded at once."""
        return self._batch or device.current().batch(self.spec.size)

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Embed faces.

        Every batch has the same shape, as a network is compiled for each, and as results could
        otherwise depend on how many faces happen to arrive together. The rounding to float16
        belongs to the definition, so that what is stored is what was classified.

        Args:
            faces: uint8 (n, size, size, 3), RGB.

        Returns:
            float16 (n, dimension), in the order of the faces.

        Raises:
            ModelError: the backbone's weights are missing or damaged.
            ValueError: the faces have another shape or type.
        """
        size = self.spec.size
        if faces.dtype != np.uint8 or faces.shape[1:] != (size, size, 3):
            raise ValueError(f"faces must be uint8 (n, {size}, {size}, 3), not {faces.shape}")
        embeddings = np.empty((len(faces), self.spec.dimension), np.float16)
        if not len(faces):
            return embeddings
        for start in range(0, len(faces), self.batch):
            part = faces[start : start + self.batch]
            embeddings[start : start + len(part)] = self._embed_batch(part)
        return embeddings

    def _embed_batch(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        missing = self.batch - len(faces)
        padded = np.pad(faces, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else faces
        # Bytes go to the device once a batch, and averages come back once.
        pooled = np.asarray(self._network.predict_on_batch(padded), np.float32)
        clipped = np.clip(pooled[: len(faces)], -_FLOAT16_MAX, _FLOAT16_MAX)
        return np.asarray(clipped, np.float16)

    @cached_property
    def _network(self) -> Any:
        weights = backbone.load(self.spec.source, self.spec.sha256, home=self._home)
        return tapped(
            weights.tensors,
            taps=self.spec.taps,
            size=self.spec.size,
            flip=self.spec.flip,
            bfloat16=device.current().bfloat16,
        )
