"""What real workers log: JSON in files, sentences on terminals, one line an event, ids on each."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.command import Kaolabel, wait_for
from tests.drawing import plain_png
from worker.broker.messages import LABEL_JOB, label_job

if TYPE_CHECKING:
    from celery import Celery

    from worker.broker.embedded import EmbeddedRedis

# One process labels for all of them.
pytestmark = pytest.mark.xdist_group("logs")

ROOT = Path(__file__).parents[2]
DEADLY = os.pathsep.join([str(Path(__file__).parent / "deadly"), str(ROOT)])

FIRST = ["at", "level", "logger", "event", "process"]
HUMAN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) +\S.*\)")
NAMES = (b"\xff\x1b[2J\n.png", "\u202egnp.初.png".encode(), b"plain.png")


def entries(log: Path) -> list[dict[str, Any]]:
    """The events of a log in JSON, each of which begins as all do."""
    found = [json.loads(line) for line in log.read_text(encoding="utf-8").split("\n")[:-1]]
    assert all(list(entry)[:5] == FIRST for entry in found)
    return found


@dataclass(frozen=True, slots=True)
class Labelled:
    """A home in which an archive was labelled, and what its worker logged."""

    kaolabel: Kaolabel
    entries: list[dict[str, Any]]

    def of_job(self, job: int) -> list[dict[str, Any]]:
        """The events of a job."""
        return [entry for entry in self.entries if entry.get("job") == job]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """Two jobs of hostile names, with one file that kills its decoder."""
    folder = tmp_path_factory.mktemp("logs")
    archive = folder / "archive"
    archive.mkdir()
    for number, name in enumerate(NAMES):
        (archive / os.fsdecode(name)).write_bytes(plain_png(number))
    for number in range(30):
        (archive / f"{number:02}.png").write_bytes(plain_png(number + 5))
    (archive / "deadly.png").write_bytes(plain_png(4) + b"poison:crash")
    kaolabel = Kaolabel(folder / "home", PYTHONPATH=DEADLY)
    kaolabel.json("label", str(archive), "--detect-only")
    return Labelled(kaolabel, entries(kaolabel.home / "logs" / "worker.log"))


def test_all_that_a_worker_says_is_one_event_a_line(labelled: Labelled) -> None:
    """Banners and warnings of libraries are events, too, or left out."""
    events = [entry["event"] for entry in labelled.entries]
    assert sum(event == "worker is ready" for event in events) == 1
    assert {entry["level"] for entry in labelled.entries} <= {"info", "warning"}


def test_a_job_gives_a_few_lines_with_its_ids_and_numbers(labelled: Labelled) -> None:
    """Taken, done and acknowledged, however many images it has; each with task, run and job."""
    jobs = labelled.kaolabel.query("SELECT id, run_id, size FROM jobs ORDER BY id")
    assert len(jobs) == 2
    for job, run, size in jobs:
        lines = labelled.of_job(job)
        assert [line["logger"].partition(".")[0] for line in lines] == [
            "celery",
            "worker",
            "celery",
        ]
        assert {line["run"] for line in lines} == {run}
        assert len({line["task"] for line in lines}) == 1
        assert (lines[1]["event"], lines[1]["images"]) == (f"job {job} is done", size)
        assert lines[1]["seconds"] > 0


def test_a_file_that_kills_a_decoder_makes_its_job_a_warning(labelled: Labelled) -> None:
    """People find it by level alone."""
    warned = [entry for entry in labelled.entries if entry["logger"] == "worker.labelling"]
    assert sorted((entry["level"], entry["quarantined"]) for entry in warned) == [
        ("info", 0),
        ("warning", 1),
    ]


def environment(home: Path, server: EmbeddedRedis, **settings: str) -> dict[str, str]:
    """Of a worker that gets nothing ready."""
    settings |= {"KAOLABEL_BROKER_URL": server.url, "KAOLABEL_PREPARE": "nothing"}
    return Kaolabel(home, **settings).environment


def test_messages_of_strangers_are_logged_safely(
    home: Path, app: Celery, redis_server: EmbeddedRedis, tmp_path: Path
) -> None:
    """An unknown task with a body full of escapes is one line; a job that is none says so."""
    log = tmp_path / "log"
    with log.open("wb") as file:
        worker = subprocess.Popen(
            [sys.executable, "-m", "kaolabel", "worker"],
            env=environment(home, redis_server),
            stdout=subprocess.PIPE,
            stderr=file,
        )
    try:
        app.send_task("kaolabel.nonsense", kwargs={"a": "\x1b[2J\n\u2028forged" * 99})
        app.send_task(LABEL_JOB, kwargs=label_job(7), kwargsrepr="{'run': 3, 'job': 7}")
        wait_for(
            lambda: worker.poll() is not None or "not claimable" in log.read_text(),
            what="the second message",
        )
    finally:
        worker.send_signal(signal.SIGTERM)
        printed, _ = worker.communicate(timeout=90)
    assert (worker.returncode, printed) == (0, b"")
    found = entries(log)
    (strange,) = [entry for entry in found if "kaolabel.nonsense" in entry["event"]]
    assert strange["level"] == "error"
    assert "KeyError" in strange["exception"]
    refused = [entry for entry in found if entry.get("job") == 7]
    assert [entry.get("run") for entry in refused] == [3, None, 3]
    assert found[-1]["event"] == "worker ends"


def test_people_at_a_terminal_see_sentences(home: Path, redis_server: EmbeddedRedis) -> None:
    """Where standard error is a terminal the lines are for people, without colours if unwanted."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "kaolabel", "worker"],
        env=environment(home, redis_server, NO_COLOR="1"),
        stderr=theirs,
    ) as worker:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):
            # Which is how a terminal without any process ends.
            while more := os.read(ours, 4096):
                said += more
                if b"@" in more and b" ready." in more:
                    worker.send_signal(signal.SIGTERM)
    os.close(ours)
    assert worker.returncode == 0, said
    lines = said.decode().split("\r\n")[:-1]
    assert all(HUMAN.fullmatch(line) for line in lines), lines
    assert "worker ends" in lines[-1]


@pytest.mark.parametrize("command", ["worker", "trainer"])
def test_a_wrong_setting_is_one_line(home: Path, command: str) -> None:
    """No service begins with a log that nobody can read as they wanted to."""
    settings = {"KAOLABEL_LOG_FORMAT": "xml", "KAOLABEL_BROKER_URL": "redis://127.0.0.1:1/0"}
    done = Kaolabel(home, **settings).run(command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "KAOLABEL_LOG_FORMAT is set to 'xml'" in done.stderr
