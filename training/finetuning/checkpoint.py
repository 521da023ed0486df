"""Where a fine-tuning goes on after it was killed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from worker.models.tensors import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from training.example import Example
    from training.finetuning.tuning import FineTuning
    from worker.models.network import Tensors

    Arrays = Mapping[str, NDArray[Any]]

# Changes whenever older checkpoints would be misread.
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One file that holds a fine-tuning between two epochs.

    Attributes:
        path: where it lies; named by `result_key`, so that no other fine-tuning takes it for its
            own.
    """

    path: Path

    def save(self, arrays: Arrays, *, notes: Mapping[str, Any]) -> None:
        """Write the state in place of the one before it; it is there whole or not at all.

        Args:
            arrays: by name.
            notes: JSON values.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self.path.parent, prefix=".draft-")
        os.close(handle)
        try:
            save_file(dict(arrays), draft, metadata={"notes": json.dumps(notes)})
            Path(draft).replace(self.path)
        except BaseException:
            Path(draft).unlink()
            raise

    def load(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Read the state.

        Returns:
            Arrays and notes, as they were saved; None where there are none or they are damaged, as
            a fine-tuning can then begin anew.
        """
        try:
            with safe_open(self.path, framework="numpy") as file:
                notes = json.loads(file.metadata()["notes"])
                return {name: file.get_tensor(name) for name in file.keys()}, notes  # noqa: SIM118  # no mapping
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None

    def remove(self) -> None:
        """Delete the state, if there is any."""
        self.path.unlink(missing_ok=True)


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
