"""Curves of many faces at once: shapes, knots and where paths go."""

from __future__ import annotations

import numpy as np
import pytest

from training.portraits.easel.curves import (
    bend,
    brush,
    ellipse,
    joined,
    mirrored,
    moved,
    points,
    spline,
)


def test_points_takes_numbers_and_columns() -> None:
    """A coordinate is one number for all faces, or one for each."""
    path = points((0.0, np.array([1.0, 2.0, 3.0])), (np.array([4.0, 5.0, 6.0]), 7.0))
    assert path.dtype == np.float32
    assert path.tolist()[1] == [[0.0, 2.0], [5.0, 7.0]]
    assert points((1.0, 2.0)).shape == (1, 1, 2)


@pytest.mark.parametrize(("closed", "length"), [(True, 12), (False, 13)])
def test_splines_run_through_their_knots(length: int, *, closed: bool) -> None:
    """A spline meets every knot, and an open one ends at the last."""
    knots = np.random.default_rng(1).normal(size=(5, 3 + (not closed), 2)).astype(np.float32)
    curve = spline(knots, closed=closed, steps=4)
    assert curve.shape == (5, length, 2)
    np.testing.assert_allclose(curve[:, ::4], knots, atol=1e-5)


def test_bends_start_and_end_where_they_should() -> None:
    """A Bezier curve includes both of its ends."""
    curve = bend(points((0.0, 0.0)), points((1.0, 2.0)), points((2.0, 0.0)), steps=4)
    np.testing.assert_allclose(curve[0, [0, 2, 4]], [(0, 0), (1, 1), (2, 0)], atol=1e-6)


def test_ellipses_keep_their_size() -> None:
    """An ellipse reaches as far as its half axes, for every face its own."""
    path = ellipse(0.0, 1.0, np.array([2.0, 3.0]), 0.5)
    np.testing.assert_allclose(np.abs(path[..., 0]).max(axis=1), [2, 3], rtol=1e-6)
    np.testing.assert_allclose(path[..., 1].max(axis=1), [1.5, 1.5], rtol=1e-6)


def test_moved_stretches_then_turns_then_moves() -> None:
    """A quarter turn clockwise takes the right to below."""
    path = moved([(1.0, 0.0)], 10.0, 20.0, angle=90.0, stretch=(2.0, 1.0))
    np.testing.assert_allclose(path[0, 0], (10, 22), atol=1e-5)


def test_halves_join_to_a_whole() -> None:
    """A path and its mirror image make one shape, without crossing."""
    half = points((0.0, -1.0), (1.0, 0.0), (0.0, 1.0))
    whole = joined(half, mirrored(half))
    assert whole[0].tolist() == [[0, -1], [1, 0], [0, 1], [0, 1], [-1, 0], [0, -1]]


def test_brushes_are_widest_in_the_middle() -> None:
    """A stroke has its width at the middle, and the share asked for at its ends."""
    line = np.stack([np.linspace(0, 1, 5), np.zeros(5)], axis=1)[None].astype(np.float32)
    stroke = brush(line, width=0.2, taper=(0.0, 0.5))
    across = stroke[0, :5, 1] - stroke[0, ::-1][:5, 1]
    np.testing.assert_allclose(across[[0, 2, 4]], [0.0, 0.2, 0.1], atol=1e-6)
