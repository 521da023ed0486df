"""Embeddings."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from db.errors import ModelError
from worker.models import backbone
from worker.vision.embed import (
    DRAWN_TAPS,
    SEEDED_TAPS,
    TRAINED_TAPS,
    Embedder,
    EmbedderSpec,
)

if TYPE_CHECKING:
    from pathlib import Path

SPEC = EmbedderSpec("file", "0123456789abcdef" * 4)
FLIPPED = EmbedderSpec("fine-tuned", SPEC.sha256, ("mixed7",), size=139, flip=True)


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """An embedder with untrained weights and a small batch."""
    home = tmp_path_factory.mktemp("home")
    return Embedder(EmbedderSpec.of(backbone.obtain("seeded", home=home)), home=home, batch=4)


def test_the_id_names_all_that_an_embedding_depends_on() -> None:
    """Architecture, taps, input size and weights are in the id."""
    assert SPEC.id == "inception_v3-mixed3+mixed5-96px-0123456789ab"
    assert FLIPPED.id == "inception_v3-mixed7-139px-flip-0123456789ab"


@pytest.mark.parametrize(
    ("source", "taps"),
    [
        ("drawn", DRAWN_TAPS),
        ("imagenet", TRAINED_TAPS),
        ("file", TRAINED_TAPS),
        ("seeded", SEEDED_TAPS),
    ],
)
def test_layers_are_tapped_as_suits_the_weights(source: str, taps: tuple[str, ...]) -> None:
    """Untrained weights are tapped early, trained ones where they know drawings best."""
    weights = backbone.Backbone(source, SPEC.sha256, {})
    assert EmbedderSpec.of(weights).taps == taps
    assert EmbedderSpec.of(weights, taps=("mixed2",)).taps == ("mixed2",)


@pytest.mark.parametrize("spec", [SPEC, FLIPPED])
def test_a_spec_survives_json(spec: EmbedderSpec) -> None:
    """A spec comes back from a manifest as it was."""
    assert EmbedderSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_spec_from_before_flips_has_none() -> None:
    """A manifest that says nothing of flips means the face alone."""
    old = {name: value for name, value in SPEC.to_json().items() if name != "flip"}
    assert EmbedderSpec.from_json(old) == SPEC


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


def test_a_flipped_embedding_is_the_mean_of_both_sides(tmp_path: Path, embedder: Embedder) -> None:
    """A face and its mirror image have the same embedding, halfway between those of each."""
    faces = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    mirrored = np.ascontiguousarray(faces[:, :, ::-1])
    flipping = Embedder(replace(embedder.spec, flip=True), home=tmp_path, batch=4)
    given = flipping.embed(faces)
    np.testing.assert_array_equal(flipping.embed(mirrored), given)
    sides = [embedder.embed(side).astype(np.float32) for side in (faces, mirrored)]
    np.testing.assert_allclose(given, np.mean(sides, axis=0), rtol=2e-3, atol=1e-6)


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
