"""Sheets: marks recorded for many pictures land on the right ones, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training.portraits.easel.curves import ellipse, paths, points
from training.portraits.easel.sheet import Sheet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RED, _BLUE = (0.0, 0.0, 255.0), (255.0, 0.0, 0.0)
_SQUARE = paths([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
_WHITE = np.full((1, 1, 3), 255, np.uint8)


def _sheet(count: int = 2) -> Sheet:
    """Pictures of 32 pixels; the unit is half a side, the origin in the middle."""
    frame = np.array([[16, 0, 16], [0, 16, 16]], np.float32)
    return Sheet(np.repeat(frame[None], count, axis=0), size=32)


def _render(sheet: Sheet) -> NDArray[np.uint8]:
    return sheet.render([_WHITE] * len(sheet))


def test_nothing_drawn_leaves_the_backdrops() -> None:
    """A backdrop of one pixel fills its picture."""
    backdrops = [np.full((1, 1, 3), level, np.uint8) for level in (10, 200)]
    assert _sheet().render(backdrops).mean(axis=(1, 2, 3)).tolist() == [10, 200]


def test_every_picture_gets_its_own_colour() -> None:
    """A fill covers its shape and nothing else."""
    sheet = _sheet()
    sheet.fill(_SQUARE, np.array([_RED, _BLUE]))
    drawn = _render(sheet)
    assert drawn[:, 16, 16].tolist() == [list(_RED), list(_BLUE)]
    assert (drawn[:, 2, 2] == 255).all()


def test_rows_choose_the_pictures() -> None:
    """A mark for some rows leaves the others alone; no rows are fine."""
    sheet = _sheet(3)
    sheet.paint(_SQUARE, _RED, edge=_BLUE, width=0.1, rows=np.array([2]))
    sheet.fill(_SQUARE, _RED, rows=np.array([], np.intp))
    drawn = _render(sheet)
    assert (drawn[:2] == 255).all()
    assert drawn[2, 16, 16].tolist() == list(_RED)
    assert sheet.marks == 2


def test_alpha_lets_what_is_below_show_through() -> None:
    """Half a red on white is pink, and an alpha of 0 is no mark at all."""
    sheet = _sheet()
    sheet.fill(_SQUARE, _RED, alpha=np.array([0.5, 0.0]))
    drawn = _render(sheet)
    np.testing.assert_allclose(drawn[0, 16, 16], (127, 127, 255), atol=2)
    assert (drawn[1] == 255).all()


@pytest.mark.parametrize("width", [0.0, -1.0])
def test_lines_without_width_are_not_drawn(width: float) -> None:
    """A style without outlines is a width of 0."""
    sheet = _sheet()
    sheet.line(_SQUARE, _RED, width=width, closed=True)
    assert sheet.marks == 0


def test_inside_keeps_to_the_union_of_shapes() -> None:
    """What is drawn within shapes ends at their edge, also where they overlap."""
    sheet = _sheet(1)
    with sheet.inside(_SQUARE, ellipse(0.5, 0.0, 0.4, 0.4)):
        sheet.fill(_SQUARE * 4, _RED)
    drawn = _render(sheet)
    assert drawn[0, 16, [16, 22, 28]].tolist() == [list(_RED)] * 3
    assert drawn[0, 16, 2].tolist() == [255, 255, 255]


def test_glows_fade_to_their_edge() -> None:
    """A glow is strongest in its middle, and nothing beyond its radius."""
    sheet = _sheet(1)
    sheet.glow(points((0.0, 0.0)), 0.5, _RED, alpha=1.0)
    green = _render(sheet)[0, 16, :, 1].astype(int)
    assert green[16] < 20
    assert green[16] < green[20] < green[23] < 255
    assert green[28] == 255


def test_what_lies_outside_does_no_harm() -> None:
    """Marks may leave the picture, even by far."""
    sheet = _sheet(1)
    for x in (1.0, -3.0, 1e7):
        sheet.fill(_SQUARE + np.float32(x), _RED, alpha=0.5)
        sheet.glow(points((x, 0.0)), 0.5, _RED, alpha=0.5)
        sheet.stroke(_SQUARE + np.float32(x), _RED, width=0.2)
    assert _render(sheet).shape == (1, 32, 32, 3)
