"""A cache of the embeddings of faces' views, so that a second training embeds nothing."""

from __future__ import annotations

import os
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# 1.5 GB of three views each; a training of more faces than this makes fewer copies of them.
MOST_ENTRIES = 100_000

_CHECKSUM_BYTES = 4
_LITTLE_FLOAT16 = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class EmbeddingCache:
    """One file for each face and seed, in a folder for each embedder.

    A file is the CRC-32 of what follows, then the views' embeddings as little-endian float16. It
    appears whole or not at all; one that is damaged all the same counts as missing.

    Attributes:
        folder: the embedder's own; made when the first entry is written.
        dimension: the length of an embedding.
        seed: what the altered copies come from.
        most: entries that `prune` leaves.
    """

    folder: Path
    dimension: int
    seed: int
    most: int = MOST_ENTRIES

    def read(self, key: int) -> NDArray[np.float16]:
        """Read what is known of a face.

        Args:
            key: names the face's pixels.

        Returns:
            float16 (views, d), the face's own first; no views where nothing is known.
        """
        try:
            data = self._path(key).read_bytes()
        except OSError:
            data = b""
        checksum, body = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
        row = self.dimension * _LITTLE_FLOAT16.itemsize
        if len(body) % row or checksum != _checksum(body):
            body = b""
        return np.frombuffer(body, _LITTLE_FLOAT16).reshape(-1, self.dimension).astype(np.float16)

    def write(self, key: int, views: NDArray[np.float16]) -> None:
        """Keep a face's views, in place of what was known of it.

        Args:
            key: names the face's pixels.
            views: float16 (views, d), the face's own first.
        """
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        body = views.astype(_LITTLE_FLOAT16).tobytes()
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        with os.fdopen(handle, "wb") as file:
            file.write(_checksum(body) + body)
        Path(draft).replace(path)

    def prune(self) -> None:
        """Delete the entries that were written first, until no more than `most` are left."""
        entries = list(self.folder.glob("??/*"))
        surplus = len(entries) - self.most
        if surplus <= 0:
            return
        for path in sorted(entries, key=_written)[:surplus]:
            path.unlink(missing_ok=True)

    def _path(self, key: int) -> Path:
        name = f"{key:016x}"
        return self.folder / name[:2] / f"{name}-{self.seed}"


def _checksum(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "little")


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        # Another training pruned it meanwhile.
        return 0.0
