"""Letters of the authority (文书): templates filled from a case, every sentence with its source, printed as PDF/A."""

from yishenqing.letters.book import Letterbook
from yishenqing.letters.model import LetterKind, Passage

__all__ = ["LetterKind", "Letterbook", "Passage"]
