"""How long work tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called again and again while something is under way; what it raises stops the work."""

    def __call__(self, stage: str, done: int, total: int, detail: str = "", /) -> None:
        """Take note of how far a stage is.

        Args:
            stage: what is being done, such as `embedding`.
            done: steps that are done.
            total: steps in all.
            detail: one short line for people.
        """


def untold(_stage: str, _done: int, _total: int, _detail: str = "", /) -> None:
    """Tell nobody."""
