"""The services of docker-compose.yml as processes of this machine, in the order that it gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.command import wait_for
from tests.deploy import compose
from tests.deploy.compose import ROOT
from tests.faults.services import Child, free_port
from worker.broker.embedded import find_redis_server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What Compose waits for before it calls a service unhealthy.
HEALTHY_SECONDS = 120.0

_PORTS = ("5555", "9750")


class Native:
    """Runs services without containers, with their own commands, settings and health checks.

    Paths of the containers become folders of a test, names of hosts 127.0.0.1, ports free ones.

    Args:
        folder: for all state; the folder of secrets is made in it by deploy/secrets.sh.
        archive: the folder of images.
        database_url: in the place of the one that deploy/secrets.sh wrote.
        binaries: a folder with PostgreSQL's own commands.
        socket: the folder of PostgreSQL's socket.

    Attributes:
        running: the services that were started, in order.
    """

    def __init__(
        self, folder: Path, archive: Path, database_url: str, *, binaries: Path, socket: str
    ) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self.running: dict[str, Child] = {}
        self._services = compose.services(KAOLABEL_BACKBONE="seeded")
        self._redis_port = str(free_port())
        self._places = {
            "/opt/kaolabel/health.py": str(ROOT / "deploy" / "health.py"),
            "/etc/redis.conf": str(ROOT / "deploy" / "redis.conf"),
            "/run/secrets": str(self.secrets),
            "/var/lib/kaolabel": str(folder / "home"),
            "/archive": str(archive),
            "0.0.0.0": "127.0.0.1",  # noqa: S104  # where it is bound in a container
            "redis-cli": f"redis-cli -p {self._redis_port}",
            **{f":{port}/": f":{free_port()}/" for port in _PORTS},
        }
        self._system = {
            "PATH": os.pathsep.join([str(binaries), os.environ["PATH"]]),
            "HOME": str(folder),
            "PGHOST": socket,
        }
        subprocess.run([ROOT / "deploy" / "secrets.sh", self.secrets], check=True)
        url = (self.secrets / "broker_url").read_text()
        self._tell("broker_url", url.replace("redis:6379", f"127.0.0.1:{self._redis_port}"))
        self._tell("database_url", database_url)

    def start(self, name: str) -> None:
        """Start a service, once all that it waits for is as it wants it."""
        service = self._services[name]
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_completed_successfully":
                assert self.running[other].wait(HEALTHY_SECONDS) == 0, self.log(other)
            else:
                self.attend(other)
        child = Child(self._command(name), self._environment(service), self.folder / f"{name}.log")
        child.launch()
        self.running[name] = child

    def attend(self, name: str) -> None:
        """Wait until a service is healthy, or has ended where that is what it does."""
        if self._services[name]["healthcheck"].get("disable"):
            return
        wait_for(lambda: self.healthy(name) or self._ended(name), what=f"the health of {name}")
        assert not self._ended(name), self.log(name)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What `docker compose run --rm kaolabel …` does."""
        service = self._services["kaolabel"]
        return subprocess.run(
            [sys.executable, "-m", "kaolabel", *map(self._mapped, arguments)],
            env=self._environment(service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def healthy(self, name: str) -> bool:
        """Whether the service's health check succeeds."""
        service = self._services[name]
        kind, *test = [self._mapped(part) for part in service["healthcheck"]["test"]]
        if kind == "CMD" and test[0] == "python":
            test[0] = sys.executable
        command = ["/bin/sh", "-c", *test] if kind == "CMD-SHELL" else test
        environment = self._environment(service)
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        return done.returncode == 0

    def stop(self, name: str) -> int:
        """Send SIGTERM, as Compose does, and wait for as long as it would; the exit code."""
        child = self.running.pop(name)
        child.signal(signal.SIGTERM)
        return child.wait(float(self._services[name]["stop_grace_period"].removesuffix("s")))

    def log(self, name: str) -> str:
        """The end of what a service printed."""
        return (self.folder / f"{name}.log").read_text()[-3000:]

    def address(self, port: str) -> str:
        """Where on this machine a port of a container is."""
        return f"http://127.0.0.1{self._places[f':{port}/']}"

    def _ended(self, name: str) -> bool:
        return name in self.running and not self.running[name].alive

    def _command(self, name: str) -> list[str]:
        command = [self._mapped(part) for part in self._services[name]["command"]]
        if name == "redis":
            here = ["--port", self._redis_port, "--bind", "127.0.0.1"]
            return [str(find_redis_server()), *command[1:], *here, "--dir", str(self.folder)]
        for port in self._services[name].get("ports", []):
            inside = port.rpartition(":")[2]
            command += ["--port", self._places[f":{inside}/"].strip(":/")]
        return [sys.executable, "-m", "kaolabel", *command]

    def _environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        """What the image and the service say, and nothing of this process."""
        told = {"KAOLABEL_HOME": "/var/lib/kaolabel", **service.get("environment", {})}
        told = {key: self._mapped(value) for key, value in told.items() if value is not None}
        return self._system | told

    def _mapped(self, text: str) -> str:
        for there, here in self._places.items():
            text = text.replace(there, here)
        return text

    def _tell(self, name: str, secret: str) -> None:
        file = self.secrets / name
        file.unlink()
        file.write_text(secret)
