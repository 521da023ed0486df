"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replacing(out: Path, *, instead: str) -> Iterator[IO[str]]:
    """A new file that takes the place of `out` once it is complete, and leaves no trace if not.

    Args:
        out: file to write, as UTF-8 with the line ends that are written.
        instead: what to do when it cannot be written, such as `name another file with --out`.

    Raises:
        UsageError: when it cannot be written.
    """
    target = Path(os.path.realpath(out))
    # A short name of our own: with a suffix, a long name could become too long.
    partial = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if target.exists() and not target.is_file():
            raise UsageError(f"{out} is no file that can be replaced; {instead}")
        with partial.open("x", encoding="utf-8", newline="\n") as file, _removed_on_error(partial):
            yield file
        partial.replace(target)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; {instead}") from error


@contextmanager
def _removed_on_error(partial: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
