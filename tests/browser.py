"""A real browser without a window."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # For scripts that ask the server for more.
    "--virtual-time-budget=4000",
)


def elements(url: str, *, profile: Path) -> str:
    """The elements of a page as HTML, after its scripts ran; skips where there is no browser."""
    return _run(url, "--dump-dom", profile=profile)


def picture(url: str, file: Path, *, profile: Path, size: tuple[int, int] = (1500, 700)) -> None:
    """A PNG of a page of that many pixels, after its scripts ran."""
    width, height = size
    _run(url, f"--screenshot={file}", f"--window-size={width},{height}", profile=profile)


def _run(url: str, *flags: str, profile: Path) -> str:
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        pytest.skip("needs Chromium or Chrome on the PATH")
    command = [browser, *_FLAGS, f"--user-data-dir={profile}", *flags, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
