"""What commands load: neither TensorFlow nor OpenCV, and for a page of help next to nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.command import Kaolabel
from tests.drawing import plain_png
from tests.models import publish_live, small_artifact
from worker.models import artifact as artifacts

if TYPE_CHECKING:
    from pathlib import Path

# One process has the stage set for all of them.
pytestmark = pytest.mark.xdist_group("imports")

HEAVY = {"animeface", "cv2", "h5py", "keras", "tensorflow"}
NOT_FOR_HELP = {*HEAVY, "alembic", "celery", "kombu", "numpy", "redis", "sqlalchemy"}
IMPORT = re.compile(r"^import time:.*\| +([A-Za-z_]\w*)", re.MULTILINE)

PRODUCER = (
    ("relabel",),
    ("resume", "--help"),
    ("status",),
    ("metrics", "--once"),
    ("report", "1", "--out", "{home}/report.html"),
    ("annotate", "export", "{home}/words.csv"),
    ("annotate", "import", "{home}/words.csv"),
    ("quarantine", "list"),
    ("quarantine", "retry"),
    ("models",),
    ("models", "show", "1"),
    ("models", "log"),
    ("db", "current"),
)


@pytest.fixture(scope="module")
def kaolabel(tmp_path_factory: pytest.TempPathFactory) -> Kaolabel:
    """The command in a home with an active model, and an archive beside it that shows no face."""
    home = tmp_path_factory.mktemp("imports") / "home"
    kaolabel = Kaolabel(home)
    (home.parent / "archive").mkdir()
    (home.parent / "archive" / "plain.png").write_bytes(plain_png())
    kaolabel.json("status")
    artifact = small_artifact()
    artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=home))
    with kaolabel.database() as database:
        publish_live(database, artifact, why="a test")
    return kaolabel


def imported(kaolabel: Kaolabel, *arguments: str | Path) -> set[str]:
    """The packages that a command loads in its own process; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kaolabel", *arguments],
        env=kaolabel.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = set(IMPORT.findall(done.stderr))
    assert "typer" in found
    return found


def test_labelling_loads_neither_tensorflow_nor_opencv(kaolabel: Kaolabel) -> None:
    """The command that drives a run leaves pixels and networks to its worker."""
    archive = kaolabel.home.parent / "archive"
    assert not imported(kaolabel, "label", archive, "--detect-only") & HEAVY


@pytest.mark.parametrize("command", PRODUCER, ids=" ".join)
def test_a_producer_command_loads_neither_tensorflow_nor_opencv(
    kaolabel: Kaolabel, command: tuple[str, ...]
) -> None:
    """What looks at the ledger, or sends jobs for it, starts without them."""
    if not kaolabel.query("SELECT id FROM runs"):
        kaolabel.json("label", str(kaolabel.home.parent / "archive"), "--detect-only")
    arguments = (argument.format(home=kaolabel.home) for argument in command)
    assert not imported(kaolabel, *arguments) & HEAVY


@pytest.mark.parametrize("command", [("--help",), ("label", "--help"), ("train", "--help")])
def test_help_loads_no_library_of_the_work(kaolabel: Kaolabel, command: tuple[str, ...]) -> None:
    """A page of help needs no settings, no database and no broker."""
    assert not imported(kaolabel, *command) & NOT_FOR_HELP
