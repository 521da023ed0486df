"""Records that are checked when they are made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.records import Box

SIDES = st.tuples(*[st.integers(-5, 5)] * 4)


def test_a_box_knows_its_size() -> None:
    """Width, height and area are in pixels, with exclusive far corners."""
    box = Box(1, 2, 4, 8)
    assert (box.width, box.height, box.area) == (3, 6, 18)


@given(SIDES)
def test_boxes_lie_in_an_image_and_hold_a_pixel(corners: tuple[int, int, int, int]) -> None:
    """A box with a negative or empty side cannot be made, any other one can."""
    x0, y0, x1, y1 = corners
    if 0 <= x0 < x1 and 0 <= y0 < y1:
        assert Box(*corners).area > 0
    else:
        with pytest.raises(ValueError, match="a box needs"):
            Box(*corners)
