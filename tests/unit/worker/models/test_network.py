"""Inception V3 and the names of its weights."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from db.errors import ModelError
from worker.models.network import fill, import_keras, network, read, scaled, tapped

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
    faces = np.random.default_rng(0).integers(0, 256, (2, 75, 75, 3), np.uint8)
    both = tapped(drawn, taps=("mixed1", "mixed0"), size=75).predict_on_batch(faces)
    alone = tapped(drawn, taps=("mixed0",), size=75).predict_on_batch(faces)
    assert both.shape == (2, 288 + 256)
    np.testing.assert_allclose(both[:, 288:], alone, rtol=1e-5)


def test_a_tapped_network_ends_at_its_deepest_tap(drawn: Tensors) -> None:
    """Nothing above the deepest tap is part of the network, so that nothing of it is computed."""
    model = tapped(drawn, taps=("mixed0", "mixed1"), size=75)
    [body] = [layer for layer in model.layers if hasattr(layer, "layers")]
    names = {layer.name for layer in body.layers}
    assert {"mixed0", "mixed1"} <= names
    assert "mixed2" not in names
    assert model.count_params() == body.count_params() < network(75).count_params() / 20


def test_pixels_are_scaled_as_they_always_were(drawn: Tensors) -> None:
    """Bytes that the network scales give the bits that numpy gave when it scaled them."""
    keras = import_keras()
    pixels = keras.Input((75, 75, 3), dtype="uint8")
    values = np.arange(256, dtype=np.uint8)
    faces = np.resize(values, (1, 75, 75, 3))
    given = keras.Model(pixels, scaled(pixels)).predict_on_batch(faces)
    wanted = faces / np.float32(127.5) - np.float32(1)
    np.testing.assert_array_equal(given, wanted)
    assert tapped(drawn, taps=("mixed0",), size=75).input.dtype == "uint8"


def test_bfloat16_is_near_float32(drawn: Tensors) -> None:
    """What is computed in bfloat16 is off by less than 3%, and comes as float32."""
    faces = np.random.default_rng(0).integers(0, 256, (2, 75, 75, 3), np.uint8)
    full = tapped(drawn, taps=("mixed1",), size=75).predict_on_batch(faces)
    half = tapped(drawn, taps=("mixed1",), size=75, bfloat16=True).predict_on_batch(faces)
    assert half.dtype == np.float32
    assert (half != full).any()
    assert np.linalg.norm(half - full) < 0.03 * np.linalg.norm(full)
    assert import_keras().config.dtype_policy().name == "float32"


def test_a_library_that_is_not_there_is_named() -> None:
    """KERAS_BACKEND with a wrong name is one line that says what to do."""
    code = "from worker.models.network import import_keras; import_keras()"
    environment = {**os.environ, "KERAS_BACKEND": "abacus"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "UnavailableError" in done.stderr
    assert "KERAS_BACKEND" in done.stderr


def test_missing_weights_are_refused(drawn: Tensors) -> None:
    """A network is not left half filled."""
    with pytest.raises(ModelError, match="not those of Inception V3"):
        fill(network(75), {name: values for name, values in drawn.items() if "00" not in name})
