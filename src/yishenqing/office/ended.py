"""A case that was destroyed at the end of its retention: how it is told, and what cannot be done with it any more."""

from __future__ import annotations

from yishenqing.core import destroying
from yishenqing.core.errors import Refused
from yishenqing.office.casework import Casework, Row


def destroyed_of(case: Casework) -> Row | None:
    """Return how a case was destroyed; None where it lies whole."""
    entry = destroying.destruction(case.entries)
    if entry is None:
        return None
    told = ("list", "kept", "basis", "opinion", "proposed_by")
    certificate = (entry.facts.get(destroying.CERTIFICATE) or [{}])[0]
    return {
        "on": entry.on.isoformat(),
        "seq": entry.seq,
        "approved_by": entry.actor,
        **{name: entry.facts.get(name) for name in told},
        "items": len(destroying.destroyed(case.entries)),
        "certificate": certificate.get("file"),
    }


def check_whole(case: Casework) -> None:
    """Refuse what needs the papers of a case that was destroyed.

    Raises:
        Refused: it was destroyed; when, and by which list.
    """
    told = destroyed_of(case)
    if told is not None:
        step = case.workflow.steps[destroying.STEP]
        raise Refused(
            f"案件{case.row.number}已于{told['on']}按销毁清册{told['list']}依法销毁，只存台账和销毁证明。",
            law=list(step.law),
        )
