"""Where the fuzzer starts: small sound images of every format, encoded by Pillow and OpenCV."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_WIDTH, _HEIGHT = 24, 18
_ORIENTATION = 0x0112
_ENCODED_BY_OPENCV = (".png", ".jpg", ".webp", ".bmp", ".tiff", ".ppm", ".avif")
# Mode of the pixels, name of the container, options of the encoder.
_SAVED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("RGB", "JPEG", {}),
    ("RGB", "JPEG", {"progressive": True}),
    ("RGB", "JPEG", {"subsampling": 0, "restart_marker_blocks": 2}),
    ("L", "JPEG", {}),
    ("CMYK", "JPEG", {}),
    ("1", "PNG", {}),
    ("L", "PNG", {}),
    ("P", "PNG", {"transparency": 3}),
    ("RGB", "PNG", {"transparency": (255, 0, 0)}),
    ("RGBA", "PNG", {}),
    ("LA", "PNG", {}),
    ("P", "GIF", {"transparency": 2}),
    ("P", "GIF", {"interlace": 1}),
    ("RGB", "WEBP", {}),
    ("RGBA", "WEBP", {}),
    ("RGBA", "WEBP", {"lossless": True}),
    ("1", "BMP", {}),
    ("P", "BMP", {}),
    ("RGBA", "BMP", {}),
    ("RGBA", "AVIF", {}),
    ("1", "TIFF", {"compression": "group4"}),
    ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    ("RGBA", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ("RGB", "TIFF", {"compression": "jpeg"}),
    ("L", "TIFF", {"compression": "packbits"}),
    ("CMYK", "TIFF", {}),
    ("1", "PPM", {}),
    ("L", "PPM", {}),
)


def starts() -> Iterator[bytes]:
    """Files of every format that is decoded, most options of each, none above a few kilobytes."""
    picture = _picture()
    for mode, container, options in _SAVED:
        yield _saved(picture.convert(mode), container, **options)
    for container in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        yield _saved(picture, container, exif=_turned())
    for container in ("GIF", "PNG", "WEBP", "TIFF", "MPO"):
        yield _saved(picture, container, save_all=True, append_images=[picture.rotate(180)])
    for suffix in _ENCODED_BY_OPENCV:
        yield _encoded(suffix, np.asarray(picture))
    for suffix in (".png", ".tiff", ".ppm"):
        yield _encoded(suffix, np.asarray(picture).astype(np.uint16) * 257)
    yield b"P3\n2 1\n255\n255 0 0 0 0 255\n"


def write(folder: Path) -> None:
    """Put the files into a folder, each under the hash of its bytes, as libFuzzer does."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in starts():
        (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def _picture() -> Image.Image:
    rows, columns = np.mgrid[:_HEIGHT, :_WIDTH]
    channels = (rows * 14 % 256, columns * 10 % 256, (rows // 6 + columns // 8) % 2 * 255)
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = 6
    return exif


def _saved(image: Image.Image, container: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, container, **options)
    return buffer.getvalue()


def _encoded(suffix: str, pixels: NDArray[Any]) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
