"""The pages of help: each complete, and fit for a terminal of 80 columns."""

from __future__ import annotations

import pytest

import kaolabel
from tests.docs.pages import Page, every, name

PAGES = list(every(kaolabel.app))
COMMANDS = [page for page in PAGES if not page.is_group]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_fits_a_terminal(page: Page) -> None:
    """No line is wider than 80 columns, and no summary of a command is cut off."""
    assert not [line for line in page.text.splitlines() if len(line) > 80]
    assert not [line for line in page.commands if line.endswith("...")]


@pytest.mark.parametrize("page", COMMANDS, ids=name)
def test_a_page_is_complete(page: Page) -> None:
    """Each command says what it does, with settings, examples and where to read on."""
    assert page.summary.endswith(".")
    assert "\n  Settings: " in page.text
    assert "\n  See also: " in page.text
    assert page.name in page.text.partition("\n  For example:\n")[2]
    assert all(page.options.values()), "an option without a word of help"


def test_the_exit_codes_are_those_of_the_program() -> None:
    """The first page of help lists every code that an error ends with."""
    listed = {line.split()[0] for line in PAGES[0].text.splitlines() if line.startswith("    ")}
    assert {str(code) for _, code in kaolabel.EXIT_CODES} <= listed
