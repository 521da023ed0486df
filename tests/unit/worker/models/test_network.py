"""Inception V3 and the names of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import ModelError
from worker.models.network import fill, network, read, tapped

if TYPE_CHECKING:
    from worker.models.network import Tensors


@pytest.fixture(scope="module")
def drawn() -> Tensors:
    """Some weights."""
    return read(network(75))


def test_weights_survive_another_network(drawn: Tensors) -> None:
    """What was read from one network and put into another is read from it again, bit by bit."""
    other = network(96)
    fill(other, drawn)
    again = read(other)
    assert again.keys() == drawn.keys()
    for name, values in drawn.items():
        np.testing.assert_array_equal(again[name], values)


def test_names_do_not_count_up(drawn: Tensors) -> None:
    """Kernels are numbered from zero, however many networks were built before."""
    kernels = sorted(name for name in drawn if name.endswith("/kernel"))
    assert kernels == [f"conv2d_{number:02d}/kernel" for number in range(94)]


def test_taps_are_joined_in_order(drawn: Tensors) -> None:
    """The output is the average of each tap, the first one first."""
    faces = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)
    both = tapped(drawn, taps=("mixed1", "mixed0"), size=75).predict_on_batch(faces)
    alone = tapped(drawn, taps=("mixed0",), size=75).predict_on_batch(faces)
    assert both.shape == (2, 288 + 256)
    np.testing.assert_allclose(both[:, 288:], alone, rtol=1e-5)


def test_missing_weights_are_refused(drawn: Tensors) -> None:
    """A network is not left half filled."""
    with pytest.raises(ModelError, match="not those of Inception V3"):
        fill(network(75), {name: values for name, values in drawn.items() if "00" not in name})
