"""A Redis of our own: private, one a home folder, gone with its launcher, its data kept."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # ships no types
import pytest
import redis

from db.errors import UnavailableError, UsageError
from worker.broker import embedded, tether
from worker.broker.app import check, create_app, waiting_messages
from worker.broker.embedded import EmbeddedRedis, find_redis_server
from worker.broker.embedded_worker import EmbeddedWorker
from worker.broker.messages import LABEL_JOB, label_job
from worker.broker.settings import BrokerSettings

if TYPE_CHECKING:
    from celery import Celery

ROOT = Path(__file__).parents[4]

# Runs a Redis, says which process it is, and waits to be killed.
LAUNCHER = """
import sys, time
from pathlib import Path
from worker.broker.embedded import EmbeddedRedis
with EmbeddedRedis(Path(sys.argv[1])) as server:
    print(server._process.pid, flush=True)
    time.sleep(600)
"""


def app_of(server: EmbeddedRedis) -> Celery:
    """An application on the server."""
    return create_app(server.url, BrokerSettings())


def process_of(server: EmbeddedRedis) -> psutil.Process:
    """The server's process."""
    assert server._process is not None
    return psutil.Process(server._process.pid)


def test_it_starts_and_answers(home: Path) -> None:
    """A fresh home gets a Redis that an application can use at once."""
    with EmbeddedRedis(home) as server:
        check(app_of(server))


def test_it_is_private(home: Path) -> None:
    """Only the user can reach it: a socket and a folder for the owner alone, and no TCP port."""
    with EmbeddedRedis(home) as server:
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
        assert process_of(server).net_connections(kind="inet") == []


def test_it_never_forgets_to_save_memory(redis_server: EmbeddedRedis) -> None:
    """No key is evicted, and every message is appended to a file."""
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        settings = client.config_get("*")
    assert settings["maxmemory-policy"] == "noeviction"
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "everysec")


def test_it_is_gone_when_the_block_ends(home: Path) -> None:
    """Neither process nor socket is left, also when the block raises."""
    server = EmbeddedRedis(home)

    def run_and_raise() -> None:
        with server:
            processes.append(process_of(server))
            raise RuntimeError

    processes: list[psutil.Process] = []
    with pytest.raises(RuntimeError):
        run_and_raise()
    assert not processes[0].is_running()
    assert not server.socket.exists()


def test_its_data_survive_a_restart(home: Path) -> None:
    """What was queued is still queued when the next command starts a Redis in the same home."""
    with EmbeddedRedis(home) as server:
        app_of(server).send_task(LABEL_JOB, kwargs=label_job(1))
    with EmbeddedRedis(home) as server:
        assert waiting_messages(app_of(server)) == 1


def test_a_second_one_in_the_same_home_is_refused(home: Path) -> None:
    """The line names the process that works there and the setting to change; the first goes on."""
    with EmbeddedRedis(home) as server:
        with pytest.raises(UsageError, match=rf"\(process {os.getpid()}\).*KAOLABEL_HOME"):
            EmbeddedRedis(home).__enter__()
        check(app_of(server))


def test_two_homes_do_not_meet(home: Path, tmp_path: Path) -> None:
    """Each home has a Redis and messages of its own."""
    with EmbeddedRedis(home) as one, EmbeddedRedis(tmp_path / "other") as other:
        app_of(one).send_task(LABEL_JOB, kwargs=label_job(1))
        assert waiting_messages(app_of(other)) == 0


def test_it_dies_with_its_launcher(home: Path) -> None:
    """A launcher that is killed without warning leaves no Redis, and the home is free again."""
    arguments = [sys.executable, "-c", LAUNCHER, str(home)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as launcher:
        assert launcher.stdout is not None
        server = psutil.Process(int(launcher.stdout.readline()))
        launcher.kill()
    server.wait(timeout=5)
    assert not server.is_running()
    with EmbeddedRedis(home) as again:
        check(app_of(again))


@pytest.mark.parametrize("name", ["n" * 120, "with space", "100%", "a%20b", "a#b", "a?b", "画像"])
def test_odd_home_folders_work(tmp_path: Path, name: str) -> None:
    """Neither the length nor the characters of a home's path keep Redis from being reached."""
    with EmbeddedRedis(tmp_path / name) as server:
        assert len(os.fsencode(server.socket)) < 108
        app_of(server).send_task(LABEL_JOB, kwargs=label_job(1))
        assert waiting_messages(app_of(server)) == 1
    assert server.socket.parent.exists() is (server.socket.parent == server.folder)


@pytest.mark.parametrize("squatter", ["link", "file", "open"])
def test_a_socket_folder_of_others_is_refused(tmp_path: Path, squatter: str) -> None:
    """A long home's socket lies among the files of other users, one of whom may know its name."""
    server = EmbeddedRedis(tmp_path / ("n" * 120))
    folder = server.socket.parent
    if squatter == "link":
        (tmp_path / "mine").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "mine")
    elif squatter == "file":
        folder.touch(mode=0o600)
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(UsageError, match="no private folder of this user"):
        server.__enter__()
    folder.rmdir() if squatter == "open" else folder.unlink()


