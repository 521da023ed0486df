"""A real pgbouncer that hands a server connection to another client after each transaction."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.faults.services import START_SECONDS, Child, free_port

if TYPE_CHECKING:
    from pathlib import Path

_SETTINGS = """
[databases]
* = host=127.0.0.1 port={server} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
server_reset_query = DISCARD ALL
ignore_startup_parameters = extra_float_digits
"""


class Pooler(Child):
    """A pgbouncer in transaction mode, with fewer connections to the server than it has clients.

    Args:
        folder: for its settings.
        server: the port of PostgreSQL on the loopback interface.
        user: as whom it connects there.
    """

    def __init__(self, folder: Path, *, server: int, user: str) -> None:
        program = shutil.which("pgbouncer")
        if program is None:
            pytest.skip("needs pgbouncer: install the package of that name, or set PATH")
        self.port = free_port()
        folder.mkdir()
        folder.chmod(0o755)
        settings = folder / "pgbouncer.ini"
        settings.write_text(_SETTINGS.format(server=server, port=self.port, user=user))
        # It refuses to run as root.
        as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [program, *as_nobody, str(settings)]
        super().__init__(command, os.environ, folder / "pgbouncer.log")

    def launch(self) -> None:
        """Start it, and wait until it takes connections."""
        super().launch()
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            assert self.alive, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
