"""What the end of `kaolabel label` tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console

from producer import summary
from tests.ledger import content, face, prediction

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tests.ledger import Ledger


def text(renderable: RenderableType) -> str:
    """What a person sees."""
    console = Console(width=200)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_the_summary_counts_the_archive(ledger: Ledger) -> None:
    """Faces by label, everything else by kind, and what this run had to decode."""
    version, run = ledger.publish_model(), ledger.run()
    known, unknown = face(prediction("Aqua")), face(prediction("Megumin", unknown=True))
    contents = (content(b"1", known, unknown), content(b"2"))
    ledger.finish(ledger.take(run, b"a", b"b"), *contents, version=version)
    found = summary.summarize(ledger.database, run, seconds=4.0)
    expected = {
        "run": run.id,
        "images": 2,
        "contents": 2,
        "with_face": 1,
        "faces": 2,
        "labels": {"Aqua": 1},
        "unknown": 1,
        "unscored": 0,
        "no_face": 1,
        "unreadable": 0,
        "quarantined": 0,
        "decoded": 2,
        "images_per_second": 0.5,
    }
    assert {name: found[name] for name in expected} == expected
    assert json.loads(json.dumps(found)) == found
    shown = text(summary.render(found))
    assert "Aqua" in shown
    assert "no face" in shown
    assert "quarantined" not in shown


def test_a_run_that_took_no_time_has_no_rate(ledger: Ledger) -> None:
    """An empty archive is summed up without dividing by zero."""
    found = summary.summarize(ledger.database, ledger.run(), seconds=0.0)
    assert (found["images"], found["images_per_second"]) == (0, 0.0)
