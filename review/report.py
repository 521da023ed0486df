"""The report of a run: one self-contained page, written as a stream; memory holds no pictures."""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from markupsafe import Markup

from review.gallery import Gallery
from review.head import read_head
from review.page import TEMPLATES, environment
from review.replacing import replacing
from worker import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from db.engine import Database
    from review.head import Head

_INSTEAD = "name another file with --out"

# Template events that are gathered into one write.
_BUFFERED = 256


def write_report(database: Database, run: int, out: Path) -> None:
    """Write the page of a run's archive, as the archive now stands.

    A run that a later one of the same archive has followed shows the newest. The page refers to
    nothing outside itself; its own policy forbids the browser to load or run anything else.

    Args:
        run: number of the run.
        out: file to write; an older one is replaced only once the new one is complete.

    Raises:
        UsageError: when there is no such run, or the file cannot be written.
    """
    with _snapshot(database) as connection:
        head = read_head(connection, run)
        with replacing(out, instead=_INSTEAD) as file, _gallery(connection, head) as gallery:
            template = environment().get_template("report.html")
            stream = template.stream(head=head, gallery=gallery, **_assets())
            stream.enable_buffering(_BUFFERED)
            file.writelines(stream)


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """One state of the database for all queries, so that counts and rows agree."""
    with database.read() as connection:
        # A transaction of SQLite is a snapshot already.
        if not database.is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


@contextmanager
def _gallery(connection: Connection, head: Head) -> Iterator[Gallery]:
    """The gallery of the page, with threads that make its pictures and a bar that counts them."""
    with terminal.progress_bar("pictures") as bar, ThreadPoolExecutor(os.cpu_count()) as pool:
        task = bar.add_task("pictures", total=None)
        gallery = Gallery(
            connection,
            head.run,
            head.tally,
            pool=pool,
            advance=lambda number: bar.advance(task, number),
        )
        bar.update(task, total=gallery.pictures)
        yield gallery


def _assets() -> dict[str, Markup]:
    """Style and script for the page, and the hash by which its policy knows the script."""
    style, script = (
        (TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js")
    )
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Our own files, not data: they must reach the browser as they are.
    return {"style": Markup(style), "script": Markup(script), "script_hash": Markup(digest)}  # noqa: S704
