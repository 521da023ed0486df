"""The site that `make docs` builds."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.docs.messages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MKDOCS = ROOT / ".venv-docs" / "bin" / "mkdocs"
# What a browser fetches by itself, other than a link that somebody follows.
FETCHED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\ssrc=\"([^\"]+)|<link[^>]*\shref=\"([^\"]+)"
)


@pytest.mark.skipif(not MKDOCS.exists(), reason="needs .venv-docs: run `make docs`")
def test_the_site_is_sound_and_fetches_nothing(tmp_path: Path) -> None:
    """It builds without a warning, and its pages load nothing from elsewhere."""
    command = [str(MKDOCS), "build", "--strict", "--config-file", str(ROOT / "mkdocs.yml")]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        fetched = FETCHED.findall(page.read_text(encoding="utf-8"))
        assert not [one for one in map("".join, fetched) if one.startswith(("http", "//"))]