def test_a_socket_folder_that_was_left_behind_is_used(tmp_path: Path) -> None:
    """After a power cut, when nobody could remove it, the folder is in nobody's way."""
    server = EmbeddedRedis(tmp_path / ("n" * 120))
    server.socket.parent.mkdir(mode=0o700)
    with server:
        check(app_of(server))
    assert not server.socket.parent.exists()


def test_a_redis_that_does_not_start_is_told(home: Path) -> None:
    """Data that Redis cannot load end in one line that names its log, and the home is free."""
    with EmbeddedRedis(home) as server:
        data = server.folder / "appendonly.aof"
    # Redis 7 keeps its data in a folder, and moves what an older one has left into it.
    shutil.rmtree(server.folder / "appendonlydir", ignore_errors=True)
    data.write_bytes(b"something else entirely\r\n" * 10)
    with pytest.raises(UnavailableError, match=r"did not start; see .*redis\.log"):
        EmbeddedRedis(home).__enter__()
    data.unlink(missing_ok=True)
    shutil.rmtree(server.folder / "appendonlydir", ignore_errors=True)
    with EmbeddedRedis(home) as again:
        check(app_of(again))


def test_without_a_server_it_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no redis-server is new enough the line says what to install, and the home is free."""
    with monkeypatch.context() as patch:
        patch.setattr(embedded, "_MIN_REDIS", (999, 0))
        with pytest.raises(UnavailableError, match="install Redis, or set KAOLABEL_BROKER_URL"):
            EmbeddedRedis(home).__enter__()
    with EmbeddedRedis(home) as server:
        check(app_of(server))


def test_a_server_on_the_path_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's Redis is used where it is new enough, else the one of the wheel."""
    fake = tmp_path / "redis-server"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for version, is_taken in (("7.2.1", True), ("6.0.16", False), ("?", False)):
        fake.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0'\n")
        fake.chmod(0o755)
        assert (find_redis_server() == fake) is is_taken
    fake.write_text("#!/bin/sh\nexit 1\n")
    assert find_redis_server() != fake


def test_a_worker_that_never_starts_is_told(home: Path) -> None:
    """A worker that dies again and again right away ends the command with its last words."""
    environment = {"KAOLABEL_HOME": str(home), "PATH": os.environ["PATH"]}
    with EmbeddedWorker(home, environment) as worker:
        with pytest.raises(UnavailableError, match="needs a broker: set KAOLABEL_BROKER_URL"):
            watch_until_it_raises(worker)
        assert worker.log == home / "logs" / "worker.log"


def watch_until_it_raises(worker: EmbeddedWorker) -> None:
    """Watch a worker as a command does, only quicker."""
    while True:
        assert worker._process is not None
        worker._process.wait(60)
        worker.watch()


def test_a_child_that_does_not_listen_is_killed() -> None:
    """Stopping a child that ignores SIGTERM ends it after a patience."""
    script = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(99)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        tether.stop(process, patience=0.2)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("tied", [True, False])
def test_a_group_is_gone_with_the_child_that_led_it(*, tied: bool) -> None:
    """What a killed child leaves ends by itself when it can, and is killed where it does not."""
    wait = "sys.stdin.read()" if tied else "time.sleep(99)"
    script = (
        "import subprocess, sys, time; command = [sys.executable, '-c', 'import sys, time;"
        f" print(flush=True); {wait}']; subprocess.Popen(command, stdin=subprocess.PIPE).wait()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        tether.end(process, patience=60.0 if tied else 0.1)
        assert process.stdout.read() == b""
    assert process.returncode == -signal.SIGKILL
