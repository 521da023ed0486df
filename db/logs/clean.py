"""Text made fit for a log: nothing in it can move a cursor, forge a line, or tell a password."""

from __future__ import annotations

import re
import unicodedata

# Control, format (such as the overrides of direction), surrogates, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Python's stand-ins for the bytes of a name that is no UTF-8 (PEP 383).
_FIRST_BYTE, _LAST_BYTE, _BYTES = "\udc80", "\udcff", 0xDC00

# All up to the last @ of a word: a password may hold what would end it in a proper URL.
_PASSWORD = re.compile(r"(://[^\s:@/]*):\S*@")
# Where the text was cut, there may have been an @ behind it.
_CUT_PASSWORD = re.compile(r"(://[^\s:@/]*):\S*$")

_LONGEST_LINE = 1000
_FIRST_LINES, _LAST_LINES = 40, 80


def clean(text: str, *, longest: int) -> str:
    r"""The text in one line, with hidden characters as escapes, and passwords of URLs as `***`.

    Bytes of a name that is no UTF-8 appear as the ledger shows them, such as `\xff`.

    Args:
        text: anything, lone surrogates and escape sequences included.
        longest: characters that are shown of it.
    """
    left = len(text) - longest
    text = text[:longest]
    if not text.isprintable():
        text = "".join(map(_shown, text))
    text = _PASSWORD.sub(r"\1:***@", text)
    if left <= 0:
        return text
    return _CUT_PASSWORD.sub(r"\1:***", text) + f"… ({left:,} more)"


def clean_message(text: str, *, longest: int) -> str:
    """As `clean`, but with a space for each line break: libraries write messages of many lines."""
    return clean(" ".join(line.strip() for line in text.splitlines()).strip(), longest=longest)


def clean_trace(text: str) -> str:
    """As `clean`, for a traceback: its lines stay lines, and of many the middle is left out."""
    lines = text.strip("\n").split("\n")
    if len(lines) > _FIRST_LINES + _LAST_LINES:
        left_out = len(lines) - _FIRST_LINES - _LAST_LINES
        lines[_FIRST_LINES:-_LAST_LINES] = [f"… ({left_out:,} more lines)"]
    return "\n".join(clean(line, longest=_LONGEST_LINE) for line in lines)


def _shown(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN:
        return char
    if _FIRST_BYTE <= char <= _LAST_BYTE:
        return f"\\x{ord(char) - _BYTES:02x}"
    return char.encode("unicode_escape").decode()
