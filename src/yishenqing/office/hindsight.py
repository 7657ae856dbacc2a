"""A case as it was known on a day, and why it looks different now: for a court that asks what the office knew."""

from __future__ import annotations

from collections.abc import Mapping

from yishenqing.core.deadline import Deadline
from yishenqing.core.workdays import Workdays
from yishenqing.office.casework import Casework, Row


def differences(then: Casework, now: Casework, before: Mapping[str, Deadline], after: Mapping[str, Deadline]) -> Row:
    """Return what changed since: acts recorded later, and each deadline that moved with the reasons that are new."""
    later = now.entries[len(then.entries) :]
    moved = [key for key in after if _differs(before.get(key), after[key])]
    notices = _announced(then.standing.workdays, now.standing.workdays)
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
        "deadlines": [_moved(key, before.get(key), after[key], notices) for key in moved],
    }


def _differs(before: Deadline | None, after: Deadline) -> bool:
    return before is None or (before.due, before.provisional) != (after.due, after.provisional)


def _announced(then: Workdays, now: Workdays) -> list[Row]:
    """Return the years whose working days were loaded since: a date may move by them without any new reason."""
    loaded = sorted(year for year in now.years if year not in then.years)
    return [
        {"text": f"{year}年放假调休安排此后载入（{now.years[year].loaded_on or '日期不明'}）", "law": ""}
        for year in loaded
    ]


def _moved(key: str, before: Deadline | None, after: Deadline, notices: list[Row]) -> Row:
    known = before.reasons if before else ()
    counted_anew = notices if before is not None and (before.provisional or before.due.year != after.due.year) else []
    return {
        "clock": key,
        "title": after.title,
        "then": before.due.isoformat() if before else None,
        "now": after.due.isoformat(),
        "why": [{"text": r.text, "law": r.law} for r in after.reasons if r not in known] + counted_anew,
    }
