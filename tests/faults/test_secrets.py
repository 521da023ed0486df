"""Passwords go to the servers that they are for, and nowhere else, whatever fails."""

from __future__ import annotations

import hashlib
import sys
import time
import traceback
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import make_url, text

import kaolabel
from tests.command import command_line, wait_for
from tests.faults.cluster import Cluster
from tests.faults.conftest import fill
from tests.faults.services import Child, free_port
from tests.tls import ACL, USER

if TYPE_CHECKING:
    from pathlib import Path

# Every piece that a careless parser could cut it into has the word in it.
WORD = "zwiebel"
PASSWORD = "zwiebel@zwiebel/zwiebel#zwiebel?zwiebel:zwiebel%zwiebel zwiebel'zwiebel\"é[zwiebel]"  # noqa: S105
QUOTED = quote(PASSWORD, safe="")

# Port 1 of this machine: nothing listens there.
BROKERS = (
    f"redis://:{QUOTED}@127.0.0.1:1/0",
    f"rediss://me:{QUOTED}@127.0.0.1:1/0",
    f"rediss://me:{QUOTED}@127.0.0.1:1/0?ssl_cert_reqs=none&x={QUOTED}",
    f"redis://:{PASSWORD}@127.0.0.1:1/0",
    f"redis://:12/{PASSWORD}@127.0.0.1:1/0",
    f"redis://:{QUOTED}@host:port/0",
    f"redis://:{QUOTED}@[::1/0",
    f"redis://:{QUOTED}\udcff@127.0.0.1:1/0",
    f"amqp://me:{QUOTED}@127.0.0.1/0",
    f"me:{QUOTED}@127.0.0.1",
    f"redis:{QUOTED}",
    QUOTED,
)
DATABASES = (
    f"postgresql://me:{QUOTED}@127.0.0.1:1/x",
    f"postgresql://me:{QUOTED}@127.0.0.1:1/x?sslmode=verify-full&sslrootcert=/no/such/file",
    f"postgresql://127.0.0.1:1/x?user=me&password={QUOTED}&sslpassword={QUOTED}",
    f"postgresql://127.0.0.1:1/x?nonsense={QUOTED}",
    f"postgresql://me:{PASSWORD}@127.0.0.1:1/x",
    f"postgresql://me:{QUOTED}@127.0.0.1:port/x",
    f"postgresql://me:{QUOTED}@[::1/x",
    f"postgresql://me:{QUOTED}\udcff@127.0.0.1:1/x",
    f"mysql://me:{QUOTED}@127.0.0.1/x",
    f"me:{QUOTED}@127.0.0.1",
    QUOTED,
)


