"""What detector chains find, and what they cost: the search behind the default chain.

    python bench/detection.py [--sets keima scenes] [--every 1] [--json RESULTS]

Every chain goes over the same images in this process; its boxes are judged by the verdicts in
tests/fixtures, which people gave by looking at each. A box that nobody has looked at counts as
wrong, so that a chain must earn its faces. The milliseconds are of CPU time an image, for decoding,
searching and cutting crops, as a decoder process does it; chains take turns, image by image, so
that whatever else the machine does touches them alike.

Needs the development data, by KAOLABEL_DEV_DATA.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from bench.devdata import CASCADE, DEV_DATA
from tests.verdicts import SETS, is_face, judged_images
from worker.sandbox.look import look
from worker.vision.chain import ANIMEFACE, LBP_SHA256, Chain, Step, default_chain
from worker.vision.detect import build

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.verdicts import Verdict
    from worker.vision.detect import Detectors


@dataclass(slots=True)
class Tally:
    """What a chain did with a set of images."""

    images: int = 0
    with_face: int = 0
    faces: int = 0
    wrong: int = 0
    seconds: float = 0.0

    @property
    def milliseconds(self) -> float:
        """CPU time of an image."""
        return self.seconds / max(self.images, 1) * 1000


def main() -> None:
    """Measure and print one table a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--every", type=int, default=1, help="Take every so many-th image only.")
    parser.add_argument("--json", type=Path, help="Write the results here, too.")
    arguments = parser.parse_args()
    if not CASCADE.is_file():
        sys.exit("this needs the development images and the LBP cascade: set KAOLABEL_DEV_DATA")
    cv2.setNumThreads(1)
    detectors = {name: build(chain) for name, chain in candidates().items()}
    results = {name: measure(name, detectors, every=arguments.every) for name in arguments.sets}
    for name, tallies in results.items():
        show(name, tallies)
    if arguments.json is not None:
        plain = {
            name: {chain: asdict(tally) for chain, tally in tallies.items()}
            for name, tallies in results.items()
        }
        arguments.json.write_text(json.dumps(plain, indent=1) + "\n")


def candidates() -> dict[str, Chain]:
    """The chains that are compared."""
    quick, sensitive, last = default_chain(CASCADE).steps
    fine = (_lbp(400, 3, 1.1), _animeface(480), _lbp(400, 1, 1.1), _lbp(800, 2, 1.1))
    return {
        "the first scripts': full size, n=5": Chain((_lbp(100_000, 5, 1.1),)),
        "400 px, n=3 alone": Chain((_lbp(400, 3, 1.1),)),
        "256 px, n=2, x1.2 alone": Chain((quick,)),
        "animeface 320 px alone": Chain((_animeface(320),)),
        "animeface 480 px alone": Chain((_animeface(480),)),
        "four careful steps": Chain(fine),
        "the default": Chain((quick, sensitive, last)),
        "the default without animeface": Chain((quick, sensitive)),
        "the default, 400 px n=2": Chain((quick, _lbp(400, 2, 1.1), last)),
        "the default, 400 px x1.2": Chain((quick, _lbp(400, 1, 1.2), last)),
        "the default, 320 px first": Chain((_lbp(320, 2, 1.2), sensitive, last)),
        "the default, 400 px n=1 x1.2 first": Chain((_lbp(400, 1, 1.2), sensitive, last)),
    }


def measure(name: str, detectors: Mapping[str, Detectors], *, every: int) -> dict[str, Tally]:
    """Let every chain search every image of a set."""
    images = list(judged_images(name, data=DEV_DATA / "data").items())[::every]
    tallies = {chain: Tally() for chain in detectors}
    for number, (path, known) in enumerate(images):
        print(f"\r{name}: {number + 1} of {len(images)}", end="", file=sys.stderr, flush=True)
        data = path.read_bytes()
        for chain, ready in detectors.items():
            _search(data, known, ready, tallies[chain])
    print(file=sys.stderr)
    return tallies


def _search(data: bytes, known: Sequence[Verdict], detectors: Detectors, tally: Tally) -> None:
    started = time.process_time()
    report = look(data, detectors, max_pixels=100_000_000)
    tally.seconds += time.process_time() - started
    right = [is_face(face.face.box, known) for face in report.faces]
    tally.images += 1
    tally.with_face += any(right)
    tally.faces += sum(right)
    tally.wrong += len(right) - sum(right)


def show(name: str, tallies: Mapping[str, Tally]) -> None:
    """Print a set's table."""
    images = next(iter(tallies.values())).images
    print(f"\n{name}: {images} images\n{'':36}{'ms':>8}{'with a face':>13}{'faces':>7}{'wrong':>7}")
    for chain, tally in tallies.items():
        print(
            f"{chain:36}{tally.milliseconds:>8.1f}{tally.with_face:>13}{tally.faces:>7}"
            f"{tally.wrong:>7}"
        )


def _lbp(long_side: int, neighbors: int, factor: float) -> Step:
    return Step("lbp", LBP_SHA256, long_side, neighbors, factor, CASCADE)


def _animeface(long_side: int) -> Step:
    return Step(ANIMEFACE, default_chain(None).steps[0].version, long_side)


if __name__ == "__main__":
    main()
