"""Bytes to upright pixels, and what becomes of bytes that are no image."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from db.errors import UnreadableImageError
from db.records import Box
from worker.vision.decode import Decoded, decode, read_header

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA = Path(os.environ.get("KAOLABEL_DEV_DATA", Path(__file__).parents[5] / "shared"))
HOSTILE = DATA / "data" / "hostile"
MAX_PIXELS = 50_000_000
REASONS = {"empty", "not_an_image", "too_many_pixels", "truncated", "damaged", "unsupported"}
RED, WHITE = (0, 0, 255), (255, 255, 255)


def _quarters(width: int, height: int) -> NDArray[np.uint8]:
    """RGB pixels: red at top left, blue at top right, green at bottom left, else white."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 0, 255)
    pixels[height // 2 :, : width // 2] = (0, 255, 0)
    return pixels


def _save(image: Image.Image, container: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, container, **options)
    return buffer.getvalue()


def _decode(data: bytes, *, long_side: int = 1600) -> Decoded:
    return decode(data, read_header(data, max_pixels=MAX_PIXELS), long_side=long_side)


def _reason(data: bytes, *, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        decode(data, read_header(data, max_pixels=max_pixels), long_side=1600)
    return caught.value.reason


def _outcome(data: bytes) -> str:
    """The reason, or `decoded` for sound pixels."""
    try:
        decoded = _decode(data)
    except UnreadableImageError as error:
        return error.reason
    sound = decoded.pixels.shape == (decoded.height, decoded.width, 3)
    return "decoded" if sound and decoded.pixels.dtype == np.uint8 else "odd pixels"


def _near(pixel: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 12)


@pytest.mark.parametrize("container", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "PPM"])
def test_every_allowed_format_decodes_to_bgr(container: str) -> None:
    """Each format that the header reader lets through is decoded, blue channel first."""
    data = _save(Image.fromarray(_quarters(64, 48)), container)
    header = read_header(data, max_pixels=MAX_PIXELS)
    decoded = decode(data, header, long_side=1600)
    assert (header.format, header.width, header.height) == (container, 64, 48)
    assert decoded.pixels.shape == (48, 64, 3)
    assert decoded.pixels.dtype == np.uint8
    assert (decoded.width, decoded.height, decoded.scale, decoded.note) == (64, 48, 1.0, None)
    assert _near(decoded.pixels[8, 8], RED)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("long_side", [1600, 200])
def test_exif_orientation_is_applied_at_any_reduction(orientation: int, long_side: int) -> None:
    """A photograph stored in any of the eight orientations comes out upright, with its size."""
    upright = Image.fromarray(_quarters(803, 605))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = _decode(_save(stored, "JPEG", exif=exif), long_side=long_side)
    assert (decoded.width, decoded.height) == (803, 605)
    assert decoded.scale == (1.0 if long_side == 1600 else 0.25)
    assert decoded.pixels.shape[:2] == (
        -(-605 // round(1 / decoded.scale)),
        -(-803 // round(1 / decoded.scale)),
    )
    assert _near(decoded.pixels[8, 8], RED)


@pytest.mark.parametrize(
    ("long_side", "scale"), [(1600, 1.0), (1000, 0.5), (500, 0.25), (250, 0.125), (10, 0.125)]
)
def test_a_large_jpeg_is_reduced_no_further_than_asked(long_side: int, scale: float) -> None:
    """The strongest of 1/2, 1/4 and 1/8 that keeps the asked long side is taken."""
    decoded = _decode(_save(Image.fromarray(_quarters(2000, 1000)), "JPEG"), long_side=long_side)
    assert decoded.scale == scale
    assert decoded.pixels.shape == (1000 * scale, 2000 * scale, 3)
    assert (decoded.width, decoded.height) == (2000, 1000)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "I;16"])
def test_other_colour_modes_become_bgr(mode: str) -> None:
    """Black and white, grey, palette, print and 16-bit images come out as 8-bit colour."""
    image = Image.fromarray(_quarters(40, 30)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    decoded = _decode(_save(image, "TIFF" if mode == "CMYK" else "PNG"))
    assert decoded.pixels.shape == (30, 40, 3)
    assert decoded.pixels.dtype == np.uint8
    assert _near(decoded.pixels[25, 35], WHITE)


@pytest.mark.parametrize("container", ["PNG", "WEBP", "TIFF", "GIF"])
def test_transparent_pixels_are_laid_on_white(container: str) -> None:
    """Black that is fully see-through shows as white, and opaque colour stays."""
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[8:24, 8:24] = (255, 0, 0, 255)
    decoded = _decode(_save(Image.fromarray(rgba), container, lossless=True))
    assert _near(decoded.pixels[2, 2], WHITE)
    assert _near(decoded.pixels[16, 16], RED)


def test_an_alpha_channel_that_hides_nothing_changes_nothing() -> None:
    """An image that could be see-through but is opaque everywhere keeps its colours."""
    rgba = np.dstack([_quarters(20, 16), np.full((16, 20), 255, np.uint8)])
    decoded = _decode(_save(Image.fromarray(rgba), "PNG"))
    assert np.array_equal(decoded.pixels, rgba[:, :, 2::-1])


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    """A pixel of alpha one half lies half way between its colour and white, at 8 and 16 bit."""
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:] = (0, 0, 200, 128)
    deep = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA).astype(np.uint16) * 257)
    assert _near(_decode(_save(Image.fromarray(rgba), "PNG")).pixels[4, 4], (227, 127, 127))
    assert _near(_decode(deep[1].tobytes()).pixels[4, 4], (227, 127, 127))


