"""What a verb answers about a case: each part is worked out when it is looked at, and then kept.

An act is decided and written; its answer (offers, opened entries, letters) costs more than the act itself, and a
host that only needs the new state should not pay for the rest while everybody else waits for the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Answer(Mapping[str, Any]):
    """A read-only mapping with the keys of the contract; ``dict(answer)`` works out all of it."""

    def __init__(self, parts: Mapping[str, Callable[[], Any]], **known: Any) -> None:
        """Know ``known`` at once, and the parts when asked."""
        self._parts = parts
        self._known = dict(known)
        self._found: dict[str, Any] = dict(known)

    def __getitem__(self, key: str) -> Any:
        """Return one part, working it out the first time."""
        if key not in self._found:
            self._found[key] = self._parts[key]()
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys in the order of the contract."""
        yield from self._parts
        yield from (name for name in self._known if name not in self._parts)

    def __len__(self) -> int:
        """Return how many parts there are."""
        return len(self._parts.keys() | self._known.keys())

    def __repr__(self) -> str:
        """Return what has been worked out so far."""
        return f"Answer({self._found!r})"
