"""A case as it was known on a day, and why it looks different now: for a court that asks what the office knew."""

from __future__ import annotations

from collections.abc import Mapping

from yishenqing.core.deadline import Deadline
from yishenqing.office.casework import Casework, Row


def differences(then: Casework, now: Casework, before: Mapping[str, Deadline], after: Mapping[str, Deadline]) -> Row:
    """Return what changed since: acts recorded later, and each deadline that moved with the reasons that are new."""
    later = now.entries[len(then.entries) :]
    moved = [key for key in after if _differs(before.get(key), after[key])]
    return {
        "entries": [
            {
                "seq": e.seq,
                "on": e.on.isoformat(),
                "recorded_at": e.recorded_at,
                "title": now.workflow.steps[e.step].title,
            }
            for e in later
        ],
        "deadlines": [_moved(key, before.get(key), after[key]) for key in moved],
    }


def _differs(before: Deadline | None, after: Deadline) -> bool:
    return before is None or (before.due, before.provisional) != (after.due, after.provisional)


def _moved(key: str, before: Deadline | None, after: Deadline) -> Row:
    known = before.reasons if before else ()
    return {
        "clock": key,
        "title": after.title,
        "then": before.due.isoformat() if before else None,
        "now": after.due.isoformat(),
        "why": [{"text": r.text, "law": r.law} for r in after.reasons if r not in known],
    }
