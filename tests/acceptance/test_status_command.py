"""`kaolabel status` as people and programs watch a run by it: a terminal, a pipe, a file."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url

from tests.command import Kaolabel, finish, wait_for
from tests.drawing import face_png, plain_png
from tests.faults.cluster import Cluster
from tests.faults.proxy import Proxy
from tests.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database
    from tests.postgres import Postgres

IMAGES = 120
WATCH = ("status", "--watch", "--every", "0.2")

KEYS = {
    *("at", "kaolabel", "database", "error", "active_model", "refusals", "broker", "queue"),
    *("images_per_second", "quarantined", "unreadable", "workers", "trainings", "runs"),
}
RUN_KEYS = {
    *("run", "kind", "archive", "version", "state", "reason", "holder", "listing", "listed"),
    *("done", "per_second", "seconds_left", "jobs_open", "jobs_in_flight", "complaints"),
    *("started_at", "finished_at"),
}
WORKER_KEYS = {
    *("worker", "host", "kind", "state", "kaolabel", "device", "decoders", "model"),
    *("started_at", "seen_seconds", "trouble"),
}


def draw(folder: Path) -> Path:
    """An archive in which every fourth image has a face, and one file is none."""
    folder.mkdir()
    for number in range(IMAGES - 1):
        drawing = plain_png(number) if number % 4 else face_png(number)
        (folder / f"{number}.png").write_bytes(drawing)
    (folder / "broken.png").write_bytes(b"no picture at all")
    return folder


def looks(file: Path) -> list[dict[str, Any]]:
    """The objects that a program has been told so far."""
    lines = file.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def test_a_run_is_watched_from_its_start_to_its_end(sqlite: Database, tmp_path: Path) -> None:
    """Terminal and program see the queue, the worker, the rate, the time left, and the end."""
    archive = draw(tmp_path / "the-archive")
    url = sqlite.url.render_as_string(hide_password=False)
    hooks = {"slow": {"seconds": 0.1}}
    with (
        Cluster(tmp_path / "cluster", url, hooks=hooks) as cluster,
        Terminal(cluster.environment, *WATCH) as screen,
    ):
        program = cluster.command(*WATCH, "--json")
        program.start()
        screen.until("queue     empty")
        label = cluster.command("label", str(archive), "--detect-only")
        label.start()
        frame = screen.until(" s left")
        assert [len(line) <= screen.columns for line in frame] == [True] * screen.lines
        assert any("/the-archive" in line and " of 120" in line for line in frame)
        assert any(line.startswith("worker ") for line in frame)
        screen.resize(40, 120)
        screen.until("####")
        assert len(screen.frame()) == 40
        assert label.wait(120) == 0, cluster.logs()
        screen.until("finished in")
        screen.until("unreadable 1: ")
        wait_for(lambda: looks(program.log)[-1]["runs"][-1]["state"] == "finished", what="the end")
        screen.press("q")
        assert (screen.end(), screen.is_restored) == (0, True)
        program.signal(signal.SIGINT)
        assert program.wait(60) == 0
        judge(looks(program.log), cluster)


def judge(seen: list[dict[str, Any]], cluster: Cluster) -> None:
    """What the program has seen is complete, and true."""
    assert {frozenset(one) for one in seen} == {frozenset(KEYS)}
    assert {one["broker"]["answers"] for one in seen} == {True}
    assert max(one["queue"]["jobs_open"] for one in seen) > 0
    assert max(one["queue"]["oldest_seconds"] or 0.0 for one in seen) > 0
    assert max(one["images_per_second"] for one in seen) > 0
    workers = [worker for one in seen for worker in one["workers"]]
    assert {worker["worker"].rpartition(":")[2] for worker in workers} == {
        str(cluster.workers[0].pid)
    }
    assert {frozenset(worker) for worker in workers} == {frozenset(WORKER_KEYS)}
    assert {(one["kind"], one["state"], one["decoders"]) for one in workers} == {
        ("worker", "working", 2)
    }
    runs = [run for one in seen for run in one["runs"]]
    assert {frozenset(run) for run in runs} == {frozenset(RUN_KEYS)}
    assert any(run["seconds_left"] for run in runs)
    assert [run["done"] for run in runs] == sorted(run["done"] for run in runs)
    last = seen[-1]
    assert (last["runs"][0]["done"], last["runs"][0]["listed"]) == (IMAGES, IMAGES)
    assert sum(last["unreadable"].values()) == 1
    assert (last["queue"]["jobs_open"], last["queue"]["oldest_seconds"]) == (0, None)


def test_a_database_that_is_away_is_told_and_waited_for(
    postgres: Postgres, home: Path, tmp_path: Path
) -> None:
    """The screen keeps what was seen last, a program gets an error a line, until it is back."""
    with postgres.lend(empty=False) as url, Proxy(lambda: connect(url)) as proxy:
        kaolabel = Kaolabel(home, KAOLABEL_DATABASE_URL=through(proxy, url))
        with (
            Terminal(kaolabel.environment, *WATCH, columns=200) as screen,
            (tmp_path / "lines").open("w") as lines,
            subprocess.Popen(
                [sys.executable, "-m", "kaolabel", *WATCH, "--json"],
                env=kaolabel.environment,
                stdout=lines,
            ) as program,
        ):
            screen.until("as of")
            wait_for(lambda: looks(tmp_path / "lines"), what="a look")
            proxy.refuse()
            frame = screen.until("does not answer")
            assert any("queue     empty" in line for line in frame)
            wait_for(lambda: looks(tmp_path / "lines")[-1]["error"], what="an error")
            proxy.restore()
            screen.until("as of")
            screen.press("\x03")
            assert (screen.end(), screen.is_restored) == (0, True)
            wait_for(lambda: looks(tmp_path / "lines")[-1]["error"] is None, what="a look")
            program.terminate()
            assert program.wait() == 0
    told = looks(tmp_path / "lines")
    errors = [one["error"] is not None for one in told]
    assert (errors[0], True in errors, errors[-1]) == (False, True, False)
    assert {frozenset(one) for one in told if one["error"]} == {frozenset({"error"})}


def connect(url: str) -> socket.socket:
    """A plain connection to the server of a database, by its Unix socket."""
    plain = socket.socket(socket.AF_UNIX)
    plain.connect(f"{make_url(url).query['host']}/.s.PGSQL.5432")
    return plain


def through(proxy: Proxy, url: str) -> str:
    """The URL of the same database behind a proxy."""
    behind = make_url(url).set(host="127.0.0.1", port=proxy.port, query={})
    return behind.render_as_string(hide_password=False)


@pytest.mark.usefixtures("sqlite")
def test_where_there_is_no_terminal_every_look_is_a_block(home: Path) -> None:
    """Blocks of lines without any control character, until nobody reads them any more."""
    with Kaolabel(home).start(*WATCH) as process:
        assert process.stdout is not None
        seen = ""
        while seen.count("as of     ") < 2:
            seen += process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
    assert all(line.isprintable() for line in seen.splitlines())
    assert seen.count("queue     empty") >= 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--every", "5"), "--every goes with --watch"),
        (("--watch", "--every", "0"), "0.2"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    home: Path, arguments: tuple[str, ...], what: str
) -> None:
    """An interval without watching, or that is none, is an error of one line."""
    done = finish(Kaolabel(home).start("status", *arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert what in done.stderr
    assert done.stderr.count("\n") == 1
