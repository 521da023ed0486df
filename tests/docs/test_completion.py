"""The tab key: what shells offer for `kaolabel`, and that asking changes nothing."""

from __future__ import annotations

import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from db.store import runs
from tests.command import Kaolabel
from tests.docs.typing_at import SHELLS, shell, with_kaolabel
from tests.models import publish_live, small_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from db.engine import Database

# Names that would run something if a shell took them for more than names.
HOSTILE = (b"/a\\$(touch ran)", b'/b"`touch ran`', b"/c'; touch ran; '", b"/d)) touch ran ((\n")


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """The environment of a person whose home folder is `home`."""
    return with_kaolabel(Kaolabel(home).environment)


def offered(environment: dict[str, str], *words: str) -> list[str]:
    """What bash is told when the last word is completed; nothing may be said beside it."""
    asked = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        ["kaolabel"],  # noqa: S607  # as the shell finds it
        env={**environment, **asked, "_KAOLABEL_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize("name", SHELLS)
def test_a_tab_completes_commands_and_what_the_ledger_knows(
    name: str, home_database: Database, environment: dict[str, str], tmp_path: Path
) -> None:
    """In a real shell a tab fills in commands and versions; names of folders run nothing."""
    if shutil.which(name) is None:
        pytest.skip(f"needs {name}: install it")
    publish_live(home_database, small_artifact(), why="a test")
    with home_database.write() as connection:
        for root in HOSTILE:
            runs.start(connection, root=root, chain_id="c", detect_only=True)
    with shell(name, environment, tmp_path) as terminal:
        assert terminal.completed("kaolabel mod") == "kaolabel models"
        assert terminal.completed("kaolabel models show ") == "kaolabel models show 1"
        assert terminal.completed("kaolabel resume ").startswith("kaolabel resume")
    assert not (tmp_path / "ran").exists()


def test_fish_is_offered_the_same(
    home_database: Database, environment: dict[str, str], tmp_path: Path
) -> None:
    """Fish shows what each of them is, too."""
    if shutil.which("fish") is None:
        pytest.skip("needs fish: install it")
    version = publish_live(home_database, small_artifact(), why="a test")
    asked = "kaolabel --show-completion | source; complete -C 'kaolabel models show '"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked],  # noqa: S607  # as it is found
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"1\t{version.sha256[:12]}, active"]


def test_what_is_offered(home_database: Database, environment: dict[str, str]) -> None:
    """Runs and labels are offered; files are the shell's."""
    publish_live(home_database, small_artifact(), why="a test")
    with home_database.write() as connection:
        for root in (b"/one", b"/two"):
            run = runs.start(connection, root=root, chain_id="c", detect_only=True)
        runs.finish(connection, run.id)
    assert offered(environment, "kaolabel", "report", "") == ["2", "1"]
    assert offered(environment, "kaolabel", "resume", "") == ["1"]
    assert offered(environment, "kaolabel", "annotate", "export", "--label", "") == ["zoë", "aqua"]
    assert offered(environment, "kaolabel", "label", "") == []


def test_a_tab_makes_nothing(home: Path, environment: dict[str, str]) -> None:
    """Where there is no database yet, nothing is offered and nothing is made."""
    assert offered(environment, "kaolabel", "models", "show", "") == []
    assert not home.exists()


def test_a_tab_mends_nothing(home: Path, environment: dict[str, str]) -> None:
    """A database that is none, or of another revision, is left as it is and nothing is said."""
    home.mkdir(mode=0o700)
    file = home / "kaolabel.db"
    file.write_bytes(b"no database" * 1000)
    settings = {**environment, "KAOLABEL_DATABASE_URL": f"sqlite:///{file}"}
    assert offered(settings, "kaolabel", "quarantine", "list", "--reason", "") == []
    assert file.read_bytes() == b"no database" * 1000
    assert [path.name for path in home.iterdir()] == ["kaolabel.db"]


def test_a_tab_waits_for_nobody(environment: dict[str, str]) -> None:
    """A server that takes connections and says nothing is given up, without a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:secret@127.0.0.1:{silent.getsockname()[1]}/name"
        settings = {**environment, "KAOLABEL_DATABASE_URL": url}
        assert offered(settings, "kaolabel", "report", "") == []


def test_it_installs_itself(environment: dict[str, str], tmp_path: Path) -> None:
    """`--install-completion` leaves a file in the person's home that their shell reads."""
    settings = {**environment, "HOME": str(tmp_path)}
    installed = subprocess.run(
        ["bash", "-c", "kaolabel --install-completion; exit $?"],  # noqa: S607  # as it is found
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    assert "bash completion installed" in installed.stdout
    script = "source ~/.bashrc; complete -p kaolabel"
    asked = subprocess.run(
        ["bash", "--norc", "-c", script],  # noqa: S607  # as it is found
        env=settings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_kaolabel_completion" in asked.stdout
