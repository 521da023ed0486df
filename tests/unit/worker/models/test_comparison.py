"""Comparing two versions on every stored face."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import ModelError, UsageError
from db.records import Box, Crop
from tests.colours import (
    BLUE,
    FAINT,
    GREEN,
    RED,
    ColourEmbedder,
    colour_face,
    colour_model,
    store,
)
from tests.models import publish_live, small_artifact
from worker.models import comparison
from worker.models.comparison import compare_versions
from worker.models.pairs import Given, Pairs

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from tests.ledger import Ledger
    from worker.models.diff import Diff
    from worker.models.live import Model

TWO = {"Aqua": RED, "Megumin": GREEN}
# Gives Megumin's faces to Aqua, and knows one more.
OTHER = {"Aqua": GREEN, "Darkness": BLUE}


def ignore(_done: int, _total: int) -> None:
    """Show nothing."""


def compare(database: Database, old: Model, new: Model, *, sample: int | None = None) -> Diff:
    """Compare without a word."""
    return comparison.compare(database, old, new, sample=sample, progress=ignore)


def fill(ledger: Ledger) -> None:
    """Two red faces, a green, a blue and a pale one."""
    store(ledger, colour_face(RED), colour_face(RED), colour_face(GREEN))
    store(ledger, colour_face(BLUE), colour_face(RED, FAINT))


def test_every_face_is_counted_by_what_becomes_of_it(ledger: Ledger) -> None:
    """Labels that go, come and change places are counted, on SQLite and on PostgreSQL."""
    fill(ledger)
    diff = compare(ledger.database, colour_model(1, TWO), colour_model(2, OTHER))
    assert diff.counts == {
        ("Aqua", None): 2,
        ("Megumin", "Aqua"): 1,
        (None, "Darkness"): 1,
        (None, None): 1,
    }
    assert (diff.old, diff.new) == (1, 2)
    assert (diff.faces, diff.stored, diff.scored, diff.unchanged) == (5, 5, 5, 1)
    assert [(c.old, c.new, c.faces) for c in diff.changes] == [
        ("Aqua", None, 2),
        (None, "Darkness", 1),
        ("Megumin", "Aqua", 1),
    ]


def test_labels_gain_and_lose(sqlite_ledger: Ledger) -> None:
    """Each label's faces before and after, gained and lost, and labels of one version alone."""
    fill(sqlite_ledger)
    diff = compare(sqlite_ledger.database, colour_model(1, TWO), colour_model(2, OTHER))
    found = json.loads(json.dumps(diff.to_json()))
    assert found["labels"] == {
        "Aqua": {"old": 2, "new": 1, "gained": 1, "lost": 2},
        "Darkness": {"old": 0, "new": 1, "gained": 1, "lost": 0},
        "Megumin": {"old": 1, "new": 0, "gained": 0, "lost": 1},
    }
    assert (found["only_old"], found["only_new"]) == (["Megumin"], ["Darkness"])
    assert found["changes"][0]["samples"][0]["face_id"] == 1


def test_a_label_that_is_new_is_not_held_against_a_version(sqlite_ledger: Ledger) -> None:
    """An unknown face may get a new label, but not lose one, nor get one that was known before."""
    fill(sqlite_ledger)
    database = sqlite_ledger.database
    one = colour_model(1, {"Aqua": RED})
    assert compare(database, one, colour_model(2, TWO)).changed_share == 0
    assert compare(database, one, colour_model(2, {"Megumin": RED})).changed_share == 2 / 5
    assert compare(database, one, colour_model(2, {"Aqua": BLUE})).changed_share == 3 / 5


def test_the_same_labels_in_another_order_change_nothing(sqlite_ledger: Ledger) -> None:
    """Labels are told by name, not by column."""
    fill(sqlite_ledger)
    turned = dict(reversed(TWO.items()))
    diff = compare(sqlite_ledger.database, colour_model(1, TWO), colour_model(2, turned))
    assert (diff.unchanged, diff.changes, diff.changed_share) == (5, (), 0)


@pytest.mark.parametrize("kind", ["is", "is_not", "not_a_face"])
def test_faces_that_people_judged_are_left_out(ledger: Ledger, kind: str) -> None:
    """An annotated face is counted as such and in no change."""
    fill(ledger)
    ledger.execute(
        "INSERT INTO annotations (face_id, kind, label, created_at) VALUES (1, :kind, 'Aqua', 1)",
        kind=kind,
    )
    diff = compare(ledger.database, colour_model(1, TWO), colour_model(2, OTHER))
    assert (diff.faces, diff.annotated, diff.scored) == (5, 1, 4)
    assert diff.counts["Aqua", None] == 1


def test_faces_without_an_embedding_are_embedded_from_their_crops(ledger: Ledger) -> None:
    """An embedder that saw none of the faces gets their crops, and nothing is written."""
    fill(ledger)
    fresh = ColourEmbedder("another")
    diff = compare(ledger.database, colour_model(1, TWO), colour_model(2, TWO, embedder=fresh))
    assert (diff.unchanged, diff.skipped, fresh.faces) == (5, 0, 5)
    assert ledger.value("SELECT count(*) FROM embeddings") == 5


