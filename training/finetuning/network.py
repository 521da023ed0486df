"""Inception V3 up to a tap with a linear layer on top, while it is being fine-tuned."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from training.optimizer import adamw
from worker.models import device
from worker.models.network import (
    fill,
    import_keras,
    jit_compile,
    network,
    precision,
    read,
    scaled,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from training.finetuning.tuning import FineTuning
    from worker.models.network import Tensors

# Of the running means of batch normalization. With that of Keras, 0.99, they would still be half
# those of the weights that a fine-tuning of some dozens of steps started from.
_MOMENTUM = 0.9


class TunedNetwork:
    """The network, its loss and its optimizer; nothing that it does is left to chance.

    Args:
        tensors: canonical weights to start from; the linear layer starts from zeros.
        labels: how many labels there are.
        settings: how it learns.
        steps: how often it will learn, by which the learning rate is planned.

    Raises:
        ModelError: the weights are not those of Inception V3.
    """

    def __init__(self, tensors: Tensors, *, labels: int, settings: FineTuning, steps: int) -> None:
        keras = import_keras()
        self._labels = labels
        self._batch = settings.batch
        self._backbone = network(settings.size)
        fill(self._backbone, tensors)
        tap = self._backbone.get_layer(settings.tap).output
        pixels = keras.Input((settings.size, settings.size, 3), dtype="uint8")
        seen = keras.Model(self._backbone.input, tap)(scaled(pixels))
        pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(seen)
        self._linear = keras.layers.Dense(labels, kernel_initializer="zeros", dtype="float32")
        # Adam's steps do not depend on the scale of gradients, so that logits of so many times the
        # layer's output make it learn so many times faster.
        self._lead = settings.lead
        logits = keras.layers.Rescaling(settings.lead, dtype="float32")(self._linear(pooled))
        self._model = keras.Model(pixels, logits)
        self._prepare(settings, steps=steps)

    def learn(self, faces: NDArray[np.uint8], targets: NDArray[np.intp]) -> tuple[float, float]:
        """Take one step.

        Args:
            faces: uint8 (batch, size, size, 3), RGB.
            targets: int (batch,), places of their labels.

        Returns:
            Loss and accuracy, averaged since `begin_epoch`.
        """
        wanted = np.eye(self._labels, dtype=np.float32)[targets]
        loss, accuracy = self._model.train_on_batch(faces, wanted)
        return float(loss), float(accuracy)

    def begin_epoch(self) -> None:
        """Average loss and accuracy from here on."""
        self._model.reset_metrics()

    def logits(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Judge faces and their mirror images, as an embedder that flips does.

        Args:
            faces: at most a batch of uint8 (n, size, size, 3), RGB.

        Returns:
            float32 (n, k).
        """
        padded = np.zeros((self._batch, *faces.shape[1:]), np.uint8)
        padded[: len(faces)] = faces
        # PyTorch takes no array that runs backwards.
        mirrored = np.ascontiguousarray(padded[:, :, ::-1])
        sides = [self._model.predict_on_batch(side) for side in (padded, mirrored)]
        return np.asarray(np.mean(sides, axis=0)[: len(faces)], np.float32)

    @property
    def tensors(self) -> Tensors:
        """The canonical weights, with the layers above the tap as they were."""
        return read(self._backbone)

    @property
    def linear(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The linear layer: weight float32 (d, k) and bias float32 (k,)."""
        weight, bias = (values * np.float32(self._lead) for values in self._linear.get_weights())
        return np.asarray(weight, np.float32), np.asarray(bias, np.float32)

    @property
    def weights(self) -> dict[str, NDArray[Any]]:
        """A copy of all that learning changes, the optimizer's memory aside, by name."""
        return _values("weights", self._model.weights)

    @weights.setter
    def weights(self, values: Mapping[str, NDArray[Any]]) -> None:
        _assign("weights", self._model.weights, values)

    @property
    def memory(self) -> dict[str, NDArray[Any]]:
        """A copy of the optimizer's memory, by name."""
        return _values("memory", self._model.optimizer.variables)

    @memory.setter
    def memory(self, values: Mapping[str, NDArray[Any]]) -> None:
        _assign("memory", self._model.optimizer.variables, values)

    def _prepare(self, settings: FineTuning, *, steps: int) -> None:
        keras = import_keras()
        for layer in self._backbone.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = _MOMENTUM
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=settings.smoothing
        )
        self._model.compile(
            adamw(
                rate=settings.rate,
                steps=steps,
                warm_up=settings.warm_up,
                decay=settings.decay,
                spared=("bias", "beta"),
            ),
            loss,
            metrics=["accuracy"],
            jit_compile=jit_compile(),
        )
        self._model.optimizer.build(self._model.trainable_variables)


@contextlib.contextmanager
def reproducible() -> Iterator[None]:
    """Have the same steps give the same bits, in bfloat16 where the GPU has units for it.

    There is no way back from deterministic operations, so that they stay on.
    """
    device.make_deterministic()
    # Layers' names count up with every network that the process has built, and TensorFlow adds up
    # gradients in an order that follows the names.
    import_keras().utils.clear_session()
    with precision("mixed_bfloat16" if device.current().bfloat16 else "float32"):
        yield


def _values(kind: str, variables: list[Any]) -> dict[str, NDArray[Any]]:
    return {f"{kind}/{place:04d}": np.array(v.numpy()) for place, v in enumerate(variables)}


def _assign(kind: str, variables: list[Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    for place, variable in enumerate(variables):
        variable.assign(arrays[f"{kind}/{place:04d}"])
