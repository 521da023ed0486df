"""A command with a Redis and workers of its own: it leaves nothing behind, and lets nobody in."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # psutil ships no types
import pytest

from tests.command import Kaolabel, finish, wait_for
from tests.faults.conftest import fill

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.conftest import Archive
    from tests.ledger import Ledger


def at_work(ledger: Ledger, process: subprocess.Popen[str]) -> bool:
    """Whether a worker of a running command has a job in hand."""
    assert process.poll() is None, process.communicate()[1]
    return bool(ledger.rows("SELECT id FROM jobs WHERE state = 'leased'"))


def parts(process: subprocess.Popen[str]) -> dict[str, list[psutil.Process]]:
    """The processes that a command has started, by what they are."""
    family = psutil.Process(process.pid).children(recursive=True)
    kinds = ("redis-server", "worker.entry", "spawn_main", "worker.sandbox.child")
    return {kind: [one for one in family if kind in " ".join(one.cmdline())] for kind in kinds}


@pytest.mark.thorough
def test_nothing_outlives_a_killed_command(
    archives: Callable[[int], Archive], home: Path, home_ledger: Ledger
) -> None:
    """After SIGKILL neither Redis nor workers nor decoders are left, and `resume` finishes."""
    archive = archives(200)
    kaolabel = Kaolabel(home, KAOLABEL_DECODERS="2")
    command = kaolabel.start("label", str(archive.folder), "--detect-only")
    wait_for(lambda: at_work(home_ledger, command), what="a claim")
    wait_for(lambda: all(parts(command).values()), what="the start of every part")
    family = psutil.Process(command.pid).children(recursive=True)
    command.kill()
    finish(command)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    resumed = kaolabel.json("resume")
    assert resumed["images"] == len(archive.findings.images)
    found = home_ledger.rows("SELECT path, outcome FROM images WHERE due = false")
    expected = {path: image[0] for path, image in archive.findings.images.items()}
    assert {bytes(path): outcome for path, outcome in found} == expected
    assert home_ledger.rows("SELECT state FROM runs") == [("finished",)]


def test_a_second_command_in_a_home_is_refused(
    home: Path, home_ledger: Ledger, tmp_path: Path
) -> None:
    """While one labels, another is told its process in one line; the first one is not disturbed."""
    fill(tmp_path / "one", 4)
    fill(tmp_path / "two", 4, seed=4)
    kaolabel = Kaolabel(home)
    first = kaolabel.start("label", str(tmp_path / "one"), "--detect-only")
    wait_for(lambda: at_work(home_ledger, first), what="a claim")
    # Stopped, it keeps its lock for as long as the second one takes.
    first.send_signal(signal.SIGSTOP)
    try:
        second = kaolabel.run("label", str(tmp_path / "two"), "--detect-only")
    finally:
        first.send_signal(signal.SIGCONT)
    assert (second.returncode, second.stdout) == (2, "")
    line = second.stderr.splitlines()[-1]
    assert f"another kaolabel (process {first.pid}) works in {home}; wait for it" in line
    done = finish(first)
    assert done.returncode == 0, done.stderr
    assert home_ledger.rows("SELECT count(*) FROM images") == [(4,)]
    assert kaolabel.json("label", str(tmp_path / "two"), "--detect-only")["images"] == 4


def test_a_home_that_others_may_write_starts_nothing(home: Path, tmp_path: Path) -> None:
    """Neither Redis nor worker is started where somebody else may have put a model or a queue."""
    fill(tmp_path / "archive", 1)
    home.mkdir()
    home.chmod(0o777)
    done = Kaolabel(home).run("label", str(tmp_path / "archive"), "--detect-only")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"KAOLABEL_HOME {home} may be written by other users" in done.stderr
    assert list(home.iterdir()) == []
