"""Settings of a worker: which folders it may read."""

from __future__ import annotations

import os

import pytest
from pydantic import ValidationError

from worker.settings import WorkerSettings


@pytest.mark.parametrize(
    ("value", "folders"),
    [
        (b"/a", (b"/a",)),
        (b"/a:/b/", (b"/a", b"/b/")),
        (b":/a:", (b"/a",)),
        (b"/\xff", (b"/\xff",)),
        (b'["/a:b", "/\\udcff"]', (b"/a:b", b"/\xff")),
        (b"", ()),
        (b"[]", ()),
    ],
)
def test_folders_are_separated_as_on_the_path(
    monkeypatch: pytest.MonkeyPatch, value: bytes, folders: tuple[bytes, ...]
) -> None:
    """Names need not be text, a list in JSON takes any name, and nothing allows nothing."""
    monkeypatch.setenv("KAOLABEL_ARCHIVE_ROOTS", os.fsdecode(value))
    assert WorkerSettings().archive_roots == folders


def test_any_folder_may_be_read_where_nothing_is_set() -> None:
    """One user on one machine needs no such setting."""
    assert WorkerSettings().archive_roots is None


@pytest.mark.parametrize("value", ["a", "/a:b", "~/a", "[1]", '["a"]', "[", '["/a"'])
def test_folders_that_are_not_absolute_are_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """A folder that depends on where a worker was started would be another one each time."""
    monkeypatch.setenv("KAOLABEL_ARCHIVE_ROOTS", value)
    with pytest.raises(ValidationError, match="archive_roots"):
        WorkerSettings()
