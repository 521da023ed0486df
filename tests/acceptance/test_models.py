"""`kaolabel models` as people use it: look, activate, go back, and be told what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from db.engine import Database
from tests.command import Kaolabel
from tests.homes import HOMES
from tests.models import evidence_of, golden_faces, small_artifact, small_head
from tests.postgres import migrate
from worker.models import artifact as artifacts
from worker.models import backbone, registry, tensors
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

USAGE, MODEL = 2, 5
HOLDOUT = {
    "n": 4,
    "correct": 3,
    "top1": 0.75,
    "confusion": {"labels": ["zoë", "aqua"], "counts": [[0, 0, 3], [1, 0, 1]]},
}


@dataclass(frozen=True, slots=True)
class Shop:
    """A home with two good versions, 1 and 2, and version 3, whose head is torn."""

    kaolabel: Kaolabel
    hashes: tuple[str, ...]

    def live(self) -> list[int]:
        """The numbers of the versions that are marked as live."""
        listed = self.kaolabel.json("models")["models"]
        return [version["version"] for version in listed if version["active"]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop in which version 1 is live."""
    home = tmp_path_factory.mktemp("shop")
    weights = backbone.obtain("seeded", home=home)
    tensors.save(weights.tensors, backbone.stored_path(weights.sha256, home=home))
    embedder = Embedder(EmbedderSpec("file", weights.sha256, taps=("mixed0",)), home=home)
    migrate(HOMES.url(home))
    database = Database(HOMES.url(home))
    hashes = tuple(_publish(database, home, embedder, seed=seed) for seed in range(3))
    torn = artifacts.stored_path(hashes[2], home=home) / artifacts.HEAD_FILE
    torn.write_bytes(b"torn")
    registry.activate(database, 1, why="the first")
    database.close()
    return Shop(Kaolabel(home), hashes)


def _publish(database: Database, home: Path, embedder: Embedder, *, seed: int) -> str:
    head, golden = small_head(256, seed=seed), golden_faces()
    said = head.confidences(embedder.embed(golden))
    evidence = evidence_of(head, golden=golden, confidences=said)
    artifact = small_artifact(head, spec=embedder.spec, evidence=evidence, holdout=HOLDOUT)
    artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=home))
    return registry.publish(database, artifact).sha256


def test_a_version_is_shown_with_its_mistakes_and_a_picture(shop: Shop, tmp_path: Path) -> None:
    """By number or hash, for people and programs, and as an SVG file."""
    drawn = tmp_path / "confusion.svg"
    shown = shop.kaolabel.run("models", "show", "2", "--confusion", str(drawn))
    assert shown.returncode == 0, shown.stderr
    assert "3 of 4 right" in shown.stdout
    assert "aqua was called zoë: 1" in shown.stdout
    assert "aqua called zoë: 1" in drawn.read_text(encoding="utf-8")
    found = shop.kaolabel.json("models", "show", shop.hashes[1][:8])
    assert (found["version"], found["holdout"]) == (2, HOLDOUT)


def test_versions_come_and_go(shop: Shop) -> None:
    """Activate, go back, and read in the log why."""
    kaolabel = shop.kaolabel
    assert kaolabel.json("models", "activate", "2", "--why", "better")["version"] == 2
    assert shop.live() == [2]
    back = kaolabel.run("models", "rollback", "--why", "worse")
    assert back.stdout == "Version 1 is live; workers take it up between two jobs.\n"
    log = [
        (line["version"], line["rollback"], line["why"])
        for line in kaolabel.json("models", "log")["activations"]
    ]
    assert log == [(1, False, "the first"), (2, False, "better"), (1, True, "worse")]
    end = kaolabel.run("models", "rollback")
    assert (end.returncode, end.stderr.count("\n")) == (USAGE, 1)


def test_a_broken_version_is_not_activated(shop: Shop) -> None:
    """One line says why, with the exit code of models, and what was live stays so."""
    before = shop.live()
    done = shop.kaolabel.run("models", "activate", "3")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (MODEL, "", 1)
    assert "cannot be read as safetensors" in done.stderr
    assert shop.live() == before


def test_a_threshold_makes_a_version_of_its_own(shop: Shop, tmp_path: Path) -> None:
    """The copy is named for the next command, and is not live."""
    home = tmp_path / "home"
    HOMES.copy(shop.kaolabel.home, home)
    kaolabel = Kaolabel(home)
    copy = kaolabel.json("models", "threshold", "2", "0.6")
    assert (copy["version"], copy["parent"]) == (4, 2)
    found = kaolabel.json("models", "show", "4")
    assert (found["threshold"], found["active"]) == (0.6, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "9"),
        ("show", "latest"),
        ("activate", "zzzz"),
        ("threshold", "1", "1.5"),
        ("threshold", "1", "0.25"),
        ("threshold", "1", "much"),
        ("nonsense",),
    ],
)
def test_what_cannot_be_done_is_one_line(shop: Shop, arguments: tuple[str, ...]) -> None:
    """Mistakes end with exit code 2 and say what to do next."""
    done = shop.kaolabel.run("models", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (USAGE, "", 1)
    assert "Traceback" not in done.stderr
