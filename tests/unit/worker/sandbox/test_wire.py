"""The frames between a worker and its decoders, also when the sender is hostile."""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.records import Box, Crop, DetectedFace, Outcome
from worker.sandbox.examined import Examined, ExaminedFace
from worker.sandbox.limits import Limits, Order
from worker.sandbox.wire import MAX_FACES, MAX_HEAD, pack, read_frame, unpack, write_frame

ORDER = Order("[]", Limits(max_pixels=10_000), input_size=4)

# Sides in pixels of the image, and of the crop, of all reports here.
SIDE, CROP = 100, 40


def jpeg(width: int, height: int, *options: int) -> bytes:
    """A grey JPEG of that size."""
    return cv2.imencode(".jpg", np.full((height, width, 3), 99, np.uint8), options)[1].tobytes()


CROP_JPEG, PREVIEW_JPEG = jpeg(CROP, CROP), jpeg(160, 120)


def boxes(side: int) -> st.SearchStrategy[Box]:
    """Any box within a square."""
    spans = st.tuples(st.integers(0, side), st.integers(0, side)).filter(lambda s: s[0] != s[1])
    return st.tuples(spans, spans).map(lambda s: Box(min(s[0]), min(s[1]), max(s[0]), max(s[1])))


faces = st.builds(
    ExaminedFace,
    st.builds(
        DetectedFace,
        boxes(SIDE),
        st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    st.builds(Crop, st.just(CROP_JPEG), boxes(CROP)),
    st.binary(min_size=48, max_size=48).map(
        lambda pixels: np.frombuffer(pixels, np.uint8).reshape(4, 4, 3)
    ),
)
details = st.none() | st.text(max_size=2000)
with_faces = st.builds(
    Examined,
    outcome=st.just(Outcome.FACES),
    detail=details,
    width=st.just(SIDE),
    height=st.just(SIDE),
    format=st.just("PNG"),
    faces=st.lists(faces, min_size=1, max_size=3).map(tuple),
)
without_faces = st.builds(
    Examined,
    outcome=st.just(Outcome.NO_FACE),
    reason=st.just("no_face_found"),
    detail=details,
    width=st.integers(1, SIDE),
    height=st.integers(1, SIDE),
    format=st.sampled_from(["JPEG", "WEBP"]),
    preview=st.none() | st.just(PREVIEW_JPEG),
)
without_pixels = st.builds(
    Examined,
    outcome=st.just(Outcome.UNREADABLE),
    reason=st.sampled_from(["empty", "not_an_image", "damaged"]),
    detail=details,
)
reports = with_faces | without_faces | without_pixels


def fields(report: Examined) -> tuple[Any, ...]:
    """Everything of a report, comparable."""
    found = [(f.face, f.crop, f.pixels.shape, f.pixels.tobytes()) for f in report.faces]
    sizes = (report.width, report.height, report.format)
    return (report.outcome, report.reason, report.detail, sizes, report.preview, found)


@given(reports)
def test_reports_come_back_as_they_were(report: Examined) -> None:
    """Whatever a decoder reports, its worker reads the same."""
    assert fields(unpack(*pack(report), ORDER)) == fields(report)


def test_a_long_detail_is_cut_and_not_refused() -> None:
    """What a library says at length of an image does not make its report a hostile one."""
    report = Examined(Outcome.UNREADABLE, reason="damaged", detail="x" * 5000)
    assert unpack(*pack(report), ORDER).detail == "x" * 2000


def test_a_report_of_the_most_faces_fits() -> None:
    """As many faces as a decoder may report are read, and one more is refused."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    face = DetectedFace(Box(0, 0, SIDE, SIDE), "n" * 40, -1.2345678901234567e-100)
    one = ExaminedFace(face, Crop(CROP_JPEG, Box(0, 0, CROP, CROP)), pixels)

    def frames(count: int) -> tuple[bytes, bytes]:
        return pack(Examined(Outcome.FACES, None, None, SIDE, SIDE, "PNG", (one,) * count))

    assert len(unpack(*frames(MAX_FACES), ORDER).faces) == MAX_FACES
    assert len(frames(MAX_FACES)[0]) < MAX_HEAD
    with pytest.raises(ValueError, match="too many"):
        unpack(*frames(MAX_FACES + 1), ORDER)


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_frames_come_back_as_they_were(parts: list[bytes]) -> None:
    """Parts of a frame are read as one, and the next frame is not touched."""
    stream = io.BytesIO()
    write_frame(stream, *parts)
    write_frame(stream, b"next")
    stream.seek(0)
    assert read_frame(stream.read) == b"".join(parts)
    assert read_frame(stream.read) == b"next"


def test_a_frame_over_the_limit_is_refused_unread() -> None:
    """A length that a hostile decoder made up allocates nothing."""
    stream = io.BytesIO(b"\xff\xff\xff\xff" + b"x")
    with pytest.raises(ValueError, match="over the limit of 1000"):
        read_frame(stream.read, limit=1000)
    assert stream.read() == b"x"


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_bytes_that_are_no_report_are_refused(head: bytes, body: bytes) -> None:
    """Garbage is a ValueError and nothing else, so that its decoder can be ended."""
    with pytest.raises(ValueError):  # noqa: PT011  # of whatever text
        unpack(head, body, ORDER)


PIXELS = bytes(48)
FACE: dict[str, Any] = {"box": [0, 0, 9, 9], "detector": "lbp", "score": 1.5, "inner": [1, 1, 8, 8]}
GOOD: dict[str, Any] = {
    "outcome": "faces",
    "reason": None,
    "detail": None,
    "width": SIDE,
    "height": SIDE,
    "format": "PNG",
    "faces": [FACE],
    "blobs": [len(CROP_JPEG), 48, 0],
    "seconds": {"decode": 0.01, "detect": 0.1},
}
EMPTY = {**GOOD, "outcome": "no_face", "reason": "no_face_found", "faces": [], "blobs": [0]}


def read(head: Any, body: bytes = CROP_JPEG + PIXELS) -> Examined:
    """What a worker makes of frames that a decoder sends."""
    return unpack(json.dumps(head).encode(), body, ORDER)


def test_the_reports_that_others_are_spoilt_from_are_good() -> None:
    """The hostile reports below are refused for what is wrong with them."""
    assert read(GOOD).faces[0].crop.inner == Box(1, 1, 8, 8)
    assert read(EMPTY, b"").outcome == Outcome.NO_FACE


NO_NUMBERS: list[Any] = [
    None,
    True,
    False,
    "9",
    1.0,
    -1,
    0,
    2**31,
    2**70,
    [],
    {},
    math.nan,
    math.inf,
]


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "great"},
        {"outcome": None},
        {"outcome": ["faces"]},
        {"outcome": "no_face"},
        {"outcome": "unreadable", "reason": "damaged"},
        {"outcome": "quarantined", "reason": "decoder_memory"},
        {"detail": 7},
        {"detail": ["x"]},
        {"detail": "x" * 2001},
        *({"width": number} for number in NO_NUMBERS),
        *({"height": number} for number in NO_NUMBERS),
        {"width": 101},
        {"width": 8},
        {"width": None, "height": None},
        {"format": None},
        {"format": 5},
        {"format": "png"},
        {"format": "P" * 17},
        {"format": "PNG\n"},
        {"faces": None},
        {"faces": {}},
        {"faces": "a"},
        {"faces": []},
        {"faces": [{}]},
        {"faces": [None]},
        {"faces": [FACE] * 2},
        {"faces": [FACE] * 100_000},
        {"blobs": []},
        {"blobs": None},
        {"blobs": {}},
        {"blobs": "abc"},
        {"blobs": GOOD["blobs"][:2]},
        {"blobs": [*GOOD["blobs"][:2], 1]},
        {"blobs": [len(CROP_JPEG), 47, 1]},
        {"blobs": [len(CROP_JPEG) + 48, 0, 0]},
        {"blobs": [len(CROP_JPEG) + 49, -1, 0]},
        {"blobs": [str(number) for number in GOOD["blobs"]]},
        {"blobs": [*GOOD["blobs"][:2], False]},
        {"seconds": None},
        {"seconds": [0.1]},
        {"seconds": {"decode": "0.1"}},
        {"seconds": {"decode": None}},
        {"seconds": {"decode": -0.1}},
        {"seconds": {"detect": 1e9}},
        {"seconds": {"detect": float("nan")}},
    ],
)
def test_hostile_reports_are_refused(wrong: dict[str, Any]) -> None:
    """Wrong outcomes, sizes, texts and lengths are a ValueError and nothing else."""
    with pytest.raises(ValueError, match="no report"):
        read({**GOOD, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"box": [9, 9, 0, 0]},
        {"box": [0, 0, 0, 9]},
        {"box": [-1, 0, 9, 9]},
        {"box": [0, 0, 101, 9]},
        {"box": [0, 0, 9, 2**40]},
        {"box": [0, 0, 9, 9.0]},
        {"box": [False, 0, 9, True]},
        {"box": [0, 0, 9]},
        {"box": "abcd"},
        {"box": None},
        {"box": {"0": 0, "1": 0, "2": 9, "3": 9}},
        {"inner": [0, 0, 41, 9]},
        {"inner": [0, 0]},
        {"detector": ""},
        {"detector": "n" * 65},
        {"detector": "a\0b"},
        {"detector": "\ud800"},
        {"detector": None},
        {"detector": 5},
        {"score": "high"},
        {"score": None},
        {"score": True},
        {"score": [1.0]},
        {"score": math.nan},
        {"score": math.inf},
        {"score": -math.inf},
        {"score": 10**400},
    ],
)
def test_hostile_faces_are_refused(wrong: dict[str, Any]) -> None:
    """Boxes outside of the image, scores that are no numbers, names that cannot be stored."""
    with pytest.raises(ValueError, match="no report"):
        read({**GOOD, "faces": [{**FACE, **wrong}]})


@pytest.mark.parametrize("reason", [None, "", "No Face", "x" * 41, "a\0b", "\ud800", 7, True, []])
def test_hostile_reasons_are_refused(reason: Any) -> None:
    """A reason is a short word, as it is stored, counted and shown."""
    with pytest.raises(ValueError, match="no report"):
        read({**EMPTY, "reason": reason}, b"")


HOSTILE_JPEGS = {
    "empty": b"",
    "text": b"jpeg",
    "png": cv2.imencode(".png", np.zeros((9, 9, 3), np.uint8))[1].tobytes(),
    "only a start": b"\xff\xd8",
    "cut": CROP_JPEG[:100],
    "cut in its frame": CROP_JPEG[: CROP_JPEG.index(b"\xff\xc0") + 7],
    "too wide": jpeg(193, 9),
    "too high": jpeg(9, 193),
    "progressive": jpeg(9, 9, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "no size": CROP_JPEG.replace(b"\x00\x11\x08\x00\x28", b"\x00\x11\x08\x00\x00"),
    "too many bytes": CROP_JPEG + bytes(256 * 1024),
    "tables without end": b"\xff\xd8" + b"\xff\xe0\x00\x00" * 1000,
}


@pytest.mark.parametrize("data", list(HOSTILE_JPEGS.values()), ids=list(HOSTILE_JPEGS))
def test_crops_and_previews_must_be_small_jpegs(data: bytes) -> None:
    """Stored pixels are decoded again one day, by processes that hold a model and a database."""
    with pytest.raises(ValueError, match="no report"):
        read({**GOOD, "blobs": [len(data), 48, 0]}, data + PIXELS)
    if data:
        with pytest.raises(ValueError, match="no report"):
            read({**EMPTY, "blobs": [len(data)]}, data)


@pytest.mark.parametrize("missing", list(GOOD))
def test_reports_without_a_field_are_refused(missing: str) -> None:
    """A report that says too little is no report."""
    for good, body in ((GOOD, CROP_JPEG + PIXELS), (EMPTY, b"")):
        if good is EMPTY or missing != "reason":
            with pytest.raises(ValueError, match="no report"):
                read({name: value for name, value in good.items() if name != missing}, body)


def test_deeply_nested_reports_are_refused() -> None:
    """JSON that is made to exhaust the stack is a ValueError."""
    with pytest.raises(ValueError, match="no report"):
        unpack(b"[" * 100_000, b"", ORDER)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*Outcome, "png", 2**31, -1, 10**400]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value within a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with another value at a path."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def must_be_harmless(report: Examined) -> None:
    """Assert all that the database, the embedder and people rely on."""
    assert (report.outcome == Outcome.FACES) == bool(report.faces)
    assert report.outcome in (Outcome.FACES, Outcome.NO_FACE, Outcome.UNREADABLE)
    assert (report.reason is None) == bool(report.faces)
    assert report.reason is None or re.fullmatch("[a-z_]{1,40}", report.reason)
    assert report.detail is None or len(report.detail) <= 2000
    sizes = (report.width, report.height)
    assert sizes == (None, None) or all(type(side) is int and side > 0 for side in sizes)
    assert report.format is None or re.fullmatch("[A-Z0-9]{1,16}", report.format)
    assert (report.width or 0) * (report.height or 0) <= 10_000
    for face in report.faces:
        box, inner = face.face.box, face.crop.inner
        assert all(type(n) is int for b in (box, inner) for n in (b.x0, b.y0, b.x1, b.y1))
        assert box.x1 <= (report.width or 0)
        assert box.y1 <= (report.height or 0)
        assert inner.x1 <= CROP
        assert inner.y1 <= CROP
        assert type(face.face.score) is float
        assert math.isfinite(face.face.score)
        assert re.fullmatch("[A-Za-z0-9_.-]{1,64}", face.face.detector)
        assert face.crop.jpeg == CROP_JPEG
        assert face.pixels.shape == (4, 4, 3)
        assert face.pixels.dtype == np.uint8


@given(with_faces | without_faces, st.data())
def test_whatever_a_hostile_decoder_changes_does_no_harm(report: Examined, data: Any) -> None:
    """Any value of a good report may be anything: it is refused, or it can be stored and used."""
    head, body = pack(report)
    fields = json.loads(head)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(fields)))
        fields = put(fields, place, data.draw(anything))
    try:
        changed = unpack(json.dumps(fields).encode(), body, ORDER)
    except ValueError:
        return
    must_be_harmless(changed)


@given(with_faces, st.data())
def test_bytes_changed_on_the_way_do_no_harm(report: Examined, data: Any) -> None:
    """Flipped, lost and inserted bytes are refused, or make a report that does no harm."""
    head, body = (bytearray(part) for part in pack(report))
    part = head if data.draw(st.booleans()) else body
    at = data.draw(st.integers(0, len(part)))
    part[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        changed = unpack(bytes(head), bytes(body), ORDER)
    except ValueError:
        return
    assert len(changed.faces) == len(report.faces)
