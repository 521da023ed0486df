"""Untrained weights, the same bits on every machine, without any file."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from worker.models.network import network, variables

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from worker.models.network import Tensors

# Weights do not depend on the input's size; this one is only small enough to build fast.
ANY_SIZE = 96

_SEED = 0x6B616F


def generate() -> Tensors:
    """Generate all weights of Inception V3.

    Kernels are uniform with the variance of He et al. 2015 ("Delving Deep into Rectifiers"), which
    keeps activations in scale. Only raw PCG64 output is used: unlike NumPy's distributions, it is
    promised to stay as it is.

    Returns:
        float32 arrays by canonical name.
    """
    return fill_up({})


def fill_up(tensors: Tensors) -> Tensors:
    """Add to weights what they lack, as `generate` would have it.

    Args:
        tensors: canonical weights of some layers.

    Returns:
        Those of all layers.
    """
    bits = np.random.PCG64(_SEED)
    # Of all, as each begins where the one before it has ended in the stream of bits.
    made = {name: _tensor(name, shape, bits) for name, shape in _shapes()}
    return {**made, **tensors}


@functools.cache
def _shapes() -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Names and shapes of all weights, by name; Keras takes a second to build the network."""
    named = variables(network(ANY_SIZE))
    return tuple((name, tuple(named[name].shape)) for name in sorted(named))


def _tensor(name: str, shape: tuple[int, ...], bits: np.random.PCG64) -> NDArray[np.float32]:
    if name.endswith("/moving_variance"):
        return np.ones(shape, np.float32)
    if not name.endswith("/kernel"):
        return np.zeros(shape, np.float32)
    raw = np.asarray(bits.random_raw(math.prod(shape)), dtype=np.uint64)
    uniform = (raw >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
    return (uniform * np.float32(math.sqrt(6 / math.prod(shape[:-1])))).reshape(shape)
