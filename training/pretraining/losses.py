"""What a pretraining minimizes, in Keras' operations alone: any of its libraries computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.models.network import import_keras

if TYPE_CHECKING:
    from collections.abc import Callable

# Stands for minus infinity where a face would be compared with itself.
_NEVER = -1e9


def contrast(temperature: float) -> Callable[[Any, Any], Any]:
    """Make views of one character alike and those of different ones unlike.

    The supervised contrastive loss, L_out, of Khosla et al. 2020, "Supervised Contrastive
    Learning".

    Args:
        temperature: low ones look at the nearest of the others alone.

    Returns:
        A function from characters, int (n, 1), and vectors, float32 (n, d), to losses, (n,).
    """
    ops = import_keras().ops

    def loss(who: Any, vectors: Any) -> Any:
        unit = ops.normalize(ops.cast(vectors, "float32"), axis=1, epsilon=1e-6)
        alike = ops.matmul(unit, ops.transpose(unit)) / temperature
        itself = ops.eye(ops.shape(vectors)[0], dtype="float32")
        same = ops.cast(ops.equal(who, ops.transpose(who)), "float32") - itself
        others = alike + itself * _NEVER
        share = alike - ops.logsumexp(others, axis=1, keepdims=True)
        return -ops.sum(same * share, axis=1) / ops.maximum(ops.sum(same, axis=1), 1.0)

    return loss
