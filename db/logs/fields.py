"""Named values that stand on log lines beside the sentence: of one line, or of all in a block."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# The attribute of a record that holds the values of its line.
FIELDS = "kaolabel_fields"

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_bound: ContextVar[Mapping[str, Any]] = ContextVar("log_fields", default=_NOTHING)


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Values of one line: `logger.info("job is done", extra=fields(images=512))`."""
    return {FIELDS: values}


@contextmanager
def bound(**values: Any) -> Iterator[None]:
    """Have values stand on every line that the block logs, in its thread and in carried ones."""
    token = _bound.set({**_bound.get(), **values})
    try:
        yield
    finally:
        _bound.reset(token)


def bind_all(**values: Any) -> None:
    """Have exactly these values stand on every line from now on; without any, none."""
    _bound.set(values)


def current() -> Mapping[str, Any]:
    """What is bound right now."""
    return _bound.get()


def carried(work: Callable[[], None]) -> Callable[[], None]:
    """The same work for another thread, with what is bound right now."""
    context = copy_context()
    return lambda: context.run(work)
