"""The nearest precedents, by the library's own search; fused with the office's embedding endpoint where it has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yishenqing.precedents import Library, Match

POOL = 30  # precedents that are looked at for one request


class Nearest:
    """Searches the library; remembers what it has found, because every candidate asks alike."""

    def __init__(self, library: Library) -> None:
        """Search nothing yet."""
        self._library = library
        self._known: dict[str, Sequence[Match]] = {}
        self.notes: list[str] = []

    def __call__(self, text: str) -> Sequence[Match]:
        """Return the precedents nearest to ``text``, best first; none where there is nothing to search for."""
        if text not in self._known:
            self._known[text] = self._library.search(text, POOL) if any(c.isalnum() for c in text) else ()
        return self._known[text]
