"""How Flower is started: whom it lets in, and what is refused before it runs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from db.errors import UsageError
from monitor.flower.launch import is_loopback
from monitor.flower.settings import FlowerSettings
from tests.command import Kaolabel, command_line
from tests.watcher import PASSWORD, Flower

if TYPE_CHECKING:
    from pathlib import Path

    from worker.broker.embedded import EmbeddedRedis

NOWHERE = "redis://127.0.0.1:1/0"


def refusal(home: Path, *arguments: str, **settings: str) -> str:
    """The one line with which the command refuses to begin."""
    done = Kaolabel(home, **settings).run("flower", *arguments)
    assert done.returncode in {2, 3}
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_without_a_broker_there_is_nothing_to_watch(home: Path) -> None:
    """Neither where none is named, nor where it does not answer."""
    assert "set KAOLABEL_BROKER_URL" in refusal(home)
    assert f"the broker {NOWHERE} does not answer" in refusal(home, KAOLABEL_BROKER_URL=NOWHERE)


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    """Before Flower would end with a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refusal(home, "--port", port, KAOLABEL_BROKER_URL=NOWHERE)
    assert f"127.0.0.1:{port} cannot be listened on" in said


@pytest.mark.parametrize("wrong", ["", "geheim,niß", "a,b", "a b", "a\nb"])
def test_a_password_that_flower_would_misread_is_refused(wrong: str) -> None:
    """A comma would end it, and the page would let in who knows the first half."""
    with pytest.raises(UsageError, match=r"^KAOLABEL_FLOWER_PASSWORD: write one or more ASCII"):
        FlowerSettings(flower_password=SecretStr(wrong))


def test_a_wrong_password_is_not_quoted(home: Path) -> None:
    """What was meant to be secret stays so."""
    settings = {"KAOLABEL_FLOWER_PASSWORD": "half-a-secret,and-more"}
    said = refusal(home, KAOLABEL_BROKER_URL=NOWHERE, **settings)
    assert said.startswith("kaolabel: KAOLABEL_FLOWER_PASSWORD: ")
    assert "secret" not in said


@pytest.mark.parametrize("wrong", ["", "a:b", "a,b"])
def test_a_name_that_flower_would_misread_is_refused(wrong: str) -> None:
    """A colon would end it, and the password begin there."""
    with pytest.raises(UsageError, match=r"^KAOLABEL_FLOWER_USER: write"):
        FlowerSettings(flower_user=wrong)


def test_a_password_of_its_own_is_shown_once(tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    """It is no argument of the process, and no page is shown without it."""
    cluster = Kaolabel(tmp_path / "home", KAOLABEL_BROKER_URL=redis_server.url)
    with Flower(cluster.environment, tmp_path, chosen=False) as flower:
        assert flower.password != PASSWORD
        assert flower.ask("/workers")[0] == 401
        assert flower.ask("/workers", known=True)[0] == 200
        assert flower.log.read_text().count(flower.password) == 1
        assert [flower.password in command_line(one) for one in flower.tree()] == [False]


@pytest.mark.parametrize(
    ("address", "warned"), [("127.0.0.1", False), ("localhost", False), ("::1", False), ("", True)]
)
def test_only_loopback_needs_no_warning(address: str, *, warned: bool) -> None:
    """Who listens on all interfaces is told what strangers can read."""
    assert is_loopback(address) is not warned
