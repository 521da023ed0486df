"""The database's own clock, in seconds since the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Double, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, SQLColumnExpression

# A moment that lies this many seconds further ahead than it could was noted before the clock was
# set back.
_SKEW = 60.0


class now(FunctionElement[float]):  # noqa: N801  # reads as the SQL function that it is
    """The time of the statement, by the database server's clock."""

    type = Double()
    inherit_cache = True


@compiles(now, "postgresql")
def _postgresql(_element: now, _compiler: Any, **_options: Any) -> str:
    # clock_timestamp() and not now(): a transaction may have waited for a lock since it began.
    return "extract(epoch from clock_timestamp())::double precision"


@compiles(now, "sqlite")
def _sqlite(_element: now, _compiler: Any, **_options: Any) -> str:
    # 2440587.5 is the Julian day of the epoch; unixepoch('subsec') needs SQLite 3.42.
    return "((julianday('now') - 2440587.5) * 86400.0)"


def is_over(moment: SQLColumnExpression[Any], *, ahead: float) -> ColumnElement[bool]:
    """Whether a moment has passed, also where the server's clock was set back since.

    Args:
        moment: in seconds of the database's clock.
        ahead: how many seconds ahead it lay at most when it was noted.
    """
    return or_(moment <= now(), moment > now() + (ahead + _SKEW))
