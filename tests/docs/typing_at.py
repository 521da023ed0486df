"""A shell at a terminal, with somebody who types."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PATIENCE = 60.0
_PROMPT = "ready> "
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>]|\][^\x07]*\x07)")

# How each shell starts without anybody's settings, and takes up the completion.
SHELLS = {
    "bash": (
        ("bash", "--norc", "--noprofile", "-i"),
        'eval "$(kaolabel --show-completion)"',
    ),
    "zsh": (
        ("zsh", "-f", "-i"),
        'autoload -Uz compinit; compinit -u -D; eval "$(kaolabel --show-completion)"',
    ),
}


class Terminal:
    """The keyboard and the screen of a shell."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = ""

    def completed(self, typed: str) -> str:
        """What the line is after `typed` and a tab; the shell echoes it and runs nothing."""
        # Keys wait until the tab is dealt with; Ctrl-A goes to the begin of the line.
        self._send(f"{typed}\t\x01echo = \n")
        return " ".join(self._until(r"\n= ([^\n]*)\n").split())

    def run(self, command: str) -> None:
        """Run a command and wait for its end."""
        self._send(f"{command}; echo do''ne\n")
        self._until(r"\n(done)\n")

    def _send(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def _until(self, pattern: str) -> str:
        deadline = time.monotonic() + _PATIENCE
        while (found := re.search(pattern, self._seen)) is None:
            ready, _, _ = select.select([self._descriptor], [], [], 1.0)
            assert time.monotonic() < deadline, self._seen
            if ready:
                text = os.read(self._descriptor, 65536).decode(errors="replace")
                self._seen = _ESCAPES.sub("", self._seen + text.replace("\r", ""))
        self._seen = self._seen[found.end() :]
        return found[1]


@contextmanager
def shell(name: str, environment: Mapping[str, str], folder: Path) -> Iterator[Terminal]:
    """A shell in `folder` that completes kaolabel, for as long as the block."""
    command, begin = SHELLS[name]
    pid, descriptor = pty.fork()
    if pid == 0:
        _become(command, environment, folder)
    try:
        terminal = Terminal(descriptor)
        terminal.run(begin)
        yield terminal
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(descriptor)
        os.waitpid(pid, 0)


def _become(command: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> None:
    try:
        os.chdir(folder)
        found = shutil.which(command[0]) or command[0]
        tidy = {"PS1": _PROMPT, "TERM": "dumb", "HOME": str(folder), "HISTFILE": ""}
        os.execve(found, command, {**environment, **tidy})  # noqa: S606  # a shell is the point
    finally:
        os._exit(127)


def with_kaolabel(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with this installation's `kaolabel` first on the PATH."""
    folder = Path(sys.executable).parent
    return {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
