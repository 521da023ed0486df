"""Inception V3 up to its taps, with what it is pretrained by on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.optimizer import adamw
from training.pretraining.losses import contrast
from worker.models.network import fill, import_keras, jit_compile, network, read, scaled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from training.pretraining.lessons import Lesson
    from training.pretraining.settings import Pretraining
    from worker.models.network import Tensors

# Between a tap's average and the vector that characters are contrasted by, as in Chen et al. 2020,
# "A Simple Framework for Contrastive Learning": what a contrast throws away is thrown away there.
_HIDDEN = 512

# The longest gradient of a variable: the first ones of untrained weights are wild.
_CLIP = 5.0


class PretrainedNetwork:
    """The network, its losses and its optimizer.

    Args:
        tensors: canonical weights to start from.
        settings: how it learns.
        traits: how many numbers it learns to tell.

    Raises:
        ModelError: the weights are not those of Inception V3.
    """

    def __init__(self, tensors: Tensors, *, settings: Pretraining, traits: int) -> None:
        keras = import_keras()
        keras.utils.set_random_seed(settings.seed)
        self._views = settings.views
        self._backbone = network(None)
        fill(self._backbone, tensors)
        pixels = keras.Input((None, None, 3), dtype="uint8")
        outputs = [self._backbone.get_layer(tap).output for tap in settings.taps]
        seen = keras.Model(self._backbone.input, outputs)(scaled(pixels))
        pooled = [
            keras.layers.GlobalAveragePooling2D(dtype="float32")(tap)
            for tap in (seen if isinstance(seen, list) else [seen])
        ]
        self._taps = keras.Model(pixels, pooled)
        contrasted = [_projected(average, settings.width) for average in pooled]
        told = [keras.layers.Dense(traits, dtype="float32")(average) for average in pooled]
        self._model = keras.Model(pixels, contrasted + told)
        count = len(pooled)
        self._model.compile(
            adamw(
                rate=settings.rate,
                steps=settings.steps,
                warm_up=settings.warm_up,
                decay=settings.decay,
                spared=("bias", "beta", "gamma"),
                clip=_CLIP,
            ),
            loss=[contrast(settings.temperature)] * count + ["mean_squared_error"] * count,
            loss_weights=[1.0 / count] * count + [settings.traits / count] * count,
            jit_compile=jit_compile(),
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self._count = count

    def learn(self, lesson: Lesson) -> dict[str, float]:
        """Take one step.

        Args:
            lesson: faces and what is to be learned of them.

        Returns:
            `loss`, and of it `contrast` and `traits`, each the mean over the taps.
        """
        who = lesson.who[:, None].astype(np.int32)
        targets = [who] * self._count + [lesson.traits] * self._count
        # Keras averages over all steps since the last reset.
        self._model.reset_metrics()
        told = self._model.train_on_batch(lesson.faces, targets)
        loss, *parts = (float(value) for value in told)
        return {
            "loss": loss,
            "contrast": float(np.mean(parts[: self._count])),
            "traits": float(np.mean(parts[self._count :])),
        }

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the averages of the taps, side by side.

        Args:
            faces: uint8 (n, size, size, 3), RGB.

        Returns:
            float32 (n, d).
        """
        found = self._taps.predict_on_batch(faces)
        return np.concatenate(found if isinstance(found, list) else [found], axis=1)

    @property
    def tensors(self) -> Tensors:
        """The canonical weights, with the layers above the taps as they were."""
        return read(self._backbone)

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """A copy of all that learning changes, by name."""
        return {f"{i:04d}": np.array(v.numpy()) for i, v in enumerate(self._variables())}

    @state.setter
    def state(self, values: Mapping[str, NDArray[Any]]) -> None:
        for i, variable in enumerate(self._variables()):
            variable.assign(values[f"{i:04d}"])

    def _variables(self) -> list[Any]:
        return [*self._model.weights, *self._model.optimizer.variables]


def _projected(average: Any, width: int) -> Any:
    layers = import_keras().layers
    hidden = layers.Dense(_HIDDEN, use_bias=False, dtype="float32")(average)
    hidden = layers.BatchNormalization(dtype="float32")(hidden)
    hidden = layers.Activation("relu", dtype="float32")(hidden)
    return layers.Dense(width, use_bias=False, dtype="float32")(hidden)
