"""A TCP proxy that can lose packets, cut connections, and cut them at a chosen word."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 16
_TICK = 0.02


class Proxy:
    """Forwards connections on a loopback port to a server, as long as it is told to.

    Args:
        connect: opens a connection to the server.
    """

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._forgotten: list[tuple[socket.socket, socket.socket]] = []
        self._dropping = threading.Event()
        self._refusing = threading.Event()
        self._closed = threading.Event()
        self._fuse: tuple[bytes, threading.Event] | None = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closed.set()
        self._listener.close()
        self._pairs += self._forgotten
        self.cut()

    def drop(self) -> None:
        """Lose all packets from now on: connections stay open and say nothing any more."""
        self._dropping.set()

    def forget(self) -> None:
        """Lose all packets of the connections of this moment; new ones work.

        What a firewall does that has lost its table: neither side ever hears of it.
        """
        self._forgotten += self._pairs
        self._pairs = []

    def refuse(self) -> None:
        """Cut every connection, and each new one at once."""
        self._refusing.set()
        self.cut()

    def restore(self) -> None:
        """Forward again; connections of the silent time stay dead, as after a lost route."""
        self.cut()
        self._dropping.clear()
        self._refusing.clear()

    def cut(self) -> None:
        """Reset every connection of this moment."""
        while self._pairs:
            for one in self._pairs.pop():
                _reset(one)

    def cut_after(self, word: bytes) -> threading.Event:
        """Cut the connection that sends this word next: the server gets it, the answer is lost.

        Returns:
            Set once that has happened.
        """
        happened = threading.Event()
        self._fuse = (word, happened)
        return happened

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
                server = self._connect()
            except OSError:
                # The listener is closed, or the server is away: its clients see a reset.
                with contextlib.suppress(NameError, UnboundLocalError):
                    _reset(client)
                time.sleep(_TICK)
                continue
            if self._refusing.is_set():
                _reset(client)
                _reset(server)
                continue
            self._pairs.append((client, server))
            for source, target, burns in ((client, server, True), (server, client, False)):
                arguments = (source, target, burns)
                threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, burns: bool) -> None:  # noqa: FBT001  # a thread's argument
        try:
            while data := source.recv(_CHUNK):
                while self._dropping.is_set() and not self._closed.is_set():
                    time.sleep(_TICK)
                if any(source in pair for pair in self._forgotten):
                    continue
                if burns and self._burn(data, target):
                    break
                target.sendall(data)
        except OSError:
            pass
        _reset(source)
        _reset(target)

    def _burn(self, data: bytes, target: socket.socket) -> bool:
        fuse = self._fuse
        if fuse is None or fuse[0] not in data:
            return False
        self._fuse = None
        # A reset would overtake the word, so the server is told that the client is done.
        target.sendall(data)
        target.shutdown(socket.SHUT_WR)
        fuse[1].set()
        return True


def _reset(one: socket.socket) -> None:
    # `shutdown` wakes the thread that reads from it; `close` alone would not.
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
