"""A real Flower, as `kaolabel flower` starts it, and what it answers."""

from __future__ import annotations

import base64
import json
import re
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from tests.command import wait_for
from tests.faults.services import Child, free_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

USER, PASSWORD = "watcher", "flower-password"

_ENDED = {"SUCCESS", "FAILURE", "REVOKED", "TERMINATED"}


class Flower(Child):
    """A Flower with a password on a loopback port; a context manager, too.

    Args:
        environment: of the workers that it watches.
        folder: for its log and its password.
        chosen: whether its password is ours, and not one of its own.

    Attributes:
        user: whom it lets in.
        password: with which password; its own one is known once it runs.
    """

    def __init__(
        self, environment: Mapping[str, str], folder: Path, *, chosen: bool = True
    ) -> None:
        self.port = free_port()
        self.user, self.password = USER, PASSWORD
        secret = folder / "flower-password"
        secret.write_text(f"{PASSWORD}\n")
        settings = {"KAOLABEL_FLOWER_USER": USER, "KAOLABEL_FLOWER_PASSWORD_FILE": str(secret)}
        command = [sys.executable, "-m", "kaolabel", "flower", "--port", str(self.port)]
        settings = {**environment, **(settings if chosen else {})}
        super().__init__(command, settings, folder / "flower.log")

    def launch(self) -> None:
        """Start it, and wait until it answers."""
        super().launch()
        wait_for(lambda: self.ask("/healthcheck")[0] == 200, what="Flower's start")
        shown = re.findall(r"log in as (\S+) with the password (\S+)", self.log.read_text())
        self.user, self.password = shown[-1] if shown else (self.user, self.password)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def url(self, path: str) -> str:
        """The address of a page, with the password."""
        return f"http://{self.user}:{self.password}@127.0.0.1:{self.port}{path}"

    def ask(
        self, path: str, *, method: str = "GET", known: bool = False, body: Any = None
    ) -> tuple[int, str]:
        """Status and body of a page, with the password or without; 0 while nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        address = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(address, data=data, method=method)
        if known:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # on loopback
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""

    def json(self, path: str, *, method: str = "GET", body: Any = None) -> dict[str, Any]:
        """What the API answers; it must succeed."""
        status, text = self.ask(path, method=method, known=True, body=body)
        assert status == 200, f"{method} {path}: {status} {text}"
        found: dict[str, Any] = json.loads(text)
        return found

    def send(self, task: str, *, how: str = "send-task", **options: Any) -> str:
        """Send for a task by name, and wait until Flower has heard of it; the task's number."""
        sent = self.json(f"/api/task/{how}/{task}", method="POST", body={"kwargs": options})
        number = str(sent["task-id"])
        info = f"/api/task/info/{number}"
        wait_for(lambda: self.ask(info, known=True)[0] == 200, what="the task's first event")
        return number

    def info(self, task: str) -> dict[str, Any]:
        """What is known of a task through events."""
        return self.json(f"/api/task/info/{task}")

    def result(self, task: str) -> dict[str, Any]:
        """What is known of a task through its stored result."""
        return self.json(f"/api/task/result/{task}")

    def revoke(self, task: str, options: str = "") -> None:
        """Revoke a task."""
        self.json(f"/api/task/revoke/{task}{options}", method="POST")

    def until(self, task: str, state: str) -> dict[str, Any]:
        """What is known of a task once it is in that state, which must not be missed."""

        def look() -> dict[str, Any] | None:
            found = self.info(task)
            assert found["state"] not in _ENDED - {state}, found
            return found if found["state"] == state else None

        found = wait_for(look, what=f"a task's {state}")
        assert found is not None
        return found

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """All tasks of a name."""
        return list(self.json(f"/api/tasks?taskname={name}&limit=1000").values())
