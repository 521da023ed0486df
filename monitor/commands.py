"""The commands with which people watch: `kaolabel status`, `metrics` and `flower`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker import terminal
from worker.terminal import AsJson

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.engine import Database


def status(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on showing it, until q or Ctrl-C.")
    ] = False,
    every: Annotated[
        float | None,
        typer.Option(min=0.2, max=3600.0, metavar="SECONDS", help="With --watch; 2 by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what goes on: runs, queue, workers, trainings, model.

    Tells how far each run is, its images a second and the time left; who works, where, with which
    version and model; what was refused, and why. Asks Redis, if one is named, how much waits there;
    a Redis that does not answer is told and is no error. Changes nothing.

    With --watch, a terminal is filled with it until q or Ctrl-C; elsewhere it is printed every
    some seconds, with --json as one object a line. A database that is away is waited for.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_BROKER_URL.

    \b
    For example:
      kaolabel status
      kaolabel status --watch --every 5
      kaolabel status --json | jq '.runs[] | {run, done, listed, seconds_left}'
      kaolabel status --watch --json | jq --unbuffered .queue

    See also: `kaolabel metrics`, `kaolabel flower`, `kaolabel quarantine list`.
    """
    from db import schema
    from db.errors import UsageError
    from db.settings import DatabaseSettings
    from monitor.status.collect import collect
    from worker.broker.settings import BrokerSettings

    if every is not None and not watch:
        raise UsageError("--every goes with --watch: add it, or leave --every out")
    broker, database = BrokerSettings(), schema.connect(DatabaseSettings())
    look = partial(collect, database, broker)
    if watch:
        _watch(database, look, every=2.0 if every is None else every, as_json=as_json)
        return
    from monitor.status.page import render

    found = look()
    terminal.present(found, lambda: render(found), as_json=as_json)


def _watch(
    database: Database, look: Callable[[], dict[str, Any]], *, every: float, as_json: bool
) -> None:
    from monitor.status import watch
    from monitor.status.looker import Looker

    looker = Looker(database, look, every=every)
    if not as_json and watch.fills_a_screen():
        watch.show(looker)
    else:
        watch.tell(looker, every=every, as_json=as_json)


def metrics(
    *,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 9750,
    once: Annotated[bool, typer.Option("--once", help="Print the metrics, and end.")] = False,
) -> None:
    """Serve metrics for Prometheus at /metrics, until stopped.

    Queue, speed, outcomes, faces, models, workers. All comes from the database; no broker is
    needed. It has no password: keep it on a network of your own. SIGTERM or Ctrl-C ends it.

    Settings: KAOLABEL_HOME, KAOLABEL_DATABASE_URL, KAOLABEL_LOG_FORMAT, KAOLABEL_LOG_LEVEL.

    \b
    For example:
      kaolabel metrics
      kaolabel metrics --address 0.0.0.0 --port 9750
      kaolabel metrics --once | grep kaolabel_jobs_open

    See also: `kaolabel status`, `kaolabel flower`; docs/metrics.md lists them all.
    """
    from db import schema
    from db.logs.settings import read_log_settings
    from db.logs.setup import set_up
    from db.settings import DatabaseSettings
    from monitor.metrics import serve

    logs, database = read_log_settings(), schema.connect(DatabaseSettings())
    if once:
        typer.echo(serve.once(database), nl=False)
    else:
        set_up(logs)
        serve.serve(database, address=address, port=port)


def flower(
    *,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5555,
) -> None:
    """Show workers and tasks on a web page: Flower, until stopped.

    It also starts and revokes trainings. Log in as KAOLABEL_FLOWER_USER (kaolabel) with
    KAOLABEL_FLOWER_PASSWORD; without one, a password is made for this start and shown once.

    Settings: KAOLABEL_BROKER_URL, which it needs; KAOLABEL_FLOWER_USER, KAOLABEL_FLOWER_PASSWORD,
    KAOLABEL_FLOWER_PASSWORD_FILE.

    \b
    For example:
      kaolabel flower
      KAOLABEL_FLOWER_PASSWORD_FILE=/run/secrets/flower kaolabel flower
      ssh -L 5555:127.0.0.1:5555 HOST     # to look at it from elsewhere

    See also: `kaolabel status`, `kaolabel metrics`; docs/flower.md tells what it shows.
    """
    from monitor.flower.launch import become_flower
    from monitor.flower.settings import FlowerSettings

    become_flower(FlowerSettings(), address=address, port=port)
