"""The application that Flower is given: it sees results, sends for trainings and revokes tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Task, states
from celery.app.control import Control

from worker.broker.app import create_app
from worker.broker.messages import TRAIN, TRAIN_AFTER_ANNOTATIONS, TRAIN_ON_SCHEDULE

if TYPE_CHECKING:
    from celery import Celery

    from worker.broker.settings import BrokerSettings

_SENDABLE = (TRAIN, TRAIN_ON_SCHEDULE, TRAIN_AFTER_ANNOTATIONS)

# Celery's states before a worker begins.
_WAITING = {states.PENDING, states.RECEIVED}


class Elsewhere(Task):  # type: ignore[misc]  # celery ships no types
    """A task that trainers carry out; here it is only known by name, so that it can be sent.

    Args:
        name: of the task.
    """

    # Trainers check what they are asked for, and say what is wrong with it.
    typing = False

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, *_arguments: Any, **_options: Any) -> None:
        """Nothing: Flower carries out no task."""
        raise NotImplementedError(f"{self.name} is carried out by trainers")


class LastingControl(Control):  # type: ignore[misc]  # celery ships no types
    """Celery's remote control, but for a memory of what was revoked.

    Celery tells the workers that are there. A trainer that comes later finds the task's state.
    """

    def revoke(self, task_id: Any, *arguments: Any, **options: Any) -> Any:
        """Revoke a task, or several."""
        for number in [task_id] if isinstance(task_id, str) else task_id:
            if self.app.backend.known_state(number) in _WAITING:
                self.app.backend.mark_as_revoked(number, states.REVOKED.lower())
        return super().revoke(task_id, *arguments, **options)


def create_flower_app(broker_url: str, broker: BrokerSettings) -> Celery:
    """An application to watch with; connects on first use.

    Raises:
        UsageError: the broker's URL cannot be read.
    """
    # No module of ours holds tasks that Flower could carry out; Celery's own has none to speak of.
    app = create_app(broker_url, broker, tasks="celery.app.builtins", results=True)
    app.control_cls = LastingControl
    # People who send for a training want to see what came of it.
    app.conf.task_ignore_result = False
    for name in _SENDABLE:
        app.register_task(Elsewhere(name))
    return app
