"""Saving and loading models."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from db.errors import ModelError
from worker.models import artifact as artifacts
from worker.models.artifact import Artifact
from worker.models.manifest import Manifest
from worker.vision.classify import Head
from worker.vision.embed import EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

SPEC = EmbedderSpec("seeded", "0" * 64, taps=("mixed1",))


def make(**changes: Any) -> Artifact:
    """A small artifact; `changes` are of its manifest."""
    weight = np.random.default_rng(0).normal(size=(288, 2)).astype(np.float32)
    head = Head(("zoë", "aqua"), weight, np.zeros(2, np.float32), 1.5, -2.0, 0.25)
    manifest = Manifest(SPEC, {"zoë": 3, "aqua": 4}, 1.5, -2.0, 0.25, created_at="now")
    return Artifact(replace(manifest, **changes), head)


def test_a_saved_artifact_is_read_back(tmp_path: Path) -> None:
    """What is saved comes back with the same hash, manifest and labels in the same order."""
    artifact = make()
    artifacts.save(artifact, tmp_path / "a")
    loaded = artifacts.load(tmp_path / "a", artifact.sha256)
    assert loaded.manifest == artifact.manifest
    assert loaded.head.labels == ("zoë", "aqua")
    np.testing.assert_array_equal(loaded.head.weight, artifact.head.weight)


def test_the_hash_leaves_out_when_it_was_made() -> None:
    """Two trainings with the same result are the same model."""
    assert make().sha256 == make(created_at="later").sha256


def test_the_hash_covers_the_manifest() -> None:
    """A change of what a model says of itself changes its hash."""
    assert make().sha256 != make(seed=1).sha256


def test_saving_again_keeps_the_folder(tmp_path: Path) -> None:
    """The same model in the same folder is left as it is."""
    artifacts.save(make(), tmp_path / "a")
    artifacts.save(make(created_at="later"), tmp_path / "a")
    assert artifacts.load(tmp_path / "a").manifest.created_at == "now"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_saving_heals_a_damaged_folder(tmp_path: Path) -> None:
    """A folder that cannot be read is replaced."""
    artifact = make()
    artifacts.save(artifact, tmp_path / "a")
    (tmp_path / "a" / artifacts.HEAD_FILE).write_bytes(b"torn")
    artifacts.save(artifact, tmp_path / "a")
    assert artifacts.load(tmp_path / "a").sha256 == artifact.sha256


def test_another_artifact_is_refused(tmp_path: Path) -> None:
    """A model is not loaded in place of the one that was published."""
    artifacts.save(make(), tmp_path / "a")
    with pytest.raises(ModelError, match="is not ffffffffffff"):
        artifacts.load(tmp_path / "a", "f" * 64)


def test_a_missing_artifact_says_what_to_do(tmp_path: Path) -> None:
    """The error names the folder and the next step."""
    with pytest.raises(ModelError, match=r"none.*kaolabel train"):
        artifacts.load(tmp_path / "none")


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"labels": [["zoë", 3]]},
        {"labels": [["zoë", 3], ["zoë", 4]]},
        {"labels": 5},
        {"threshold": 2.0},
        {"temperature": 0.0},
        {"embedder": {"source": "seeded"}},
        {"embedder": {**SPEC.to_json(), "taps": ["mixed5"]}},
        {"embedder": {**SPEC.to_json(), "taps": ["../x"]}},
        {"holdout": None},
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """A manifest of wrong values, or one that does not fit the weights, is a model error."""
    artifacts.save(make(), tmp_path / "a")
    path = tmp_path / "a" / artifacts.MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change))
    with pytest.raises(ModelError, match="cannot be used"):
        artifacts.load(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000, '{"format": NaN}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """Text of any other kind is a model error."""
    artifacts.save(make(), tmp_path / "a")
    (tmp_path / "a" / artifacts.MANIFEST_FILE).write_text(text)
    with pytest.raises(ModelError, match="cannot be used"):
        artifacts.load(tmp_path / "a")


def test_a_head_must_fit_its_manifest() -> None:
    """A manifest cannot promise another threshold than its head has."""
    with pytest.raises(ValueError, match="describes"):
        make(threshold=0.5)
