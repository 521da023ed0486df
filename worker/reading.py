"""Reading the files of an archive: each once, and nothing but regular files."""

from __future__ import annotations

import errno
import os
import stat

from db.errors import ArchiveGoneError, KaolabelError
from db.store.runs import display


class FileError(KaolabelError):
    """Raised when a file cannot be read.

    Args:
        reason: `vanished`, `permission_denied`, `not_a_file`, `too_large` or `read_error`.
        detail: one line for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


_REASONS = {
    errno.ENOENT: "vanished",
    errno.ENOTDIR: "vanished",
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.EISDIR: "not_a_file",
    errno.ELOOP: "not_a_file",
    errno.ENXIO: "not_a_file",
}


def read_file(path: bytes, *, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes.

    Raises:
        FileError: with the reason.
    """
    try:
        with open(os.fsdecode(path), "rb", opener=_open) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileError("not_a_file", "it is no regular file any more")
            if status.st_size > limit:
                raise FileError("too_large", f"{status.st_size:,} bytes are over the limit")
            return file.read(limit + 1)[:limit]
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, "read_error")
        raise FileError(reason, error.strerror or str(error)) from error


def _open(path: str, flags: int) -> int:
    # A FIFO would block without O_NONBLOCK; a file may have become a link since the walk.
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)


def require_archive(root: bytes) -> None:
    """Prove that an archive is there: an unmounted disk leaves an empty folder, or none.

    Raises:
        ArchiveGoneError: when the folder is missing, empty or cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            if next(entries, None) is not None:
                return
    except OSError as error:
        reason = error.strerror or str(error)
        raise ArchiveGoneError(f"the archive {display(root)} is gone: {reason}") from error
    raise ArchiveGoneError(f"the archive {display(root)} is gone: the folder is empty")
