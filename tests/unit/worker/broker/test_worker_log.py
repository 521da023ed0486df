"""The log of a command's own worker: what its last line says, and how large it may grow."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from worker.broker.embedded_worker import EmbeddedWorker, last_line

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (b"", "it said nothing"),
        (b"first\nkaolabel: no broker\n\n", "kaolabel: no broker"),
        (json.dumps({"level": "error", "event": "no Redis"}).encode() + b"\n", "no Redis"),
        (b'{"event": "cut off', '{"event": "cut off'),
        (b'["event"]\n', '["event"]'),
        (b"\xff\x1b[2J\xe2\x80\xae\n", "\N{REPLACEMENT CHARACTER}\\x1b[2J\\u202e"),
        (b"x" * 200_000 + b"\nredis://:tiger7@host\n", "redis://:***@host"),
    ],
)
def test_people_see_what_the_last_line_says(tmp_path: Path, log: bytes, said: str) -> None:
    """The sentence of an event, or the line of a library, fit to be shown."""
    file = tmp_path / "worker.log"
    file.write_bytes(log)
    assert last_line(file) == f"{said} (see {file})"


def test_a_log_does_not_grow_for_ever(home: Path) -> None:
    """A worker that starts on a large log begins another one; one before it is kept."""
    log = home / "logs" / "worker.log"
    log.parent.mkdir(parents=True)
    for first in (b"one", b"two"):
        log.write_bytes(first)
        os.truncate(log, 10_000_001)
        with EmbeddedWorker(home, {"KAOLABEL_HOME": str(home), "PATH": os.environ["PATH"]}):
            pass
        assert log.with_name("worker.log.1").read_bytes()[:3] == first
    with EmbeddedWorker(home, {"KAOLABEL_HOME": str(home), "PATH": os.environ["PATH"]}):
        pass
    assert sorted(file.name for file in log.parent.iterdir()) == ["worker.log", "worker.log.1"]
    assert log.stat().st_size < 1_000_000
