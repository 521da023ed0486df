"""Labels: what may be one."""

from __future__ import annotations

import unicodedata

import pytest

from db.errors import UsageError
from db.labels import check_label


@pytest.mark.parametrize("name", ["Aqua", "めぐみん", "two words", "Ω-7 (summer)", "x" * 200])
def test_plain_names_are_labels(name: str) -> None:
    """Any printable text of up to 200 characters may be a label."""
    assert check_label(name) == name


def test_one_name_has_one_form() -> None:
    """The same letters composed and decomposed are one label."""
    name = unicodedata.normalize("NFD", "Éclair")
    assert check_label(name) == unicodedata.normalize("NFC", "Éclair") != name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "blank"),
        (" \u3000", "blank"),
        ("x" * 201, "201 characters"),
        ("a/b", "without slashes"),
        ("a\\b", "without slashes"),
        ("a\nb", "control characters"),
        ("a\x00b", "control characters"),
        ("\udcff", "control characters"),
    ],
)
def test_what_cannot_be_stored_or_shown_is_no_label(name: str, reason: str) -> None:
    """Blank, endless, path-like and unprintable names are refused with what to do."""
    with pytest.raises(UsageError, match=reason):
        check_label(name)
