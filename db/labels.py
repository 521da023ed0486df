"""Labels: what may be one, whoever says it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_LABEL = 200


def check_label(name: str) -> str:
    """The label that a name stands for, in Unicode NFC.

    Args:
        name: as a person wrote it, or as a folder is called.

    Raises:
        UsageError: when it is blank, too long, or holds slashes, backslashes or what cannot be
            printed; the message is a clause that a caller may put a place in front of.
    """
    label = unicodedata.normalize("NFC", name)
    if not label.strip():
        raise UsageError("the label is blank; write a name")
    if len(label) > LONGEST_LABEL:
        raise UsageError(
            f"the label {label[:20]!r}… has {len(label):,} characters; {LONGEST_LABEL} is the most"
        )
    # Surrogates stand for bytes that are not UTF-8; databases and JSON refuse them.
    printable = all(unicodedata.category(letter) not in {"Cc", "Cs"} for letter in label)
    if not printable or "\\" in label or "/" in label:
        raise UsageError(
            f"{label!r} cannot be a label; write plain text without slashes, backslashes or "
            "control characters"
        )
    return label


def refuse_doubles(names: Iterable[str]) -> None:
    """Refuse labels that people would take for the same one.

    Raises:
        UsageError: when two of them differ only in case, in spaces around them, or in how Unicode
            writes them.
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFKC", name).strip().casefold(), name)
        if other is not name:
            raise UsageError(
                f"the labels {other!r} and {name!r} are the same name; merge their images or "
                "rename one"
            )
