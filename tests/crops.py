"""Crops of faces that are easily told apart, drawn on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from worker.vision.probe import anime_face

if TYPE_CHECKING:
    from pathlib import Path

_TINTS = {"blue": (90, 0, 0), "green": (0, 90, 0), "red": (0, 0, 90)}


def draw_crops(folder: Path, *, each: int, seed: int = 0) -> Path:
    """Write noisy crops of 96 by 96 pixels in three tints, a folder for each."""
    rng = np.random.default_rng(seed)
    face = cv2.resize(anime_face(), (96, 96), interpolation=cv2.INTER_AREA).astype(np.int16)
    for label, tint in _TINTS.items():
        (folder / label).mkdir(parents=True)
        for number in range(each):
            noisy = face + np.array(tint) + rng.integers(-30, 30, face.shape)
            pixels = np.clip(noisy, 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / label / f"{number}.png"), pixels)
    return folder
