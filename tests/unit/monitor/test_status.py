"""What `kaolabel status` tells."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from db.process import this_process
from db.store import runs, trainings, workers
from db.version import __version__
from monitor.status.collect import collect
from monitor.status.page import render
from tests.ledger import content

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tests.ledger import Ledger


def text(renderable: RenderableType, *, width: int = 200) -> str:
    """What a person sees."""
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_an_empty_ledger_has_a_status(ledger: Ledger) -> None:
    """Before the first run the status names the database and how to get a model."""
    found = collect(ledger.database)
    assert (found["active_model"], found["runs"]) == (None, [])
    assert ledger.database.display in text(render(found))
    assert "kaolabel train DIR" in text(render(found))


def test_open_runs_and_the_newest_are_shown(ledger: Ledger) -> None:
    """Finished runs are history, but for the newest; others come with progress and reason."""
    version = ledger.publish_model()
    for root in (b"/old", b"/new"):
        run = ledger.run(root)
        with ledger.database.write() as connection:
            runs.finish(connection, run.id)
        if root == b"/old":
            stopped = ledger.run(b"/stop\xffped")
            ledger.finish(ledger.take(stopped, b"a"), content(b"1"))
            ledger.register(stopped, b"b")
            with ledger.database.write() as connection:
                runs.stop(connection, stopped.id, reason="the archive is gone")
    found = collect(ledger.database)
    assert [one["archive"] for one in found["runs"]] == ["/stop\\xffped", "/new"]
    first = found["runs"][0]
    assert (first["state"], first["done"], first["listed"]) == ("stopped", 1, 2)
    assert json.loads(json.dumps(found)) == found
    assert f"version {version}" in text(render(found))
    assert "the archive is gone" in text(render(found))


def test_workers_are_told_with_what_is_wrong_with_them(ledger: Ledger) -> None:
    """Those in trouble come first: missing, dead, of another version, or with another model."""
    active = ledger.publish_model()
    announce(ledger, "elsewhere:1", device="gpu: NVIDIA H200", model_version_id=active)
    announce(ledger, "elsewhere:2", draining=True)
    announce(ledger, "elsewhere:3", version="0.0.9", model_version_id=active + 1)
    announce(ledger, "elsewhere:4", kind="trainer", decoders=None)
    announce(ledger, dead := f"{this_process().rpartition(':')[0]}:{_dead_pid()}")
    ledger.execute("UPDATE workers SET seen_at = seen_at - 45 WHERE name = 'elsewhere:4'")
    found = collect(ledger.database)
    told = {one["worker"]: (one["state"], one["trouble"]) for one in found["workers"]}
    assert list(told) == ["elsewhere:3", "elsewhere:4", dead, "elsewhere:1", "elsewhere:2"]
    assert told["elsewhere:1"] == ("working", [])
    assert told["elsewhere:2"] == ("draining", [])
    assert told["elsewhere:3"] == ("working", ["other_version", "other_model"])
    assert told["elsewhere:4"] == ("missing", ["missing"])
    assert told[dead] == ("dead", ["dead"])
    shown = text(render(found))
    for word in ("NVIDIA H200", "draining", "0.0.9", "other model", "not seen for 45 s", "dead"):
        assert word in shown


def announce(ledger: Ledger, name: str, **known: Any) -> None:
    """A worker that tells of itself."""
    begins: dict[str, Any] = {"kind": "worker", "version": __version__, "decoders": 2}
    begins |= {key: known.pop(key) for key in tuple(begins) if key in known}
    with ledger.database.write() as connection:
        workers.announce(connection, name, **begins)
        if known:
            workers.describe(connection, name, **known)


def _dead_pid() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen(["/bin/true"]) as process:
        return process.pid


def test_jobs_without_a_worker_are_pointed_out(ledger: Ledger) -> None:
    """Where nothing will happen until somebody starts a worker, the status says so."""
    run = ledger.run()
    ledger.register(run, b"a")
    ledger.cut(run)
    assert "start `kaolabel worker`" in text(render(collect(ledger.database)))
    announce(ledger, "elsewhere:1")
    assert "start `kaolabel worker`" not in text(render(collect(ledger.database)))


def test_how_long_a_run_takes_is_told_once_that_is_known(ledger: Ledger) -> None:
    """While files are listed nobody knows; then it is what is left at the rate of the minute."""
    run = ledger.run()
    ledger.finish(ledger.take(run, b"a", b"b"), content(b"1"), content(b"2"))
    ledger.execute("UPDATE jobs SET claimed_at = finished_at - 0.5")
    ledger.register(run, b"c", b"d")
    found = collect(ledger.database)
    (told,) = found["runs"]
    assert (told["listing"], told["seconds_left"], told["per_second"]) == (True, None, 4.0)
    assert "still listing" in text(render(found))
    with ledger.database.write() as connection:
        runs.mark_walked(connection, run.id, skipped=0)
    (told,) = collect(ledger.database)["runs"]
    assert (told["listing"], told["holder"]) == (False, this_process())
    assert told["seconds_left"] == pytest.approx(0.5)


def test_a_run_that_nobody_drives_is_told_with_what_goes_on_with_it(ledger: Ledger) -> None:
    """The command of a run was killed, so that `resume` is what helps."""
    run = ledger.run()
    ledger.execute("UPDATE runs SET heartbeat_at = heartbeat_at - 60")
    assert f"left alone: kaolabel resume {run.id}" in text(render(collect(ledger.database)))


def test_a_training_whose_process_died_is_told(ledger: Ledger) -> None:
    """It is `running` until another trainer comes, but its lease has run out."""
    with ledger.database.write() as connection:
        training = trainings.request(connection, request="{}", trigger="command")
        trainings.start(connection, training.id, holder="elsewhere:1")
        trainings.renew(connection, training.id, stage="fit", done=3, total=9, detail="seed 1")
    (told,) = (found := collect(ledger.database))["trainings"]
    assert (told["state"], told["lost"], told["done"], told["total"]) == ("running", False, 3, 9)
    assert "training 1 by command: running, fit 3/9; seed 1" in text(render(found))
    ledger.execute("UPDATE trainings SET lease_until = lease_until - 60")
    (told,) = (found := collect(ledger.database))["trainings"]
    assert told["lost"]
    assert "elsewhere:1 is not heard of" in text(render(found))


@pytest.mark.parametrize("many", [0, 3, 60])
def test_a_screen_is_never_larger_than_the_terminal(sqlite_ledger: Ledger, many: int) -> None:
    """However many runs and workers there are, each line fits, and from 80x24 on all lines do."""
    for number in range(many):
        announce(sqlite_ledger, f"a-host-of-some-length-{number:03}.example.org:{number}")
        sqlite_ledger.run(b"/archives/of/somebody/%d" % number)
    found = collect(sqlite_ledger.database)
    for width, height in ((80, 23), (132, 50), (60, 15), (20, 8)):
        shown = text(render(found, size=(width, height)), width=width)
        lines = shown.rstrip("\n").split("\n")
        assert max(map(cell_len, lines)) <= width
        if width >= 80:
            assert len(lines) <= height
            assert ("more workers" in shown) == (many == 60)


def test_names_cannot_reach_the_terminal(ledger: Ledger) -> None:
    """What an archive, a host or an error is called is shown in one line, its controls escaped."""
    run = ledger.run(b"/\x1b]0;owned\x07\n\xe2\x80\xae")
    announce(ledger, "host\x1b[2J:1")
    with ledger.database.write() as connection:
        runs.stop(connection, run.id, reason="gone \x1b[31m")
    for size in (None, (200, 40)):
        shown = text(render(collect(ledger.database), size=size))
        assert all(line.isprintable() for line in shown.splitlines())
        assert r"\x1b]0;owned\x07\n\u202e" in shown
