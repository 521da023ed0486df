"""Where the backbone's weights come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from db.errors import ModelError
from worker.models import backbone, tensors
from worker.models.network import import_keras

if TYPE_CHECKING:
    from pathlib import Path

SEEDED_SHA256 = "7e0ab8e05229dba58fcd6eb589091fa4aa8cbd444db95a340c0e80d5b6f62a51"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> backbone.Backbone:
    """The untrained backbone."""
    return backbone.obtain("seeded", home=tmp_path_factory.mktemp("home"))


def test_seeded_weights_are_the_same_everywhere(seeded: backbone.Backbone) -> None:
    """The seeded weights have the hash that they have on every machine."""
    assert seeded.sha256 == SEEDED_SHA256


def test_seeded_weights_are_generated_again(seeded: backbone.Backbone, tmp_path: Path) -> None:
    """The seeded weights load without any file."""
    loaded = backbone.load("seeded", seeded.sha256, home=tmp_path)
    assert loaded.sha256 == seeded.sha256
    assert not list(tmp_path.iterdir())


def test_a_file_becomes_canonical(seeded: backbone.Backbone, tmp_path: Path) -> None:
    """Weights from a file are stored under their hash and load by it."""
    source = tmp_path / "weights.safetensors"
    tensors.save(seeded.tensors, source)
    obtained = backbone.obtain(str(source), home=tmp_path)
    source.unlink()
    loaded = backbone.load("file", seeded.sha256, home=tmp_path)
    assert (obtained.source, obtained.sha256) == ("file", seeded.sha256)
    assert loaded.tensors.keys() == seeded.tensors.keys()


def test_fine_tuned_weights_are_stored(seeded: backbone.Backbone, tmp_path: Path) -> None:
    """Weights that were made here load by their hash, and say what they are."""
    stored = backbone.store(seeded.tensors, home=tmp_path)
    loaded = backbone.load("fine-tuned", stored.sha256, home=tmp_path)
    assert (loaded.source, loaded.sha256) == ("fine-tuned", seeded.sha256)
    assert tensors.digest(loaded.tensors) == seeded.sha256


def test_half_a_network_is_not_stored(seeded: backbone.Backbone, tmp_path: Path) -> None:
    """Weights of which some are missing are refused, and nothing is written."""
    half = dict(list(seeded.tensors.items())[:10])
    with pytest.raises(ModelError, match="not those of Inception V3"):
        backbone.store(half, home=tmp_path)
    assert not list(tmp_path.iterdir())


def test_damaged_stored_weights_are_refused(seeded: backbone.Backbone, tmp_path: Path) -> None:
    """Stored weights that no longer have their hash are not used."""
    path = backbone.stored_path(seeded.sha256, home=tmp_path)
    tensors.save({"a": np.zeros(1, np.float32)}, path)
    with pytest.raises(ModelError, match="do not match"):
        backbone.load("file", seeded.sha256, home=tmp_path)


def test_missing_stored_weights_say_where_to_get_them(tmp_path: Path) -> None:
    """A worker without the weights is told which file to copy."""
    with pytest.raises(ModelError, match="copy that file"):
        backbone.load("file", "0" * 64, home=tmp_path)


def test_a_missing_file_is_a_model_error(tmp_path: Path) -> None:
    """A path that does not exist names the choices."""
    with pytest.raises(ModelError, match="seeded"):
        backbone.obtain(str(tmp_path / "none.weights.h5"), home=tmp_path)


@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5", "a.safetensors", "a.txt"])
def test_a_damaged_file_is_a_model_error(tmp_path: Path, name: str) -> None:
    """Garbage under any name raises one clear error."""
    (tmp_path / name).write_bytes(b"garbage" * 100)
    with pytest.raises(ModelError, match=name):
        backbone.obtain(str(tmp_path / name), home=tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """A healthy file that holds something else is not loaded."""
    path = tmp_path / "other.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars/0"] = np.zeros((1, 1, 3, 3), np.float32)
    with pytest.raises(ModelError, match="does not hold weights"):
        backbone.obtain(str(path), home=tmp_path)


def test_tensors_of_another_network_are_refused(tmp_path: Path) -> None:
    """Healthy tensors with other names and shapes are not loaded."""
    path = tmp_path / "other.safetensors"
    tensors.save({"a": np.zeros(1, np.float32)}, path)
    with pytest.raises(ModelError, match="not those of Inception V3"):
        backbone.obtain(str(path), home=tmp_path)


# Keras writes its own files with calls that NumPy 2 and h5py warn of.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_code_in_a_backbone_file_never_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A file with a Lambda layer is refused in one line, and its code stays asleep."""
    monkeypatch.chdir(tmp_path)
    keras = import_keras()
    evil = keras.layers.Lambda(lambda x: __import__("pathlib").Path("trace").touch() or x)
    model = keras.Sequential([keras.Input((2,)), evil, keras.layers.Dense(1)])
    (tmp_path / "trace").unlink()
    path = tmp_path / f"evil{suffix}"
    (model.save_weights if suffix == ".weights.h5" else model.save)(path)
    with pytest.raises(ModelError, match="does not hold weights"):
        backbone.obtain(str(path), home=tmp_path)
    assert not (tmp_path / "trace").exists()
