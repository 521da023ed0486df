"""Flower on a real cluster: it shows what goes on, and starts and revokes trainings."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import elements
from tests.command import Kaolabel, wait_for
from tests.crops import draw_crops
from tests.drawing import face_png, plain_png
from tests.faults.cluster import HOOKS
from tests.faults.services import ROOT, Child, RedisServer, Worker
from tests.watcher import Flower
from worker.broker.messages import LABEL_JOB, RELABEL_JOB, TRAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres

# One process has the cluster for all of them.
pytestmark = [pytest.mark.xdist_group("flower"), pytest.mark.timeout(600)]

IMAGES = 72

# Of labellings, not of relabellings.
JOBS = """
SELECT jobs.id, run_id, size FROM jobs JOIN runs ON runs.id = run_id WHERE kind = 'label'
ORDER BY jobs.id
"""


@dataclass(frozen=True, slots=True)
class Show:
    """Redis, PostgreSQL, two workers, a trainer, and the Flower that watches them.

    Attributes:
        kaolabel: the command, in the same cluster.
        crops: a folder to learn three labels from.
        archive: a folder of drawn images, every third of which shows a face.
        gate: where it is a file, trainings go on when they have read their examples.
    """

    flower: Flower
    kaolabel: Kaolabel
    crops: Path
    archive: Path
    gate: Path

    def page(self, path: str) -> str:
        """The elements of a page of Flower, in a real browser."""
        return elements(self.flower.url(path), profile=self.crops.parent / "profile")

    def active(self) -> list[int]:
        """The version that labels."""
        models = self.kaolabel.json("models")["models"]
        return [model["version"] for model in models if model["active"]]


@dataclass(frozen=True, slots=True)
class Followed:
    """What was shown of a training.

    Attributes:
        task: its number.
        seen: what events told of it on the way.
        stored: what its stored result was then.
        page: its page then.
        done: what events told of it at its end.
    """

    task: str
    seen: dict[str, Any]
    stored: dict[str, Any]
    page: str
    done: dict[str, Any]


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Show]:
    """A cluster for all tests of this module."""
    folder = tmp_path_factory.mktemp("show")
    with contextlib.ExitStack() as stack:
        redis = RedisServer(folder / "redis")
        kaolabel = Kaolabel(
            folder / "home",
            KAOLABEL_BROKER_URL=f"redis://127.0.0.1:{redis.port}/0",
            KAOLABEL_DATABASE_URL=stack.enter_context(postgres.lend(empty=False)),
            KAOLABEL_BACKBONE="seeded",
            KAOLABEL_DECODERS="1",
        )
        gate = folder / "gate"
        flower = Flower(kaolabel.environment, folder)
        services = [
            redis,
            Worker(kaolabel.environment, folder / "worker-1.log"),
            Worker(kaolabel.environment, folder / "worker-2.log"),
            _trainer(kaolabel.environment, folder, gate),
            flower,
        ]
        for service in services:
            stack.callback(service.stop)
            service.start()
        crops, archive = draw_crops(folder / "crops", each=6), _archive(folder / "archive")
        yield Show(flower, kaolabel, crops, archive, gate)


@pytest.fixture(scope="module")
def trained(show: Show) -> Followed:
    """A training whose model labels from then on, the first one in the cluster."""
    task = show.flower.send(TRAIN, folder=str(show.crops), crops=True)
    seen = show.flower.until(task, "PROGRESS")
    stored, page = show.flower.result(task), show.page(f"/task/{task}")
    show.gate.touch()
    return Followed(task, seen, stored, page, show.flower.until(task, "SUCCESS"))


@pytest.fixture(scope="module")
def relabelled(show: Show, trained: Followed) -> dict[str, Any]:  # noqa: ARG001  # its model labels
    """What `relabel` says of one face, which was found without a label."""
    more = show.archive.parent / "more"
    more.mkdir()
    (more / "one.png").write_bytes(face_png(IMAGES + 1))
    show.kaolabel.json("label", str(more), "--detect-only")
    return show.kaolabel.json("relabel")


def _trainer(environment: dict[str, str], folder: Path, gate: Path) -> Child:
    """A trainer that waits for the gate."""
    told = folder / "tmp"
    told.mkdir()
    hook = {"call": "training.trainer.train", "until": str(gate)}
    (told / "hooks.json").write_text(json.dumps({"hold": hook}))
    hooked = {"PYTHONPATH": os.pathsep.join([str(HOOKS), str(ROOT)]), "TMPDIR": str(told)}
    command = [sys.executable, "-m", "kaolabel", "trainer"]
    return Child(command, environment | hooked, folder / "trainer.log")


def _archive(folder: Path) -> Path:
    folder.mkdir()
    for number in range(IMAGES):
        draw = plain_png if number % 3 else face_png
        (folder / f"{number}.png").write_bytes(draw(number))
    return folder


def said(task: dict[str, Any], what: str) -> dict[str, Any]:
    """Arguments or result of a task, which Flower shows as Python writes them."""
    found: dict[str, Any] = ast.literal_eval(task[what])
    return found


def test_a_training_is_started_and_followed(show: Show, trained: Followed) -> None:
    """The API starts a training and shows how far it is, the page as well, and then its result."""
    assert re.match(r"[a-z]+ [\d,]+ of [\d,]+", trained.seen["result"])
    assert said(trained.seen, "kwargs") == {"folder": str(show.crops), "crops": True}
    assert trained.seen["worker"].startswith("trainer-")
    assert trained.stored["state"] == "PROGRESS"
    assert ">PROGRESS<" in trained.page
    assert re.search(r"<code>[a-z]+ [\d,]+ of [\d,]+", trained.page)
    told = said(trained.done, "result")
    assert {
        "training": 1,
        "version": 1,
        "active": True,
        "labels": 3,
        "faces": 18,
    }.items() <= told.items()
    stored = {"task-id": trained.task, "state": "SUCCESS", "result": told}
    assert show.flower.result(trained.task) == stored
    assert show.active() == [1]


def test_a_wrong_request_says_what_is_wrong(show: Show) -> None:
    """A training that cannot be done fails with the line that the command would print."""
    task = show.flower.send(TRAIN, how="async-apply", foldr="x")
    failed = show.flower.until(task, "FAILURE")
    assert "a training has no option 'foldr'" in failed["exception"]


@pytest.mark.usefixtures("trained")
def test_a_labelling_tells_its_story(show: Show) -> None:
    """Each job is one task with one set of events: run, job and images, and what was found."""
    run = show.kaolabel.json("label", str(show.archive))["run"]
    jobs = show.kaolabel.query(JOBS)
    tasks = wait_for(lambda: _done(show, LABEL_JOB, len(jobs)), what="all events")
    assert _events(show) == dict.fromkeys(("received", "started", "succeeded"), len(jobs))
    asked = [said(task, "kwargs") for task in tasks]
    assert sorted((a["job"], a["run"], a["images"]) for a in asked) == jobs
    told = [said(task, "result") for task, a in zip(tasks, asked, strict=True) if a["run"] == run]
    assert sum(t["faces"] for t in told) == IMAGES // 3
    assert sum(t["no_face"] for t in told) == IMAGES - IMAGES // 3
    assert {(t["state"], t["version"]) for t in told} == {("done", 1)}
    assert {task["worker"].partition("-")[0] for task in tasks} == {"worker"}


def test_a_relabelling_tells_how_far_it_is(show: Show, relabelled: dict[str, Any]) -> None:
    """Its jobs show their own faces and the progress of the whole relabelling."""
    (task,) = wait_for(lambda: _done(show, RELABEL_JOB, 1), what="all events")
    asked, told = said(task, "kwargs"), said(task, "result")
    assert (asked["run"], asked["faces"]) == (relabelled["run"], told["of"])
    assert {"faces": 1, "done": 1, "of": 1, "version": 1}.items() <= told.items()
    stored = show.flower.result(task["uuid"])
    assert (stored["state"], stored["result"]) == ("SUCCESS", told)


@pytest.mark.usefixtures("relabelled")
def test_the_pages_name_everything(show: Show) -> None:
    """In a browser, the list shows names, arguments and results, and the workers what they are."""
    for name in (LABEL_JOB, RELABEL_JOB):
        wait_for(lambda name=name: show.flower.tasks(name), what="all events")  # type: ignore[misc]  # mypy cannot infer a default
    tasks = show.page("/tasks")
    for text in (LABEL_JOB, RELABEL_JOB, TRAIN, "'images': ", "'faces': ", "SUCCESS"):
        assert text in tasks
    workers = show.page("/workers")
    assert len(set(re.findall(r"worker-\d+@", workers))) == 2
    assert len(set(re.findall(r"trainer-\d+@", workers))) == 1


@pytest.mark.usefixtures("trained")
def test_a_revoked_training_ends_or_never_begins(show: Show) -> None:
    """Both the one under way and the one that waits are closed at once; the model stays."""
    show.gate.unlink()
    running = show.flower.send(TRAIN, folder=str(show.crops), crops=True, force=True)
    show.flower.until(running, "PROGRESS")
    record = show.kaolabel.json("train", str(show.crops), "--crops", "--remote", "--detach")
    (asked,) = wait_for(lambda: _asked(show, record["training"]), what="the message")
    waiting = asked["uuid"]
    show.flower.revoke(waiting)
    show.flower.revoke(running, "?terminate=true")
    show.flower.until(running, "TERMINATED")
    show.flower.until(waiting, "REVOKED")
    assert {show.flower.result(task)["state"] for task in (running, waiting)} == {"REVOKED"}
    states = "SELECT state FROM trainings ORDER BY id"
    assert show.kaolabel.query(states) == [("done",), ("revoked",), ("revoked",)]
    assert show.active() == [1]


def _done(show: Show, name: str, count: int) -> list[dict[str, Any]]:
    """All tasks of a name, once so many of them have succeeded."""
    found = show.flower.tasks(name)
    return found if [task["state"] for task in found] == ["SUCCESS"] * count else []


def _asked(show: Show, training: int) -> list[dict[str, Any]]:
    return [t for t in show.flower.tasks(TRAIN) if f"'training': {training}," in t["kwargs"]]


def _events(show: Show) -> dict[str, int]:
    """How many events of each kind workers have sent of labelling jobs."""
    counted: dict[str, int] = {}
    pattern = (
        rf'^flower_events_total{{task="{LABEL_JOB}",type="task-(\w+)",worker="worker-.*}} (.*)'
    )
    for kind, count in re.findall(pattern, show.flower.ask("/metrics")[1], re.MULTILINE):
        counted[kind] = counted.get(kind, 0) + int(float(count))
    return counted
