"""Necks and shoulders, and what is worn there.

Half outlines run from the top of the middle to its bottom, in units of the head; y = 1.07 is the
chin here; bodies are moved to where chins are. A kind of clothes is a row of these tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.portraits.body.stance import Stance
from training.portraits.easel import tints
from training.portraits.easel.curves import ellipse, grown, moved, points, spline
from training.portraits.worn.craft import BARE, flat, palette, ring, rosette, unsteady, whole
from training.portraits.worn.ribbons import bow
from training.portraits.worn.traits import COLLARS, OUTFITS, TIES, Outfit, cast_outfits, place_of

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from training.portraits.character import Character
    from training.portraits.easel.sheet import Sheet
    from training.portraits.easel.tints import Tints
    from training.portraits.view import View

    Kinds = NDArray[np.intp]
    Rows = NDArray[np.intp]
    Numbers = NDArray[np.floating]

# The share of pictures in which a character wears something else than usual.
_CHANGED = 0.6

_SHOULDERS = np.array([(0, 0.8), (0.26, 0.82), (0.26, 1.14), (0.42, 1.3), (0.85, 1.4),
                       (1.22, 1.62), (1.4, 2.6), (0, 2.7)], np.float32)  # fmt: skip
# How far up clothes reach at the neck, and out to the shoulders, and whether shoulders are bare.
_TORSOS = np.array([
    [(0, 1.75), (0.28, 1.24), (0.42, 1.2), (0.85, 1.36), (1.28, 1.62), (1.5, 2.6), (0, 2.7)],
    [(0, 1.55), (0.22, 1.12), (0.4, 1.16), (0.85, 1.35), (1.28, 1.62), (1.5, 2.6), (0, 2.7)],
    [(0, 1.5), (0.3, 1.2), (0.5, 1.14), (0.95, 1.32), (1.4, 1.6), (1.6, 2.6), (0, 2.7)],
    [(0, 1.65), (0.2, 1.16), (0.4, 1.14), (0.9, 1.36), (1.4, 1.62), (1.7, 2.6), (0, 2.7)],
    [(0, 1.62), (0.38, 1.55), (0.5, 1.28), (0.75, 1.3), (1.25, 1.62), (1.5, 2.6), (0, 2.7)],
    [(0, 1.3), (0.3, 1.14), (0.45, 1.16), (0.9, 1.25), (1.5, 1.4), (1.7, 2.6), (0, 2.7)],
    [(0, 1.95), (0.5, 1.9), (0.85, 1.85), (1.1, 1.85), (1.2, 2.0), (1.2, 2.6), (0, 2.7)],
    [(0, 1.5), (0.3, 1.24), (0.5, 1.16), (0.95, 1.3), (1.4, 1.6), (1.6, 2.6), (0, 2.7)],
    [(0, 1.4), (0.3, 1.2), (0.45, 1.2), (0.9, 1.36), (1.35, 1.62), (1.5, 2.6), (0, 2.7)],
    [(0, 1.06), (0.27, 1.02), (0.36, 1.2), (0.85, 1.38), (1.28, 1.62), (1.45, 2.6), (0, 2.7)],
    [(0, 1.72), (0.5, 1.64), (0.95, 1.52), (1.22, 1.5), (1.45, 1.75), (1.55, 2.6), (0, 2.7)],
], np.float32)  # fmt: skip
# The right flap of each collar; a kind without one has none to see.
_NONE = [(0, 2.6), (0.1, 2.6), (0.2, 2.65), (0.2, 2.7), (0.1, 2.7), (0, 2.7)]
_FLAPS = np.array([
    [(0.24, 1.16), (0.5, 1.16), (1.0, 1.36), (0.85, 1.72), (0.35, 1.7), (0.02, 1.8)],
    [(0.2, 1.06), (0.36, 1.12), (0.5, 1.32), (0.34, 1.52), (0.12, 1.44), (0.02, 1.36)],
    [(0.24, 1.1), (0.62, 1.02), (0.9, 1.22), (0.7, 1.46), (0.35, 1.44), (0.04, 1.56)],
    [(0.2, 1.1), (0.34, 1.12), (0.36, 1.3), (0.0, 1.9), (-0.26, 1.9), (0.06, 1.5)],
    [(0.3, 1.3), (0.5, 1.24), (0.66, 1.36), (0.6, 1.5), (0.4, 1.58), (0.05, 1.64)],
    [(0.5, 1.26), (0.9, 1.06), (1.4, 1.14), (1.62, 1.42), (1.3, 1.62), (0.8, 1.5)],
    _NONE,
    [(0.2, 1.06), (0.6, 1.0), (1.0, 1.16), (1.05, 1.44), (0.6, 1.56), (0.02, 1.6)],
    [(0.0, 1.02), (0.3, 0.98), (0.6, 1.06), (0.66, 1.3), (0.4, 1.44), (0.0, 1.46)],
    _NONE,
    [(0.42, 1.62), (0.9, 1.48), (1.26, 1.46), (1.32, 1.62), (0.9, 1.72), (0.4, 1.78)],
], np.float32)  # fmt: skip
_SAILOR, _SHIRT, _FUR, _SCARF = place_of(OUTFITS, "sailor", "shirt", "fur", "scarf").tolist()
_LOW = place_of(OUTFITS, "bare", "gown", "dress")
_UNTIED = place_of(OUTFITS, "armour", "bare", "fur", "scarf", "kimono", "gown")


def draw_body(sheet: Sheet, character: Character, view: View, rng: Generator) -> None:
    """Draw the neck, the shoulders and clothes.

    Args:
        sheet: where.
        character: n characters.
        view: n views of them.
        rng: where chance comes from: mostly they wear something else than usual.
    """
    outfit = _dressed(character, rng)
    stance = Stance(view, rng, outfit.width)
    _draw_neck(sheet, character.face.skin, view, stance, outfit.kind)
    cloth, trim = palette(outfit.cloth, rng), palette(outfit.trim, rng)
    _draw_torso(sheet, outfit, cloth, view, stance, rng)
    _draw_choker(sheet, character, view, stance, rng)
    _draw_flaps(sheet, outfit, np.where(_own_cloth(outfit), cloth, trim), view, stance, rng)
    _draw_ties(sheet, outfit, view, stance, rng)


def _dressed(character: Character, rng: Generator) -> Outfit:
    """Choose the usual clothes or others for each picture."""
    usual, count = character.worn.outfit, len(character)
    other = cast_outfits(count, rng)
    kept = {}
    changed = rng.random(count) < _CHANGED
    for name in usual.__slots__:
        first, second = getattr(usual, name), getattr(other, name)
        kept[name] = np.where(changed if first.ndim == 1 else changed[:, None], second, first)
    return Outfit(**kept)


def _own_cloth(outfit: Outfit) -> NDArray[np.bool_]:
    """Tell whose collars are of the same cloth as the rest, every second one; bool (n, 1)."""
    own: NDArray[np.bool_] = (outfit.open > 1) & (outfit.kind != _FUR)
    return own[:, None]


def _draw_neck(sheet: Sheet, skin: Tints, view: View, stance: Stance, kind: Kinds) -> None:
    path = stance.place(spline(_BARE, steps=2))
    bare = np.isin(kind, _LOW)
    sheet.fill(grown(path, 0.7 * view.line), tints.ink(skin, view.darkness), alpha=bare)
    sheet.fill(path, skin)
    # The head's shadow lies on the neck, deeper than other shadows.
    sheet.fill(stance.place(_SHADOW), tints.shade(skin, 0.5 + 0.8 * view.depth))
    bones = np.flatnonzero(bare & (view.detail > 0.5))  # noqa: PLR2004  # half of the pictures
    ink = tints.shade(skin, 1.2)[bones]
    for side in (-1, 1):
        bone = points((side * 0.1, 1.5), (side * 0.3, 1.44), (side * 0.5, 1.42))
        sheet.stroke(stance.place(bone, bones), ink, width=0.03, taper=(0, 0.6), rows=bones)


def _draw_torso(
    sheet: Sheet, outfit: Outfit, cloth: Tints, view: View, stance: Stance, rng: Generator
) -> None:
    half = unsteady(_TORSOS[outfit.kind], rng, 0.02)
    # The neckline is deeper or shallower, but for those that reach the chin.
    half[:, 0, 1] = np.maximum(1.02, 1.15 + (half[:, 0, 1] - 1.15) * outfit.open)
    torso = stance.place(spline(whole(half), steps=2))
    every = np.arange(len(view))
    flat(sheet, torso, cloth, view, rows=every)
    deep = tints.shade(cloth, 0.4 + view.depth)
    # Shade lies along the shoulder and the side that are turned away from the light.
    away = -np.sign(view.lit)
    outer = half[:, 3:6]
    inner = outer[:, ::-1] * np.array([0.74, 1.0], np.float32) + np.array([0, 0.1], np.float32)
    fold = moved(np.concatenate([outer, inner], axis=1), stretch=(away, 1.0))
    sheet.fill(stance.place(fold), deep, rows=every)


def _draw_flaps(
    sheet: Sheet, outfit: Outfit, colour: Tints, view: View, stance: Stance, rng: Generator
) -> None:
    rows = np.flatnonzero(~np.isin(outfit.kind, place_of(OUTFITS, "bare", "turtleneck")))
    some, eye, colour = outfit.take(rows), view.take(rows), colour[rows]
    flap = unsteady(_FLAPS[some.kind], rng, 0.02)
    furry = np.flatnonzero(some.kind == _FUR)
    for side in (-1, 1):
        turned = flap * np.array([side, 1], np.float32)
        path = stance.place(spline(turned, steps=2), rows)
        flat(sheet, path, colour, eye, rows=rows)
        _draw_fur(sheet, side, colour[furry], stance, rows[furry])
        striped = np.flatnonzero(some.stripes & ((some.kind == _SAILOR) | (some.kind == _SCARF)))
        middle = turned[striped].mean(axis=1, keepdims=True)
        stripe = stance.place(spline((turned[striped] - middle) * 0.72 + middle, steps=2),
                              rows[striped])  # fmt: skip
        pale = some.knot[striped] * 0.3 + tints.WHITE * 0.7
        sheet.fill(ring(stripe, 0.035), pale, rows=rows[striped])


def _draw_fur(sheet: Sheet, side: int, colour: Tints, stance: Stance, rows: Rows) -> None:
    """Draw tufts on one flap of each fur collar; those below are in shade."""
    for x, y, shaded in ((0.35, 1.15, 0), (0.65, 1.18, 0), (0.9, 1.35, 1), (0.5, 1.45, 1)):
        tuft = moved(_TUFT, side * x, y, stretch=(0.26, 0.2))
        sheet.fill(stance.place(tuft, rows), tints.shade(colour, 0.6 * shaded), rows=rows)


def _draw_choker(
    sheet: Sheet, character: Character, view: View, stance: Stance, rng: Generator
) -> None:
    worn = character.worn
    worn_here = rng.random(len(view)) > BARE
    rows = np.flatnonzero(worn_here & (worn.collar > 0))
    if not len(rows):
        return
    choker, bell, pendant = place_of(COLLARS, "choker", "bell", "pendant").tolist()
    colour = palette(np.where((worn.collar == choker)[:, None], worn.accent, worn.second), rng)
    band = stance.place(_BAND, rows)
    wide = np.where(worn.collar[rows] == pendant, 0.025, 0.05 + 0.1 * worn.place[rows])
    sheet.stroke(band, colour[rows], width=wide, taper=(1, 1), rows=rows)
    rows = np.flatnonzero(worn_here & np.isin(worn.collar, (bell, pendant)))
    if len(rows):
        jewel = stance.place(ellipse(0, 1.4, 0.09, 0.1, steps=8), rows)
        flat(sheet, jewel, worn.metal[rows], view.take(rows), rows=rows)


def _draw_ties(sheet: Sheet, outfit: Outfit, view: View, stance: Stance, rng: Generator) -> None:
    colour = palette(outfit.knot, rng)
    tied = ~np.isin(outfit.kind, _UNTIED)
    for name in ("tie", "scarf", "strings"):
        rows = np.flatnonzero(tied & (outfit.tie == place_of(TIES, name)[0]))
        if not len(rows):
            continue
        for shape in _KNOTTED[name]:
            path = stance.place(unsteady(np.repeat(shape, len(rows), 0), rng, 0.015), rows)
            flat(sheet, path, colour[rows], view.take(rows), rows=rows)
    rows = np.flatnonzero(tied & (outfit.tie == place_of(TIES, "bow")[0]))
    if len(rows):
        at = stance.place(points((0, 1.5)), rows)[:, 0]
        knots = rng.normal(0, 0.03, (len(rows), 10, 2)).astype(np.float32)
        size = 0.8 * outfit.width[rows]
        angle = rng.normal(0, 5, len(rows)) - 0.5 * view.tilt[rows]
        bow(sheet, (at[:, 0], at[:, 1]), size, angle, colour[rows], knots, view.take(rows), rows)


_BARE = whole(_SHOULDERS[None])
_TUFT = rosette([7.0], [0.3], steps=21)
_SHADOW = np.array([[(-0.26, 0.8), (0.26, 0.8), (0.3, 1.2), (0.12, 1.34), (-0.12, 1.34),
                     (-0.3, 1.2)]], np.float32)  # fmt: skip
_BAND = np.array([[(-0.3, 1.14), (-0.16, 1.24), (0, 1.28), (0.16, 1.24), (0.3, 1.14)]], np.float32)
_KNOTTED = {
    "tie": (
        np.array([[(-0.09, 1.5), (0.09, 1.5), (0.17, 2.1), (0, 2.3), (-0.17, 2.1)]], np.float32),
        np.array([[(-0.12, 1.34), (0.12, 1.34), (0.08, 1.52), (-0.08, 1.52)]], np.float32),
    ),
    "scarf": (
        np.array([[(0, 1.6), (-0.1, 1.62), (-0.34, 2.1), (-0.1, 2.2), (0.04, 1.8)]], np.float32),
        np.array([[(0, 1.6), (0.1, 1.62), (0.36, 2.06), (0.16, 2.2), (-0.02, 1.8)]], np.float32),
        np.array([[(-0.1, 1.54), (0.1, 1.54), (0.12, 1.7), (-0.12, 1.7)]], np.float32),
    ),
    "strings": (
        np.array([[(-0.24, 1.4), (-0.2, 1.4), (-0.22, 2.0), (-0.27, 2.0)]], np.float32),
        np.array([[(0.24, 1.4), (0.2, 1.4), (0.22, 2.0), (0.27, 2.0)]], np.float32),
    ),
}
