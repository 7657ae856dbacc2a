"""Letters of the authority (文书): templates filled from a case, every sentence with its source, printed as PDF/A."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yishenqing.letters.book import Letterbook
    from yishenqing.letters.model import LetterKind, Passage

__all__ = ["LetterKind", "Letterbook", "Passage"]


def __getattr__(name: str) -> Any:
    """Load the letter book when it is asked for; ``python -m yishenqing.letters.fonts`` needs none of it."""
    if name == "Letterbook":
        from yishenqing.letters import book

        return book.Letterbook
    if name in __all__:
        from yishenqing.letters import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
