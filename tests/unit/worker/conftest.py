"""What tests of the worker share: decoder processes and a model that needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from db.records import Prediction
from worker.models.live import Model
from worker.sandbox.limits import Limits, Order
from worker.sandbox.pool import DecoderPool
from worker.vision.chain import default_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def order() -> Order:
    """Decoders that search with animeface, which needs no cascade file."""
    return Order(default_chain(None).to_json(), Limits(seconds=20.0))


@pytest.fixture(scope="session")
def pool(order: Order) -> Iterator[DecoderPool]:
    """Two decoders for the session."""
    with DecoderPool(order, decoders=2) as pool:
        yield pool


class MeanEmbedder:
    """Embeds a face as the mean of each of its colours; notes the sizes of its batches."""

    batch = 4

    def __init__(self, name: str) -> None:
        self.spec = SimpleNamespace(id=name, size=96)
        self.batches: list[int] = []

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        """float16 (n, 3)."""
        self.batches.append(len(faces))
        return np.asarray(faces.mean(axis=(1, 2)), np.float16)


@dataclass(frozen=True, slots=True)
class OneLabelHead:
    """Knows a single label, and is sure of it."""

    label: str

    def predict(self, embeddings: NDArray[np.float16]) -> list[Prediction]:
        """The label, with the first component as a share of all colours."""
        said = [(self.label, float(row[0]) / 256) for row in embeddings]
        return [
            Prediction(label, sure, unknown=False, top=((label, sure),)) for label, sure in said
        ]


@pytest.fixture
def small_model() -> Callable[..., Model]:
    """Makes models that call every face by one label."""

    def make(version_id: int, label: str = "Aqua", *, embedder: str = "mean") -> Model:
        parts: Any = MeanEmbedder(embedder), OneLabelHead(label)
        return Model(version_id, *parts)

    return make
