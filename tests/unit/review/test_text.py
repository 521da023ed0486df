"""URLs of files, however their names are made."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from review.text import file_url


@given(path=st.binary(min_size=1))
def test_a_url_keeps_every_byte(path: bytes) -> None:
    """The URL of a file leads back to its byte-exact path, in plain ASCII."""
    url = file_url(b"/archive", path)
    assert url.isascii()
    assert unquote_to_bytes(url.removeprefix("file://")) == b"/archive/" + path
