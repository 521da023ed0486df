"""A kernel that offers no seccomp filters, as far as decoder processes can tell."""

from __future__ import annotations

import errno
from typing import Any

from tests.faults.hooks.late import when_imported


def install() -> None:
    """Deny every process that could confine itself the system call with which it would."""

    def change(confine: Any) -> None:
        calls = confine.calls
        machine = calls.this_machine()
        lines = (
            calls._load(0),
            calls._jump_unless_equal(calls.SECCOMP[machine.column], skip=1),
            calls._return(calls._ERRNO | errno.ENOSYS),
            calls._return(calls._ALLOW),
        )
        # Fails where the parent has done so already: a filter is handed down.
        confine._install(machine, b"".join(lines))

    when_imported("worker.sandbox.confine", change)
