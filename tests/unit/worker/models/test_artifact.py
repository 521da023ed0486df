"""Saving and loading models."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from db.errors import ModelError
from tests.models import NOWHERE, evidence_of, golden_faces, small_artifact, small_head
from worker.models import artifact as artifacts
from worker.models.artifact import Artifact

if TYPE_CHECKING:
    from pathlib import Path


def test_a_saved_artifact_is_read_back(tmp_path: Path) -> None:
    """What is saved comes back with the same hash, manifest, evidence and labels in order."""
    artifact = small_artifact()
    artifacts.save(artifact, tmp_path / "a")
    loaded = artifacts.load(tmp_path / "a", artifact.sha256)
    assert loaded.manifest == artifact.manifest
    assert loaded.head.labels == ("zoë", "aqua")
    np.testing.assert_array_equal(loaded.head.weight, artifact.head.weight)
    np.testing.assert_array_equal(loaded.evidence.golden, artifact.evidence.golden)


def test_a_head_that_rejects_is_read_back(tmp_path: Path) -> None:
    """The column of rejected faces survives, in the published and in the judged head."""
    artifact = small_artifact(small_head(rejects=True))
    artifacts.save(artifact, tmp_path / "a")
    loaded = artifacts.load(tmp_path / "a", artifact.sha256)
    assert loaded.manifest.rejects
    assert loaded.head.rejects
    assert loaded.head.weight.shape == loaded.judged.weight.shape == (288, 3)


def test_the_judged_head_differs_in_its_weights_alone() -> None:
    """What the hold-out was measured with has the labels and scalars of the published head."""
    artifact = small_artifact()
    judged = artifact.judged
    np.testing.assert_array_equal(judged.weight, artifact.evidence.judged_weight)
    found = (judged.labels, judged.temperature, judged.background, judged.threshold)
    assert found == (("zoë", "aqua"), 1.5, -2.0, 0.25)


def test_the_hash_leaves_out_when_it_was_made() -> None:
    """Two trainings with the same result are the same model."""
    assert small_artifact().sha256 == small_artifact(created_at="later").sha256


def test_the_hash_covers_the_manifest() -> None:
    """A change of what a model says of itself changes its hash."""
    assert small_artifact().sha256 != small_artifact(seed=1).sha256


def test_the_hash_covers_the_evidence() -> None:
    """Other golden faces make another model."""
    head = small_head()
    other = evidence_of(head, golden=golden_faces(count=3))
    assert small_artifact(head).sha256 != small_artifact(head, evidence=other).sha256


def test_saving_again_keeps_the_folder(tmp_path: Path) -> None:
    """The same model in the same folder is left as it is."""
    artifacts.save(small_artifact(), tmp_path / "a")
    artifacts.save(small_artifact(created_at="later"), tmp_path / "a")
    assert artifacts.load(tmp_path / "a").manifest.created_at == "now"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("file", [artifacts.HEAD_FILE, artifacts.EVIDENCE_FILE])
def test_saving_heals_a_damaged_folder(tmp_path: Path, file: str) -> None:
    """A folder that cannot be read is replaced."""
    artifact = small_artifact()
    artifacts.save(artifact, tmp_path / "a")
    (tmp_path / "a" / file).write_bytes(b"torn")
    artifacts.save(artifact, tmp_path / "a")
    assert artifacts.load(tmp_path / "a").sha256 == artifact.sha256


def test_another_artifact_is_refused(tmp_path: Path) -> None:
    """A model is not loaded in place of the one that was published."""
    artifacts.save(small_artifact(), tmp_path / "a")
    with pytest.raises(ModelError, match="is not ffffffffffff"):
        artifacts.load(tmp_path / "a", "f" * 64)


def test_other_evidence_is_refused(tmp_path: Path) -> None:
    """Evidence that was put in the place of the artifact's own is noticed."""
    artifact = small_artifact()
    artifacts.save(artifact, tmp_path / "a")
    other = replace(artifact.evidence, trained=np.arange(6, dtype=np.uint64))
    other.save(tmp_path / "a" / artifacts.EVIDENCE_FILE)
    with pytest.raises(ModelError, match="not the one that the manifest names"):
        artifacts.load(tmp_path / "a")


def test_a_missing_artifact_says_what_to_do(tmp_path: Path) -> None:
    """The error names the folder and the next step."""
    with pytest.raises(ModelError, match=r"none.*kaolabel train"):
        artifacts.load(tmp_path / "none")


def test_an_artifact_of_an_older_kaolabel_says_so(tmp_path: Path) -> None:
    """The first format had no evidence; its models have to be trained again."""
    artifacts.save(small_artifact(), tmp_path / "a")
    (tmp_path / "a" / artifacts.EVIDENCE_FILE).unlink()
    path = tmp_path / "a" / artifacts.MANIFEST_FILE
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["rejects"], values["evidence"]
    path.write_text(json.dumps(values | {"format": 1}))
    with pytest.raises(ModelError, match=r"made by an older kaolabel; train again"):
        artifacts.load(tmp_path / "a")


def test_an_artifact_of_a_newer_kaolabel_says_so(tmp_path: Path) -> None:
    """Nothing else is read of it, and nobody is told to train again."""
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / artifacts.MANIFEST_FILE).write_text('{"format": 3, "all": "is new"}')
    words = r"it has format 3, and this kaolabel knows 2; upgrade kaolabel here$"
    with pytest.raises(ModelError, match=words):
        artifacts.load(folder)


def test_the_hash_of_what_was_published_stays() -> None:
    """Versions are known by their hash; a release that gives them other ones loses them all."""
    known = "b1f8f7fb6d9783f456b207b06a4f050caec0998604aeb2053520aca271409d56"
    assert small_artifact().sha256 == known


@pytest.mark.parametrize(
    "change",
    [
        {"format": "3"},
        {"labels": [["zoë", 3]]},
        {"labels": [["zoë", 3], ["zoë", 4]]},
        {"labels": 5},
        {"threshold": 2.0},
        {"temperature": 0.0},
        {"rejects": True},
        {"evidence": "0" * 64},
        {"embedder": {"source": "seeded"}},
        {"embedder": {**NOWHERE.to_json(), "taps": ["mixed5"]}},
        {"embedder": {**NOWHERE.to_json(), "taps": ["../x"]}},
        {"embedder": {**NOWHERE.to_json(), "size": 128}},
        {"holdout": None},
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """A manifest of wrong values, or one that does not fit the numbers, is a model error."""
    artifacts.save(small_artifact(), tmp_path / "a")
    path = tmp_path / "a" / artifacts.MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change))
    with pytest.raises(ModelError, match="cannot be used"):
        artifacts.load(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 100_000, '{"format": NaN}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """Text of any other kind is a model error."""
    artifacts.save(small_artifact(), tmp_path / "a")
    (tmp_path / "a" / artifacts.MANIFEST_FILE).write_text(text)
    with pytest.raises(ModelError, match="cannot be used"):
        artifacts.load(tmp_path / "a")


def test_a_head_must_fit_its_manifest() -> None:
    """A manifest cannot promise another threshold than its head has."""
    with pytest.raises(ValueError, match="describes"):
        small_artifact(threshold=0.5)


def test_evidence_must_fit_the_head() -> None:
    """The judged head has the shape of the published one."""
    rejecting = evidence_of(small_head(rejects=True))
    artifact = small_artifact()
    manifest = replace(artifact.manifest, evidence=rejecting.digest)
    with pytest.raises(ValueError, match="does not fit"):
        Artifact(manifest, artifact.head, rejecting)
