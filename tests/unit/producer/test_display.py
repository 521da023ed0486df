"""How the commands of a run end, also where the database does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer

from db.errors import UnavailableError
from db.records import RunState
from db.store import runs
from producer import display
from producer.display import stopping_cleanly
from tests.outage import outage_of
from worker.terminal import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from db.engine import Database
    from db.records import RunRecord
    from tests.ledger import Ledger


def record(ledger: Ledger, run: RunRecord) -> RunRecord:
    """The run as it stands."""
    with ledger.database.read() as connection:
        return runs.get(connection, run.id)


def interrupt(database: Database, run: RunRecord) -> None:
    """Press Ctrl-C while a run goes on."""
    with pytest.raises(typer.Exit) as caught, stopping_cleanly(database, run):
        raise KeyboardInterrupt
    assert caught.value.exit_code == EXIT_INTERRUPTED


def test_an_interrupted_run_is_stopped(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C leaves a run that can be resumed, and says how."""
    run = ledger.run()
    interrupt(ledger.database, run)
    assert record(ledger, run).reason == "interrupted"
    said = f"Run {run.id} is stopped; `kaolabel resume {run.id}` goes on.\n"
    assert capsys.readouterr().err == said


def test_an_error_stops_the_run_with_its_reason(ledger: Ledger) -> None:
    """What the command ends with is what the ledger says."""
    run = ledger.run()
    with (
        pytest.raises(UnavailableError, match="no worker"),
        stopping_cleanly(ledger.database, run),
    ):
        raise UnavailableError("no worker")
    assert (record(ledger, run).state, record(ledger, run).reason) == (
        RunState.STOPPED,
        "no worker",
    )


def test_an_interrupt_in_an_outage_ends_soon_and_in_one_line(
    postgresql_ledger: Ledger,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run is left as it is, which does not keep `resume` from going on with it."""
    monkeypatch.setattr(display, "_STOP_PATIENCE", 0.2)
    ledger = postgresql_ledger
    run = ledger.run()
    with outage_of(ledger.database) as outage:
        outage.begin()
        interrupt(ledger.database, run)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Run {run.id} is left as it is, as the database does not answer")
    assert record(ledger, run).state == RunState.ACTIVE


def test_an_interrupt_is_heard_while_sqlite_is_locked(
    sqlite_ledger: Ledger,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another program that holds the file does not hold up the end of the command."""
    monkeypatch.setattr(display, "_STOP_PATIENCE", 0.2)
    run = sqlite_ledger.run()
    with sqlite_ledger.database.write():
        interrupt(sqlite_ledger.database, run)
    assert "is left as it is" in capsys.readouterr().err
