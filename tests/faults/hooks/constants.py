"""Gives constants of the product other values, such as a lease that runs out sooner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.faults.hooks.late import when_imported

if TYPE_CHECKING:
    from types import ModuleType


def install(**values: Any) -> None:
    """Replace constants, each named with its module: `{"db.store.jobs.LEASE": 4.0}`."""
    for path, value in values.items():
        _install(*path.rsplit(".", 1), value=value)


def _install(module: str, name: str, *, value: Any) -> None:
    def change(imported: ModuleType) -> None:
        # A constant that has another name by now would leave the test without its point.
        assert hasattr(imported, name), f"{module} has no {name}"
        setattr(imported, name, value)

    when_imported(module, change)
