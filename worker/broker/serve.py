"""Runs Celery's worker, as `celery -A MODULE worker --loglevel INFO` does, but starts sooner.

Celery's own command line first loads all of its commands and those of every plug-in, such as
Flower, which takes longer than the rest of a worker's start.
"""

from __future__ import annotations

import importlib
import sys

from db.errors import KaolabelError

# The application of a labelling worker.
LABELLING = "worker.entry"

_ALONE = "--alone"


def command(module: str, *, alone: bool = False) -> list[str]:
    """The command line of a worker.

    Args:
        module: holds the application, as `app`.
        alone: whether no other worker shares the broker, so that none is asked for what it knows.
    """
    return [sys.executable, "-m", __name__, module, *([_ALONE] if alone else [])]


def main(module: str, *, alone: bool) -> int:
    """Work until told to stop; the exit code.

    Args:
        module: see `command`.
        alone: see `command`.
    """
    app = importlib.import_module(module).app
    # Celery waits a second for neighbours to answer. And with gossip every worker would hear the
    # heartbeats of all others, which nothing here asks for: work that grows with their square.
    worker = app.Worker(loglevel="INFO", without_mingle=alone, without_gossip=True)
    worker.start()
    return worker.exitcode or 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], alone=_ALONE in sys.argv))
    except KaolabelError as error:
        # What is left to go wrong here is a setting; its line is all that people need.
        sys.exit(f"kaolabel: {error}")
