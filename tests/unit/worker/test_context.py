"""What a worker's process holds, and gets ready before its first job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from worker.context import Context
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db.engine import Database


def prepared(
    database: Database,
    home: Path,
    prepare: Literal["nothing", "decoders", "model"],
    *,
    cascade: str | None = None,
) -> Context:
    """A context with one decoder, ready for jobs."""
    settings = WorkerSettings(prepare=prepare, decoders=1, cascade=cascade)
    context = Context(database, home=home, settings=settings, job_limit=60.0)
    context.prepare()
    return context


@pytest.fixture
def ready(sqlite: Database, home: Path) -> Iterator[Context]:
    """A context that has started its decoder."""
    context = prepared(sqlite, home, "decoders")
    yield context
    context.close()


def test_the_first_job_finds_the_decoders_that_were_started(ready: Context) -> None:
    """Without a model, or with one of the usual size, they are the ones it needs."""
    started = ready._pool
    assert started is not None
    assert ready.pool(None) is started
    assert ready.live._prepared is None


def test_nothing_is_got_ready_where_nothing_will_be_needed(sqlite: Database, home: Path) -> None:
    """A relabelling opens no image, and mostly needs no network."""
    context = prepared(sqlite, home, "nothing")
    assert context._pool is None
    assert context.live._prepared is None


def test_detectors_that_cannot_be_used_do_not_keep_the_model(sqlite: Database, home: Path) -> None:
    """A process with a wrong cascade goes on, and tells the job that asks for its detectors."""
    context = prepared(sqlite, home, "model", cascade="no-such-cascade")
    assert context._pool is None
    assert context.live._prepared is not None
    context.settle()
    assert context.live._prepared is None
