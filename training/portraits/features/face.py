"""The face: what makes that of a character, and the drawing of its skin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.portraits.easel import curves, tints
from training.portraits.features import beard, ears, marks, nose
from training.portraits.features.skull import outline
from training.portraits.rows import Rows

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike, NDArray

    from training.portraits.character import Character
    from training.portraits.easel.curves import Paths
    from training.portraits.easel.sheet import Sheet
    from training.portraits.view import View

    Numbers = NDArray[np.float32]

# The share of characters whose skin no human has, and those with freckles, a mole and so on.
_UNREAL, _FRECKLED, _MOLED, _SCARRED, _PAINTED, _FANGED, _ELVES, _BEARDED = (
    0.04, 0.07, 0.16, 0.05, 0.09, 0.12, 0.08, 0.03,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Face(Rows):
    """Faces of n characters; float32 (n,) but where it says otherwise.

    Attributes:
        skin: its colour; (n, 3).
        chin: 0 round to 1 pointed.
        cheek: width of the cheeks, as a factor.
        jaw: length of the face below the eyes, as a factor.
        ears: 0 round, to 1 long and pointed.
        mole: its x, y and radius in units of the head, the radius 0 for none; (n, 3).
        freckles: how many, 0 none to 1.
        scar: its middle's x and y, its length, 0 for none, and its angle in degrees; (n, 4).
        paint: place in `marks.PAINTS`; intp (n,).
        pigment: the colour of the paint; (n, 3).
        beard: place in `beard.BEARDS`; intp (n,).
        fang: -1 a fang on the left, 1 on the right, 0 none.
        nose: place in `nose.NOSES`; intp (n,).
        mouth: width of the mouth, as a factor.
        lips: how strongly they are coloured, 0 not at all to 1.
        lipstick: their colour; (n, 3).
    """

    skin: Numbers
    chin: Numbers
    cheek: Numbers
    jaw: Numbers
    ears: Numbers
    mole: Numbers
    freckles: Numbers
    scar: Numbers
    paint: NDArray[np.intp]
    pigment: Numbers
    beard: NDArray[np.intp]
    fang: Numbers
    nose: NDArray[np.intp]
    mouth: Numbers
    lips: Numbers
    lipstick: Numbers


def cast_faces(count: int, rng: Generator) -> Face:
    """Choose faces by chance.

    Args:
        count: n.
        rng: where chance comes from.

    Returns:
        The faces.
    """

    def often(share: float) -> NDArray[np.bool_]:
        return rng.random(count) < share

    def factor(deviation: float) -> Numbers:
        return np.exp(np.clip(rng.normal(0, deviation, count), -0.2, 0.2)).astype(np.float32)

    def kept(values: ArrayLike, mask: NDArray[np.bool_]) -> Numbers:
        return np.where(mask, np.asarray(values), 0).astype(np.float32)

    side = rng.choice((-1.0, 1.0), count)
    painted = often(_PAINTED)
    lips = kept(rng.uniform(0.35, 1.0, count), often(0.1))
    return Face(
        skin=_skins(count, rng),
        chin=rng.beta(1.5, 2.1, count).astype(np.float32),
        cheek=factor(0.06),
        jaw=factor(0.08),
        ears=np.where(often(_ELVES), rng.uniform(0.5, 1.0, count), 0.0).astype(np.float32),
        mole=marks.cast_moles(count, rng, share=_MOLED),
        freckles=kept(rng.uniform(0.3, 1.0, count), often(_FRECKLED)),
        scar=marks.cast_scars(count, rng, share=_SCARRED),
        paint=np.where(painted, rng.integers(1, len(marks.PAINTS), count), 0),
        pigment=tints.from_hsv(
            rng.uniform(0, 360, count), rng.uniform(0.2, 1, count), rng.uniform(0.25, 1, count)
        ),
        beard=np.where(often(_BEARDED), rng.integers(1, len(beard.BEARDS), count), 0),
        fang=kept(side, often(_FANGED)),
        nose=rng.integers(len(nose.NOSES), size=count),
        mouth=factor(0.12),
        lips=lips,
        lipstick=tints.from_hsv(
            rng.normal(350, 14, count), rng.uniform(0.4, 0.9, count), rng.uniform(0.5, 0.95, count)
        ),
    )


def _skins(count: int, rng: Generator) -> Numbers:
    # Most of the drawn are pale; the rest go on to dark brown.
    tone = np.where(rng.random(count) < 0.89, rng.beta(1.0, 11, count), rng.beta(1.6, 1.7, count))  # noqa: PLR2004
    hue = 24 - 6 * tone + rng.normal(0, 4, count)
    saturation = 0.03 + 0.60 * tone**0.8 + rng.uniform(0, 0.12, count)
    value = np.clip(1.0 - 0.62 * tone**1.1 - rng.uniform(0, 0.03, count), 0.2, 1)
    human = tints.from_hsv(hue, np.clip(saturation, 0, 0.75), value)
    other = tints.from_hsv(
        rng.uniform(0, 360, count), rng.uniform(0.05, 0.35, count), rng.uniform(0.6, 1, count)
    )
    return np.where((rng.random(count) < _UNREAL)[:, None], other, human).astype(np.float32)


def draw_head(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw ears, skin with its shadows, the nose, and whatever marks a face has.

    Args:
        sheet: n pictures.
        character: n characters.
        view: n views.
        rng: where chance comes from.
    """
    skin = character.face.skin
    edge = tints.ink(skin, view.darkness)
    shape = outline(character, view)
    ears.draw_ears(sheet, character, view, over=False)
    lined = np.flatnonzero(view.line > 0)
    sheet.fill(curves.grown(shape, view.line / 2)[lined], edge[lined], rows=lined)
    inner = curves.grown(shape, -view.line / 2)
    sheet.fill(inner, skin)
    with sheet.inside(inner):
        _shadows(sheet, character, view, shape, warmth=rng.uniform(0.3, 1.0, len(view)))
        marks.draw_blush(sheet, character, view, rng)
        beard.draw_beards(sheet, character, view, rng)
        marks.draw_paint(sheet, character, view)
        marks.draw_spots(sheet, character, view, rng)
    nose.draw_nose(sheet, character, view, rng)
    ears.draw_ears(sheet, character, view, over=True)


