"""The one command `kaolabel`: composes the sub-commands that the packages own; nothing else."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
