"""Files of an archive as URLs."""

from __future__ import annotations

from urllib.parse import quote


def file_url(root: bytes, path: bytes = b"") -> str:
    """The URL of a file of the archive, every byte kept."""
    return f"file://{quote(root.rstrip(b'/') + b'/' + path)}"
