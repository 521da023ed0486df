"""The folder that holds all state: made for this user alone, and refused where others may write."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

from db.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

_PRIVATE = 0o700


def make_home(home: Path) -> Path:
    """Create the home folder, private to the user, or prove that an existing one is.

    Models, queue and database lie in it: who may write there decides what kaolabel runs. So a
    folder that others could change is refused, as nobody knows what they have put there; one that
    they could only read is closed.

    Raises:
        UsageError: when it cannot be created, is a file, or is not this user's alone to write.
    """
    try:
        home.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        _make_private(home, home.stat())
    except OSError as error:
        raise UsageError(
            f"KAOLABEL_HOME {home} cannot be used: {error.strerror}; "
            "set it to a folder that this user may write"
        ) from error
    return home


def _make_private(home: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise UsageError(
            f"KAOLABEL_HOME {home} belongs to user {status.st_uid}, this is user {os.geteuid()}:"
            " set it to a folder of this user, such as a new one below it"
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"KAOLABEL_HOME {home} may be written by other users: if nobody has put anything there,"
            f" run `chmod 700 {home}`, else set it to another folder"
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        home.chmod(_PRIVATE)
        logger.warning(
            "KAOLABEL_HOME %s was open to other users; it is now this user's alone", home
        )
