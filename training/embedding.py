"""Embedding many faces, with progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.dataset import Progress
    from worker.vision.embed import Embedder


def embed(
    faces: Sequence[NDArray[np.uint8]], *, embedder: Embedder, progress: Progress
) -> NDArray[np.float16]:
    """Embed faces one batch at a time.

    Args:
        faces: n of uint8 (size, size, 3), RGB.
        embedder: what embeds them.
        progress: called with ("embedding", done, total).

    Returns:
        float16 (n, d), in the order of the faces.

    Raises:
        ModelError: the backbone's weights are missing or damaged.
    """
    parts = [np.empty((0, embedder.spec.dimension), np.float16)]
    for start in range(0, len(faces), embedder.batch):
        part = faces[start : start + embedder.batch]
        parts.append(embedder.embed(np.stack(part)))
        progress("embedding", start + len(part), len(faces))
    return np.concatenate(parts)
