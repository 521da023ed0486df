"""The frames between a worker and its decoders, also when the sender is hostile."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.records import Box, Crop, DetectedFace, Outcome
from worker.sandbox.examined import Examined, ExaminedFace
from worker.sandbox.wire import pack, read_frame, unpack, write_frame

sides = st.integers(0, 500)
boxes = st.builds(lambda x, y, w, h: Box(x, y, x + w + 1, y + h + 1), sides, sides, sides, sides)


@st.composite
def found_faces(draw: st.DrawFn) -> ExaminedFace:
    """Any face that a decoder may report."""
    size = draw(st.integers(1, 6))
    pixels = draw(st.binary(min_size=size * size * 3, max_size=size * size * 3))
    score = draw(st.floats(allow_nan=False))
    return ExaminedFace(
        DetectedFace(draw(boxes), draw(st.text(max_size=10)), score),
        Crop(draw(st.binary(max_size=30)), draw(boxes)),
        np.frombuffer(pixels, np.uint8).reshape(size, size, 3),
    )


reports = st.builds(
    Examined,
    outcome=st.sampled_from(Outcome),
    reason=st.none() | st.text(max_size=20),
    detail=st.none() | st.text(max_size=20),
    width=st.none() | sides,
    height=st.none() | sides,
    format=st.none() | st.text(max_size=5),
    faces=st.lists(found_faces(), max_size=3).map(tuple),
    preview=st.none() | st.binary(min_size=1, max_size=20),
)


def fields(report: Examined) -> tuple[Any, ...]:
    """Everything of a report, comparable."""
    faces = [(f.face, f.crop, f.pixels.shape, f.pixels.tobytes()) for f in report.faces]
    sizes = (report.width, report.height, report.format)
    return (report.outcome, report.reason, report.detail, sizes, report.preview, faces)


@given(reports)
def test_reports_come_back_as_they_were(report: Examined) -> None:
    """Whatever a decoder reports, its worker reads the same."""
    assert fields(unpack(*pack(report))) == fields(report)


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
        unpack(head, body)


GOOD: dict[str, Any] = {
    "outcome": "faces",
    "reason": None,
    "detail": None,
    "width": 4,
    "height": 4,
    "format": "PNG",
    "faces": [
        {"box": [0, 0, 2, 2], "detector": "lbp", "score": 1.0, "inner": [0, 0, 1, 1], "size": 1}
    ],
    "blobs": [4, 3, 0],
}


def test_the_report_that_others_are_spoilt_from_is_good() -> None:
    """The hostile reports below are refused for what is wrong with them."""
    assert unpack(json.dumps(GOOD).encode(), b"jpegrgb").faces[0].crop.jpeg == b"jpeg"


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "great"},
        {"outcome": None},
        {"faces": None},
        {"faces": [{}]},
        {"faces": [None]},
        {"faces": GOOD["faces"] * 2},
        {"faces": [{**GOOD["faces"][0], "box": [2, 2, 0, 0]}]},
        {"faces": [{**GOOD["faces"][0], "box": "abcd"}]},
        {"faces": [{**GOOD["faces"][0], "inner": [0, 0]}]},
        {"faces": [{**GOOD["faces"][0], "size": 2}]},
        {"faces": [{**GOOD["faces"][0], "size": float("inf")}]},
        {"faces": [{**GOOD["faces"][0], "score": "high"}]},
        {"blobs": []},
        {"blobs": None},
        {"blobs": [4, 3]},
        {"blobs": [4, 3, 1]},
        {"blobs": [4, 2, 1]},
        {"blobs": [7, 0, 0]},
        {"blobs": ["4", "3", "0"]},
    ],
)
def test_hostile_reports_are_refused(wrong: dict[str, Any]) -> None:
    """Wrong outcomes, boxes, sizes and lengths are a ValueError and nothing else."""
    with pytest.raises(ValueError):  # noqa: PT011  # of whatever text
        unpack(json.dumps({**GOOD, **wrong}).encode(), b"jpegrgb")


@pytest.mark.parametrize("missing", list(GOOD))
def test_reports_without_a_field_are_refused(missing: str) -> None:
    """A report that says too little is no report."""
    head = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(ValueError, match="no report"):
        unpack(json.dumps(head).encode(), b"jpegrgb")


def test_deeply_nested_reports_are_refused() -> None:
    """JSON that is made to exhaust the stack is a ValueError."""
    with pytest.raises(ValueError, match="no report"):
        unpack(b"[" * 100_000, b"")
