"""Tells watchers how far a task is, without ever keeping it from its work."""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from celery import Task

logger = logging.getLogger(__name__)

# The state in which a task is shown while it tells how far it is.
PROGRESS = "PROGRESS"
_EVENT = "task-progress"

# Seconds between two steps that are told; there may be hundreds of steps a second.
_EVERY = 1.0
_LAST_WORDS = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """How far a task is.

    Attributes:
        stage: what is being done, such as `embedding`.
        done: steps that are done.
        total: steps in all; 0 where nobody knows.
        detail: one short line for people.
    """

    stage: str
    done: int
    total: int
    detail: str = ""

    def __str__(self) -> str:
        counted = f" {self.done:,} of {self.total:,}" if self.total else ""
        return f"{self.stage}{counted}" + (f"; {self.detail}" if self.detail else "")


class Teller:
    """Shows the steps of a task as its state and its result so far; it is a `Progress`.

    A thread does it, with the newest step every second: a broker that is away keeps that thread
    waiting, and nobody else. Use it as a context manager around the task's work.

    Args:
        task: the one that is being carried out.
        about: what else each step tells, such as a number.
    """

    def __init__(self, task: Task, **about: Any) -> None:
        self._task = task
        # Known to the task's own thread only.
        self._id, self._hostname = task.request.id, task.request.hostname
        self._about = about
        self._step: Step | None = None
        self._news = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._news.set()
        # So that nothing is told after the end; but the end does not wait for a broker.
        self._thread.join(_LAST_WORDS)

    def __call__(self, stage: str, done: int, total: int, detail: str = "", /) -> None:
        """Note a step; it is told unless another one comes first."""
        self._step = Step(stage, done, total, detail)
        self._news.set()

    def _run(self) -> None:
        while self._news.wait() and not self._ended.is_set():
            self._news.clear()
            try:
                self._tell()
            except (OperationalError, RedisError, OSError) as error:
                logger.warning("progress is not told: %s", type(error).__name__)
            self._ended.wait(_EVERY)

    def _tell(self) -> None:
        # First the connection, for which it may wait; by then there may be another step, or none.
        with self._task.app.events.default_dispatcher(hostname=self._hostname) as dispatcher:
            step = self._step
            if step is None or self._ended.is_set():
                return
            meta = {**self._about, **asdict(step)}
            self._task.backend.store_result(self._id, meta, PROGRESS)
            dispatcher.send(_EVENT, uuid=self._id, retry=False, result=str(step), **meta)
