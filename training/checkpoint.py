"""Where long work on a network goes on after it was killed."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One file that holds the state of a training between two of its steps.

    Attributes:
        path: where it lies; no other training may take it for its own.
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
            the training can then begin anew.
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
