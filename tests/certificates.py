"""Authorities and certificates for tests, made by the `openssl` command."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


class Authority:
    """An authority that vouches for servers and clients; the test is skipped without `openssl`.

    Args:
        folder: for its files.
        name: of the authority.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._itself = self._make(name, "-addext", "keyUsage=critical,keyCertSign")
        self.cert = self._itself.cert

    def issue(self, name: str, host: str = "DNS:localhost") -> Certificate:
        """A certificate that it vouches for.

        Args:
            name: of the files.
            host: as a subject's alternative name, such as `IP:127.0.0.1`.
        """
        signed = ("-CA", str(self.cert), "-CAkey", str(self._itself.key))
        extensions = ("subjectAltName=" + host, "basicConstraints=critical,CA:FALSE")
        added = [word for extension in extensions for word in ("-addext", extension)]
        return self._make(name, *signed, *added)

    def _make(self, name: str, *options: str) -> Certificate:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("certificates are made by openssl, which is not on the PATH")
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        files = ("-keyout", str(made.key), "-out", str(made.cert), "-subj", f"/CN={name}")
        subprocess.run(
            [openssl, "req", "-x509", *_KEY, *files, *options], check=True, capture_output=True
        )
        return made
