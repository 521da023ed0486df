"""Download a detector's cascade, which no package index carries."""

from __future__ import annotations

import hashlib
import os
import tempfile
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from db.errors import DetectorError, UnavailableError, UsageError
from worker.vision.chain import LBP_SHA256

if TYPE_CHECKING:
    from http.client import HTTPResponse

LBP_URL = (
    "https://raw.githubusercontent.com/nagadomi/lbpcascade_animeface/master/"
    "lbpcascade_animeface.xml"
)
_MAX_BYTES = 16 * 1024 * 1024


def fetch(
    target: Path, *, url: str = LBP_URL, sha256: str = LBP_SHA256, timeout: float = 30.0
) -> Path:
    """Download a cascade, check it, and put it in place in one step.

    Args:
        target: the file to write; its folder is made if need be.
        url: http or https address of the file.
        sha256: its hash in hex.
        timeout: seconds to wait for each answer of the server.

    Returns:
        The target.

    Raises:
        UsageError: the address is not http or https, or the target cannot be written.
        UnavailableError: the server does not answer, or does not have the file.
        DetectorError: what came is not the file of that hash; nothing was written.
    """
    content = _download(url, timeout)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DetectorError(
            f"{url} gave {len(content):,} bytes with SHA-256 {found}, not {sha256}: nothing was"
            " written; try again, or download the cascade by hand and set KAOLABEL_CASCADE"
        )
    _write(target, content)
    return target


def _download(url: str, timeout: float) -> bytes:
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"cannot download from {url!r}: give an http or https address")
    try:
        response: HTTPResponse
        with urlopen(url, timeout=timeout) as response:  # noqa: S310  the scheme is checked above
            return response.read(_MAX_BYTES + 1)
    except HTTPError as error:
        error.close()
        raise UnavailableError(_by_hand(url, f"HTTP {error.code} {error.reason}")) from error
    except (OSError, HTTPException, ValueError) as error:
        raise UnavailableError(_by_hand(url, str(error) or type(error).__name__)) from error


def _by_hand(url: str, reason: str) -> str:
    return (
        f"cannot download {url} ({reason}): check the network, or download the file by hand and"
        " set KAOLABEL_CASCADE to its path"
    )


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"cannot write the cascade to {str(target)!r}: {error}") from error
