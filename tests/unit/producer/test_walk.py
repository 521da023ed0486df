"""The walk: every regular file once, in order, and nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UsageError
from producer.walk import Walk, resolve_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]

# Walks as a user that may not read everything, as the superuser may.
WALK_AS_NOBODY = """
import os, sys
from producer.walk import Walk, resolve_archive
from db.errors import UsageError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
walk = Walk(os.fsencode(sys.argv[1]))
print(sorted(entry.path for entry in walk), dict(walk.skipped))
try:
    resolve_archive(sys.argv[1] + "/closed")
except UsageError as error:
    print(error)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder for an archive."""
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="kao-walk-"))
    folder.chmod(0o755)
    yield folder
    # Not shutil: its recursion is not made for what is tested here.
    subprocess.run([shutil.which("rm") or "rm", "-rf", folder], check=True)


def put(folder: Path, *paths: bytes) -> None:
    """Make files, with the folders that they are in."""
    for path in paths:
        target = folder / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"x" * len(path))


def walk(folder: Path) -> tuple[list[bytes], dict[str, int]]:
    """The paths found, and what was skipped."""
    found = Walk(os.fsencode(folder))
    return [entry.path for entry in found], dict(found.skipped)


def test_files_come_sorted_by_their_bytes(archive: Path) -> None:
    """The order is the same on every machine: depth first, by bytes and not by locale."""
    put(archive, b"b", b"a/z", b"a/a/x", b"B", "é".encode(), b"a.png", b"c/1")
    assert walk(archive) == (
        [b"B", b"a/a/x", b"a/z", b"a.png", b"b", b"c/1", "é".encode()],
        {},
    )


def test_an_entry_tells_size_and_time(archive: Path) -> None:
    """What is needed to see a change comes with each file."""
    put(archive, b"four")
    os.utime(archive / "four", ns=(1, 1_234_567_890_123_456_789))
    (entry,) = Walk(os.fsencode(archive))
    assert (entry.path, entry.size, entry.mtime_ns) == (b"four", 4, 1_234_567_890_123_456_789)


def test_odd_names_come_byte_exact(archive: Path) -> None:
    """Names that are no UTF-8, have line breaks, lead with a dash or are long are kept exactly."""
    names = [b"\xff\xfe", b"line\nbreak", b"-rf", b" ", b"n" * 255, b"'\"\\"]
    put(archive, *names, *(b"folder\xff/" + name for name in names))
    found, _ = walk(archive)
    assert sorted(found) == sorted([*names, *(b"folder\xff/" + name for name in names)])


@given(st.sets(st.binary(min_size=1, max_size=60), min_size=1, max_size=10))
def test_any_name_comes_byte_exact(names: set[bytes]) -> None:
    """Whatever bytes a file name has, the walk gives the same bytes."""
    names = {name for name in names if not set(name) & {0, 0x2F} and name not in {b".", b".."}}
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), *names)
        assert walk(Path(folder)) == (sorted(names), {})


def test_special_files_are_counted_and_left_out(archive: Path) -> None:
    """FIFOs, sockets and links, dangling or not, are no files; the walk does not hang on them."""
    put(archive, b"real", b"folder/inner")
    os.mkfifo(archive / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(archive / "socket"))
    (archive / "link").symlink_to("real")
    (archive / "dangling").symlink_to("nowhere")
    (archive / "folder" / "loop").symlink_to("..")
    (archive / "self").symlink_to("self")
    assert walk(archive) == ([b"folder/inner", b"real"], {"special": 2, "links": 4})


def test_devices_are_left_out() -> None:
    """A device that reads for ever is no file."""
    found, skipped = walk(Path("/dev"))
    assert b"zero" not in found
    assert skipped["special"] > 0


def test_hard_links_are_files_of_their_own(archive: Path) -> None:
    """Two names of one file are two files; their bytes are found to be the same later."""
    put(archive, b"a")
    (archive / "b").hardlink_to(archive / "a")
    assert walk(archive)[0] == [b"a", b"b"]


def test_an_empty_folder_has_no_files(archive: Path) -> None:
    """A folder of empty folders gives nothing, and skips nothing."""
    (archive / "a" / "b").mkdir(parents=True)
    assert walk(archive) == ([], {})


def test_a_folder_that_vanishes_is_counted(archive: Path) -> None:
    """A folder that is gone when its turn comes is counted, and the others are still walked."""
    put(archive, b"a/1", b"b/1", b"c/1")
    steps = iter(Walk(os.fsencode(archive)))
    assert next(steps).path == b"a/1"
    shutil.rmtree(archive / "b")
    assert [entry.path for entry in steps] == [b"c/1"]


def test_a_file_that_vanishes_is_left_out(archive: Path) -> None:
    """A file that is deleted between listing and looking is no part of the archive."""
    put(archive, b"a", b"b", b"c")
    steps = iter(Walk(os.fsencode(archive)))
    next(steps)
    (archive / "b").unlink()
    assert [entry.path for entry in steps] == [b"c"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become another user")
def test_folders_that_may_not_be_listed_are_counted(open_folder: Path) -> None:
    """A folder without permission costs its own files only, and is told as an archive."""
    put(open_folder, b"a", b"closed/b", b"open/c")
    (open_folder / "closed").chmod(0)
    told = subprocess.run(
        [sys.executable, "-c", WALK_AS_NOBODY, str(open_folder)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    ).stdout
    assert told.splitlines() == [
        "[b'a', b'open/c'] {'unlistable': 1}",
        f"the folder {open_folder}/closed may not be read by this user",
    ]


def test_nesting_has_no_limit(open_folder: Path) -> None:
    """A file 2,000 folders deep is found: the walk does not recurse."""
    before = Path.cwd()
    try:
        os.chdir(open_folder)
        for _ in range(2000):
            Path("d").mkdir()
            os.chdir("d")
        Path("x").touch()
    finally:
        os.chdir(before)
    assert walk(open_folder) == ([b"d/" * 2000 + b"x"], {})


def test_folders_beyond_the_longest_path_are_counted(open_folder: Path) -> None:
    """What lies too deep for the system's paths is counted, not an error."""
    before = Path.cwd()
    try:
        os.chdir(open_folder)
        for _ in range(20):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
        Path("x").touch()
    finally:
        os.chdir(before)
    assert walk(open_folder) == ([], {"unlistable": 1})


