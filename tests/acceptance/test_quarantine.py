"""`kaolabel quarantine`: what killed a decoder is seen, and tried again once that is mended."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from tests.command import Kaolabel, finish, wait_for
from tests.drawing import face_png, plain_png
from tests.homes import HOMES
from worker.vision.libraries import decoder

if TYPE_CHECKING:
    from subprocess import CompletedProcess

# One process has the stage set for all of them.
pytestmark = pytest.mark.xdist_group("quarantine")

ROOT = Path(__file__).parents[2]
DEADLY = os.pathsep.join([str(Path(__file__).parent / "deadly"), str(ROOT)])

USAGE = 2


@dataclass(frozen=True, slots=True)
class Ward:
    """A home in which two archives are labelled."""

    home: Path
    archives: tuple[Path, Path]

    @property
    def sick(self) -> Kaolabel:
        """The command with decoders that die."""
        return Kaolabel(self.home, PYTHONPATH=DEADLY)

    @property
    def healthy(self) -> Kaolabel:
        """The command with decoders that were mended."""
        return Kaolabel(self.home)

    def became(self, kaolabel: Kaolabel, *arguments: str) -> dict[tuple[str, str | None], int]:
        """Retry; how many images have which outcome and reason now."""
        found = kaolabel.json("quarantine", "retry", *arguments)
        return {(row["outcome"], row["reason"]): row["images"] for row in found["became"]}


def archive(folder: Path, files: dict[bytes, bytes]) -> Path:
    """A folder with these files."""
    folder.mkdir()
    for name, data in files.items():
        (folder / os.fsdecode(name)).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """Three files that crash a decoder in two archives, two of them with the same bytes."""
    folder = tmp_path_factory.mktemp("ward")
    shared = face_png(1) + b"poison:crash"
    first = {
        b"\xff shared.png": shared,
        b"plain.png": plain_png(2) + b"poison:crash",
        b"text": b"no image",
    }
    second = {b"again.png": shared, b"face.png": face_png(3)}
    archives = (archive(folder / "first", first), archive(folder / "second", second))
    ward = Ward(folder / "home", archives)
    for root in archives:
        ward.sick.json("label", str(root), "--detect-only")
    return ward


@pytest.fixture
def ward(labelled: Ward, tmp_path: Path) -> Ward:
    """The two archives, labelled in a home of the test's own."""
    return Ward(HOMES.copy(labelled.home, tmp_path / "home"), labelled.archives)


def refusal(done: CompletedProcess[str]) -> str:
    """The one line with which a command was refused."""
    assert done.returncode == USAGE, done.stderr
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    return line


def test_what_killed_a_decoder_is_listed_and_tried_again(ward: Ward) -> None:
    """Every image in quarantine is named byte-exact; mended, each has the outcome it deserves."""
    listed = ward.healthy.json("quarantine", "list")
    assert listed["reasons"] == {"decoder_crashed": 3}
    names = {(os.fsencode(one["archive"]), os.fsencode(one["path"])) for one in listed["files"]}
    first, second = (os.fsencode(folder) for folder in ward.archives)
    assert names == {(first, b"\xff shared.png"), (first, b"plain.png"), (second, b"again.png")}
    assert {one["decoder"] for one in listed["files"]} == {decoder()}
    assert all(one["at"] > 1e9 and "killed by SIGSEGV" in one["detail"] for one in listed["files"])

    assert ward.became(ward.sick) == {("quarantined", "decoder_crashed"): 3}
    found = ward.healthy.json("quarantine", "retry")
    assert found["retried"] == 3
    assert found["became"] == [
        {"outcome": "faces", "reason": None, "images": 2},
        {"outcome": "no_face", "reason": "no_face_found", "images": 1},
    ]
    # What both archives show is decoded for the first, and the second one is told.
    assert [(run["decoded"], run["with_face"]) for run in found["runs"]] == [(2, 1)]
    assert ward.healthy.json("quarantine", "list")["files"] == []
    assert ward.healthy.json("quarantine", "retry")["retried"] == 0
    again = ward.healthy.json("label", str(ward.archives[1]), "--detect-only")
    assert (again["decoded"], again["with_face"], again["faces"]) == (0, 2, 2)


