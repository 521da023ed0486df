"""How many faces the drawer makes in a second on one core, and where the time goes.

    python bench/drawing.py [--faces 512] [--batch 256] [--rounds 5] [--size 96]

Times are of CPU, the best of some rounds. A layer's cost is what drawing it alone takes, its curves
and painting them, less what an empty sheet takes.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.random import PCG64, Generator

from training.portraits.backdrops import backdrops
from training.portraits.character import cast_characters
from training.portraits.easel.sheet import Sheet
from training.portraits.finishing.finish import finish
from training.portraits.head import frames
from training.portraits.portrait import LAYERS, draw_portraits
from training.portraits.view import look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from training.portraits.portrait import Layer


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=512, help="Faces of a round.")
    parser.add_argument("--batch", type=int, default=256, help="Faces drawn at once.")
    parser.add_argument("--rounds", type=int, default=5, help="The best of so many counts.")
    parser.add_argument("--size", type=int, default=96, help="Pixels of a side.")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    bench = Bench(arguments.faces, arguments.batch, arguments.rounds, arguments.size)
    bench.warm()
    show_whole(bench)
    show_layers(bench)


class Bench:
    """Draws the same faces again and again.

    Args:
        faces: of one round.
        batch: drawn at once.
        rounds: the quickest of so many counts.
        size: of a face in pixels.
    """

    def __init__(self, faces: int, batch: int, rounds: int, size: int) -> None:
        self.batch, self.rounds, self.size = batch, rounds, size
        self.batches = max(1, faces // batch)
        self.white = [np.full((1, 1, 3), 255, np.uint8)] * batch
        self.cast = cast_characters(batch, Generator(PCG64(1)))
        self.views = look(batch, Generator(PCG64(2)))
        self.drawn = self.draw(LAYERS)

    def warm(self) -> None:
        """Do once what a process does once: draw scenes, textures and noise."""
        for seed in range(4):
            finish(self.drawn, Generator(PCG64(seed)))
            backdrops(self.batch, Generator(PCG64(seed)))

    def draw(self, layers: Sequence[Layer], rng: Generator | None = None) -> NDArray[np.uint8]:
        """Draw one batch of faces on white."""
        chance = rng or Generator(PCG64(3))
        sheet = Sheet(frames(self.views, size=self.size), size=self.size)
        for layer in layers:
            layer(sheet, self.cast, self.views, chance)
        return sheet.render(self.white)

    def marks(self, layer: Layer) -> float:
        """Marks that a layer makes on one face, on average."""
        sheet = Sheet(frames(self.views, size=self.size), size=self.size)
        layer(sheet, self.cast, self.views, Generator(PCG64(3)))
        return sheet.marks / len(sheet)

    def microseconds(self, work: Callable[[Generator], object]) -> float:
        """CPU time of a face, where a call works on one batch."""
        times = []
        for _ in range(self.rounds):
            rng = Generator(PCG64(4))
            start = time.process_time()
            for _ in range(self.batches):
                work(rng)
            times.append(time.process_time() - start)
        return min(times) / self.batches / self.batch * 1e6


def show_whole(bench: Bench) -> None:
    """Print what a face costs, and its stages."""
    whole = bench.microseconds(
        lambda rng: draw_portraits(bench.cast, bench.views, rng, size=bench.size)
    )
    print(f"faces a second on one core: {1e6 / whole:,.0f}\n")
    stages = {
        "whole": whole,
        "choosing characters": bench.microseconds(lambda rng: cast_characters(bench.batch, rng)),
        "choosing views": bench.microseconds(lambda rng: look(bench.batch, rng)),
        "backdrops": bench.microseconds(lambda rng: backdrops(bench.batch, rng)),
        "drawing": bench.microseconds(partial(bench.draw, LAYERS)),
        "finish": bench.microseconds(lambda rng: finish(bench.drawn, rng)),
    }
    print(f"{'stage':<22} {'us a face':>9}")
    for name, cost in stages.items():
        print(f"{name:<22} {cost:>9.0f}")


def show_layers(bench: Bench) -> None:
    """Print what each layer costs."""
    empty = bench.microseconds(partial(bench.draw, ()))
    print(f"\n{'layer':<22} {'us a face':>9} {'marks':>6}")
    print(f"{'empty sheet':<22} {empty:>9.0f}")
    for layer in LAYERS:
        cost = bench.microseconds(partial(bench.draw, (layer,))) - empty
        print(f"{layer.__name__:<22} {cost:>9.0f} {bench.marks(layer):>6.1f}")


if __name__ == "__main__":
    main()
