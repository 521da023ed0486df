"""A real terminal for tests: a pseudo-terminal, and what a full-screen command shows in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where a frame begins: the cursor goes home (ECMA-48, 8.3.21).
_HOME = "\x1b[H"
_CONTROL = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
_RESTORED = ("\x1b[?25h", "\x1b[?1049l")

# A command would take these for the terminal's size.
_SIZES = {"COLUMNS", "LINES"}

_PATIENCE = 60.0
_SETSID = shutil.which("setsid") or "setsid"


class Terminal:
    """The command in a terminal of its own.

    Args:
        environment: of the command.
        arguments: of `kaolabel`.
        lines, columns: the size to begin with.
    """

    def __init__(
        self, environment: Mapping[str, str], *arguments: str, lines: int = 24, columns: int = 80
    ) -> None:
        self._ours, theirs = pty.openpty()
        self._told = ""
        self.resize(lines, columns)
        self._before = termios.tcgetattr(theirs)
        kept = {key: value for key, value in environment.items() if key not in _SIZES}
        self.process = subprocess.Popen(
            # Ctrl-C only comes from a terminal that is the session's own.
            [_SETSID, "--ctty", sys.executable, "-m", "kaolabel", *arguments],
            env={**kept, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        self._theirs = theirs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._theirs)
        os.close(self._ours)

    def resize(self, lines: int, columns: int) -> None:
        """Make the terminal so large."""
        self.lines, self.columns = lines, columns
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Press keys; 3 is the character of Ctrl-C."""
        os.write(self._ours, keys.encode())

    def frame(self) -> list[str]:
        """The lines of the newest frame that is whole, without trailing blanks."""
        self._read()
        frames = self._told.split(_HOME)[1:]
        whole = [_CONTROL.sub("", one).split("\r\n") for one in frames]
        found = next((one for one in reversed(whole) if len(one) == self.lines), [])
        return [line.rstrip() for line in found]

    def until(self, text: str) -> list[str]:
        """Wait for a frame with that text in it."""
        deadline = time.monotonic() + _PATIENCE
        while text not in "\n".join(frame := self.frame()):
            assert time.monotonic() < deadline, f"{text!r} was not seen:\n{self._told[-4000:]}"
        return frame

    def end(self) -> int:
        """Wait for the command's end; its exit code."""
        deadline = time.monotonic() + _PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self._told[-4000:]
            self._read()
        self._read()
        return self.process.returncode

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is as it was before the command."""
        settings = termios.tcgetattr(self._theirs)
        return settings == self._before and all(one in self._told for one in _RESTORED)

    def _read(self) -> None:
        while select.select([self._ours], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):
                self._told += os.read(self._ours, 1 << 16).decode(errors="replace")
