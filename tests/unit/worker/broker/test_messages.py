"""What messages carry beside their arguments."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from worker.broker.messages import MESSAGE_VERSION, headers, version_of


def test_messages_tell_their_version() -> None:
    """A worker reads the version that a producer wrote."""
    assert version_of(SimpleNamespace(**headers())) == MESSAGE_VERSION


@pytest.mark.parametrize("header", [None, 7, "x", [], {}, {"message": "2"}, {"message": True}])
def test_messages_without_a_version_are_of_the_first(header: Any) -> None:
    """Messages of releases that wrote no version, and headers of others, count as the first."""
    assert version_of(SimpleNamespace(kaolabel=header)) == 1
    assert version_of(SimpleNamespace()) == 1
