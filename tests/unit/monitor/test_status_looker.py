"""Looking again and again, whatever becomes of a look."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from db.errors import UsageError
from monitor.status import looker
from monitor.status.looker import Looker
from tests.command import wait_for

if TYPE_CHECKING:
    from db.engine import Database


def test_a_look_that_does_not_end_is_told_and_what_was_seen_stays(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen goes on beside a database that takes connections and never answers."""
    monkeypatch.setattr(looker, "_LATE", 0.1)
    goes_on = threading.Event()
    goes_on.set()

    def collect() -> dict[str, Any]:
        goes_on.wait()
        return {"at": 1.0}

    looks = Looker(sqlite, collect, every=0.01)
    wait_for(lambda: looks.poll().found, what="a look")
    goes_on.clear()
    told = wait_for(lambda: looks.poll().error and looks.poll(), what="an error")
    assert told
    assert "has said nothing for" in str(told.error)
    assert told.found == {"at": 1.0}
    goes_on.set()
    wait_for(lambda: looks.poll().error is None, what="the next look")


def test_a_mistake_of_ours_is_no_outage(sqlite: Database) -> None:
    """What no database can be the reason for ends the command; an error of kaolabel's is told."""
    mistakes = iter([UsageError("no such thing"), ZeroDivisionError()])

    def collect() -> dict[str, Any]:
        raise next(mistakes)

    looks = Looker(sqlite, collect, every=0.01)
    assert wait_for(lambda: looks.poll().error, what="an error") == "no such thing"
    with pytest.raises(ZeroDivisionError):
        wait_for(lambda: looks.poll().looks > 1, what="the mistake")