def test_a_jpeg_without_its_end_is_decoded_and_noted() -> None:
    """A JPEG that lacks its last half is decoded as far as it goes, and says so."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = _save(Image.fromarray(noise), "JPEG")
    whole, half = _decode(data), _decode(data[: len(data) // 2])
    assert whole.note is None
    assert half.note is not None
    assert half.pixels.shape == whole.pixels.shape
    assert np.array_equal(half.pixels[:8], whole.pixels[:8])


def test_bytes_behind_the_end_of_a_jpeg_do_no_harm() -> None:
    """A JPEG with something appended is neither cut nor noted."""
    data = _save(Image.fromarray(_quarters(64, 48)), "JPEG")
    assert _decode(data + b"appended \xff\xff\x00" * 9).note is None


def test_a_thumbnail_does_not_hide_that_the_end_is_missing() -> None:
    """The end mark of an embedded thumbnail is not taken for the picture's own."""
    thumbnail = _save(Image.fromarray(_quarters(16, 16)), "JPEG")
    comment = b"\xff\xfe" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    data = _save(Image.fromarray(_quarters(64, 48)), "JPEG")
    assert _decode(data[:2] + comment + data[2:-2]).note is not None


@pytest.mark.parametrize("container", ["PNG", "WEBP"])
def test_a_cut_file_is_read_with_a_note_or_called_truncated(container: str) -> None:
    """Half a PNG or WebP is never passed off as a whole image."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = _save(Image.fromarray(noise), container)
    half = data[: len(data) // 2]
    try:
        note = _decode(half).note
    except UnreadableImageError as error:
        note = error.reason
    assert note is not None
    assert note in ("truncated", "the end of the file is missing")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<!doctype html><title>404</title>", "not_an_image"),
        (bytes(4096), "not_an_image"),
        (b"\x00\x00\x01\x00\x01\x00" + bytes(64), "unsupported"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(64), "unsupported"),
        (b"\xff\xd8\xff\xe0", "damaged"),
    ],
)
def test_bytes_that_are_no_image_have_a_reason(data: bytes, reason: str) -> None:
    """Each kind of unusable bytes has a code of its own."""
    assert _reason(data) == reason


def test_a_jpeg_cut_within_its_header_is_truncated() -> None:
    """A download that stopped before the first pixel is called truncated."""
    data = _save(Image.fromarray(_quarters(64, 48)), "JPEG")
    assert _reason(data[:100]) == "truncated"


def test_too_many_pixels_are_refused_by_the_header_alone() -> None:
    """A tiny file that claims 900 megapixels is refused, whatever Pillow's own limit is."""
    data = bytearray(_save(Image.fromarray(_quarters(64, 48)), "BMP"))
    data[18:26] = (30_000).to_bytes(4, "little") * 2
    assert _reason(bytes(data)) == "too_many_pixels"
    assert read_header(bytes(data), max_pixels=900_000_000).width == 30_000


def test_a_header_is_read_without_the_pixels() -> None:
    """A see-through PNG is measured, and refused for its size, though its pixels are damaged."""
    data = bytearray(_save(Image.new("RGBA", (64, 48)), "PNG"))
    start = data.index(b"IDAT")
    data[start + 4 : start + 12] = bytes(8)
    header = read_header(bytes(data), max_pixels=64 * 48)
    assert (header.width, header.height, header.transparent) == (64, 48, True)
    assert _reason(bytes(data), max_pixels=64 * 48 - 1) == "too_many_pixels"
    assert _reason(bytes(data)) == "damaged"


@pytest.mark.parametrize("orientation", [1, 6])
def test_exif_behind_the_pixels_is_found(orientation: int) -> None:
    """A see-through PNG that is turned says so even where its EXIF stands at its end."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _save(Image.new("RGBA", (64, 48)), "PNG", exif=exif)
    start, pixels = data.index(b"eXIf") - 4, data.index(b"IDAT") - 4
    end = data.index(b"IEND") - 4
    moved = data[:start] + data[pixels:end] + data[start:pixels] + data[end:]
    assert read_header(moved, max_pixels=MAX_PIXELS).transparent == (orientation == 1)


def test_the_limit_counts_the_very_last_pixel() -> None:
    """An image of exactly the allowed size passes and one pixel less allowed refuses it."""
    data = _save(Image.fromarray(_quarters(64, 48)), "PNG")
    assert read_header(data, max_pixels=64 * 48).height == 48
    assert _reason(data, max_pixels=64 * 48 - 1) == "too_many_pixels"


def test_a_box_maps_into_reduced_pixels() -> None:
    """Boxes of the full size are scaled and clipped, and never become empty."""
    decoded = Decoded(np.zeros((50, 101, 3), np.uint8), 803, 400, 0.125)
    assert decoded.in_pixels(Box(80, 160, 160, 240)) == Box(10, 20, 20, 30)
    assert decoded.in_pixels(Box(0, 0, 803, 400)) == Box(0, 0, 100, 50)
    assert decoded.in_pixels(Box(802, 399, 803, 400)) == Box(100, 49, 101, 50)


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="needs the hostile files: set KAOLABEL_DEV_DATA")
def test_every_hostile_file_is_decoded_or_unreadable() -> None:
    """Each of the hostile files gives pixels or a reason, and no other error escapes."""
    files = sorted(HOSTILE.iterdir())
    assert len(files) == 256
    assert {_outcome(file.read_bytes()) for file in files} <= REASONS | {"decoded"}
