"""Runs `kaolabel metrics`: once, or until it is stopped."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from prometheus_client import generate_latest

from monitor.metrics.families import Ledger
from monitor.metrics.reading import Reader
from monitor.metrics.server import MetricsServer
from monitor.metrics.watch import View, Watch
from worker import terminal

if TYPE_CHECKING:
    from db.engine import Database

logger = logging.getLogger(__name__)

# Seconds for which a scraper waits for the database: Prometheus itself gives up after ten.
PATIENCE = 5.0


def once(database: Database) -> str:
    """All metrics as text, from one look at the ledger.

    Raises:
        DBAPIError: when the database does not answer.
    """
    reading = Reader(database).read()
    text: bytes = generate_latest(Ledger(lambda: View(reading, is_fresh=True)))
    return text.decode()


def serve(database: Database, *, address: str, port: int) -> None:
    """Answer scrapers until Ctrl-C or SIGTERM.

    Raises:
        UsageError: when address or port cannot be used.
    """
    watch = Watch(Reader(database).read)
    ledger = Ledger(lambda: watch.newest(patience=PATIENCE))
    with (
        terminal.interrupted_by_sigterm(),
        contextlib.suppress(KeyboardInterrupt),
        MetricsServer(ledger, address=address, port=port) as server,
    ):
        watch.start()
        logger.info("metrics are at %s", server.url)
        server.serve_forever()
