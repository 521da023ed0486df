"""A look into an HDF5 file before Keras reads it: nothing but numbers, and all within the file.

Such a file can name other files of this machine as its data, and can claim tensors that no memory
holds without being large itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def require_plain(path: Path, *, limit: int) -> None:
    """Look at every dataset's description, and read none.

    Args:
        path: an HDF5 file that may be damaged or hostile.
        limit: the most bytes that all its tensors may take in memory.

    Raises:
        ModelError: it refers to data outside of itself, or holds more than `limit` bytes.
        OSError: it is no HDF5 file, or is damaged.
    """
    # Every worker loads this module, and only a training reads such a file.
    import h5py

    total = 0
    with h5py.File(path, "r") as file:
        for name, link in _links(file):
            if not isinstance(link, h5py.HardLink):
                raise ModelError(f"{path} links to other data at {name!r}; choose another file")
            entry = file[name]
            if isinstance(entry, h5py.Dataset):
                if entry.external or entry.is_virtual:
                    raise ModelError(f"{path} has its {name!r} elsewhere; choose another file")
                total += entry.nbytes
            if total > limit:
                raise ModelError(f"{path} claims more than {limit:,} bytes; choose another file")


def _links(file: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    file.visititems_links(lambda name, link: found.append((name, link)))
    return found
