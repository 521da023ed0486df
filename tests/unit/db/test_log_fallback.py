"""What commands that set up no log say of warnings."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
import logging
from db.logs.fallback import fall_back
fall_back()
logging.getLogger("x").warning("a name \\udcff\\x1b[31m at redis://user:secret@host/0\\nand more")
logging.getLogger("x").info("nobody asked")
"""


def test_warnings_of_commands_are_clean_and_in_one_line() -> None:
    """A warning is one line without raw bytes and passwords, and nothing below it is told."""
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert r"warning a name \xff\x1b[31m at redis://user:***@host/0 and more" in line
