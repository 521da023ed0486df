"""Odd files and files that change under way: each has one outcome, and nothing waits for them."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import sys
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from db.engine import Database
from tests.command import Kaolabel, wait_for
from tests.drawing import face_png, plain_png
from tests.faults.cluster import Cluster
from tests.faults.services import Child

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = (
    b"two words.png",
    b" leading and trailing ",
    b'it\'s "quoted" `twice`.png',
    b"new\nline.png",
    b"carriage\rreturn\ttab.png",
    b"\x1b[31mred\x07.png",
    b"-dash.png",
    b"--json",
    b"a" * 251 + b".png",
    b"\xff\xfe\x80.png",
    b"\xed\xb3\xbf surrogate.png",
    b"back\\slash.png",
    b"[bold]markup[/].png",
    b"%s {0} $HOME *?.png",
    b"';DROP TABLE images;--.png",
    unicodedata.normalize("NFC", "é.png").encode(),
    unicodedata.normalize("NFD", "é.png").encode(),
    "絵 😀.png".encode(),
    b"deep \xe9/-x/\n/inner.png",
)

# Root may read everything, unless this is taken from it.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")

# What can happen to a file, or to the folder that it is in, after it was listed.
CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (Path.unlink, "vanished"),
    "emptied": (lambda path: os.truncate(path, 0), "empty"),
    "cut": (lambda path: os.truncate(path, 100), "truncated"),
    "closed": (lambda path: path.chmod(0), "permission_denied"),
    "linked": (lambda path: swap(path, lambda: path.symlink_to(__file__)), "not_a_file"),
    "piped": (lambda path: swap(path, lambda: os.mkfifo(path)), "not_a_file"),
    "bound": (lambda path: swap(path, lambda: bind(path)), "not_a_file"),
    "foldered": (lambda path: swap(path, path.mkdir), "not_a_file"),
    "grown": (lambda path: os.truncate(path, 2_000_000), "too_large"),
    "moved/inner": (lambda path: path.parent.rename(path.parent.with_name("gone")), "vanished"),
    "diverted/inner": (lambda path: divert(path.parent), "outside"),
}


def swap(path: Path, put: Callable[[], object]) -> None:
    """Something else in a file's place."""
    path.unlink()
    put()


def bind(path: Path) -> None:
    """A socket, whose address may be longer than a socket's may."""
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(f"/proc/self/fd/{os.open(path.parent, os.O_PATH)}/{path.name}")


