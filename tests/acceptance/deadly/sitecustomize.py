"""With this folder on PYTHONPATH, decoders die or hang on bytes that end in poison."""

from __future__ import annotations

from tests.faults.hooks.poison import install

install()