def told(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of the command, and all that it says, with the traceback if there is one."""
    code = 0
    try:
        kaolabel.main()
    except SystemExit as end:
        code = int(end.code or 0)
    except Exception:  # noqa: BLE001  # KAOLABEL_DEBUG=1 lets any error through
        return 1, traceback.format_exc() + "".join(capsys.readouterr())
    return code, "".join(capsys.readouterr())


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize(
    ("command", "setting", "url"),
    [
        *(("worker", "KAOLABEL_BROKER_URL", url) for url in BROKERS),
        *(("status", "KAOLABEL_DATABASE_URL", url) for url in DATABASES),
    ],
)
def test_a_url_that_cannot_be_used_is_not_shown(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    setting: str,
    url: str,
    debug: str,
) -> None:
    """Neither the line nor a traceback holds any piece of the password."""
    monkeypatch.setattr(sys, "argv", ["kaolabel", command])
    monkeypatch.setenv("KAOLABEL_HOME", str(home))
    monkeypatch.setenv(setting, url)
    if debug:
        monkeypatch.setenv("KAOLABEL_DEBUG", debug)
    code, said = told(capsys)
    assert code != 0
    assert setting in said or "does not answer" in said or "the database" in said
    assert WORD not in said


def test_a_url_from_a_file_is_not_shown(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a file holds is as secret as what the environment holds."""
    (tmp_path / "url").write_text(BROKERS[0] + "\n")
    monkeypatch.setattr(sys, "argv", ["kaolabel", "worker"])
    monkeypatch.setenv("KAOLABEL_HOME", str(home))
    monkeypatch.setenv("KAOLABEL_BROKER_URL_FILE", str(tmp_path / "url"))
    code, said = told(capsys)
    assert (code, "redis://:***@127.0.0.1:1/0 does not answer" in said) == (3, True)
    assert WORD not in said


@pytest.mark.thorough
def test_nothing_that_runs_shows_a_password(tmp_path: Path, postgres_url: str) -> None:
    """Logs, pages, process lists and the ledger hold none, while all goes well and while not.

    Redis lets in a user with the fewest rights alone, and denies it nothing.
    """
    users = tmp_path / "users.acl"
    write_users(users, PASSWORD)
    database_url = make_url(postgres_url).set(password=PASSWORD)
    cluster = Cluster(
        tmp_path / "cluster", postgres_url, workers=0, redis_options=("--aclfile", str(users))
    )
    cluster.environment |= {
        "KAOLABEL_BROKER_URL": f"redis://{USER}:{QUOTED}@127.0.0.1:{cluster.redis.port}/0",
        "KAOLABEL_DATABASE_URL": database_url.render_as_string(hide_password=False),
        "FLOWER_UNAUTHENTICATED_API": "1",
    }
    fill(tmp_path / "archive", 12)
    with cluster:
        worker = celery(cluster, "worker", "--loglevel", "DEBUG")
        port = free_port()
        flower = celery(cluster, "flower", "--address=127.0.0.1", f"--port={port}")
        try:
            cluster.label(tmp_path / "archive").finish()
            seen = [*inspected(cluster), *pages(port), *command_lines(cluster)]
            with cluster.redis.client() as admin:
                # redis-py names itself and goes on where it may not, as it may not before 7.2.
                denied = {line["object"] for line in admin.acl_log()}
            assert denied <= {"client", "client|setinfo"}
            write_users(users, "another")
            cluster.redis.kill()
            wait_for(lambda: "Cannot connect" in worker.log.read_text(), what="a complaint")
            time.sleep(3)
            seen += command_lines(cluster)
        finally:
            for child in (flower, worker):
                child.stop()
        seen += ledger(cluster)
    seen += [log.read_text(errors="replace") for log in (tmp_path / "cluster").rglob("*.log")]
    assert sum(map(len, seen)) > 10_000
    assert [text for text in seen if WORD in text.lower()] == []


def write_users(file: Path, password: str) -> None:
    """Redis's users: kaolabel's, and this test's own."""
    words = f"#{hashlib.sha256(password.encode()).hexdigest()}"
    file.write_text(f"user default on nopass ~* &* +@all\nuser {USER} on {words} {ACL}\n")


def celery(cluster: Cluster, *arguments: str) -> Child:
    """A part of Celery in the cluster, running."""
    command = [sys.executable, "-m", "celery", "-A", "worker.entry", *arguments]
    child = Child(command, cluster.environment, cluster.folder / f"celery-{arguments[-1][:9]}.log")
    child.start()
    return child


def inspected(cluster: Cluster) -> list[str]:
    """What a worker tells of itself, and Celery of the application."""
    commands = (("inspect", "conf"), ("inspect", "stats"), ("report",))
    children = [celery(cluster, *arguments) for arguments in commands]
    assert [child.wait(120) for child in children] == [0, 0, 0], cluster.logs()
    status = cluster.command("status", "--json")
    status.start()
    assert status.wait(120) == 0
    return [child.log.read_text() for child in (*children, status)]


def pages(port: int) -> list[str]:
    """What Flower shows."""
    names = ("workers", "broker", "tasks", "api/workers?refresh=1", "api/queues/length")
    found = []

    def fetch(name: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=20) as page:
                found.append(page.read().decode())
        except OSError:
            return False
        return True

    for name in names:
        wait_for(lambda name=name: fetch(name), what=f"Flower's page {name}")  # type: ignore[misc]
    return found


def command_lines(cluster: Cluster) -> list[str]:
    """What `ps` shows of every process, the servers among them."""
    processes = [*cluster.processes(), *cluster.redis.tree()]
    lines = [command_line(process) for process in processes]
    assert len(lines) > 3
    return lines


def ledger(cluster: Cluster) -> list[str]:
    """All that the ledger has been told in words."""
    query = "SELECT coalesce(error, '') FROM jobs UNION ALL SELECT coalesce(reason, '') FROM runs"
    with cluster.database.read() as connection:
        return [str(row[0]) for row in connection.execute(text(query))]
