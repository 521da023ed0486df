"""Runs Celery's worker, as `celery -A MODULE worker --loglevel INFO` does, but starts sooner.

Celery's own command line first loads all of its commands and those of every plug-in, such as
Flower, which takes longer than the rest of a worker's start.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from pathlib import Path

from db.errors import KaolabelError

# The application of a labelling worker.
LABELLING = "worker.entry"

# The application of a trainer.
TRAINING = "training.entry"

_KINDS = {LABELLING: "worker", TRAINING: "trainer"}
_ALONE = "--alone"


def command(module: str, *, alone: bool = False) -> list[str]:
    """The command line of a worker.

    Args:
        module: `LABELLING` or `TRAINING`, which hold an application as `app`.
        alone: whether no other worker shares the broker, so that none is asked for what it knows.
    """
    return [sys.executable, "-m", __name__, module, *([_ALONE] if alone else [])]


def node(module: str) -> str:
    """The name of this process among workers: what it is, and as which process of which host.

    Celery's own choice is the same for all workers of a host, which watchers then take for one.
    """
    return f"{_KINDS[module]}-{os.getpid()}@{socket.gethostname()}"


def main(module: str, *, alone: bool) -> int:
    """Work until told to stop; the exit code.

    Args:
        module: see `command`.
        alone: see `command`.
    """
    # Loads Celery, which commands that only need the name of this module do without.
    from worker.broker.logs import set_up_logs

    set_up_logs()
    _keep_out_of_the_log()
    app = importlib.import_module(module).app
    # Celery waits a second for neighbours to answer. And with gossip every worker would hear the
    # heartbeats of all others, which nothing here asks for: work that grows with their square.
    worker = app.Worker(
        hostname=node(module), loglevel="INFO", without_mingle=alone, without_gossip=True
    )
    worker.start()
    return worker.exitcode or 0


def _keep_out_of_the_log() -> None:
    """Drop what would stand between its lines: Celery's banner and farewell, and billiard's worry.

    A process of its own looks for semaphores that others have left behind, and does find some
    whenever a worker is killed; it frees them, and people have nothing to do.
    """
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 1)
    filters = os.environ.get("PYTHONWARNINGS")
    ours = "ignore:semaphore_tracker"
    os.environ["PYTHONWARNINGS"] = f"{filters},{ours}" if filters else ours


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], alone=_ALONE in sys.argv))
    except KaolabelError as error:
        # What is left to go wrong here is a setting; its line is all that people need.
        sys.exit(f"kaolabel: {error}")
