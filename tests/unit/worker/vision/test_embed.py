"""Embeddings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from db.errors import ModelError
from worker.models import backbone
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

SPEC = EmbedderSpec("file", "0123456789abcdef" * 4)


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """An embedder with untrained weights and a small batch."""
    home = tmp_path_factory.mktemp("home")
    return Embedder(EmbedderSpec.of(backbone.obtain("seeded", home=home)), home=home, batch=4)


def test_the_id_names_all_that_an_embedding_depends_on() -> None:
    """Architecture, taps, input size and weights are in the id."""
    assert SPEC.id == "inception_v3-mixed3+mixed5-96px-0123456789ab"


def test_a_spec_survives_json() -> None:
    """A spec comes back from a manifest as it was."""
    assert EmbedderSpec.from_json(json.loads(json.dumps(SPEC.to_json()))) == SPEC


@pytest.mark.parametrize(
    "change",
    [
        {"taps": []},
        {"taps": ["dense"]},
        {"size": 9},
        {"size": 10**9},
        {"sha256": "../../etc"},
        {"architecture": "resnet"},
        {"taps": 3},
    ],
)
def test_a_damaged_spec_is_a_model_error(change: dict[str, Any]) -> None:
    """A manifest cannot ask for a network that does not exist, nor name a path."""
    with pytest.raises(ModelError, match="embedder"):
        EmbedderSpec.from_json(SPEC.to_json() | change)


def test_a_face_does_not_depend_on_its_company(embedder: Embedder) -> None:
    """A face alone has the same embedding, bit by bit, as at any place of any batch."""
    faces = np.random.default_rng(0).integers(0, 256, (6, 96, 96, 3), dtype=np.uint8)
    together = embedder.embed(faces)
    alone = np.concatenate([embedder.embed(faces[index : index + 1]) for index in range(6)])
    np.testing.assert_array_equal(alone, together)


def test_embeddings_have_the_promised_shape(embedder: Embedder) -> None:
    """Embeddings are finite float16 of the spec's dimension, and differ between faces."""
    faces = np.stack([np.zeros((96, 96, 3), np.uint8), np.full((96, 96, 3), 255, np.uint8)])
    embeddings = embedder.embed(faces)
    assert embeddings.dtype == np.float16
    assert embeddings.shape == (2, embedder.spec.dimension)
    assert np.isfinite(embeddings).all()
    assert (embeddings[0] != embeddings[1]).any()


def test_no_faces_need_no_network(tmp_path: Path) -> None:
    """An empty batch is embedded without loading any weights."""
    embeddings = Embedder(SPEC, home=tmp_path).embed(np.empty((0, 96, 96, 3), np.uint8))
    assert embeddings.shape == (0, SPEC.dimension)


def test_faces_of_another_shape_are_refused(tmp_path: Path) -> None:
    """A face of another size is a mistake of the caller."""
    with pytest.raises(ValueError, match="96"):
        Embedder(SPEC, home=tmp_path).embed(np.zeros((1, 95, 96, 3), np.uint8))
