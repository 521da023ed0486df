"""Named tensors: their canonical hash, and the safetensors files that hold them.

Nothing but numbers can come out of such a file: neither code nor objects.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from db.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

FLOAT32 = np.dtype(np.float32)

_ABOUT = "kaolabel"


def digest(tensors: Mapping[str, NDArray[Any]]) -> str:
    """Hash names, types, shapes and values in the order of the names; no file format takes part.

    Args:
        tensors: arrays of numbers by name.

    Returns:
        SHA-256 as 64 hexadecimal digits.
    """
    sha = hashlib.sha256()
    for name in sorted(tensors):
        given = np.asarray(tensors[name])
        values = np.ascontiguousarray(given, dtype=given.dtype.newbyteorder("<"))
        # The type of float32 goes without saying, so that the hashes of backbones, by which
        # embeddings are stored, stay what they were before there were other types.
        kind = [] if given.dtype == FLOAT32 else [given.dtype.name]
        sha.update(json.dumps([name, list(values.shape), *kind]).encode() + b"\n")
        sha.update(values.data)
    return sha.hexdigest()


def save(tensors: Mapping[str, NDArray[Any]], path: Path, *, about: str | None = None) -> None:
    """Write a safetensors file that appears whole or not at all.

    Args:
        tensors: arrays of numbers by name.
        path: the file; its folder is made where it is missing.
        about: a text that goes into its header, for `read_about`.
    """
    # One entry, as several would come in another order each time.
    header = None if about is None else {_ABOUT: about}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        arrays = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
        save_file(arrays, draft, metadata=header)
        os.replace(draft, path)  # noqa: PTH105  # mkstemp names the draft by a string
    except BaseException:
        os.unlink(draft)  # noqa: PTH108  # as above
        raise


def load(
    path: Path, *, limit: int, dtypes: Collection[np.dtype[Any]] = (FLOAT32,)
) -> dict[str, NDArray[Any]]:
    """Read a safetensors file that may be damaged or hostile.

    Args:
        path: the file.
        limit: the most bytes that such a file may have.
        dtypes: the types that a tensor may have.

    Returns:
        Arrays of these types by name, every floating-point value finite.

    Raises:
        ModelError: the file is missing, too large, damaged, or holds anything else.
    """
    try:
        if path.stat().st_size > limit:
            raise ModelError(f"{path} is larger than the {limit} bytes that it may have")
        tensors: dict[str, NDArray[Any]] = load_file(path)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path} cannot be read as safetensors: {error}") from error
    for name, values in tensors.items():
        if values.dtype not in dtypes or not np.isfinite(values).all():
            allowed = " or ".join(dtype.name for dtype in dtypes)
            raise ModelError(f"{path}: tensor {name!r} is not made of finite {allowed} numbers")
    return tensors


def read_about(path: Path) -> str:
    """Read the text in the header of a safetensors file, and nothing else of it.

    Args:
        path: the file.

    Returns:
        What `save` was told about it; empty if nothing.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return str((file.metadata() or {}).get(_ABOUT, ""))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read as safetensors: {error}") from error
