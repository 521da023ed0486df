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
    # What a page writes to its console.
    "--enable-logging=stderr",
    # For scripts that ask the server for more.
    "--virtual-time-budget=4000",
    "--dump-dom",
)


def opened(url: str, *, profile: Path) -> tuple[str, list[str]]:
    """The elements of a page as HTML, after its scripts ran, and what it wrote to the console.

    Skips the test where there is no browser.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        pytest.skip("needs Chromium or Chrome on the PATH")
    command = [browser, *_FLAGS, f"--user-data-dir={profile}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def elements(url: str, *, profile: Path) -> str:
    """The elements of a page, as `opened` gives them."""
    return opened(url, profile=profile)[0]
