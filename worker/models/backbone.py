"""The backbone: Inception V3 without its top, with weights from one of several sources.

Whatever the source, weights become canonical: float32 tensors by name, known by their SHA-256.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from db.errors import ModelError, UnavailableError
from worker.models import drawn, seeded
from worker.models import tensors as tensor_files
from worker.models.hdf5 import require_plain
from worker.models.network import fill, import_keras, network, read
from worker.models.seeded import ANY_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.models.network import Tensors

DRAWN = "drawn"
SEEDED = "seeded"
IMAGENET = "imagenet"
FILE = "file"
FINE_TUNED = "fine-tuned"

_LIMIT = 256 << 20
# Checkpoints of other people's trainings also hold what their optimizer knew.
_HDF5_LIMIT = 1 << 30
_DOWNLOAD_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Backbone:
    """Canonical weights and where they came from.

    Attributes:
        source: `drawn`, `imagenet`, `seeded`, `file` or `fine-tuned`.
        sha256: the canonical hash of the weights.
        tensors: float32 arrays by name, such as `conv2d_07/kernel`.
    """

    source: str
    sha256: str
    tensors: Tensors


def obtain(source: str, *, home: Path) -> Backbone:
    """Get the weights of a source and store them under `home`, for every later `load`.

    Args:
        source: `drawn`, `imagenet`, `seeded`, or the path of a file: `.weights.h5` or `.h5` for
            `keras.applications.InceptionV3(include_top=False)`, or `.safetensors`, canonical or as
            a pretraining writes it.
        home: kaolabel's own folder.

    Returns:
        The backbone. Seeded weights are not stored, as they can always be generated again; drawn
        ones are, as those of another release may differ.

    Raises:
        UnavailableError: the ImageNet weights could not be downloaded.
        ModelError: the file is missing, damaged, or made for something else.
    """
    if source == SEEDED:
        return _backbone(SEEDED, seeded.generate())
    if source == DRAWN:
        backbone = _backbone(DRAWN, drawn.load())
    elif source == IMAGENET:
        backbone = _backbone(IMAGENET, _imagenet())
    else:
        backbone = _backbone(FILE, _from_file(Path(source)))
    # Also where it is there already, as what is there may be damaged.
    tensor_files.save(backbone.tensors, stored_path(backbone.sha256, home=home))
    return backbone


def store(tensors: Tensors, *, home: Path) -> Backbone:
    """Keep fine-tuned weights under `home`, for every later `load`.

    Args:
        tensors: complete canonical weights.
        home: kaolabel's own folder.

    Returns:
        The backbone, of source `fine-tuned`.

    Raises:
        ModelError: the weights are not those of Inception V3.
    """
    fill(network(ANY_SIZE), tensors)
    backbone = _backbone(FINE_TUNED, tensors)
    tensor_files.save(tensors, stored_path(backbone.sha256, home=home))
    return backbone


def load(source: str, sha256: str, *, home: Path) -> Backbone:
    """Load weights that an embedder names.

    Args:
        source: `drawn`, `imagenet`, `seeded`, `file` or `fine-tuned`, as recorded.
        sha256: the canonical hash that the weights must have.
        home: kaolabel's own folder.

    Returns:
        The backbone.

    Raises:
        ModelError: the stored weights are missing or damaged.
    """
    path = stored_path(sha256, home=home)
    if source == SEEDED:
        tensors: Tensors = seeded.generate()
    elif path.exists():
        tensors = tensor_files.load(path, limit=_LIMIT)
    elif source == DRAWN and drawn.identify().sha256 == sha256:
        tensors = drawn.load()
    else:
        raise ModelError(
            f"the backbone weights {sha256[:12]} are not at {path}; copy that file from the "
            "machine that trained the model, or train again here"
        )
    if tensor_files.digest(tensors) != sha256:
        raise ModelError(
            f"the backbone weights {sha256[:12]} ({source}) do not match their SHA-256; "
            f"delete {path} and copy it again from the machine that trained the model"
        )
    return Backbone(source, sha256, tensors)


def stored_path(sha256: str, *, home: Path) -> Path:
    """Name the file that holds weights.

    Args:
        sha256: their canonical hash.
        home: kaolabel's own folder.

    Returns:
        A path under `home`, whether or not it exists.
    """
    return home / "backbones" / f"{sha256}.safetensors"


def _backbone(source: str, tensors: Tensors) -> Backbone:
    return Backbone(source, tensor_files.digest(tensors), tensors)


def _imagenet() -> Tensors:
    import_keras()
    try:
        with _download():
            return read(network(ANY_SIZE, weights=IMAGENET))
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise UnavailableError(
            "the ImageNet weights could not be downloaded; connect to the internet, or choose "
            "`--backbone drawn` or `--backbone FILE`"
        ) from error


@contextlib.contextmanager
def _download() -> Iterator[None]:
    """Let Keras download: with a time limit, and its progress bar where logs belong."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _from_file(path: Path) -> Tensors:
    if not path.is_file():
        raise ModelError(
            f"there is no backbone file {path}; give `drawn`, `imagenet`, `seeded` or the path of a"
            " file"
        )
    if path.suffix == ".safetensors":
        if tensor_files.read_about(path):
            return drawn.load(path)
        tensors: Tensors = tensor_files.load(path, limit=_LIMIT)
        fill(network(ANY_SIZE), tensors)
        return tensors
    return _from_keras_file(path)


def _from_keras_file(path: Path) -> Tensors:
    model = network(ANY_SIZE)
    try:
        require_plain(path, limit=_HDF5_LIMIT)
        with warnings.catch_warnings():
            # Keras only warns of a layer that the file lacks, and would leave it untrained.
            warnings.simplefilter("error", UserWarning)
            # Weights alone: of all of Keras' loaders this one makes no layers, and so runs no code.
            model.load_weights(path)
    except ModelError:
        raise
    except Exception as error:  # Keras and h5py raise whatever they stumble over
        raise ModelError(
            f"{path} does not hold weights for keras.applications.InceptionV3(include_top=False); "
            "choose another file, or `--backbone drawn`"
        ) from error
    tensors = read(model)
    if not all(np.isfinite(values).all() for values in tensors.values()):
        raise ModelError(f"{path} holds numbers that are not finite; choose another file")
    return tensors
