"""Names from an archive, made fit to be shown: they may hold anything but a slash and NUL."""

from __future__ import annotations

import unicodedata

from db.store.runs import display

# Control, format (such as the overrides of direction), line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""The text in one line, with invisible characters as escapes such as `\u202e`."""
    if text.isprintable():
        return text
    return "".join(_escape(char) for char in text)


def visible_path(path: bytes) -> str:
    """A byte-exact path as one line of text for people."""
    return visible(display(path))


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _INVISIBLE:
        return char
    return char.encode("unicode_escape").decode() if char != "\xad" else "\\xad"
