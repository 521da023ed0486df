"""Loaded by every Python process that has this folder on its PYTHONPATH: installs test hooks.

Which hooks, and with what arguments, stands in `hooks.json` in the folder that TMPDIR names: of a
test's environment, decoder processes keep TMPDIR and PYTHONPATH only.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path

_orders = Path(os.environ.get("TMPDIR", "/nonexistent")) / "hooks.json"
if _orders.is_file():
    for _name, _arguments in json.loads(_orders.read_text()).items():
        import_module(f"tests.faults.hooks.{_name}").install(**_arguments)
