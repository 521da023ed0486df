"""docs/troubleshooting.md: what it explains is what kaolabel says."""

from __future__ import annotations

from tests.docs import messages

# Put together in several places, so that no single line of the code has them.
ASSEMBLED = {"run … is …"}


def test_every_message_is_explained() -> None:
    """Whatever the program says is wrong has an entry: what it means, and what to do."""
    missing = "\n".join(f"{one.row}  ({one.place})" for one in messages.unexplained())
    assert not missing, f"complete these rows, and put them into {messages.PAGE}:\n{missing}"


def test_every_entry_is_said() -> None:
    """No entry explains what the program does not say any more."""
    said = messages.every()
    stale = {
        entry
        for entry in messages.explained() - messages.reasons() - ASSEMBLED
        if not any(message.covers(entry) for message in said)
    }
    assert not stale, f"take these out of {messages.PAGE}, or say them as the code does: {stale}"


def test_every_reason_is_explained() -> None:
    """Each short code with which a file is refused has an entry."""
    assert messages.reasons() - messages.explained() == set()
