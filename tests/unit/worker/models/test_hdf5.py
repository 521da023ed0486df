"""HDF5 files that reach out of themselves, or for all memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from db.errors import ModelError
from worker.models.hdf5 import require_plain

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds one small tensor."""
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars/0"] = np.zeros((2, 3), np.float32)
    return path


def test_numbers_within_the_file_are_plain(path: Path) -> None:
    """A file of tensors passes, up to the very limit."""
    require_plain(path, limit=2 * 3 * 4)
    with pytest.raises(ModelError, match="claims more than 23 bytes"):
        require_plain(path, limit=23)


def test_a_tensor_of_another_file_is_refused(path: Path, tmp_path: Path) -> None:
    """Weights are not read from wherever a file points, be it by link, layout or raw storage."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret" * 4)
    layout = h5py.VirtualLayout((2, 3), np.float32)
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "a", (2, 3))
    for kind in ("raw", "virtual", "external link", "soft link"):
        with h5py.File(path, "w") as file:
            match kind:
                case "raw":
                    file.create_dataset("a", (2,), np.float32, external=[(secret, 0, 8)])
                case "virtual":
                    file.create_virtual_dataset("a", layout)
                case "external link":
                    file["a"] = h5py.ExternalLink(tmp_path / "other.h5", "/a")
                case _:
                    file["a"] = h5py.SoftLink("/b")
        with pytest.raises(ModelError, match=r"elsewhere|links to other data"):
            require_plain(path, limit=LIMIT)


def test_a_tensor_that_no_memory_holds_is_refused(path: Path) -> None:
    """A file of some kilobytes that claims a terabyte is not taken at its word."""
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (1 << 38,), np.float32, chunks=(1024,))
    assert path.stat().st_size < LIMIT
    with pytest.raises(ModelError, match="claims more than"):
        require_plain(path, limit=LIMIT)


def test_a_file_of_another_kind_is_no_plain_one(path: Path) -> None:
    """What is no HDF5 is an error of the system, for the caller to word."""
    path.write_bytes(b"PK\x03\x04" * 50)
    with pytest.raises(OSError, match="signature"):
        require_plain(path, limit=LIMIT)
