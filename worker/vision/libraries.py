"""Which libraries decode images here; told without loading any of them."""

from __future__ import annotations

from functools import cache
from importlib import metadata

# What parses an archive's bytes, by the name of its distribution.
_LIBRARIES = {"opencv": "opencv-python-headless", "pillow": "pillow"}


@cache
def decoder() -> str:
    """The decoding libraries that are installed here, such as `opencv 4.14.0.90, pillow 11.3.0`.

    Stored with what they said of an image, so that a newer one can be asked again.
    """
    return ", ".join(f"{name} {_version(package)}" for name, package in _LIBRARIES.items())


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # Built from source, or packaged under another name: it decodes all the same.
        return "of unknown version"
