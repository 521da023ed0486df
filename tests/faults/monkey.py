"""Harm at random, done to whatever is alive right now."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from tests.faults.labelling import Labelling

    # Finds something to harm, and gives back how; None where nothing of the kind is alive.
    Aim = Callable[[Labelling, Random], Callable[[], object] | None]


class Monkey:
    """Harms a labelling in rounds, in each of which it does everything once, in another order.

    Args:
        labelling: what it disturbs.
        rng: the order, and the victims.
        aims: what it can do, by name; see `kills` and `harm`.

    Attributes:
        counts: how often it did what.
    """

    def __init__(self, labelling: Labelling, rng: Random, aims: Mapping[str, Aim]) -> None:
        self.counts: Counter[str] = Counter()
        self._labelling = labelling
        self._rng = rng
        self._aims = aims
        self._round = self._shuffled()

    def strike(self) -> bool:
        """Do the next harm of this round that can be done right now; whether there is any."""
        for kind in self._round:
            action = self._aims[kind](self._labelling, self._rng)
            if action is not None:
                self._labelling.fault(action, kind=kind)
                self.counts[kind] += 1
                self._round.remove(kind)
                self._round = self._round or self._shuffled()
                return True
        return False

    def scatter(self, strikes: int, *, files: int, pause: float) -> None:
        """See the run through to its end, with that many strikes spread evenly over its files.

        Args:
            strikes: how many.
            files: of the archive.
            pause: seconds between two strikes at least.
        """
        struck, at = 0, 0.0
        for done in self._labelling.ticks():
            # Files are done by the job: the last strikes must not come too late for the run's end.
            is_due = done >= files * (struck + 1) / (strikes + 4)
            is_rested = time.monotonic() - at > pause
            if struck < strikes and is_due and is_rested and self.strike():
                struck, at = struck + 1, time.monotonic()

    def pester(self, *, every: float) -> None:
        """See the run through to its end, striking at random moments.

        Args:
            every: seconds between two strikes on average.
        """
        at = self._moment(every)
        for _ in self._labelling.ticks():
            if time.monotonic() > at and self.strike():
                at = self._moment(every)

    def _moment(self, every: float) -> float:
        return time.monotonic() + self._rng.expovariate(1.0 / every)

    def _shuffled(self) -> list[str]:
        return self._rng.sample(list(self._aims), len(self._aims))
