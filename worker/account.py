"""What a worker tells of a job that it took, for those who watch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from db.records import JobResult


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a job.

    Attributes:
        job: its number.
        state: `done`; `not claimable` where it was done before or is somebody else's; `lost` where
            it was taken over; `stopped` with its run; `refused` where this worker cannot do it, and
            `unavailable` where the database is away: it is offered again then; `too new` where its
            message is for newer workers.
        run: what it belongs to, where that is known.
        found: small numbers by name, of a job that is done.
        seconds: that it took.
    """

    job: int
    state: str
    run: int | None = None
    found: Mapping[str, int | None] = field(default_factory=dict)
    seconds: float = 0.0

    def told(self) -> dict[str, Any]:
        """The account as a task's result; first what lists of tasks, which cut it, should show."""
        return {
            "state": self.state,
            **self.found,
            "seconds": round(self.seconds, 2),
            "run": self.run,
            "job": self.job,
        }


def count(result: JobResult) -> dict[str, int | None]:
    """What a labelling job found: images by outcome, new faces and unknown ones, and the model."""
    figures = result.figures
    outcomes = {name: figures.outcomes.get(name, 0) for name in ("no_face", "unreadable")}
    return {
        "faces": sum(figures.faces.values()),
        "unknown": figures.unknown,
        **outcomes,
        "quarantined": figures.outcomes.get("quarantined", 0),
        "images": len(result.images),
        "version": result.version_id,
    }
