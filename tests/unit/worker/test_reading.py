"""Reading files: each once, nothing but regular files, every failure with a reason."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from db.errors import ArchiveGoneError
from worker.reading import FileError, read_file, require_archive

ROOT = Path(__file__).parents[3]

# Reads as a user that may not read everything, as the superuser may.
READ_AS_NOBODY = """
import os, sys
from worker.reading import FileError, read_file
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    read_file(os.fsencode(sys.argv[1]), limit=100)
except FileError as error:
    print(error.reason)
"""


def reason_of(path: Path, *, limit: int = 100) -> str:
    """Why a file cannot be read."""
    with pytest.raises(FileError) as caught:
        read_file(os.fsencode(path), limit=limit)
    assert caught.value.detail
    return caught.value.reason


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """The bytes of a regular file come back, also of an empty one and one at the limit."""
    for data in (b"", b"x", bytes(100)):
        (tmp_path / "file").write_bytes(data)
        assert read_file(os.fsencode(tmp_path / "file"), limit=100) == data


def test_a_name_that_is_no_utf8_is_read(tmp_path: Path) -> None:
    """A file is opened by its bytes."""
    path = os.path.join(os.fsencode(tmp_path), b"\xff\n")
    Path(os.fsdecode(path)).write_bytes(b"x")
    assert read_file(path, limit=1) == b"x"


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    """A file that would fill the memory is refused by its size."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    assert reason_of(tmp_path / "huge") == "too_large"


def test_files_that_are_gone_have_vanished(tmp_path: Path) -> None:
    """A missing file, and one whose folder became a file, are told alike."""
    (tmp_path / "file").touch()
    assert reason_of(tmp_path / "missing") == "vanished"
    assert reason_of(tmp_path / "file" / "below") == "vanished"


def test_what_became_something_else_is_no_file(tmp_path: Path) -> None:
    """A FIFO does not block, and neither links nor folders nor devices are followed."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "link", "folder"):
        assert reason_of(tmp_path / name) == "not_a_file"
    assert reason_of(Path("/dev/zero")) == "not_a_file"


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket cannot be opened at all, and is told as what it is."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert reason_of(tmp_path / "socket") == "not_a_file"


def test_other_errors_of_the_disk_are_told(tmp_path: Path) -> None:
    """An error without a word of its own comes with the system's text."""
    with pytest.raises(FileError) as caught:
        read_file(os.fsencode(tmp_path / ("n" * 300)), limit=1)
    assert (caught.value.reason, caught.value.detail) == (
        "read_error",
        os.strerror(errno.ENAMETOOLONG),
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become another user")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    """A file that this user may not read has that reason."""
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / "file").touch(mode=0o600)
    told = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, str(tmp_path / "file")],
        capture_output=True,
        check=True,
        cwd=ROOT,
    ).stdout
    assert told == b"permission_denied\n"


def test_an_archive_that_is_there_passes(tmp_path: Path) -> None:
    """A folder with anything in it is an archive."""
    (tmp_path / "x").touch()
    require_archive(os.fsencode(tmp_path))


@pytest.mark.parametrize("state", ["missing", "empty", "a file"])
def test_an_archive_that_is_gone_is_told(tmp_path: Path, state: str) -> None:
    """An unmounted disk leaves an empty folder or none; both are told with the folder's name."""
    folder = tmp_path / "archive"
    if state == "empty":
        folder.mkdir()
    elif state == "a file":
        folder.touch()
    with pytest.raises(ArchiveGoneError, match=r"archive .*/archive is gone"):
        require_archive(os.fsencode(folder))