def test_the_home_folder_is_left_out(archive: Path) -> None:
    """The folder of our own state within an archive is not entered, and not counted as skipped."""
    put(archive, b"a", b".kaolabel/kaolabel.db", b"b/.kaolabel/x")
    found = Walk(os.fsencode(archive), leave_out=frozenset({os.fsencode(archive / ".kaolabel")}))
    assert [entry.path for entry in found] == [b"a", b"b/.kaolabel/x"]
    assert found.skipped == {}


def test_an_archive_is_its_real_path(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, a relative path and a slash at the end name the same archive."""
    put(archive, b"a")
    (archive.parent / "link").symlink_to(archive)
    monkeypatch.chdir(archive.parent)
    for name in ("archive", "archive/", "./archive", "link", str(archive)):
        assert resolve_archive(name) == os.fsencode(archive.resolve())


def test_an_archive_that_is_no_utf8_is_resolved(tmp_path: Path) -> None:
    """A folder whose name is no UTF-8 is kept byte-exact."""
    put(tmp_path, b"\xff/a")
    root = resolve_archive(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    assert root.endswith(b"/\xff")


def test_archives_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """A missing, empty or no folder is told in one line that names it."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    said = {
        "missing": "there is no folder",
        "empty": "is empty",
        "file": "is a file; give the folder that holds it",
        "loop": "cannot be read",
    }
    for name, line in said.items():
        with pytest.raises(UsageError, match=line) as caught:
            resolve_archive(str(tmp_path / name))
        assert name in str(caught.value)
