"""Names of files and labels, however hostile, become one harmless line of text."""

from __future__ import annotations

import pytest

from worker.visible import visible, visible_path


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name.png", "plain name.png"),
        ("梟　ふくろう.png", "梟　ふくろう.png"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("soft\xadhyphen\u2028", "soft\\xadhyphen\\u2028"),
    ],
)
def test_invisible_characters_become_escapes(name: str, shown: str) -> None:
    """Whatever would break the line or turn its direction is spelled out, all else stays."""
    assert visible(name) == shown


def test_bytes_that_are_no_text_become_escapes() -> None:
    """A path that is not UTF-8 is shown with the odd bytes spelled out."""
    assert visible_path(b"a/\xff\xfe.png") == "a/\\xff\\xfe.png"
