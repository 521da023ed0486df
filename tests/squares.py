"""Squares of colour for faces, and an embedder of their thumbnails; they need no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.example import Example
from worker.vision.crop import whole
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SPEC = EmbedderSpec("file", "0" * 64, taps=("mixed0",))
COLOURS = {"blue": (200, 60, 30), "green": (40, 190, 50), "red": (30, 40, 210)}
GREY = (120, 120, 120)


class Thumbnails(Embedder):
    """Embeds a face as 256 numbers of its thumbnail, and counts what it was given."""

    def __init__(self, home: Path) -> None:
        super().__init__(SPEC, home=home)
        self.embedded = 0

    def _embed_batch(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        self.embedded += len(faces)
        small = [cv2.resize(face, (10, 10), interpolation=cv2.INTER_AREA) for face in faces]
        return (np.stack(small).reshape(len(faces), -1)[:, :256] / 255).astype(np.float16)


def silent(stage: str, done: int, total: int, detail: str = "") -> None:
    """Show nothing."""


def squares(
    label: str | None,
    colour: tuple[int, ...],
    *,
    count: int,
    seed: int,
    denied: tuple[str, ...] = (),
) -> list[Example]:
    """Coarsely noisy squares of a colour."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        coarse = np.clip(rng.normal(colour, 40, (12, 12, 3)), 0, 255).astype(np.uint8)
        pixels = cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_NEAREST)
        crop = whole(np.asarray(pixels, np.uint8))
        made.append(Example(crop, label, f"{label} {seed} {number}", denied))
    return made


def coloured(count: int = 12) -> list[Example]:
    """Squares of three labels."""
    return [
        example
        for seed, (label, colour) in enumerate(COLOURS.items())
        for example in squares(label, colour, count=count, seed=seed)
    ]
