"""docs/reference.md says what the program says."""

from __future__ import annotations

import re

from tests.docs import reference


def test_the_page_is_what_the_program_says() -> None:
    """Commands and settings stand there as they are in this version."""
    written = reference.PAGE.read_text(encoding="utf-8")
    assert written == reference.render(), f"out of date: run `{reference.COMMAND}`"


def test_every_setting_that_help_speaks_of_exists() -> None:
    """No page of help names a setting that nothing reads."""
    page = reference.render()
    known = set(re.findall(r"^\| `(K\w+)`", page, re.MULTILINE))
    named = set(re.findall(r"KAOLABEL_[A-Z_]*[A-Z]", page.partition("## Commands")[2]))
    assert named <= known
