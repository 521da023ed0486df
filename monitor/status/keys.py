"""The keyboard, read key by key."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Where a terminal's settings have its special characters, and what turns one of them off.
_CHARACTERS, _OFF = 6, b"\0"

_READ = 64


@contextmanager
def keyboard() -> Iterator[Callable[[float], str]]:
    """Have keys come at once, and not be shown, for as long as the block.

    Ctrl-Z does nothing meanwhile: a shell's prompt in the middle of a full screen helps nobody.

    Yields:
        Waits for so many seconds, or less where keys are pressed; which, as text. Where there is
        no keyboard it just waits. A terminal that was closed is as good as `q`.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        yield _wait
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        settings = termios.tcgetattr(terminal)
        settings[_CHARACTERS][termios.VSUSP] = _OFF
        termios.tcsetattr(terminal, termios.TCSADRAIN, settings)
        yield lambda seconds: _pressed(terminal, seconds)
    finally:
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _wait(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _pressed(terminal: int, seconds: float) -> str:
    if not select.select([terminal], [], [], seconds)[0]:
        return ""
    try:
        keys = os.read(terminal, _READ)
    except OSError:
        keys = b""
    return keys.decode(errors="replace") if keys else "q"
