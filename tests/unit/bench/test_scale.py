"""The benchmark of growth: what it draws and synthesizes is what it says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import cv2

from bench.drawings import draw_archive
from bench.growth import MARKS, Watch
from bench.heads import publish
from bench.queries import Commands, Stopwatch
from bench.synthesis import Size, predict, store
from db.store import runs, tally

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database


def test_no_drawing_has_the_bytes_of_another(tmp_path: Path) -> None:
    """As many files as asked for, all of them JPEGs that decode, none of them twice."""
    draw_archive(tmp_path, 120)
    files = [path.read_bytes() for path in sorted(tmp_path.rglob("*.jpg"))]
    assert len({hashlib.sha256(data).digest() for data in files}) == 120
    pixels = cv2.imread(str(next(tmp_path.rglob("0000119.jpg"))))
    assert pixels is not None
    assert pixels.shape == (120, 160, 3)


def test_a_synthesized_ledger_holds_what_was_asked_for(database: Database, tmp_path: Path) -> None:
    """Faces, images without one and images to do are there, and every command can read them."""
    store(database, Size(faces=50, faceless=1000, due=30, annotated=25))
    for version in (1, 2):
        publish(database, tmp_path, seed=version)
        predict(database, version, faces=50, skip=10 * (version - 1))
    with database.read() as connection:
        done = tally.count(connection, runs.get(connection, 1))
        due = runs.progress(connection, 2)
    assert (done.with_face, done.quarantined, done.unreadable) == (50, 1, 9)
    assert done.images == done.contents == 1050
    # Three of the twenty-five that people looked at are no faces.
    assert done.faces == 47
    assert (due.listed, due.done) == (30, 0)
    watch = Stopwatch(database)
    assert all(watch.time(work).statements for _, work in Commands(database, tmp_path).every())


def test_memory_is_noted_when_so_much_is_done() -> None:
    """Each mark keeps the first look after it, and the end the last one with all processes."""
    watch = Watch()
    for part, taken in ((0.05, 1.0), (0.2, 2.0), (0.6, 3.0), (0.9, 4.0)):
        watch.note(part, {"worker": taken, "producer": taken})
    watch.note(1.0, {"producer": 5.0})
    assert [watch.memory[mark]["worker"] for mark in MARKS] == [2.0, 3.0, 4.0]
