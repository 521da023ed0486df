"""A tethered command does not outlive the process that asked for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types

from worker.broker import tether

ROOT = Path(__file__).parents[4]

# Starts a tethered sleep, says which process it is, and waits to be killed.
PARENT = """
import signal, subprocess, sys, time
from worker.broker import tether
sleep = [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)"]
child = subprocess.Popen(
    tether.command(sleep, signal=signal.SIGKILL), stdout=subprocess.PIPE, start_new_session=True
)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_child_dies_with_its_parent() -> None:
    """A parent that is killed without warning takes its tethered child with it."""
    arguments = [sys.executable, "-c", PARENT]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(timeout=10)
    assert not child.is_running()


def test_a_command_is_run_as_it_is() -> None:
    """Arguments, output and exit code are those of the command itself."""
    script = "import sys; print(sys.argv[1:]); sys.exit(7)"
    arguments = [sys.executable, "-c", script, "a b", "--flag", ""]
    done = subprocess.run(
        tether.command(arguments, signal=signal.SIGTERM),
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.stdout, done.returncode) == (b"['a b', '--flag', '']\n", 7)


def test_a_command_whose_parent_is_gone_already_does_not_start() -> None:
    """If the parent died before the kernel was asked, the command never runs."""
    arguments = tether.command([sys.executable, "-c", "print('ran')"], signal=signal.SIGTERM)
    somebody_else = str(os.getppid())
    arguments[3] = somebody_else
    done = subprocess.run(arguments, capture_output=True, check=False, cwd=ROOT)
    assert (done.stdout, done.returncode) == (b"", 1)
