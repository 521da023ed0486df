"""Processes by name: this one, dead ones, and those of other hosts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from db.process import is_dead, this_process


def test_this_process_is_alive() -> None:
    """A process names itself by host and number, and is not dead."""
    assert this_process().endswith(f":{os.getpid()}")
    assert not is_dead(this_process())


def test_a_process_that_is_gone_is_dead() -> None:
    """A number of this host that no process has is that of a dead one."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    host = this_process().rpartition(":")[0]
    assert is_dead(f"{host}:{gone.pid}")


@pytest.mark.parametrize("name", ["", "worker", "elsewhere:1", ":1", "elsewhere:x"])
def test_of_others_nothing_is_known(name: str) -> None:
    """What is no process of this host is never taken for dead."""
    assert not is_dead(name)