def test_stored_embeddings_are_used(sqlite_ledger: Ledger) -> None:
    """Only the face that has no embedding is embedded, once for both versions."""
    fill(sqlite_ledger)
    store(sqlite_ledger, colour_face(GREEN, embedded=False))
    embedder = ColourEmbedder()
    models = (colour_model(n, TWO, embedder=embedder) for n in (1, 2))
    diff = compare(sqlite_ledger.database, *models)
    assert (diff.counts["Megumin", "Megumin"], embedder.faces) == (2, 1)


def test_a_face_that_cannot_be_seen_is_skipped(sqlite_ledger: Ledger) -> None:
    """A damaged crop is counted; a damaged embedding is made again."""
    damaged = replace(colour_face(RED, embedded=False), crop=Crop(b"no JPEG", Box(0, 0, 9, 9)))
    store(sqlite_ledger, damaged, replace(colour_face(GREEN), embedding=b"short"))
    diff = compare(sqlite_ledger.database, colour_model(1, TWO), colour_model(2, TWO))
    assert (diff.skipped, diff.scored) == (1, 1)
    assert diff.counts == {("Megumin", "Megumin"): 1}


def test_pages_do_not_show(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading two faces at a time finds the same, and progress ends at the last face."""
    fill(ledger)
    models = colour_model(1, TWO), colour_model(2, OTHER)
    whole = compare(ledger.database, *models)
    monkeypatch.setattr(comparison, "_PAGE", 2)
    told: list[tuple[int, int]] = []
    found = comparison.compare(
        ledger.database, *models, progress=lambda done, total: told.append((done, total))
    )
    assert found == whole
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]


def test_an_archive_without_faces_has_no_share(sqlite_ledger: Ledger) -> None:
    """Where there is nothing to change, nothing is divided by."""
    diff = compare(sqlite_ledger.database, colour_model(1, TWO), colour_model(2, OTHER))
    assert (diff.faces, diff.changes, diff.changed_share) == (0, (), None)


def test_a_sample_finds_about_the_same(sqlite_ledger: Ledger) -> None:
    """A tenth of the faces is looked at, always the same ones, with about the same share."""
    faces = [colour_face(RED if number % 4 else BLUE) for number in range(1000)]
    store(sqlite_ledger, *faces)
    models = colour_model(1, TWO), colour_model(2, OTHER)
    diff = compare(sqlite_ledger.database, *models, sample=100)
    assert diff.stored == 1000
    assert diff.faces == pytest.approx(100, abs=5)
    assert diff.changed_share == pytest.approx(0.75, abs=0.05)
    assert compare(sqlite_ledger.database, *models, sample=100) == diff


def test_samples_are_those_that_the_new_version_is_most_sure_of() -> None:
    """Of each change the surest faces are kept over all pages, with both confidences."""
    pairs = Pairs(("Aqua",), ("Megumin",), samples=2)
    for page in ([0.6, 0.9], [0.7, 0.8]):
        ids = np.array([int(sure * 10) for sure in page])
        column = np.zeros(2, np.intp)
        pairs.add(ids, Given(column, np.array([0.5, 0.5])), Given(column, np.array(page)))
    assert pairs.counts() == {("Aqua", "Megumin"): 4}
    (samples,) = pairs.samples().values()
    assert [(one.face_id, one.old_confidence, one.new_confidence) for one in samples] == [
        (9, 0.5, 0.9),
        (8, 0.5, 0.8),
    ]


def test_counting_by_columns_is_what_single_predictions_give() -> None:
    """Random heads and faces are counted as `Head.predict` says of each."""
    rng = np.random.default_rng(0)
    heads = [colour_model(n, TWO | {"Darkness": BLUE}).head for n in (1, 2)]
    old, new = (
        replace(head, weight=rng.normal(size=(3, 3)).astype(np.float32), background=0.0)
        for head in heads
    )
    embeddings = rng.normal(size=(500, 3)).astype(np.float16)
    pairs = Pairs(old.labels, new.labels, samples=8)
    pairs.add(np.arange(500), Given.by(old, embeddings), Given.by(new, embeddings))
    expected: dict[tuple[str | None, str | None], int] = {}
    for said in zip(old.predict(embeddings), new.predict(embeddings), strict=True):
        before, after = (None if one.unknown else one.label for one in said)
        expected[before, after] = expected.get((before, after), 0) + 1
    assert pairs.counts() == expected
    assert len(expected) > 9


def test_a_version_that_cannot_be_had_is_one_line(sqlite: Database, home: Path) -> None:
    """A number that is not there, no active version, and an artifact that is gone are told."""
    with pytest.raises(UsageError, match="no model version '7'"):
        compare_versions(sqlite, "7", "8", home=home, progress=ignore)
    with pytest.raises(UsageError, match="no active model"):
        compare_versions(sqlite, "active", "8", home=home, progress=ignore)
    version = publish_live(sqlite, small_artifact(), why="a test")
    with pytest.raises(ModelError, match="cannot be used"):
        compare_versions(sqlite, "active", str(version.id), home=home, progress=ignore)
