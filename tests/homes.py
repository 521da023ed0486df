"""The databases of home folders: a SQLite file in each, or one of a PostgreSQL server for each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres import Postgres


class Homes:
    """Knows the database of every home folder.

    Attributes:
        server: holds the databases; None where each is a file in its home, as it is by default.
    """

    def __init__(self) -> None:
        self.server: Postgres | None = None
        self._names: dict[Path, str] = {}

    def url(self, home: Path) -> str:
        """The URL of a home's database; it has no tables until something makes them."""
        if self.server is None:
            return f"sqlite:///{home / 'kaolabel.db'}"
        if home not in self._names:
            self._names[home] = self.server.create(template=None)
        return self.server.url(self._names[home])

    def settings(self, home: Path) -> dict[str, str]:
        """The environment in which the command uses a home's database; empty for the default."""
        return {} if self.server is None else {"KAOLABEL_DATABASE_URL": self.url(home)}

    def copy(self, home: Path, to: Path) -> Path:
        """Copy a home that nothing is at work in, with its database; where the copy is."""
        if self.server is not None and home in self._names:
            self._names[to] = self.server.create(template=self._names[home])
        return shutil.copytree(home, to, symlinks=True)

    @property
    def known(self) -> set[Path]:
        """The homes that have a database on the server."""
        return set(self._names)

    def forget(self, homes: set[Path]) -> None:
        """Drop the databases of homes that nobody needs any more."""
        for home in homes:
            if self.server is not None:
                self.server.drop(self._names.pop(home))


# One for the whole test session, as `--database` is.
HOMES = Homes()
