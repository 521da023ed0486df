"""The regular files below a folder, in a fixed order; metadata only, no file is opened."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from db.errors import UsageError
from db.records import FileEntry
from db.store.runs import display

if TYPE_CHECKING:
    from collections.abc import Iterator


def resolve_archive(path: str) -> bytes:
    """The absolute path of an archive's folder, byte-exact.

    Raises:
        UsageError: when it is missing, no folder, or cannot be listed.
    """
    root = os.path.realpath(os.fsencode(path))
    try:
        with os.scandir(root) as entries:
            if next(entries, None) is None:
                raise UsageError(f"the archive {display(root)} is empty")
    except FileNotFoundError as error:
        raise UsageError(f"there is no folder {display(root)}") from error
    except NotADirectoryError as error:
        raise UsageError(f"{display(root)} is a file; give the folder that holds it") from error
    except PermissionError as error:
        raise UsageError(f"the folder {display(root)} may not be read by this user") from error
    except OSError as error:
        raise UsageError(f"the folder {display(root)} cannot be read: {error.strerror}") from error
    return root


class Walk:
    """Iterates over the regular files below a root: depth first, sorted by their bytes.

    Symbolic links are never followed. What is no regular file is counted and left out.

    Args:
        root: absolute path of the folder.
        leave_out: absolute paths of folders that are not entered, such as kaolabel's own.

    Attributes:
        skipped: how many links, special files (FIFOs, sockets, devices) and folders that cannot be
            listed were met so far, by those names.
    """

    def __init__(self, root: bytes, *, leave_out: frozenset[bytes] = frozenset()) -> None:
        self.root = root
        self.skipped: Counter[str] = Counter()
        self._leave_out = leave_out

    def __iter__(self) -> Iterator[FileEntry]:
        # A stack and not a recursion: archives may be nested deeper than Python's limit.
        stack = [self._entries(b"")]
        while stack:
            name, is_folder = next(stack[-1], (None, False))
            if name is None:
                stack.pop()
            elif is_folder:
                stack.append(self._entries(name))
            else:
                entry = self._entry(name)
                if entry is not None:
                    yield entry

    def _entries(self, folder: bytes) -> Iterator[tuple[bytes, bool]]:
        """Paths below the root of a folder's files and folders, sorted; the latter marked."""
        try:
            with os.scandir(os.path.join(self.root, folder)) as entries:
                found = sorted(
                    (os.path.join(folder, entry.name), kind)
                    for entry in entries
                    if (kind := self._is_folder(entry)) is not None
                )
        except OSError:
            self.skipped["unlistable"] += 1
            return iter(())
        return iter(found)

    def _is_folder(self, entry: os.DirEntry[bytes]) -> bool | None:
        """True for a folder, False for a regular file, None for what is left out."""
        if entry.is_symlink():
            self.skipped["links"] += 1
        elif entry.is_dir(follow_symlinks=False):
            return True if entry.path not in self._leave_out else None
        elif entry.is_file(follow_symlinks=False):
            return False
        else:
            self.skipped["special"] += 1
        return None

    def _entry(self, path: bytes) -> FileEntry | None:
        try:
            status = os.lstat(os.path.join(self.root, path))
        except OSError:
            # Deleted since its folder was listed, so it is no part of the archive any more.
            return None
        return FileEntry(path=path, size=status.st_size, mtime_ns=status.st_mtime_ns)
