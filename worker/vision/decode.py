"""Turn the bytes of an image file into upright pixels.

The header is read first and decides whether the pixels are worth decoding at all; then one path,
bytes to OpenCV, decodes every format. Runs in a decoder process: hostile bytes may crash it.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from db.errors import UnreadableImageError
from db.records import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# What both Pillow and OpenCV read.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "PPM")
_UNSUPPORTED = (b"\x00\x00\x01\x00", b"8BPS", b"%PDF", b"<svg", b"\xff\x0a", b"\x00\x00\x00\x0c")
_REDUCED = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
)
_OPAQUE = 255
_EXIF_ORIENTATION = 0x0112
_EXIF_IN_PNG = (b"eXIf", b"Raw profile type")
_JPEG_START, _JPEG_END, _JPEG_SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
_TRUNCATED = "the end of the file is missing"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself.

    Attributes:
        format: the container, such as `JPEG`.
        width: in pixels as stored, before any EXIF rotation.
        height: in pixels as stored.
        transparent: whether some pixels may be see-through.
    """

    format: str
    width: int
    height: int
    transparent: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """An upright image.

    Attributes:
        pixels: uint8 (height * scale, width * scale, 3), BGR.
        width: of the upright image at full size, in pixels.
        height: of the upright image at full size, in pixels.
        scale: decoded pixels a pixel of the full size: 1, 1/2, 1/4 or 1/8.
        note: one line on what is wrong with the file though it could be decoded, or None.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    scale: float = 1.0
    note: str | None = None

    def in_pixels(self, box: Box) -> Box:
        """A box of the full-size image, in decoded pixels."""
        height, width = self.pixels.shape[:2]
        x0, y0 = min(int(box.x0 * self.scale), width - 1), min(int(box.y0 * self.scale), height - 1)
        x1, y1 = round(box.x1 * self.scale), round(box.y1 * self.scale)
        return Box(x0, y0, min(max(x1, x0 + 1), width), min(max(y1, y0 + 1), height))


def read_header(data: bytes, *, max_pixels: int) -> Header:
    """Format and size of an image file, without decoding its pixels.

    Args:
        data: the whole file.
        max_pixels: the largest width x height that is worth decoding.

    Raises:
        UnreadableImageError: `empty`, `not_an_image`, `unsupported`, `truncated` (within the
            header), `damaged` or `too_many_pixels`.
    """
    if not data:
        raise UnreadableImageError("empty", "the file has no content")
    try:
        with _own_limit(), Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return _header(image, data, max_pixels)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except MemoryError as error:
        raise UnreadableImageError("too_many_pixels", "its header asks for all memory") from error
    # Pillow's parsers let any error escape from a hostile header, struct.error and KeyError too.
    except Exception as error:
        cut = "runcated" in str(error) or (data.startswith(b"RIFF") and _is_cut(data, "WEBP"))
        reason = "truncated" if cut else "damaged"
        raise UnreadableImageError(reason, f"its header cannot be read: {error}") from error


def decode(data: bytes, header: Header, *, long_side: int) -> Decoded:
    """Upright 8-bit colour pixels, whatever the file holds.

    EXIF orientation is applied; grey, palette and 16-bit images become 8-bit BGR; see-through
    pixels are laid on white, as what they hide is arbitrary (an image that is see-through and
    also rotated by EXIF shows what it hides). Of an animation, the first picture counts. A large
    JPEG is decoded at 1/2, 1/4 or 1/8. A JPEG whose end is missing is decoded as far as it goes.

    Args:
        data: the whole file.
        header: what `read_header` made of it.
        long_side: a reduced JPEG keeps at least this many pixels on its long side.

    Raises:
        UnreadableImageError: `truncated` or `damaged`.
        MemoryError: the pixels do not fit into memory.
    """
    cut = _is_cut(data, header.format)
    if cut and header.format == "JPEG":
        data += _JPEG_END
    reduction, flag = _reduction(header, long_side)
    try:
        pixels = _opaque(data) if header.transparent else _imdecode(data, flag)
    except UnreadableImageError as error:
        raise UnreadableImageError("truncated", _TRUNCATED) if cut else error from error
    width, height = _full_size(header, pixels, reduction)
    return Decoded(pixels, width, height, 1 / reduction, _TRUNCATED if cut else None)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that an allocation failed, in whatever way its library says it."""
    if isinstance(error, cv2.error):
        # A failed allocation of C++ itself carries no code of OpenCV's.
        return error.code == cv2.Error.StsNoMem or "bad_alloc" in str(error)
    return isinstance(error, MemoryError)


