"""Artifacts that somebody changed: the same model comes out of them, or a model error."""

from __future__ import annotations

import json
import struct
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.errors import ModelError
from tests.models import small_artifact
from worker.models import artifact as artifacts
from worker.models.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHOLE = small_artifact()
# Many times the artifact, and nothing beside what a hostile length or shape may ask for.
MOST_MEMORY = 16 << 20
LONGEST_LINE = 1000

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63, 0, 1])
    | st.floats()
    | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
offsets = st.integers(0, 1 << 20)
edits = st.one_of(
    st.tuples(st.just("set"), offsets, st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("insert"), offsets, st.binary(min_size=1, max_size=300)),
    st.tuples(st.just("cut"), offsets, st.just(b"")),
    st.tuples(st.just("repeat"), offsets, st.just(b"")),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved artifact, of which each example changes one file."""
    folder = tmp_path_factory.mktemp("artifact") / "a"
    artifacts.save(WHOLE, folder)
    return folder


def edited(data: bytes, edit: tuple[str, int, bytes]) -> bytes:
    """The bytes after one change; the offset is taken round where it is beyond the end."""
    kind, offset, given_bytes = edit
    at = offset % (len(data) + 1)
    match kind:
        case "set":
            return data[:at] + given_bytes + data[at + len(given_bytes) :]
        case "insert":
            return data[:at] + given_bytes + data[at:]
        case "repeat":
            return data[:at] + data[at // 2 :]
        case _:
            return data[:at]


def require_same_or_refused(folder: Path) -> None:
    """Load the folder as a worker does; whatever is in it, memory stays flat."""
    tracemalloc.start()
    try:
        said = artifacts.load(folder, WHOLE.sha256).sha256
    except ModelError as error:
        said = str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert said == WHOLE.sha256 or said.startswith("the model in")
    assert said.isprintable()
    assert len(said) < LONGEST_LINE
    assert peak < MOST_MEMORY


def with_file(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Load the folder while one of its files is changed."""
    path = folder / name
    before = path.read_bytes()
    path.write_bytes(change(before))
    try:
        require_same_or_refused(folder)
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(
    "name", [artifacts.MANIFEST_FILE, artifacts.HEAD_FILE, artifacts.EVIDENCE_FILE]
)
@given(changes=st.lists(edits, min_size=1, max_size=4))
def test_changed_bytes_are_the_same_model_or_refused(
    folder: Path, name: str, changes: list[tuple[str, int, bytes]]
) -> None:
    """Bytes that were overwritten, added, lost or repeated never make another model."""

    def change(data: bytes) -> bytes:
        for edit in changes:
            data = edited(data, edit)
        return data

    with_file(folder, name, change)


@pytest.mark.parametrize("name", [artifacts.HEAD_FILE, artifacts.EVIDENCE_FILE])
@given(at=offsets, length=st.integers(0, 2**64 - 1), text=st.text(max_size=6))
def test_changed_headers_are_the_same_model_or_refused(
    folder: Path, name: str, at: int, length: int, text: str
) -> None:
    """Lengths, shapes, types and offsets that a tensor file makes up allocate nothing."""

    def change(data: bytes) -> bytes:
        size = struct.unpack_from("<Q", data)[0]
        header = edited(data[8 : 8 + size], ("set", at, text.encode(errors="replace") or b"9"))
        claimed = length if at % 3 == 0 else len(header)
        return struct.pack("<Q", claimed) + header + data[8 + size :]

    with_file(folder, name, change)


@given(shape=st.lists(st.integers(0, 2**64 - 1) | st.just(2**40), max_size=4))
def test_any_shape_is_the_same_model_or_refused(folder: Path, shape: list[int]) -> None:
    """A tensor that claims any shape, be it of a petabyte, is measured before it is made."""

    def change(data: bytes) -> bytes:
        size = struct.unpack_from("<Q", data)[0]
        header = json.loads(data[8 : 8 + size])
        header["weight"]["shape"] = shape
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + size :]

    with_file(folder, artifacts.HEAD_FILE, change)


@settings(max_examples=400)
@given(name=st.sampled_from(sorted(json.loads(WHOLE.manifest.to_json()))), value=json_values)
def test_any_value_in_a_manifest_is_taken_or_refused(folder: Path, name: str, value: Any) -> None:
    """Whatever a manifest says of a thing, it can be read and hashed again, or is a model error."""

    def change(data: bytes) -> bytes:
        return json.dumps(json.loads(data) | {name: value}).encode()

    with_file(folder, artifacts.MANIFEST_FILE, change)


@settings(max_examples=400)
@given(name=st.sampled_from(sorted(WHOLE.manifest.embedder.to_json())), value=json_values)
def test_any_embedder_in_a_manifest_is_taken_or_refused(
    folder: Path, name: str, value: Any
) -> None:
    """The same holds for what a manifest says of its embedder."""

    def change(data: bytes) -> bytes:
        values = json.loads(data)
        values["embedder"][name] = value
        return json.dumps(values).encode()

    with_file(folder, artifacts.MANIFEST_FILE, change)


@given(text=st.text(max_size=60) | json_values.map(json.dumps))
def test_any_text_is_a_manifest_or_refused(text: str) -> None:
    """Text and JSON of any kind is a model error, as a manifest needs all of its values."""
    with pytest.raises(ModelError):
        Manifest.from_json(text)


@pytest.mark.parametrize(
    "value",
    [
        {"seed": 1e999},
        {"temperature": 10**400},
        {"kaolabel": "\ud800"},
        {"holdout": {"top1": float("nan")}},
        {"training": json.loads("[" * 900 + "]" * 900)},
        {"labels": [["\ud800", 3], ["aqua", 4]]},
    ],
)
def test_a_manifest_that_cannot_be_written_again_is_refused(value: dict[str, Any]) -> None:
    """Numbers without end, half characters and the like have no hash, so they are no manifest."""
    text = json.dumps(json.loads(WHOLE.manifest.to_json()) | value)
    with pytest.raises(ModelError, match="the manifest cannot be read"):
        Manifest.from_json(text)
