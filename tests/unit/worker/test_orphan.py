"""A worker's child ends when its parent is gone, whatever it is working on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types

ROOT = Path(__file__).parents[3]

# A child that watches its parent and computes for ever; the parent says which it is, and waits.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", '''
from worker.orphan import exit_with_parent
exit_with_parent()
print("up", flush=True)
while True:
    sum(range(1000))
'''],
    stdout=subprocess.PIPE,
)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def test_an_orphan_ends_itself() -> None:
    """A process that is busy ends within seconds after its parent was killed."""
    arguments = [sys.executable, "-c", PARENT]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    child.wait(timeout=20)
    assert not child.is_running()
