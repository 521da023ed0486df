"""How networks are optimized here, whatever they learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.models.network import import_keras

if TYPE_CHECKING:
    from collections.abc import Sequence


def adamw(
    *,
    rate: float,
    steps: int,
    warm_up: float,
    decay: float,
    spared: Sequence[str],
    clip: float | None = None,
) -> Any:
    """Make AdamW; Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization".

    The rate rises to its height, then falls as half a cosine.

    Args:
        rate: the highest learning rate.
        steps: in all.
        warm_up: share of the steps over which the rate rises.
        decay: weight decay.
        spared: names of variables that do not decay.
        clip: the longest gradient of a variable; None for any.

    Returns:
        A Keras optimizer.
    """
    keras = import_keras()
    rising = max(round(steps * warm_up), 1)
    # From zero, the first step would be for nothing.
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / rising, max(steps - rising, 1), warmup_target=rate, warmup_steps=rising
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=decay, clipnorm=clip)
    optimizer.exclude_from_weight_decay(var_names=list(spared))
    return optimizer
