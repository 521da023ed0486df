"""Celery's worker without Celery's command line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.command import descendants, wait_for
from worker.broker import serve
from worker.broker.embedded_worker import EmbeddedWorker

if TYPE_CHECKING:
    from pathlib import Path

    from worker.broker.embedded import EmbeddedRedis

SLOW_IMPORTS = """
import sys
import worker.broker.serve
import worker.entry
import celery.apps.worker
print(*sorted({"celery.bin.celery", "flower", "cv2", "keras"} & set(sys.modules)))
"""


def environment(home: Path, server: EmbeddedRedis) -> dict[str, str]:
    """Of a worker that gets nothing ready."""
    named = {"KAOLABEL_HOME": str(home), "KAOLABEL_BROKER_URL": server.url}
    return {**os.environ, **named, "KAOLABEL_PREPARE": "nothing", "REMAP_SIGTERM": "SIGQUIT"}


def test_a_worker_serves_until_it_is_stopped(home: Path, redis_server: EmbeddedRedis) -> None:
    """It starts a process for jobs, says that it is ready, and leaves nothing behind."""
    with EmbeddedWorker(home, environment(home, redis_server), proven=True) as worker:
        wait_for(lambda: " ready." in worker.log.read_text(), what="a worker that is ready")
        process = worker._process
        assert process is not None
        family = wait_for(lambda: descendants(process, "spawn_main"), what="its process")  # type: ignore[arg-type]  # only its pid is asked for
    assert process.returncode is not None
    wait_for(lambda: not any(one.is_running() for one in family), what="the end of its process")


def test_a_setting_that_is_missing_is_told_in_one_line(home: Path) -> None:
    """Without a broker it ends with the line that `kaolabel worker` would say."""
    bare = {"KAOLABEL_HOME": str(home), "PATH": os.environ["PATH"]}
    command = serve.command("worker.entry", alone=True)
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "kaolabel: a worker needs a broker: set KAOLABEL_BROKER_URL\n"


def test_nothing_is_loaded_that_a_worker_does_not_need(redis_server: EmbeddedRedis) -> None:
    """Neither Celery's commands and plug-ins, nor what only its children need, slow its start."""
    named = {**os.environ, "KAOLABEL_BROKER_URL": redis_server.url}
    command = [sys.executable, "-c", SLOW_IMPORTS]
    done = subprocess.run(command, env=named, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
