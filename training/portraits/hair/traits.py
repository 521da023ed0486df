"""What makes the hair of a character: its colours, its cut, and its fringe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.hair.dyes import cast_colours
from training.portraits.rows import Rows

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

    Numbers = NDArray[np.float32]
    Places = NDArray[np.intp]

# Cuts, in the order of `Hair.cut`, each with how common it is, and how far its mass behind the
# head reaches: the lowest and the greatest y.
CUTS = {
    "short": (0.07, 0.55, 0.95),
    "cropped": (0.03, 0.10, 0.45),
    "spiky": (0.07, 0.50, 0.95),
    "wild": (0.05, 0.70, 1.40),
    "bob": (0.10, 0.80, 1.05),
    "flicked": (0.07, 0.75, 1.10),
    "shoulder": (0.14, 1.10, 1.60),
    "long": (0.21, 1.70, 2.60),
    "wavy": (0.14, 1.30, 2.60),
    "hime": (0.04, 1.70, 2.60),
    "twintails": (0.06, 0.30, 0.60),
    "pigtails": (0.04, 0.40, 0.75),
    "ponytail": (0.04, 0.30, 0.60),
    "sidetail": (0.02, 0.30, 0.70),
    "braids": (0.02, 0.40, 0.75),
    "buns": (0.015, 0.30, 1.30),
    "drills": (0.015, 0.40, 0.80),
}
CUT = {name: place for place, name in enumerate(CUTS)}

# The highest number of locks in a fringe, and of strands that fall over a face.
LOCKS = 8
STRANDS = 3

# Shapes of the shine, in the order of `Hair.shine`.
SHINES = ("none", "band", "zigzag", "spots", "locks")


@dataclass(frozen=True, slots=True, eq=False)
class Hair(Rows):
    """The hair of n characters; float32 (n,) but where it says otherwise.

    Lengths are in units of the head, as everywhere.

    Attributes:
        colour: BGR, (n, 3).
        tips: the colour that it runs into, (n, 3); as `colour` where it does not.
        streak: the colour of a dyed lock, (n, 3).
        dyed: how far up the colour of the tips reaches, 0 for not dyed to 1.
        meshed: whether one lock of the fringe has another colour; bool.
        cut: places in `CUTS`; intp.
        volume: how far it stands off the head, 1.05 to 1.4.
        length: the y that the mass behind the head reaches.
        wave: of its long locks, 0 straight to 1 curly.
        spike: how far locks stick out of its outline, 0 to 1.
        part: where it parts, the x, -0.8 to 0.8.
        open: how much forehead the part shows, 0 to 1.
        fringe: the y of the fringe's tips.
        depth: how deep the gaps in the fringe are.
        blunt: 0 for pointed tips to 1 for a straight cut.
        sweep: how far tips lean away from the part.
        count: of locks in the fringe, 2 to `LOCKS`; intp.
        locks: what makes each lock unlike the others: its width, its tip and the place of its
            tip; standard normal, (n, `LOCKS`, 3).
        middle: how far one lock falls between the eyes, 0 for none to 1.
        side_length: the y of the tips of the locks beside the face, (n, 2), left and right.
        side_width: (n, 2).
        over: which eye hair falls over: -1 the left, 1 the right, 0 none.
        bare: whether it is combed back from the forehead; bool.
        ahoge: sprouts on the top, 0 to 2; intp.
        strands: of thin ones over the face, 0 to `STRANDS`; intp.
        falls: of each strand where it starts, where it ends, and how long it is; uniform in
            0 to 1, (n, `STRANDS`, 3).
        shine: places in `SHINES`; intp.
        tail: the size of tails, buns and drills, 0.7 to 1.4.
        tie: the height on the head that they are tied at, -1 high to 1 low.
    """

    colour: Numbers
    tips: Numbers
    streak: Numbers
    dyed: Numbers
    meshed: NDArray[np.bool_]
    cut: Places
    volume: Numbers
    length: Numbers
    wave: Numbers
    spike: Numbers
    part: Numbers
    open: Numbers
    fringe: Numbers
    depth: Numbers
    blunt: Numbers
    sweep: Numbers
    count: Places
    locks: Numbers
    middle: Numbers
    side_length: Numbers
    side_width: Numbers
    over: Numbers
    bare: NDArray[np.bool_]
    ahoge: Places
    strands: Places
    falls: Numbers
    shine: Places
    tail: Numbers
    tie: Numbers

    def has(self, *cuts: str) -> NDArray[np.bool_]:
        """Tell who wears one of these cuts; bool (n,)."""
        asked = np.zeros(len(CUTS), np.bool_)
        asked[[CUT[cut] for cut in cuts]] = True
        return asked[self.cut]


def cast_hair(count: int, rng: Generator) -> Hair:
    """Choose hair by chance.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        The hair of n characters.
    """

    def uniform(low: float | NDArray[np.float64], high: float | NDArray[np.float64]) -> Numbers:
        return rng.uniform(low, high, count).astype(np.float32)

    def often(share: float) -> NDArray[np.bool_]:
        return rng.random(count) < share

    def some(share: float, low: float, high: float) -> Numbers:
        return np.where(often(share), uniform(low, high), 0).astype(np.float32)

    table = np.array(list(CUTS.values()))
    cut = rng.choice(len(CUTS), count, p=table[:, 0] / table[:, 0].sum())
    hime, rough = cut == CUT["hime"], np.isin(cut, [CUT["spiky"], CUT["wild"]])
    wavy = np.isin(cut, [CUT["wavy"], CUT["wild"], CUT["drills"]])
    colour, tips, streak, dyed = cast_colours(count, rng)
    blunt = np.where(hime | often(0.22), uniform(0.7, 1.0), uniform(0.0, 0.6))
    blunt = np.where(rough, blunt * 0.3, blunt).astype(np.float32)
    fringe, depth = _fringes(blunt, rng)
    side_length, side_width = _sides(count, table[cut, 1], rng)
    return Hair(
        colour=colour,
        tips=tips,
        streak=streak,
        dyed=dyed,
        meshed=often(0.08),
        cut=cut,
        volume=uniform(1.06, 1.28) + 0.12 * rough.astype(np.float32),
        length=uniform(table[cut, 1], table[cut, 2]),
        wave=np.where(wavy, uniform(0.4, 1.0), some(0.5, 0.0, 0.4)).astype(np.float32),
        spike=np.where(rough, uniform(0.5, 1.0), some(0.6, 0.0, 0.5)).astype(np.float32),
        part=np.where(often(0.3), uniform(-0.1, 0.1), uniform(-0.8, 0.8)).astype(np.float32),
        open=np.where(blunt > 0.65, 0, some(0.5, 0.2, 1.0)).astype(np.float32),  # noqa: PLR2004  # as above
        fringe=fringe,
        depth=depth,
        blunt=blunt,
        sweep=rng.normal(0.1, 0.15, count).astype(np.float32),
        count=rng.integers(3, LOCKS + 1, count),
        locks=np.clip(rng.normal(size=(count, LOCKS, 3)), -2, 2).astype(np.float32),
        middle=some(0.38, 0.35, 1.0),
        side_length=side_length,
        side_width=side_width,
        over=(rng.choice((-1, 1), count) * often(0.09)).astype(np.float32),
        bare=often(0.07) & ~hime,
        ahoge=rng.choice(3, count, p=(0.72, 0.22, 0.06)),
        strands=rng.choice(STRANDS + 1, count, p=(0.56, 0.22, 0.14, 0.08)),
        falls=rng.uniform(0, 1, (count, STRANDS, 3)).astype(np.float32),
        shine=rng.choice(len(SHINES), count, p=(0.18, 0.24, 0.26, 0.14, 0.18)),
        tail=uniform(0.7, 1.4),
        tie=uniform(-1.0, 1.0),
    )


def _fringes(blunt: Numbers, rng: Generator) -> tuple[Numbers, Numbers]:
    """The y of tips and the depth of gaps, each float32 (n,)."""
    # Long fringes let the eyes be seen: they have deep gaps.
    fringe = np.where(rng.random(len(blunt)) < 0.82, rng.uniform(-0.36, 0.02, len(blunt)),  # noqa: PLR2004
                      rng.uniform(0.02, 0.22, len(blunt)) - 0.25 * blunt)  # fmt: skip
    depth = rng.uniform(0.15, 0.5, len(blunt)) + 1.2 * np.maximum(fringe, 0)
    return fringe.astype(np.float32), depth.astype(np.float32)


def _sides(count: int, reach: ArrayLike, rng: Generator) -> tuple[Numbers, Numbers]:
    """Lengths and widths of the locks beside the face, each float32 (n, 2)."""
    # Most heads are nearly the same on both sides, and not quite.
    shared = rng.uniform(0.55, 1.6, count)
    shared = np.where(rng.random(count) < 0.15, rng.uniform(-0.3, 0.1, count), shared)  # noqa: PLR2004
    # Short cuts have short sides.
    shared = np.minimum(shared, np.asarray(reach) * 0.9 + 0.45)
    lopsided = np.where(rng.random(count) < 0.2, 0.35, 0.06)  # noqa: PLR2004  # a fifth of them
    length = shared[:, None] + lopsided[:, None] * rng.normal(size=(count, 2))
    width = rng.uniform(0.16, 0.52, (count, 1)) * rng.uniform(0.85, 1.15, (count, 2))
    return length.astype(np.float32), width.astype(np.float32)
