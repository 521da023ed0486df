"""Inception V3 as a Keras network, and its weights by canonical names.

Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", in the
implementation of `keras.applications`. Only Keras' own API is used, so that any of its back ends
can run it.
"""

from __future__ import annotations

import importlib
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from db.errors import ModelError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.float32]]

# Set before the first import, unless the user chose otherwise. oneDNN's own kernels are no faster
# here, differ between processors, and announce themselves on stderr before any log level counts.
_TENSORFLOW_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


def tapped(tensors: Tensors, *, taps: tuple[str, ...], size: int) -> Any:
    """Build the network up to its taps.

    Args:
        tensors: canonical weights.
        taps: names of layers, such as `mixed5`.
        size: width and height of the input in pixels; at least 75.

    Returns:
        A Keras model from float32 (n, size, size, 3), RGB in [-1, 1], to float32 (n, d): the
        global average of each tap, concatenated in the order of `taps`.

    Raises:
        ModelError: the weights are not those of Inception V3.
    """
    keras = import_keras()
    model = network(size)
    fill(model, tensors)
    pooled = [keras.layers.GlobalAveragePooling2D()(model.get_layer(tap).output) for tap in taps]
    output = pooled[0] if len(pooled) == 1 else keras.layers.Concatenate()(pooled)
    return keras.Model(model.input, output)


def import_keras() -> Any:
    """Import Keras without TensorFlow's start-up chatter.

    Returns:
        The module `keras`.

    Raises:
        UnavailableError: Keras or the library that it runs on is not installed.
    """
    for name, value in _TENSORFLOW_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        return importlib.import_module("keras")
    except ImportError as error:
        raise UnavailableError(
            f"Keras cannot be loaded ({error}); install kaolabel[cpu] or kaolabel[gpu]"
        ) from error


def network(size: int, *, weights: str | None = None) -> Any:
    """Build Inception V3 without its top.

    Args:
        size: width and height of the input in pixels; at least 75.
        weights: `imagenet` to have Keras download them, or None for random ones.

    Returns:
        A Keras model.
    """
    keras = import_keras()
    return keras.applications.InceptionV3(
        include_top=False, weights=weights, input_shape=(size, size, 3)
    )


def variables(model: Any) -> dict[str, Any]:
    """Name a network's variables by their place; Keras' own names count up with every build.

    Args:
        model: from `network`.

    Returns:
        Keras variables by canonical name.
    """
    named: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for layer in model.layers:
        kind = type(layer).__name__.lower()
        for variable in layer.weights:
            named[f"{kind}_{seen[kind]:02d}/{variable.name}"] = variable
        seen[kind] += bool(layer.weights)
    return named


def read(model: Any) -> Tensors:
    """Take the weights out of a network.

    Args:
        model: from `network`.

    Returns:
        float32 arrays by name, such as `conv2d_07/kernel`.
    """
    return {
        name: np.array(variable.numpy(), dtype=np.float32)
        for name, variable in variables(model).items()
    }


def fill(model: Any, tensors: Tensors) -> None:
    """Put weights into a network.

    Args:
        model: from `network`.
        tensors: canonical weights.

    Raises:
        ModelError: the weights are not those of Inception V3.
    """
    named = variables(model)
    wanted = {name: tuple(variable.shape) for name, variable in named.items()}
    if wanted != {name: values.shape for name, values in tensors.items()}:
        raise ModelError(
            "the backbone weights are not those of Inception V3 without top; "
            "choose another file, or `--backbone seeded`"
        )
    for name, variable in named.items():
        variable.assign(tensors[name])
