"""What the commands of the quarantine say: byte-exact to programs, harmless to terminals."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from db.records import Outcome, RefusedImage
from producer.quarantine.summary import listing, render, render_listing, summarize
from tests.ledger import content, face
from tests.refusals import poison, store
from worker.vision.libraries import decoder

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tests.ledger import Ledger

CRASHED = RefusedImage(
    id=1,
    archive_id=1,
    root=b"/a\xff",
    path=b"\x1b[2J.png",
    content_id=1,
    reason="decoder_crashed",
    detail="it\x07 died",
    decoder="opencv 4",
    at=0.0,
)
LOST = replace(CRASHED, path=b"x" * 300, reason="worker_lost", detail=None, decoder=None, at=None)


def printed(view: RenderableType) -> str:
    """What people see."""
    console = Console(width=80)
    with console.capture() as captured:
        console.print(view, soft_wrap=True)
    return captured.get()


def test_a_listing_counts_and_names_byte_exact() -> None:
    """A program finds every byte of a name, and the most frequent reason first."""
    found = listing(Outcome.QUARANTINED, [LOST, CRASHED, CRASHED])
    assert (found["outcome"], found["images"], found["decoder"]) == ("quarantined", 3, decoder())
    assert list(found["reasons"].items()) == [("decoder_crashed", 2), ("worker_lost", 1)]
    assert os.fsencode(found["files"][1]["archive"]) == b"/a\xff"
    assert found["files"][1]["at"] == 0.0


def test_a_listing_is_harmless_and_whole() -> None:
    """Nothing of a name or detail acts on the terminal, and long names stay in one line."""
    lines = printed(render_listing(listing(Outcome.QUARANTINED, [CRASHED, LOST]))).splitlines()
    assert lines == [
        "2 quarantined",
        "  1  decoder_crashed",
        "  1  worker_lost",
        "",
        "decoder_crashed",
        "  /a\\xff/\\x1b[2J.png",
        "      it\\x07 died; opencv 4; 1970-01-01 00:00 UTC",
        "",
        "worker_lost",
        f"  /a\\xff/{'x' * 300}",
    ]


def test_an_empty_listing_says_so() -> None:
    """No image of that kind is good news, and a sentence."""
    assert printed(render_listing(listing(Outcome.UNREADABLE, []))) == "No image is unreadable.\n"


def test_what_images_became_is_told(ledger: Ledger) -> None:
    """Still refused, newly refused, and mended images are told apart."""
    claim = ledger.take(ledger.run(), b"1", b"2", b"3", b"4")
    found = [content(b"1", face()), poison(b"2"), poison(b"3", "decoder_memory"), content(b"4")]
    store(ledger, claim, *found)
    ids = [row[0] for row in ledger.rows("SELECT id FROM images")]
    images = [replace(CRASHED, id=number) for number in ids]
    summary = summarize(ledger.database, Outcome.QUARANTINED, images, runs=[], seconds=1.23456)
    assert (summary["retried"], summary["seconds"]) == (4, 1.235)
    assert sum(row["images"] for row in summary["became"]) == 4
    shown = printed(render(summary))
    assert "4 quarantined, tried again" in shown
    assert "faces are found in it now" in shown
    assert "no face is found in it" in shown
    assert "it is still quarantined: decoder_memory" in shown
    unread = summarize(ledger.database, Outcome.UNREADABLE, images, runs=[], seconds=1)
    assert "it is now quarantined: decoder_crashed" in printed(render(unread))


def test_nothing_tried_again_is_a_sentence(ledger: Ledger) -> None:
    """Without images there is no empty table."""
    nothing = summarize(ledger.database, Outcome.QUARANTINED, [], runs=[], seconds=0)
    assert printed(render(nothing)) == "Nothing was tried again.\n"
