"""Models that tell faces by their colour, and faces to match; they need no TensorFlow."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from db.records import Box, Crop
from tests.ledger import EMBEDDER, content, face
from worker.models.live import Model
from worker.vision.classify import Head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from db.records import FaceResult
    from tests.ledger import Ledger

# Places of the channels in an embedding.
RED, GREEN, BLUE = range(3)

# Clearly above and clearly below the threshold of every head here.
CLEAR, FAINT = 1.0, 0.1


class ColourEmbedder:
    """Embeds a face as its mean colour, 0 to 1; counts the faces."""

    batch = 4

    def __init__(self, name: str = EMBEDDER, *, dimension: int = 3) -> None:
        self.spec = SimpleNamespace(id=name, size=96, dimension=dimension)
        self.id = name
        self.faces = 0

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        """float16 (n, dimension); red, green, blue, then zeros."""
        self.faces += len(faces)
        embeddings = np.zeros((len(faces), self.spec.dimension), np.float16)
        embeddings[:, :3] = faces.mean(axis=(1, 2)) / 255
        return embeddings


def colour_head(labels: Mapping[str, int], *, dimension: int = 3) -> Head:
    """A head that gives each label to faces of one channel, and no label to pale ones."""
    weight = np.zeros((dimension, len(labels)), np.float32)
    weight[list(labels.values()), range(len(labels))] = 10
    bias = np.zeros(len(labels), np.float32)
    return Head(tuple(labels), weight, bias, temperature=1.0, background=5.0, threshold=0.5)


def colour_model(
    version_id: int, labels: Mapping[str, int], *, embedder: ColourEmbedder | None = None
) -> Model:
    """A loaded version with such a head."""
    parts: Any = embedder or ColourEmbedder(), colour_head(labels)
    return Model(version_id, *parts)


def colour_crop(channel: int, strength: float = CLEAR) -> Crop:
    """A square of one channel, the whole of it a face."""
    pixels = np.zeros((96, 96, 3), np.uint8)
    pixels[..., 2 - channel] = round(255 * strength)
    jpeg = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 100))[1].tobytes()
    return Crop(jpeg, Box(0, 0, 96, 96))


def colour_face(channel: int, strength: float = CLEAR, *, embedded: bool = True) -> FaceResult:
    """A face to store, with its crop and, unless it is not to be, its embedding."""
    vector = np.zeros(3, "<f2")
    vector[channel] = strength
    found = face(embedding=vector.tobytes() if embedded else None)
    crop = colour_crop(channel, strength)
    return type(found)(found.face, crop, found.embedding, None)


def store(ledger: Ledger, *faces: FaceResult) -> None:
    """Store faces of one new image; their ids count up from 1 in a new database."""
    run = ledger.run()
    name = f"{run.id}.png".encode()
    ledger.finish(ledger.take(run, name), content(name, *faces))
