"""Inception V3 as a Keras network, and its weights by canonical names.

Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", in the
implementation of `keras.applications`. Only Keras' own API is used, so that any of its back ends
can run it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from db.errors import ModelError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.float32]]

# In the order in which Keras itself would rather have them.
_LIBRARIES = ("tensorflow", "jax", "torch")

# Set before the first import, unless the user chose otherwise. oneDNN's own kernels are no faster
# here, differ between processors, and announce themselves on stderr before any log level counts.
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


def tapped(
    tensors: Tensors,
    *,
    taps: tuple[str, ...],
    size: int,
    flip: bool = False,
    bfloat16: bool = False,
) -> Any:
    """Build the network up to its deepest tap, ready to run.

    Args:
        tensors: canonical weights.
        taps: names of layers, such as `mixed5`.
        size: width and height of the input in pixels; at least 75.
        flip: whether to give the mean of the averages of the face and of its mirror image.
        bfloat16: whether convolutions compute in bfloat16; averages are taken in float32.

    Returns:
        A Keras model from uint8 (n, size, size, 3), RGB, to float32 (n, d): the global average of
        each tap, concatenated in the order of `taps`.

    Raises:
        ModelError: the weights are not those of Inception V3.
    """
    keras = import_keras()
    with precision("mixed_bfloat16" if bfloat16 else "float32"):
        whole = network(size)
        body = keras.Model(whole.input, [whole.get_layer(tap).output for tap in taps])
    fill(whole, tensors)
    pixels = keras.Input((size, size, 3), dtype="uint8")
    output = _averages(body(scaled(pixels)))
    if flip:
        mirrored = _averages(body(scaled(keras.ops.flip(pixels, axis=2))))
        output = keras.layers.Average(dtype="float32")([output, mirrored])
    model = keras.Model(pixels, output)
    model.compile(jit_compile=jit_compile())
    return model


def scaled(pixels: Any) -> Any:
    """Bring pixels to the range that the backbone's weights were made for, on the device.

    Args:
        pixels: a Keras tensor of any shape, uint8.

    Returns:
        float32 of the same shape, in [-1, 1].
    """
    keras = import_keras()
    # TensorFlow turns the division into a product with the rounded reciprocal, which only in double
    # precision gives the bits that stored embeddings came from. JAX knows no double precision.
    wide = "float64" if keras.config.backend() == "tensorflow" else "float32"
    return keras.ops.cast(keras.ops.cast(pixels, wide) / 127.5, "float32") - 1.0


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers of another precision.

    Args:
        policy: a dtype policy of Keras, such as `mixed_bfloat16`. It is that of the thread.
    """
    config = import_keras().config
    before = config.dtype_policy()
    config.set_dtype_policy(policy)
    try:
        yield
    finally:
        config.set_dtype_policy(before)


def jit_compile() -> bool | str:
    """Say what the `compile` of a Keras model shall be told.

    XLA takes TensorFlow longer to compile Inception V3 than it wins back; JAX is nothing without.
    """
    return False if import_keras().config.backend() == "tensorflow" else "auto"


def import_keras() -> Any:
    """Import Keras without start-up chatter, on the library that KERAS_BACKEND names.

    Where it names none and TensorFlow is not installed, JAX or PyTorch is taken.

    Returns:
        The module `keras`.

    Raises:
        UnavailableError: Keras or the library that it runs on is not installed.
    """
    if "keras" not in sys.modules:
        _prepare_environment()
    try:
        return importlib.import_module("keras")
    except (ImportError, ValueError) as error:  # ValueError: there is no such library
        raise UnavailableError(
            f"Keras cannot be loaded ({error}); install kaolabel[cpu], [gpu], [jax] or [torch], and"
            " let KERAS_BACKEND, if it is set, name what is installed"
        ) from error


def network(size: int | None, *, weights: str | None = None) -> Any:
    """Build Inception V3 without its top.

    Args:
        size: width and height of the input in pixels, at least 75; None for any.
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
    if wanted != {name: tensor.shape for name, tensor in tensors.items()}:
        raise ModelError(
            "the backbone weights are not those of Inception V3 without top; "
            "choose another file, or `--backbone drawn`"
        )
    for name, variable in named.items():
        variable.assign(tensors[name])


def _averages(taps: Any) -> Any:
    """The global average of each output of a body, side by side."""
    layers = import_keras().layers
    pooled = [layers.GlobalAveragePooling2D(dtype="float32")(tap) for tap in taps]
    return pooled[0] if len(pooled) == 1 else layers.Concatenate(dtype="float32")(pooled)


def _prepare_environment() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    installed = [name for name in _LIBRARIES if importlib.util.find_spec(name)]
    # Without a name, or with an empty one, Keras takes TensorFlow, installed or not.
    if not os.environ.get("KERAS_BACKEND") and installed and _LIBRARIES[0] not in installed:
        os.environ["KERAS_BACKEND"] = installed[0]
