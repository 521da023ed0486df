"""Named float32 tensors: their canonical hash, and the safetensors files that hold them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from db.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def digest(tensors: Mapping[str, NDArray[np.float32]]) -> str:
    """Hash names, shapes and values in the order of the names; no file format takes part.

    Args:
        tensors: float32 arrays by name.

    Returns:
        SHA-256 as 64 hexadecimal digits.
    """
    sha = hashlib.sha256()
    for name in sorted(tensors):
        values = np.ascontiguousarray(tensors[name], dtype="<f4")
        sha.update(json.dumps([name, list(values.shape)]).encode() + b"\n")
        sha.update(values.data)
    return sha.hexdigest()


def save(tensors: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    """Write a safetensors file that appears whole or not at all.

    Args:
        tensors: float32 arrays by name.
        path: the file; its folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        save_file({name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}, draft)
        os.replace(draft, path)  # noqa: PTH105  # mkstemp names the draft by a string
    except BaseException:
        os.unlink(draft)  # noqa: PTH108  # as above
        raise


def load(path: Path, *, limit: int) -> dict[str, NDArray[np.float32]]:
    """Read a safetensors file that may be damaged or hostile.

    Args:
        path: the file.
        limit: the most bytes that such a file may have.

    Returns:
        float32 arrays by name, every value finite.

    Raises:
        ModelError: the file is missing, too large, damaged, or holds anything else.
    """
    try:
        if path.stat().st_size > limit:
            raise ModelError(f"{path} is larger than the {limit} bytes that it may have")
        tensors: dict[str, NDArray[np.float32]] = load_file(path)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path} cannot be read as safetensors: {error}") from error
    for name, values in tensors.items():
        if values.dtype != np.float32 or not np.isfinite(values).all():
            raise ModelError(f"{path}: tensor {name!r} is not made of finite float32 numbers")
    return tensors
