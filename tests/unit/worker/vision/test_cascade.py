"""Downloading a cascade from a real server that behaves well, and badly."""

from __future__ import annotations

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from db.errors import DetectorError, UnavailableError, UsageError
from worker.vision.cascade import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"<opencv_storage>a cascade</opencv_storage>"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing.xml":
            self.send_error(404)
            return
        body = CONTENT if self.path == "/good.xml" else b"<html>log in</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Stay silent."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server in a thread."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_a_good_file_is_put_in_place(server: str, tmp_path: Path) -> None:
    """The file arrives whole, in a folder that is made for it, and nothing else is left."""
    target = tmp_path / "new" / "cascade.xml"
    assert fetch(target, url=f"{server}/good.xml", sha256=SHA256, timeout=5) == target
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_wrong_bytes_are_refused_and_leave_nothing(server: str, tmp_path: Path) -> None:
    """A short page in place of the cascade is refused, and an older file stays as it is."""
    target = tmp_path / "cascade.xml"
    target.write_bytes(b"older")
    with pytest.raises(DetectorError, match="SHA-256"):
        fetch(target, url=f"{server}/wrong.xml", sha256=SHA256, timeout=5)
    assert target.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_file_is_unavailable(server: str, tmp_path: Path) -> None:
    """A file that the server does not have says how to go on by hand, and nothing is written."""
    with pytest.raises(UnavailableError, match="404") as caught:
        fetch(tmp_path / "c.xml", url=f"{server}/missing.xml", sha256=SHA256, timeout=5)
    assert "KAOLABEL_CASCADE" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_server_is_unavailable(tmp_path: Path) -> None:
    """A refused connection is one clear line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(UnavailableError, match="KAOLABEL_CASCADE"):
        fetch(tmp_path / "c.xml", url=f"http://127.0.0.1:{port}/c.xml", sha256=SHA256, timeout=5)


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    """A file or ftp address is not opened."""
    for url in ("file:///etc/hostname", "ftp://localhost/c.xml", "c.xml"):
        with pytest.raises(UsageError, match="http"):
            fetch(tmp_path / "c.xml", url=url, sha256=SHA256)


def test_a_target_that_cannot_be_written_is_named(server: str, tmp_path: Path) -> None:
    """A folder whose place a file takes is an error of the caller."""
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "cascade.xml"
    with pytest.raises(UsageError, match="cannot write"):
        fetch(target, url=f"{server}/good.xml", sha256=SHA256, timeout=5)