def test_people_read_how_many_and_which(ward: Ward) -> None:
    """On a terminal the counts come first, then a line for every file, and what became of them."""
    listed = ward.healthy.run("quarantine", "list").stdout
    head, _, files = listed.partition("\n\n")
    assert head == "3 quarantined\n  3  decoder_crashed"
    assert f"  {ward.archives[0]}/\\xff shared.png\n      the decoder was killed" in files
    done = ward.healthy.run("quarantine", "retry", "--archive", str(ward.archives[1]))
    assert "1 quarantined, tried again" in done.stdout
    assert "faces are found in it now" in done.stdout
    assert f"Run 3: 1 image of {ward.archives[1]} get" in done.stderr
    # The first archive shows the same bytes, and needs no run to be told.
    assert "1 quarantined" in ward.healthy.run("quarantine", "list").stdout


def test_unreadable_files_are_tried_by_another_decoder(ward: Ward) -> None:
    """After an upgrade, what the old decoder refused is tried once; --all tries it anyway."""
    listed = ward.healthy.json("quarantine", "list", "--unreadable")
    assert listed["reasons"] == {"not_an_image": 1}
    assert ward.became(ward.healthy, "--unreadable") == {}
    with ward.healthy.database() as database, database.write() as connection:
        connection.execute(text("UPDATE detections SET decoder = 'opencv 1'"))
    assert ward.became(ward.healthy, "--unreadable") == {("unreadable", "not_an_image"): 1}
    assert ward.became(ward.healthy, "--unreadable") == {}
    assert ward.became(ward.healthy, "--unreadable", "--all") == {("unreadable", "not_an_image"): 1}


def test_an_interrupted_retry_is_resumed(ward: Ward, tmp_path: Path) -> None:
    """Ctrl-C ends the command; `resume` finishes the run, and other archives keep their turn."""
    third = archive(tmp_path / "third", {b"x.png": face_png(4) + b"poison:hang"})
    quick = Kaolabel(ward.home, PYTHONPATH=DEADLY, KAOLABEL_DECODER_SECONDS="1")
    quick.json("label", str(third), "--detect-only")
    process = ward.sick.start("quarantine", "retry", "--reason", "decoder_timeout")
    leased = "SELECT 1 FROM jobs WHERE state = 'leased'"
    wait_for(lambda: ward.sick.query(leased), what="the job of the retry")
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.returncode == 130
    assert "resume 4" in ended.stderr
    assert ward.healthy.json("quarantine", "list")["reasons"] == {"decoder_crashed": 3}
    assert ward.healthy.json("resume")["with_face"] == 1
    assert ward.became(ward.healthy) == {("faces", None): 2, ("no_face", "no_face_found"): 1}


def test_what_cannot_be_tried_again_is_refused_in_one_line(ward: Ward) -> None:
    """An archive that is gone or at work, and bad flags, change nothing and say what to do."""
    first, second = ward.archives

    def retry(*arguments: str) -> str:
        return refusal(ward.healthy.run("quarantine", "retry", *arguments))

    assert "reasons there are: decoder_crashed" in retry("--reason", "boredom")
    assert "--all belongs to --unreadable" in retry("--all")
    assert "not both" in retry("1", "--archive", str(first))
    assert "there is no run 99" in retry("99")
    assert "has never been labelled" in retry("--archive", "/")
    _set_at_work(ward.healthy, run=2)
    assert "run 2 is at work in this archive right now" in retry()
    away = second.rename(second.with_name("away"))
    assert f"{second} is gone" in retry("--archive", str(second))
    away.rename(second)
    assert ward.healthy.json("quarantine", "list")["reasons"] == {"decoder_crashed": 3}
    assert ward.became(ward.healthy, "1") == {
        ("faces", None): 1,
        ("no_face", "no_face_found"): 1,
    }


def _set_at_work(kaolabel: Kaolabel, *, run: int) -> None:
    """Have a run look as if a command on another machine were at work on it."""
    # Slightly ahead, for a machine on which the next command takes long to start.
    values: dict[str, Any] = {"run": run, "at": time.time() + 25}
    with kaolabel.database() as database, database.write() as connection:
        connection.execute(
            text(
                "UPDATE runs SET state = 'active', heartbeat_at = :at,"
                " holder = 'elsewhere:1' WHERE id = :run"
            ),
            values,
        )
