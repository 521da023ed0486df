"""What people and programs are told of a version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console

from db.store import models
from tests.models import publish_live, small_artifact
from worker.models import details, history, listing, registry

if TYPE_CHECKING:
    from rich.console import RenderableType

    from db.engine import Database

HOLDOUT = {
    "n": 10,
    "correct": 8,
    "top1": 0.8,
    "wilson": [0.49, 0.943],
    "per_label": {"aqua": {"n": 6, "correct": 4, "given": 5, "recall": 0.667, "precision": 0.8}},
    "confusion": {"labels": ["aqua", "zoë"], "counts": [[0, 0, 4], [0, 1, 2], [1, 1, 4]]},
    "calibration_error": 0.0412,
    "unknown": {"auroc": 0.931, "rejected_at_95": 0.71, "n_known": 8, "n_unknown": 20, "how": "x"},
}


def text(renderable: RenderableType) -> str:
    """What a person sees."""
    console = Console(width=200)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_everything_is_told(sqlite: Database) -> None:
    """Labels, hold-out, calibration, strangers, mistakes, log and refusals are in both forms."""
    artifact = small_artifact(holdout=HOLDOUT, training={"copies": 8})
    version = publish_live(sqlite, artifact, why="trained on drawings")
    with sqlite.write() as connection:
        models.refuse(connection, version.id, worker="north", reason="torn")
    found = details.collect(sqlite, registry.find(sqlite, "1"))
    assert json.loads(json.dumps(found))["holdout"] == HOLDOUT
    assert (found["active"], found["threshold"], found["rejects"]) == (True, 0.25, False)
    shown = text(details.render(found))
    for words in (
        "Version 1, live",
        "8 of 10 right (95% interval 49.0% to 94.3%)",
        "66.7%",
        "Calibration error: 0.041",
        "AUROC 0.931, 71.0% rejected",
        "aqua was called zoë: 2",
        "copies 8",
        "activated: trained on drawings",
        "refused by north: torn",
    ):
        assert words in shown


def test_a_model_that_nothing_was_measured_of_can_be_shown(sqlite: Database) -> None:
    """What is not there is left out."""
    registry.publish(sqlite, small_artifact())
    shown = text(details.render(details.collect(sqlite, registry.find(sqlite, "1"))))
    assert "not live" in shown
    assert "Hold-out: none" in shown
    assert "none" in text(listing.render(listing.collect(sqlite)))


def test_the_log_has_its_newest_line_first(sqlite: Database) -> None:
    """People see what is live now on top."""
    assert text(history.render(history.collect(sqlite))) == "Nothing was live yet.\n"
    version = publish_live(sqlite, small_artifact(), why="first")
    registry.activate(sqlite, version.id, why="second")
    shown = text(history.render(history.collect(sqlite)))
    assert shown.index("second") < shown.index("first")


def test_the_list_says_who_refuses_the_live_version(sqlite: Database) -> None:
    """A version that some worker cannot use stands out where all versions are listed."""
    first = publish_live(sqlite, small_artifact(), why="the first")
    second = publish_live(sqlite, small_artifact(seed=1), why="the second")
    assert [one["refused_by"] for one in listing.collect(sqlite)] == [[], []]
    with sqlite.write() as connection:
        models.refuse(connection, first.id, worker="south", reason="torn")
        models.refuse(connection, second.id, worker="north", reason="torn")
    found = listing.collect(sqlite)
    assert [one["refused_by"] for one in found] == [[], ["north"]]
    assert "Version 2 is refused by north" in text(listing.render(found))
