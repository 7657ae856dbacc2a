"""A whole verb in one transaction: begun with its first write, kept together with its answer, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Connection


class _Aside(Exception):
    """The transaction gives way to what is better done outside it."""


class Single:
    """The one transaction of a verb. ``first`` is done when it begins; until then nothing is locked."""

    def __init__(
        self, begin: Callable[[], AbstractContextManager[Connection]], first: Callable[[Connection], None]
    ) -> None:
        """Begin with ``begin`` when the verb writes for the first time."""
        self._begin, self._first = begin, first
        self._stack = ExitStack()
        self._parts = 0
        self.connection: Connection | None = None
        self.after: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        """Return itself; nothing has begun yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Keep everything, or nothing if there was an error."""
        self.connection = None
        self._stack.__exit__(kind, error, at)

    @contextmanager
    def part(self) -> Iterator[Connection]:
        """Give the connection to one writing part of the verb; what it has written goes if it breaks off."""
        if self.connection is None:
            self.connection = self._stack.enter_context(self._begin())
            self._first(self.connection)
        with self.connection.begin_nested():
            yield self.connection
        self._parts += 1

    def step_aside(self) -> None:
        """Let others write, if nothing but the part just ended has been done: it has only looked."""
        if self._parts != 1:
            return
        stack, self._stack, self.connection, self._parts = self._stack, ExitStack(), None, 0
        stack.__exit__(_Aside, _Aside(), None)
