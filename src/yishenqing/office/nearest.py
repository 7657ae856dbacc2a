"""The nearest precedents: the library's own search, fused with the office's embedding endpoint where it has one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.office.masking import masked

if TYPE_CHECKING:
    from yishenqing.endpoints import Endpoint
    from yishenqing.precedents import Library, Match, Precedent
    from yishenqing.search import Wanted
    from yishenqing.settings import Model

POOL = 30  # precedents that are looked at for one request
_LONGEST = 2000  # characters of a text that is sent
_KEPT = "vectors.db"  # derived: it may be deleted any time


def endpoint_of(model: Model) -> Endpoint:
    """Return where a model of the settings answers; its key comes from the environment."""
    from yishenqing.endpoints import Endpoint

    key = os.environ.get(model.key_env, "") if model.key_env else ""
    return Endpoint(model.url, model.model, key, model.timeout)


class Nearest:
    """Searches the library; remembers what it has found, because every candidate asks alike.

    ``notes`` says what did not help: without its endpoint the search answers as the library alone does.
    """

    def __init__(
        self,
        library: Library,
        model: Model | None = None,
        home: Path | None = None,
        parties: Mapping[str, str] | None = None,
    ) -> None:
        """Search nothing yet; ``parties`` are the people whose names are never sent."""
        self._library, self._model, self._home, self._parties = library, model, home, parties or {}
        self._known: dict[str, Sequence[Match]] = {}
        self.notes: list[str] = []

    def __call__(self, text: str) -> Sequence[Match]:
        """Return the precedents nearest to ``text``, best first; none where there is nothing to search for."""
        if text not in self._known:
            self._known[text] = self.search(text, POOL) if any(c.isalnum() for c in text) else ()
        return self._known[text]

    def search(self, text: str, limit: int, wanted: Wanted | None = None) -> Sequence[Match]:
        """Return the ``limit`` precedents nearest to ``text``.

        Raises:
            DataFault: there is nothing to search for.
        """
        if self._model is None or not text.strip():
            return self._library.search(text, limit, wanted)
        return self._fused(text, self._library.search(text, max(limit, POOL), wanted))[:limit]

    def _fused(self, text: str, matches: Sequence[Match]) -> Sequence[Match]:
        from yishenqing.endpoints import Unreachable, fused, nearest, vectors

        if self._model is None or not matches:
            return matches
        kept = self._home / ".cache" / _KEPT if self._home else None
        texts = [text, *(_told(m.precedent) for m in matches)]
        sent = [masked(t, self._parties)[:_LONGEST] for t in texts]
        try:
            query, *others = vectors(endpoint_of(self._model), sent, kept)
        except Unreachable as error:
            self.notes.append(f"嵌入模型{error}，案例按全文检索排列，其他不受影响")
            self._model = None  # asked once: a command waits at most one time
            return matches
        by_meaning = nearest(query, {m.id: v for m, v in zip(matches, others, strict=True)})
        known = {m.id: m for m in matches}
        return [known[name] for name in fused([[m.id for m in matches], by_meaning])]


def _told(precedent: Precedent) -> str:
    return "\n".join(t for t in (precedent.title, precedent.request, precedent.holding, precedent.facts) if t)
