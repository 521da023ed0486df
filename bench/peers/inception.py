"""The peers' network: Inception V3 whole, with a dense top, as a plain script builds it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 96
LABELS = ("nishikino_maki", "sakurauchi_riko", "takimoto_hifumi")


def network(weights: Path | None) -> Any:
    """Build the network; its top is random, as only its cost counts here.

    Args:
        weights: of Inception V3 without top; None for random ones.

    Returns:
        A Keras model from float32 (n, 96, 96, 3) in [-1, 1] to (n, 3).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    keras.utils.set_random_seed(0)
    base = keras.applications.InceptionV3(
        include_top=False,
        weights=None if weights is None else str(weights),
        input_shape=(SIDE, SIDE, 3),
        pooling="avg",
    )
    top = keras.layers.Dense(len(LABELS), activation="softmax")
    return keras.Model(base.input, top(base.output))


def scaled(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels as the weights want them: float32 of the same shape in [-1, 1]."""
    return np.asarray(faces, np.float32) / np.float32(127.5) - np.float32(1)
