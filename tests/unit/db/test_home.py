"""The home folder: made private, kept private, refused where others may have been."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

import pytest

from db.engine import open_database
from db.errors import UsageError
from db.home import make_home
from db.settings import DatabaseSettings

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534


def mode_of(folder: Path) -> int:
    """Who may do what with a folder."""
    return stat.S_IMODE(folder.stat().st_mode)


def test_the_home_folder_is_private(home: Path) -> None:
    """The home folder is made with its parents, readable by its owner alone."""
    open_database(DatabaseSettings(home=home / "deep")).close()
    assert mode_of(home / "deep") == 0o700


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A home folder that cannot be made is told in one line that names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"KAOLABEL_HOME .* cannot be used"):
        make_home(tmp_path / "file" / "home")


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711, 0o704])
def test_a_home_that_others_can_read_is_closed(
    home: Path, caplog: pytest.LogCaptureFixture, mode: int
) -> None:
    """Others lose what they could do, with a line that says so; the next time there is none."""
    home.mkdir()
    home.chmod(mode)
    with caplog.at_level(logging.WARNING):
        assert make_home(home) == home
        make_home(home)
    assert mode_of(home) == 0o700
    assert [
        f"KAOLABEL_HOME {home} was open to other users" in line for line in caplog.messages
    ] == [True]


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777, 0o702])
def test_a_home_that_others_can_write_is_refused(home: Path, mode: int) -> None:
    """Nobody knows what others have put there, so nothing in it is used or changed."""
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(UsageError, match=rf"may be written by other users.*chmod 700 {home}"):
        make_home(home)
    assert mode_of(home) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give folders away")
def test_a_home_of_somebody_else_is_refused(home: Path) -> None:
    """Its owner could change all that lies in it, whoever else may not."""
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    with pytest.raises(UsageError, match=f"belongs to user {NOBODY}, this is user 0"):
        make_home(home)
