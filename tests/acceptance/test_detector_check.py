"""`kaolabel detector check` says what detectors and decoders are worth on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.command import Kaolabel
from worker.sandbox.filter import this_machine

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "tests" / "faults" / "hooks"

CONFINED = "decoders are confined: no network, no files, no processes"
UNCONFINED = (
    "no seccomp: the kernel has none, or a filter of the service forbids it; decoders are limited"
    " in memory and time only"
)

pytestmark = pytest.mark.skipif(
    "Seccomp:" not in Path("/proc/self/status").read_text() or this_machine() is None,
    reason="needs a kernel with seccomp filters",
)


@pytest.mark.parametrize(("hooks", "line"), [("{}", CONFINED), ('{"no_seccomp": {}}', UNCONFINED)])
def test_the_check_tells_how_decoders_are_confined(
    home: Path, tmp_path: Path, *, hooks: str, line: str
) -> None:
    """One line names the detectors that work, and one says what decoders cannot do."""
    (tmp_path / "hooks.json").write_text(hooks)
    path = os.pathsep.join([str(HOOKS), str(ROOT)])
    done = Kaolabel(home, TMPDIR=str(tmp_path), PYTHONPATH=path).run("detector", "check")
    detectors, confinement = done.stdout.splitlines()
    assert detectors.startswith("all detectors find a drawn face: animeface")
    assert confinement == line
    assert done.returncode == 0