def _shadows(
    sheet: Sheet, character: Character, view: View, shape: Paths, *, warmth: ArrayLike
) -> None:
    skin = character.face.skin
    deep = tints.mix(tints.shade(skin, 0.3 + 0.5 * view.depth), tints.flushed(skin), warmth)
    # Plain fills, which are much faster than ones that let what lies below shine through.
    strength = np.clip(view.depth, 0, 1)
    dark = tints.mix(skin, deep, np.where(view.soft, 0.45, 0.85) * strength)
    # The skin without its lit part: the outline moved towards the light.
    lit = shape * np.float32(0.97)
    lit[..., 0] += (0.13 * view.lit)[:, None]
    lit[..., 1] -= 0.06
    ring = curves.joined(shape, shape[:, :1], lit[:, :1], lit[:, ::-1])
    shaded = np.flatnonzero(view.depth > 0.15)  # noqa: PLR2004  # else hardly seen
    sheet.fill(ring[shaded], dark[shaded], rows=shaded)
    cast = _fringe(character, view)
    # What runs softly into the skin is two layers.
    for lower, share, mask in ((0.13, 0.4, view.soft), (0.06, 0.95, view.depth >= 0)):
        rows = np.flatnonzero(mask)
        fallen = cast[rows] + np.array([0, lower], np.float32)
        fallen[..., 0] += (0.05 * view.lit[rows])[:, None]
        amount = share * np.clip(0.15 + 0.9 * view.depth[rows], 0, 1)
        sheet.fill(fallen, tints.mix(skin[rows], deep[rows], amount), rows=rows)


def _fringe(character: Character, view: View) -> Paths:
    # Here, as hair in its turn is drawn around faces.
    from training.portraits.hair.front import outline as fringe

    return fringe(character, view)
