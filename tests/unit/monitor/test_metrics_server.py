"""The pages of `kaolabel metrics`, and what it refuses."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from db.errors import UsageError
from monitor.metrics.server import MetricsServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric


class One(Collector):
    """Tells one thing."""

    def collect(self) -> Iterator[Metric]:
        """One family."""
        yield GaugeMetricFamily("one", "A number.", value=1)


@pytest.fixture(scope="module")
def server() -> Iterator[MetricsServer]:
    """A server on a free port."""
    with MetricsServer(One(), address="127.0.0.1", port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(
    server: MetricsServer, method: str, path: str, accept: str = "*/*"
) -> tuple[int, http.client.HTTPMessage, str]:
    """Status, headers and body of an answer."""
    host, port = server.server_address[:2]
    connection = http.client.HTTPConnection(str(host), int(port), timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, headers={"Accept": accept})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def test_the_two_pages(server: MetricsServer) -> None:
    """The metrics, with parameters or without, in both formats of Prometheus; a sign of life."""
    for path in ("/metrics", "/metrics?name[]=one"):
        status, headers, body = ask(server, "GET", path)
        assert (status, headers.get_content_type()) == (200, "text/plain")
        assert "one 1.0\n" in body
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    _, headers, body = ask(server, "GET", "/metrics", accept)
    assert headers.get_content_type() == "application/openmetrics-text"
    assert body.endswith("# EOF\n")
    assert ask(server, "GET", "/healthz")[2] == "ok\n"


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics/x", "/../metrics", "/<b>", "//"])
def test_there_is_no_other_page(server: MetricsServer, path: str) -> None:
    """Any other path is not found, and is not quoted."""
    status, headers, body = ask(server, "GET", path)
    assert (status, headers.get_content_type()) == (404, "text/plain")
    assert body == "there are /metrics and /healthz\n"


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_reading_is_allowed(server: MetricsServer, method: str) -> None:
    """Whatever would change something is refused."""
    status, headers, _ = ask(server, method, "/metrics")
    assert (status, headers["Allow"]) == (405, "GET")


def test_who_says_nothing_holds_up_nobody(server: MetricsServer) -> None:
    """Clients that connect and stay silent, or send no HTTP, keep no other from its answer."""
    host, port = server.server_address[:2]
    with contextlib.ExitStack() as stack:
        for words in (b"", b"GET /metr", b"\x00\xff\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n"):
            client = stack.enter_context(socket.create_connection((str(host), int(port))))
            client.sendall(words)
        assert ask(server, "GET", "/metrics")[0] == 200


def test_who_goes_away_leaves_no_trace(
    server: MetricsServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Clients that reset their connection before the answer are nothing to tell of."""
    host, port = server.server_address[:2]
    for _ in range(20):
        client = socket.create_connection((str(host), int(port)))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        client.close()
    assert ask(server, "GET", "/metrics")[0] == 200
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


def test_a_port_in_use_is_said(server: MetricsServer) -> None:
    """Who asks for a port that another process has is told so, and what to do."""
    port = int(server.server_address[1])
    with pytest.raises(UsageError, match=f"127.0.0.1:{port}: Address already in use; choose ano"):
        MetricsServer(One(), address="127.0.0.1", port=port)


@pytest.mark.parametrize("address", ["192.0.2.1", "no.such.host.invalid", "a" * 300, "\x00"])
def test_an_address_that_is_not_ours_is_said(address: str) -> None:
    """An address that this machine does not have, or that is none, is one clear line."""
    with pytest.raises(
        UsageError, match=r"cannot listen on .*; choose another --address or --port"
    ):
        MetricsServer(One(), address=address, port=0)
