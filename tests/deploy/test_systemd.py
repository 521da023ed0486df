"""The systemd units: understood by systemd, closed to others, and gentle with work in hand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.deploy.compose import ROOT
from worker.broker.embedded import find_redis_server

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
INSTALLED = "/opt/kaolabel/bin/kaolabel"

# Exposure by `systemd-analyze security`, from 0.0 to 10.0.
EXPOSED = 1.5

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


def settings(unit: Path) -> dict[str, list[str]]:
    """What a unit says, in the order in which it says it."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def command(unit: Path) -> list[str]:
    """What a unit starts."""
    (line,) = settings(unit)["ExecStart"]
    return shlex.split(line)


def ours() -> list[Path]:
    """The units that start kaolabel."""
    return [unit for unit in UNITS if command(unit)[0] == INSTALLED]


@pytest.fixture
def analyze() -> str:
    """The command that checks units; the test is skipped where there is none."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    return found


@every_unit
def test_systemd_understands_a_unit(unit: Path, tmp_path: Path, analyze: str) -> None:
    """No unit has a word that systemd does not know, or a command that is not there."""
    here = tmp_path / unit.name
    text = unit.read_text().replace(INSTALLED, str(Path(sys.executable).with_name("kaolabel")))
    here.write_text(text.replace("/usr/bin/redis-server", str(find_redis_server())))
    done = subprocess.run(
        [analyze, "verify", "--man=no", here], capture_output=True, text=True, check=False
    )
    assert unit.name.partition("@")[0].removesuffix(".service") not in done.stderr
    assert done.returncode == 0, done.stderr


@every_unit
def test_a_unit_is_confined(unit: Path, analyze: str) -> None:
    """By systemd's own reckoning little is left to any of them."""
    done = subprocess.run(
        [analyze, "security", "--offline=true", f"--threshold={EXPOSED * 10:.0f}", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


@pytest.mark.parametrize("unit", ours(), ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_exists(unit: Path) -> None:
    """What a unit starts is a command of kaolabel."""
    arguments = command(unit)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "kaolabel", *arguments, "--help"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_secrets_are_credentials() -> None:
    """Secrets come as systemd's credentials, and each that is handed over is named to kaolabel."""
    for unit in ours():
        said = settings(unit)
        handed = {value.partition(":")[0] for value in said["LoadCredential"]}
        assert handed == set(re.findall(r"%d/(\w+)", " ".join(said["Environment"]))), unit.name
        assert said["User"] == ["kaolabel"]


def test_work_in_hand_is_put_down_first() -> None:
    """SIGTERM goes to the parent alone, which has longer than the 60 s that it needs."""
    for name in ("kaolabel-worker@.service", "kaolabel-trainer.service"):
        said = settings(ROOT / "deploy" / "systemd" / name)
        assert said["KillMode"] == ["mixed"]
        assert int(said["TimeoutStopSec"][0]) >= 75
        # A decoder that is killed for its memory must not take the worker with it.
        assert said["OOMPolicy"] == ["continue"]


def test_decoders_may_confine_themselves() -> None:
    """The worker's filter lets decoders set their own, which no group of systemd's does."""
    for name in ("kaolabel-worker@.service", "kaolabel-trainer.service"):
        said = settings(ROOT / "deploy" / "systemd" / name)
        assert said["SystemCallFilter"] == ["@system-service seccomp", "~@privileged"]
        assert "MemoryDenyWriteExecute" not in said
