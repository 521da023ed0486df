"""The arithmetic of bench/throughput.py, and that it leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import psutil  # type: ignore[import-untyped]  # psutil ships no types
import pytest

from bench.peers import archive
from bench.peers.meter import Cost
from bench.peers.order import Order, parser, read_order
from bench.peers.report import Run, Target
from bench.peers.result import Found, Result
from bench.peers.stages import Charges

ROOT = Path(archive.__file__).parents[2]

_LEAVES_A_SLEEPER = """
import subprocess
from bench.peers.meter import adopt_orphans, end_children
adopt_orphans()
print(subprocess.check_output(["sh", "-c", "sleep 600 >/dev/null & echo $!"], text=True))
end_children(patience=0)
"""


def run_of(images: int, *, archived: int, seconds: float, steady: float) -> Run:
    """A round that looked at so many images of an archive."""
    return Run(archived, Cost(seconds, cpu=2.0, rss=1), Result(images, steady, ()))


def test_a_rate_with_start_counts_all_seconds() -> None:
    """Who looks at the whole archive has its images over its seconds."""
    run = run_of(100, archived=100, seconds=25.0, steady=20.0)
    assert run.whole == pytest.approx(4.0)
    assert run.steady == pytest.approx(5.0)
    assert run.cpu == pytest.approx(20.0)


def test_who_looks_at_a_part_starts_once_for_the_whole() -> None:
    """The start is counted once, and the rate for all images, when only some were looked at."""
    run = run_of(10, archived=100, seconds=7.0, steady=2.0)
    assert run.whole == pytest.approx(100 / (5.0 + 20.0))


def test_ratios_are_of_the_same_round() -> None:
    """A slow minute of the machine is no peer's fault: both sides of a ratio lie side by side."""
    runs = {
        "d": [run_of(100, archived=100, seconds=s, steady=s) for s in (10.0, 20.0)],
        "a": [run_of(100, archived=100, seconds=s, steady=s) for s in (100.0, 200.0)],
    }
    assert Target("d", "a", "whole", 12.0).ratios(runs) == pytest.approx([10.0, 10.0])
    assert Target("d", "b", "whole", 1.5).ratios(runs) == []


def test_a_part_is_spread_over_the_archive(tmp_path: Path) -> None:
    """Some images of many are taken at even distances, in any folder, by sorted path."""
    for number in range(10):
        (tmp_path / f"{number % 2}").mkdir(exist_ok=True)
        (tmp_path / f"{number % 2}" / f"{number}.jpg").touch()
    (tmp_path / "link.jpg").symlink_to("0/0.jpg")
    order = Order(tmp_path, tmp_path, tmp_path, None, None, images=4, processes=1)
    assert order.paths() == ["0/0.jpg", "0/4.jpg", "1/1.jpg", "1/5.jpg"]
    assert read_order(parser("An order.").parse_args(order.arguments())) == order


def test_a_result_survives_the_file_between_processes(tmp_path: Path) -> None:
    """Also a name that is no text comes back as it was."""
    result = Result(1, 0.5, (Found("a\udcff.jpg", (1, 2, 3, 4), "Aqua?"),))
    result.write(tmp_path / "result.json")
    assert Result.read(tmp_path / "result.json") == result


def test_no_two_files_of_an_archive_are_equal(tmp_path: Path) -> None:
    """Each scene is encoded at other sizes and qualities, so that none is skipped as known."""
    scenes = []
    for number in range(2):
        scene = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 256, (300, 400, 3), np.uint8)
        cv2.imwrite(str(scene), pixels)
        scenes.append(scene)
    (tmp_path / "archive").mkdir()
    archive.encode(tmp_path / "archive", scenes, images=25)
    files = sorted((tmp_path / "archive").rglob("*.jpg"))
    assert len({file.read_bytes() for file in files}) == len(files) == 25
    sides = [np.asarray(cv2.imread(str(file))).shape[0] for file in files]
    assert 0.8 <= min(sides) / max(sides) < 0.85


def test_a_librarys_time_is_its_callers() -> None:
    """What a library takes is charged to the stages that called it, by what each made it take."""
    decode, detect = ((str(ROOT / "worker/vision" / f"{n}.py"), 1, n) for n in ("decode", "detect"))
    wrapper, native = ("/lib/wrapper.py", 1, "resize"), ("~", 0, "<resize>")
    stats = {
        decode: (1, 1, 1.0, 4.0, {}),
        detect: (1, 1, 2.0, 3.0, {}),
        wrapper: (2, 2, 0.4, 4.0, {decode: (1, 1, 0.3, 3.0), detect: (1, 1, 0.1, 1.0)}),
        native: (2, 2, 4.0, 4.0, {wrapper: (2, 2, 4.0, 4.0)}),
    }
    seconds = Charges(stats).seconds()
    assert seconds == pytest.approx({"decode": 1 + 0.3 + 3.0, "detect": 2 + 0.1 + 1.0})


def test_what_a_contestant_leaves_behind_is_ended() -> None:
    """A process whose parent is gone does not outlive the benchmark."""
    told = subprocess.check_output([sys.executable, "-c", _LEAVES_A_SLEEPER], cwd=ROOT, timeout=60)
    assert not psutil.pid_exists(int(told))
