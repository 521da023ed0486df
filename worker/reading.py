"""Reading the files of an archive: each once, nothing but regular files, none outside of it."""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import TYPE_CHECKING, Self

from db.errors import ArchiveGoneError, KaolabelError
from db.store.runs import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class FileError(KaolabelError):
    """Raised when a file cannot be read.

    Args:
        reason: `vanished`, `permission_denied`, `not_a_file`, `outside`, `too_large` or
            `read_error`.
        detail: one line for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class ArchiveOutsideError(ArchiveGoneError):
    """Raised when an archive lies outside of what a worker may read; no later try will help."""


_REASONS = {
    errno.ENOENT: "vanished",
    errno.ENOTDIR: "vanished",
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.EISDIR: "not_a_file",
    errno.ELOOP: "not_a_file",
    errno.ENXIO: "not_a_file",
}

# Reasons that a whole disk has when it is gone; the others are a file's own.
OF_A_LOST_DISK = frozenset({"vanished", "read_error"})

# A FIFO would block without O_NONBLOCK; a file may have become a link since the walk.
_FILE = os.O_NONBLOCK | os.O_NOFOLLOW

# With O_PATH a folder that may be searched but not listed can still be passed through.
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW


class Archive:
    """An archive's folder, held open: its files are reached from there, and through no link.

    A name in the ledger, or a folder that became a link since the walk, cannot lead out of it.
    Use it as a context manager.

    Args:
        root: absolute path of the folder; links on the way to it are followed, once and for all.
        allowed: folders of which one must be, or hold, the root; None allows any.

    Raises:
        ArchiveGoneError: when the folder is missing, empty or cannot be listed.
        ArchiveOutsideError: when none of the allowed folders holds it.
    """

    def __init__(self, root: bytes, *, allowed: Sequence[bytes] | None = None) -> None:
        self.root = root
        self.require()
        self._top = _open_root(root, require_allowed(root, allowed))
        self._folder = b""
        self._descriptor = os.dup(self._top)

    def __enter__(self) -> Self:
        """The archive itself."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Let go of the folder."""
        os.close(self._descriptor)
        os.close(self._top)

    def require(self) -> None:
        """Prove that the folder still is where it was.

        Raises:
            ArchiveGoneError: when it is missing, empty or cannot be listed.
        """
        require_archive(self.root)

    def read(self, path: bytes, *, limit: int) -> bytes:
        """The bytes of a regular file of at most `limit` bytes.

        Args:
            path: relative to the root, with `/` between its parts.
            limit: in bytes.

        Raises:
            FileError: with the reason.
        """
        folder, _, name = path.rpartition(b"/")
        if not _leads_below(path):
            raise FileError("outside", "its path does not lead to a place below the archive")
        try:
            self._enter(folder)
        except OSError as error:
            raise _file_error(error) from error
        return read_file(name, limit=limit, folder=self._descriptor)

    def _enter(self, folder: bytes) -> None:
        # The last folder is kept, as an archive's files come sorted by their paths.
        if folder != self._folder:
            descriptor = _descend(self._top, folder)
            os.close(self._descriptor)
            self._folder, self._descriptor = folder, descriptor


def read_file(path: bytes, *, limit: int, folder: int | None = None) -> bytes:
    """The bytes of a regular file of at most `limit` bytes.

    Args:
        path: of the file; the last part of it must not be a link.
        limit: in bytes.
        folder: descriptor of the folder that a relative path begins at; the current one.

    Raises:
        FileError: with the reason.
    """

    def open_file(name: str, flags: int) -> int:
        return os.open(name, flags | _FILE, dir_fd=folder)

    try:
        with open(os.fsdecode(path), "rb", opener=open_file) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileError("not_a_file", "it is no regular file any more")
            if status.st_size > limit:
                raise FileError("too_large", f"{status.st_size:,} bytes are over the limit")
            # No further than it reached just now: a file may grow for ever.
            return file.read(status.st_size)
    except OSError as error:
        raise _file_error(error) from error


def require_archive(root: bytes) -> None:
    """Prove that an archive is there: an unmounted disk leaves an empty folder, or none.

    Raises:
        ArchiveGoneError: when the folder is missing, empty or cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            if next(entries, None) is not None:
                return
    except (OSError, ValueError) as error:
        # ValueError is for a name that no folder can have, with a NUL in it.
        reason = getattr(error, "strerror", None) or str(error)
        raise ArchiveGoneError(f"the archive {display(root)} is gone: {reason}") from error
    raise ArchiveGoneError(f"the archive {display(root)} is gone: the folder is empty")


def require_allowed(root: bytes, allowed: Sequence[bytes] | None) -> bytes:
    """Prove that an archive lies below a folder that may be read.

    Args:
        root: absolute path of the archive's folder.
        allowed: folders of which one must be, or hold, the root; None allows any.

    Returns:
        The folder's path without any link.

    Raises:
        ArchiveOutsideError: when none of them does.
    """
    real = os.path.realpath(root)
    if allowed is None or any(_holds(os.path.realpath(folder), real) for folder in allowed):
        return real
    raise ArchiveOutsideError(
        f"the archive {display(root)} lies outside of the folders that may be read on"
        f" {socket.gethostname()}: add it to KAOLABEL_ARCHIVE_ROOTS there, and begin again"
    )


def _holds(folder: bytes, path: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _leads_below(path: bytes) -> bool:
    return b"\0" not in path and not {b"", b".", b".."} & set(path.split(b"/"))


def _open_root(root: bytes, real: bytes) -> int:
    """A descriptor of the folder, which is the very one that was found to be allowed."""
    slash = os.open(b"/", _FOLDER)
    try:
        return _descend(slash, real)
    except (OSError, FileError) as error:
        raise ArchiveGoneError(f"the archive {display(root)} is gone: {error}") from error
    finally:
        os.close(slash)


def _descend(top: int, path: bytes) -> int:
    """A descriptor of the folder at a path below an open one, through no link."""
    here = os.dup(top)
    for name in _names(path):
        try:
            below = _step(here, name)
        finally:
            os.close(here)
        here = below
    return here


def _names(path: bytes) -> Iterable[bytes]:
    return filter(None, path.split(b"/"))


def _step(folder: int, name: bytes) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError as error:
        if stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
            raise FileError("outside", "a folder on its path has become a link") from error
        raise


def _file_error(error: OSError) -> FileError:
    reason = _REASONS.get(error.errno or 0, "read_error")
    return FileError(reason, error.strerror or str(error))
