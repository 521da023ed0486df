"""Reading files: each once, nothing but regular files, every failure with a reason."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from db.errors import ArchiveGoneError
from worker.reading import Archive, ArchiveOutsideError, FileError, read_file, require_archive

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An archive with a file at its top and two in its folders, beside a file that is not its."""
    (tmp_path / "secret").write_bytes(b"secret")
    for name in ("top", "a/one", "a/b/two"):
        file = tmp_path / "archive" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    with Archive(os.fsencode(tmp_path / "archive")) as archive:
        yield archive


def refused(archive: Archive, path: bytes) -> str:
    """Why a file of an archive cannot be read."""
    with pytest.raises(FileError) as caught:
        archive.read(path, limit=100)
    return caught.value.reason


def test_files_are_read_in_any_order(archive: Archive) -> None:
    """Going down, up and back again finds every file, whatever folder was open before."""
    for path in (b"top", b"a/one", b"a/b/two", b"a/one", b"top", b"a/b/two"):
        assert archive.read(path, limit=100) == path


@pytest.mark.parametrize(
    "path",
    [b"../secret", b"a/../../secret", b"/etc/passwd", b"//etc/passwd", b"", b".", b"..", b"a//one"],
)
def test_a_path_that_does_not_lead_below_is_refused(archive: Archive, path: bytes) -> None:
    """A row that somebody else wrote opens nothing outside, though the file be there."""
    assert refused(archive, path) == "outside"
    assert refused(archive, path + b"\0") == "outside"


def test_a_folder_that_became_a_link_is_not_passed(archive: Archive, tmp_path: Path) -> None:
    """After the walk a folder is swapped for a link to a place with a file of the same name."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "one").write_bytes(b"secret")
    (tmp_path / "archive" / "a").rename(tmp_path / "archive" / "was-a")
    (tmp_path / "archive" / "a").symlink_to(tmp_path / "elsewhere")
    assert refused(archive, b"a/one") == "outside"
    assert archive.read(b"was-a/one", limit=100) == b"a/one"


def test_a_folder_that_became_something_else_has_vanished(archive: Archive, tmp_path: Path) -> None:
    """Its files are told as gone, be there a file, a FIFO or nothing in its place."""
    shutil.rmtree(tmp_path / "archive" / "a")
    assert refused(archive, b"a/one") == "vanished"
    (tmp_path / "archive" / "a").touch()
    assert refused(archive, b"a/one") == "vanished"
    (tmp_path / "archive" / "a").unlink()
    os.mkfifo(tmp_path / "archive" / "a")
    assert refused(archive, b"a/one") == "vanished"


def test_an_archive_lets_go_of_what_it_holds(archive: Archive) -> None:
    """However many folders are visited, and however often it fails, two descriptors are open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (b"a/one", b"a/b/two", b"top"):
        archive.read(path, limit=100)
        refused(archive, b"a/missing/one")
        refused(archive, b"top/one")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_archive_within_the_allowed_folders_is_opened(tmp_path: Path) -> None:
    """It may be one of the folders or lie below one, with links on either side."""
    (tmp_path / "disk" / "archive").mkdir(parents=True)
    (tmp_path / "disk" / "archive" / "file").touch()
    (tmp_path / "link").symlink_to("disk")
    for root, allowed in (
        ("disk/archive", "disk/archive"),
        ("disk/archive", "disk"),
        ("disk/archive", "link"),
        ("link/archive", "disk"),
    ):
        folders = [b"/nowhere", os.fsencode(tmp_path / allowed)]
        with Archive(os.fsencode(tmp_path / root), allowed=folders) as archive:
            assert archive.read(b"file", limit=1) == b""
    Archive(os.fsencode(tmp_path / "disk"), allowed=[b"/"]).__exit__()


def test_an_archive_outside_of_the_allowed_folders_is_refused(tmp_path: Path) -> None:
    """Neither a like name nor a link from within lets it in; the line says what to set."""
    for name in ("allowed", "allowed-too"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "allowed" / "link").symlink_to("../allowed-too")
    allowed = [os.fsencode(tmp_path / "allowed")]
    for name in ("allowed-too", "allowed/link", "allowed/../allowed-too"):
        with pytest.raises(ArchiveOutsideError, match="add it to KAOLABEL_ARCHIVE_ROOTS"):
            Archive(os.fsencode(tmp_path / name), allowed=allowed)
    with pytest.raises(ArchiveOutsideError):
        Archive(os.fsencode(tmp_path / "allowed"), allowed=[])


@pytest.mark.parametrize("root", [b"/no\0such", b"/" + b"n" * 300, b"/n" * 3000])
def test_a_root_that_no_folder_can_have_is_gone(root: bytes) -> None:
    """A row with a name that the system refuses is told like a missing folder."""
    with pytest.raises(ArchiveGoneError, match="is gone"):
        Archive(root)


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
