"""Paths of any bytes: from the disk through the walk and the ledger to the worker's hand."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.records import FileEntry
from db.store import images
from producer.walk import Walk
from worker.reading import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.ledger import Ledger

# Everything that Linux takes for a name: any bytes but NUL and slash, and not `.` or `..`.
_names = (
    st.one_of(
        st.binary(min_size=1, max_size=40),
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).map(str.encode),
        st.sampled_from([b"\xff", b"\n", b"-", b" ", b"%00", b"\\", b"\xed\xa0\x80", b"~" * 255]),
    )
    .map(lambda name: name.replace(b"\0", b"0").replace(b"/", b"|"))
    .filter(lambda name: name not in {b".", b".."} and len(name) <= 255)
)
_paths = st.lists(_names, min_size=1, max_size=5).map(b"/".join)
_archives = st.lists(_paths, min_size=1, max_size=8, unique=True)


def put(root: bytes, paths: Sequence[bytes]) -> dict[bytes, bytes]:
    """Make a file of each path that is not in the way of another; their content by path."""
    made = {}
    for number, path in enumerate(sorted(paths)):
        whole = os.path.join(root, path)
        try:
            Path(os.fsdecode(whole)).parent.mkdir(parents=True, exist_ok=True)
            with Path(os.fsdecode(whole)).open("xb") as file:
                file.write(b"%d" % number)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        made[path] = b"%d" % number
    return made


# Each example is an archive of its own, in the one database.
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=_archives)
def test_any_path_comes_back_byte_exact(ledger: Ledger, paths: list[bytes]) -> None:
    """What lies on the disk is listed, stored, given to a worker and read, each byte of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = os.fsencode(folder)
        made = put(root, paths)
        entries = list(Walk(root))
        run = ledger.run(root)
        with ledger.database.write() as connection:
            images.register(connection, run, entries, version_id=None)
        with ledger.database.read() as connection:
            todo = images.of_job(connection, ledger.cut(run))
        found = {
            image.path: read_file(os.path.join(run.root, image.path), limit=9) for image in todo
        }
    assert [entry.path for entry in entries] == [image.path for image in todo]
    assert found == made


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(root=_paths.map(lambda path: b"/" + path), paths=_archives)
def test_a_path_that_is_known_is_known_again(
    ledger: Ledger, root: bytes, paths: list[bytes]
) -> None:
    """A second run of any archive finds the rows of the first, and makes none of its own."""
    entries = [FileEntry(path, 1, 1) for path in sorted(paths)]
    found = []
    for _ in range(2):
        run = ledger.run(root)
        with ledger.database.write() as connection:
            images.register(connection, run, entries, version_id=None)
        query = "SELECT id, path FROM images WHERE run_id = :run ORDER BY id"
        found.append([(number, bytes(path)) for number, path in ledger.rows(query, run=run.id)])
    first, second = found
    assert first == second
    assert sorted(path for _, path in second) == sorted(paths)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=_paths)
def test_any_path_has_text_for_people_in_the_ledger(ledger: Ledger, path: bytes) -> None:
    """The text beside the bytes can be stored, and says the same wherever the bytes are UTF-8."""
    run = ledger.run(b"/" + path)
    ledger.register(run, path)
    stored = ledger.value("SELECT display FROM archives WHERE root = :root", root=b"/" + path)
    try:
        expected = "/" + path.decode()
    except UnicodeDecodeError:
        expected = "/" + path.decode("utf-8", "backslashreplace")
    assert stored == expected
