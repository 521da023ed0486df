"""What a shell offers at the tab key: numbers and names out of the ledger.

Each function gives nothing rather than an error. None makes a folder or a database, changes one, or
starts a server, and none keeps a person waiting.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import threading
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from db.engine import Database

# Seconds after which there is nothing to offer; a database that is away takes longer to say so.
_PATIENCE = 3.0

_NEWEST = 20
# Zsh evaluates what it is offered, and folders, labels and reasons may have been named by anybody.
_SPECIAL = re.compile(r"[^\w,./+@%=-]")

Offer = list[tuple[str, str]]


def versions() -> Offer:
    """Numbers of the model versions, the newest first."""
    return _ask(_versions)


def run_numbers() -> Offer:
    """Numbers of the newest labelling runs, the newest first."""
    return _ask(_runs)


def unfinished_runs() -> Offer:
    """Numbers of the runs and relabellings that can be resumed, the newest first."""
    return _ask(_unfinished)


def refusal_reasons() -> Offer:
    """Reasons for which images are in quarantine or unreadable."""
    return _ask(_reasons)


def label_names() -> Offer:
    """Labels that the active model knows; not those that would need quotes."""
    return _ask(_labels)


def backbones() -> list[str]:
    """The names that a backbone can have beside that of a file."""
    return ["drawn", "imagenet", "seeded"]


def _ask(query: Callable[[Connection], Iterable[tuple[str, str]]]) -> Offer:
    found: Offer = []
    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(Exception):
        database = _database()
        if database is None:
            return []
        # A thread, as no driver's wait can be interrupted; the end of the process takes it along.
        answer = functools.partial(_answer, database, query, found)
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        thread.join(_PATIENCE)
    plain = [(value, what) for value, what in found if not _SPECIAL.search(value)]
    return [(value, " ".join(_SPECIAL.sub(" ", what).split())) for value, what in plain]


def _database() -> Database | None:
    """The database that the settings name; None where SQLite would have to make it."""
    # All that takes long to load, before anybody's patience is measured.
    import_module("db.store.models")
    from db.engine import Database
    from db.settings import DatabaseSettings

    database = Database(DatabaseSettings().url)
    file = database.url.database
    return None if database.is_sqlite and not (file and _has_content(file)) else database


def _answer(
    database: Database, query: Callable[[Connection], Iterable[tuple[str, str]]], found: Offer
) -> None:
    with contextlib.suppress(Exception), database.read() as connection:
        found.extend(query(connection))


def _has_content(file: str) -> bool:
    from pathlib import Path

    path = Path(file)
    return path.is_file() and path.stat().st_size > 0


def _versions(connection: Connection) -> Iterable[tuple[str, str]]:
    from db.store import models

    for version in reversed(models.every(connection)):
        yield str(version.id), f"{version.sha256[:12]}{', active' if version.active else ''}"


def _runs(connection: Connection) -> Iterable[tuple[str, str]]:
    from db.records import RunState
    from db.store import runs

    for run in runs.every(connection, state=tuple(RunState))[: -_NEWEST - 1 : -1]:
        yield str(run.id), f"{run.state}, {runs.display(run.root)}"


def _unfinished(connection: Connection) -> Iterable[tuple[str, str]]:
    from db.store import relabels, runs

    labelling = runs.every(connection, state=runs.UNFINISHED)
    found = {run.id: runs.display(run.root) for run in labelling}
    for relabel in relabels.every(connection, state=runs.UNFINISHED):
        found[relabel.id] = f"all faces, by version {relabel.version_id}"
    return [(str(number), what) for number, what in sorted(found.items(), reverse=True)]


def _reasons(connection: Connection) -> Iterable[tuple[str, str]]:
    from db.records import Outcome
    from db.store import refused

    for outcome in (Outcome.QUARANTINED, Outcome.UNREADABLE):
        for reason, number in refused.reasons(connection, outcome).items():
            yield reason, f"{number:,} {outcome}"


def _labels(connection: Connection) -> Iterable[tuple[str, str]]:
    import json

    from db.store import models

    version = models.active(connection)
    labels = [] if version is None else json.loads(version.manifest)["labels"]
    return [(name, f"{count} faces learned") for name, count in labels]
