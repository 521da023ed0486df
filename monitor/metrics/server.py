"""A small HTTP server with two pages: `/metrics`, and `/healthz` for whoever starts it."""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from prometheus_client.exposition import choose_encoder

from db.errors import UsageError

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

# Seconds after which a client that says nothing, or does not read, is left.
_SILENCE = 10.0

_PLAIN = "text/plain; charset=utf-8"


class MetricsServer(socketserver.ThreadingTCPServer):
    """Answers scrapers, each in a thread of its own.

    Args:
        collector: what there is to tell.
        address: to listen on, a name or a number.
        port: to listen on; 0 takes a free one.

    Raises:
        UsageError: when it cannot listen there; says why.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, collector: Collector, *, address: str, port: int) -> None:
        self.collector = collector
        try:
            found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
            self.address_family = found[0][0]
            super().__init__((address, port), _Handler)
        except (OSError, ValueError) as error:
            # Names that no resolver takes are wrong values to Python.
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"cannot listen on {_joined(address, port)}: {reason}; choose another --address"
                " or --port"
            ) from error

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Note what went wrong; a scraper that went away is none of that."""
        error = sys.exception()
        if not isinstance(error, OSError):
            logger.error("a scrape failed", exc_info=error)

    @property
    def url(self) -> str:
        """Where the metrics are."""
        host, port = self.server_address[:2]
        return f"http://{_joined(str(host), int(port))}/metrics"


class _Handler(BaseHTTPRequestHandler):
    """One request: GET of one of the two pages."""

    server: MetricsServer
    server_version = "kaolabel"
    sys_version = ""
    timeout = _SILENCE

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, encode(self.server.collector), kind)
        elif path == "/healthz":
            self._answer(HTTPStatus.OK, b"ok\n")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"there are /metrics and /healthz\n")

    def refuse(self) -> None:
        """Refuse whatever is no GET."""
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, b"GET only\n")

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = refuse  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a scraper comes every few seconds."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = _PLAIN) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