def divert(folder: Path) -> None:
    """A link to a folder outside, with files of the same names, in a folder's place."""
    outside = folder.parents[1] / "outside"
    folder.rename(outside)
    folder.symlink_to(outside)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query finds."""
    database = Database(url)
    with database.read() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    database.close()
    return found


def test_what_is_no_regular_file_is_left_out(home: Path, tmp_path: Path) -> None:
    """FIFOs, sockets, devices and links, in loops or dangling, stop nothing and add nothing."""
    archive = tmp_path / "archive"
    (archive / "a" / "b").mkdir(parents=True)
    regular = [Path("one.png"), Path("a/two.png"), Path("a/b/three.png")]
    for number, path in enumerate(regular):
        (archive / path).write_bytes(plain_png(number))
    os.mkfifo(archive / "fifo.png")
    bind(archive / "a" / "socket.png")
    links = {"self": "self", "a/up": "..", "a/b/root": "/", "dangling": "no", "too.png": "one.png"}
    for link, target in {**links, "there": "back", "back": "there"}.items():
        (archive / link).symlink_to(target)
    devices = make_devices(archive)
    kaolabel = Kaolabel(home)
    summary = kaolabel.json("label", str(archive), "--detect-only")
    assert (summary["images"], summary["no_face"]) == (3, 3)
    found = kaolabel.query("SELECT path FROM images")
    assert sorted(bytes(path) for (path,) in found) == sorted(map(os.fsencode, regular))
    assert kaolabel.query("SELECT skipped FROM runs") == [(2 + len(links) + 2 + devices,)]


def make_devices(folder: Path) -> int:
    """A device that never ends and one of blocks, where that is allowed; how many there are."""
    kinds = {"zero.png": (stat.S_IFCHR, 1, 5), "disk.png": (stat.S_IFBLK, 7, 0)}
    try:
        for name, (kind, major, minor) in kinds.items():
            os.mknod(folder / name, kind | 0o666, os.makedev(major, minor))
    except PermissionError:
        return 0
    return len(kinds)


def test_names_come_back_byte_exact(ledger_url: str, home: Path, tmp_path: Path) -> None:
    """Whatever bytes a name and its archive's name are made of, the database has the same ones."""
    root = os.path.join(os.fsencode(tmp_path), b"-an \xff\n:[/archive]'")
    for number, name in enumerate(NAMES):
        path = Path(os.fsdecode(os.path.join(root, name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(face_png(number))
    # As in most terminals: a byte that is not UTF-8 cannot be printed as it is.
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    kaolabel = Kaolabel(home, KAOLABEL_DATABASE_URL=ledger_url, **strict)
    summary = kaolabel.json("label", root, "--detect-only")
    assert (summary["images"], summary["with_face"]) == (len(NAMES), len(NAMES))
    assert [bytes(found) for (found,) in kaolabel.query("SELECT root FROM archives")] == [root]
    found = kaolabel.query("SELECT path, outcome FROM images")
    assert sorted((bytes(path), outcome) for path, outcome in found) == sorted(
        (name, "faces") for name in NAMES
    )
    shown = kaolabel.run("status")
    assert (shown.returncode, r"-an \xff" in shown.stdout) == (0, True), shown.stderr
    (run,) = kaolabel.json("status")["runs"]
    assert (run["done"], r"-an \xff" in run["archive"]) == (len(NAMES), True)
    assert kaolabel.run("report", "1", "--out", str(tmp_path / "report.html")).returncode == 0
    assert r"deep \xe9" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None,
    reason="root may read everything, and there is no setpriv to change that",
)
def test_files_that_change_after_they_were_listed_are_told(sqlite_url: str, tmp_path: Path) -> None:
    """Each is unreadable with its reason, at the first try; the others are not disturbed."""
    archive = tmp_path / "archive"
    for number, name in enumerate([*CHANGES, "steady"]):
        path = archive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(face_png(number))
    cluster = Cluster(
        tmp_path / "cluster", sqlite_url, workers=0, KAOLABEL_MAX_FILE_BYTES="1000000"
    )
    with cluster:
        labelling = cluster.label(archive)
        wait_for(
            lambda: cluster.value(
                "SELECT count(*) FROM jobs WHERE run_id = :run", run=labelling.run
            ),
            what="the listing",
        )
        for name, (change, _) in CHANGES.items():
            change(archive / name)
        worker = unprivileged_worker(cluster)
        worker.start()
        try:
            labelling.finish()
        finally:
            worker.stop()
    found = rows(
        sqlite_url,
        "SELECT path, coalesce(images.reason, detections.reason),"
        " coalesce(images.outcome, detections.outcome)"
        " FROM images LEFT JOIN detections ON detections.id = detection_id",
    )
    reasons = {bytes(path).decode(): (reason, outcome) for path, reason, outcome in found}
    expected = {name: (reason, "unreadable") for name, (_, reason) in CHANGES.items()}
    assert reasons == {**expected, "steady": (None, "faces")}
    assert rows(sqlite_url, "SELECT state, attempts FROM jobs") == [("done", 1)]


def unprivileged_worker(cluster: Cluster) -> Child:
    """A worker that may read no more than other users may."""
    prefix = UNPRIVILEGED if os.geteuid() == 0 else ()
    command = [*prefix, sys.executable, "-m", "kaolabel", "worker"]
    return Child(command, cluster.environment, cluster.folder / "worker.log")


def test_an_archive_outside_of_the_allowed_folders_stops_its_run(
    ledger_url: str, tmp_path: Path
) -> None:
    """A worker that may not read there says so once, and the ledger's images lose nothing."""
    archive = tmp_path / "elsewhere"
    archive.mkdir()
    for number in range(3):
        (archive / f"{number}.png").write_bytes(plain_png(number))
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(archive)
    cluster = Cluster(
        tmp_path / "cluster", ledger_url, KAOLABEL_ARCHIVE_ROOTS=str(tmp_path / "allowed")
    )
    with cluster:
        del cluster.environment["KAOLABEL_ARCHIVE_ROOTS"]
        command = cluster.command("label", str(tmp_path / "allowed" / "link"), "--detect-only")
        command.launch()
        assert command.wait(120) == 2, command.log.read_text()
    said = command.log.read_text().splitlines()[-1]
    assert f"the archive {archive} lies outside of the folders that may be read on" in said
    assert rows(ledger_url, "SELECT DISTINCT due, outcome FROM images") == [(1, None)]
    assert rows(ledger_url, "SELECT state, attempts FROM jobs") == [("queued", 0)]
    assert rows(ledger_url, "SELECT state FROM runs") == [("stopped",)]


def test_a_command_refuses_an_archive_that_it_may_not_read(home: Path, tmp_path: Path) -> None:
    """The setting counts for a worker of the command's own, too; nothing is begun."""
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "image.png").write_bytes(plain_png())
    settings = {"KAOLABEL_ARCHIVE_ROOTS": str(home)}
    done = Kaolabel(home, **settings).run("label", str(archive), "--detect-only")
    assert (done.returncode, done.stdout) == (2, "")
    assert "add it to KAOLABEL_ARCHIVE_ROOTS there" in done.stderr
    assert Kaolabel(home).json("status")["runs"] == []
