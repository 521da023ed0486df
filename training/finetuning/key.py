"""What the result of a fine-tuning is kept under."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from worker.models.tensors import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from training.example import Example
    from training.finetuning.tuning import FineTuning
    from worker.models.network import Tensors

# Changes whenever older checkpoints would be misread.
_FORMAT = 2


def result_key(
    examples: Sequence[Example],
    *,
    validation: NDArray[np.bool_],
    tensors: Tensors,
    settings: FineTuning,
    seed: int,
) -> str:
    """Name a fine-tuning's result by everything that it depends on.

    Args:
        examples: what is learned from, in order.
        validation: bool (n,), which of them are only judged.
        tensors: the weights that it starts from.
        settings: how it is done.
        seed: where chance comes from.

    Returns:
        64 hexadecimal digits.
    """
    causes = {
        "format": _FORMAT,
        "examples": [[example.key, example.label] for example in examples],
        "validation": validation.tolist(),
        "tensors": digest(tensors),
        "settings": asdict(settings),
        "seed": seed,
    }
    return hashlib.sha256(json.dumps(causes, sort_keys=True).encode()).hexdigest()
