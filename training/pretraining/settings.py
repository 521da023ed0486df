"""How a backbone is pretrained."""

from __future__ import annotations

from dataclasses import dataclass

from worker.vision.embed import CHANNELS

# The least that Inception V3's strides leave anything of up to `mixed7`, and what is large enough.
_SMALLEST, _LARGEST = 48, 512


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a pretraining in which faces have one size.

    Attributes:
        size: width and height of a face in pixels.
        steps: how many batches.
    """

    size: int
    steps: int

    def __post_init__(self) -> None:
        if not _SMALLEST <= self.size <= _LARGEST or self.steps < 1:
            raise ValueError(
                f"a phase needs faces of {_SMALLEST} to {_LARGEST} pixels and a step, not "
                f"{self.size}:{self.steps}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining:
    """How a backbone is pretrained.

    Attributes:
        phases: at least one; small faces teach faster, the last ones have the size of use.
        taps: the layers whose global averages learn, from the first to the deepest; all layers up
            to that one do.
        characters: different ones in a batch, at least two.
        views: of each of them, at least two.
        kinship: share of the parts that every second character takes over from the one before it,
            so that no single part tells characters apart.
        rate: the highest learning rate of AdamW.
        decay: AdamW's weight decay.
        warm_up: share of the steps over which the learning rate rises.
        temperature: of the contrast between characters.
        traits: weight of the loss of telling what the drawer knows, beside the contrast.
        width: numbers by which characters are contrasted.
        seed: where chance comes from.
    """

    phases: tuple[Phase, ...]
    taps: tuple[str, ...] = ("mixed3", "mixed5")
    characters: int = 32
    views: int = 4
    kinship: float = 0.4
    rate: float = 2e-3
    decay: float = 0.02
    warm_up: float = 0.05
    temperature: float = 0.1
    traits: float = 1.0
    width: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.taps or self.taps != tuple(tap for tap in CHANNELS if tap in self.taps):
            raise ValueError(
                f"taps must be layers from the first to the deepest, such as mixed3+mixed5, not "
                f"{'+'.join(self.taps)}"
            )

    @property
    def steps(self) -> int:
        """Steps in all."""
        return sum(phase.steps for phase in self.phases)

    @property
    def batch(self) -> int:
        """Faces in a step."""
        return self.characters * self.views

    def size_at(self, step: int) -> int:
        """The size of the faces of a step; the first one is 0."""
        for phase in self.phases:
            if step < phase.steps:
                return phase.size
            step -= phase.steps
        return self.phases[-1].size