def _header(image: Image.Image, data: bytes, max_pixels: int) -> Header:
    # Pillow's name for a JPEG with more pictures behind the first.
    container = "JPEG" if image.format == "MPO" else str(image.format)
    width, height = image.size
    if width < 1 or height < 1:
        raise UnreadableImageError("damaged", f"it claims {width} x {height} pixels")
    if width * height > max_pixels:
        raise UnreadableImageError(
            "too_many_pixels", f"{width} x {height} is more than {max_pixels:,} pixels"
        )
    return Header(container, width, height, _is_transparent(image, data))


@contextmanager
def _own_limit() -> Iterator[None]:
    """Leave the limit on pixels to `read_header`; Pillow's own is fixed and only warns at first."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _is_transparent(image: Image.Image, data: bytes) -> bool:
    if image.mode not in ("RGBA", "LA", "PA", "La", "RGBa") and "transparency" not in image.info:
        return False
    # To look for EXIF behind the pixels of a PNG, Pillow decodes them.
    if image.format == "PNG" and not any(mark in data for mark in _EXIF_IN_PNG):
        return True
    return bool(image.getexif().get(_EXIF_ORIENTATION, 1) == 1)


def _unidentified(data: bytes) -> UnreadableImageError:
    if data.startswith(_UNSUPPORTED) or data[4:8] == b"ftyp":
        return UnreadableImageError("unsupported", "an image format that is not decoded here")
    if data.startswith((_JPEG_START, b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")):
        return UnreadableImageError("damaged", "it starts like an image but has no valid header")
    return UnreadableImageError("not_an_image", "it starts like no known image format")


def _is_cut(data: bytes, container: str) -> bool:
    match container:
        case "JPEG":
            # A thumbnail has an end of its own, but it lies before the picture's scans.
            return data.rfind(_JPEG_END) < max(data.rfind(_JPEG_SCAN), 0)
        case "PNG":
            return b"IEND" not in data
        case "WEBP":
            return int.from_bytes(data[4:8], "little") + 8 > len(data)
        case _:
            return False


def _reduction(header: Header, long_side: int) -> tuple[int, int]:
    if header.format == "JPEG":
        for factor, flag in _REDUCED:
            if max(header.width, header.height) // factor >= long_side:
                return factor, flag
    return 1, cv2.IMREAD_COLOR


def _imdecode(data: bytes, flag: int) -> NDArray[np.uint8]:
    """Pixels as OpenCV decodes them; with IMREAD_UNCHANGED also of other shapes and dtypes."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise UnreadableImageError("damaged", f"OpenCV: {error.err}") from error
    if pixels is None:
        raise UnreadableImageError("damaged", "its pixels cannot be decoded")
    return np.asarray(pixels)


def _opaque(data: bytes) -> NDArray[np.uint8]:
    """Pixels laid on white by their alpha."""
    pixels = _imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.dtype != np.uint8 or pixels.shape[2:] != (4,):
        return _imdecode(data, cv2.IMREAD_COLOR)
    if pixels[:, :, 3].min() == _OPAQUE:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR), np.uint8)
    alpha = cv2.cvtColor(pixels[:, :, 3], cv2.COLOR_GRAY2BGR)
    colour = cv2.multiply(pixels[:, :, :3], alpha, scale=1 / 255)
    return np.asarray(cv2.add(colour, cv2.bitwise_not(alpha)), np.uint8)


def _full_size(header: Header, pixels: NDArray[np.uint8], reduction: int) -> tuple[int, int]:
    """Upright (width, height); EXIF turned the picture if its long side is the other one now."""
    height, width = pixels.shape[:2]
    if reduction == 1:
        return width, height
    turned = (width > height) != (header.width > header.height)
    return (header.height, header.width) if turned else (header.width, header.height)
