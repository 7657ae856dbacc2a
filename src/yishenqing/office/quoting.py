"""What officers, models and precedents cite, however it is written: width, traditional characters, spelling."""

from __future__ import annotations

from datetime import date

from yishenqing.core import citing
from yishenqing.core.citing import Unresolved
from yishenqing.core.law import Law


def unresolved(law: Law, text: str, on: date) -> list[Unresolved]:
    """Return what is cited in ``text`` and does not hold (``core.citing``); citations are told as they are read."""
    from yishenqing.search.folding import folded

    return citing.unresolved(law, folded(text), on) if text else []
