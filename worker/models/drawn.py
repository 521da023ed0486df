"""The weights that come with kaolabel: Inception V3, pretrained on faces that kaolabel has drawn.

Their file is small. It holds the layers up to the deepest one that was trained, in fewer bits than
canonical weights have: each kernel as int8 or float16, times a float32 number for each of its
output channels. What it does not hold is seeded, so that the weights are complete for every use.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from db.errors import ModelError
from worker.models import tensors as tensor_files
from worker.models.network import fill, import_keras, network, variables
from worker.models.seeded import ANY_SIZE, fill_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from worker.models.network import Tensors

SHIPPED = Path(__file__).parent / "weights" / "drawn.safetensors"

FORMAT = 1
# The largest number that a kernel's greatest weight becomes. Those of float16 are dense below 1.
ENCODINGS = {"int8": 127.0, "float16": 1.0}

_LIMIT = 64 << 20
_DTYPES = tuple(np.dtype(name) for name in (*ENCODINGS, "float32"))
_KERNEL, _SCALE = "/kernel", "/scale"


@dataclass(frozen=True, slots=True)
class About:
    """What the header of such a file says.

    Attributes:
        sha256: the canonical hash of the weights that `load` gives.
        deepest: the deepest layer that it holds, such as `mixed5`.
        encoding: `int8` or `float16`.
        format: of the file.
    """

    sha256: str
    deepest: str
    encoding: str
    format: int = FORMAT


def save(tensors: Tensors, path: Path, *, deepest: str, encoding: str = "float16") -> About:
    """Write weights as they come with kaolabel; the same weights give the same file.

    Args:
        tensors: complete canonical weights.
        path: the file; `SHIPPED` is where it comes from.
        deepest: the deepest layer that was trained, such as `mixed5`; all above it is dropped.
        encoding: of the kernels, `int8` or `float16`.

    Returns:
        What was written, whose hash differs from that of `tensors`, as the encoding rounds.

    Raises:
        ModelError: the weights are not those of Inception V3, or not finite.
        ValueError: there is no such layer or encoding.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"the encoding must be {' or '.join(ENCODINGS)}, not {encoding!r}")
    if not all(np.isfinite(values).all() for values in tensors.values()):
        raise ModelError("the weights hold numbers that are not finite; train them again")
    packed: dict[str, NDArray[Any]] = {}
    for name in _names(tensors, deepest):
        packed |= _packed(name, tensors[name], encoding)
    sha256 = tensor_files.digest(fill_up(_unpacked(packed)))
    about = About(sha256, deepest, encoding)
    tensor_files.save(packed, path, about=json.dumps(asdict(about)))
    # Whoever installs it, others read it.
    path.chmod(0o644)
    return about


def load(path: Path = SHIPPED) -> Tensors:
    """Read weights as they come with kaolabel; the same bits on every machine.

    Args:
        path: what `save` has written.

    Returns:
        Complete canonical weights.

    Raises:
        ModelError: the file is missing or damaged.
    """
    about = identify(path)
    try:
        packed = tensor_files.load(path, limit=_LIMIT, dtypes=_DTYPES)
        tensors = fill_up(_unpacked(packed))
    except (ModelError, KeyError, ValueError) as error:
        raise _damaged(path) from error
    # Names, shapes and values are right if this is.
    if tensor_files.digest(tensors) != about.sha256:
        raise _damaged(path)
    return tensors


def identify(path: Path = SHIPPED) -> About:
    """Tell which weights a file holds, without loading them.

    Args:
        path: what `save` has written.

    Raises:
        ModelError: the file is missing, or its header damaged.
    """
    try:
        about = About(**json.loads(tensor_files.read_about(path)))
    except (ModelError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    if about.format != FORMAT:
        raise _damaged(path)
    return about


def _damaged(path: Path) -> ModelError:
    if path == SHIPPED:
        return ModelError(
            f"the weights that come with kaolabel are missing or damaged at {path}; install it"
            " again"
        )
    return ModelError(
        f"{path} does not hold the weights that its header names; choose another file, or"
        " `--backbone drawn`"
    )


def _names(tensors: Tensors, deepest: str) -> list[str]:
    """Names of the tensors of a layer and all below it, once all have proved to fit."""
    whole = network(ANY_SIZE)
    fill(whole, tensors)
    body = import_keras().Model(whole.input, whole.get_layer(deepest).output)
    held = {id(variable) for variable in body.weights}
    return [name for name, variable in variables(whole).items() if id(variable) in held]


def _packed(name: str, values: NDArray[np.float32], encoding: str) -> dict[str, NDArray[Any]]:
    if not name.endswith(_KERNEL):
        return {name: values}
    largest = np.abs(values).max(axis=tuple(range(values.ndim - 1)))
    scale = np.where(largest > 0, largest / np.float32(ENCODINGS[encoding]), np.float32(1))
    scaled = values / scale
    rounded = np.rint(scaled) if encoding == "int8" else scaled
    return {name: rounded.astype(encoding), name.removesuffix(_KERNEL) + _SCALE: scale}


def _unpacked(packed: Mapping[str, NDArray[Any]]) -> Tensors:
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, values in packed.items():
        if name.endswith(_KERNEL):
            scale = packed[name.removesuffix(_KERNEL) + _SCALE]
            # One product of two float32 numbers, which every machine rounds alike.
            tensors[name] = values.astype(np.float32) * scale
        elif not name.endswith(_SCALE):
            tensors[name] = values
    return tensors
