"""Records of many faces: a frozen dataclass of arrays, one row a face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rows:
    """Base of frozen dataclasses whose fields are all arrays, or other `Rows`, of n rows."""

    __slots__ = ()

    # Read where `dataclasses.fields` takes longer than all the rest.
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __len__(self) -> int:
        return len(getattr(self, next(iter(self.__dataclass_fields__))))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """Give some of the rows, in the order asked for; a row may be asked for often.

        Args:
            rows: indices, or a mask of n.

        Returns:
            A record of their length.
        """
        kept = [
            value.take(rows) if isinstance(value, Rows) else value[rows]
            for value in map(self.__getattribute__, self.__dataclass_fields__)
        ]
        return type(self)(*kept)
