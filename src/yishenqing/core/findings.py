"""What was found of each item, and the outcome of the whole that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yishenqing.core.standing import Attempt, Standing
from yishenqing.core.workflow import Guard


def found_items(standing: Standing, step: str) -> dict[int, Mapping[str, Any]]:
    """Return what ``step`` has found of each item, the latest finding of each."""
    return {int(f.facts["item"]): f.facts for f in standing.all(step)}


def composes(attempt: Attempt, guard: Guard) -> str:
    """The outcome of the whole follows from the findings: all alike, partial, or one of them as the main one."""
    found = found_items(attempt.standing, guard.step)
    given = (attempt.facts or {}).get(guard.field)
    if not found or not given:
        return ""
    count = attempt.standing.latest("item_count") or max(found)
    missing = [n for n in range(1, count + 1) if n not in found]
    if missing:
        return f"第{'、'.join(map(str, missing))}项尚未“{attempt.standing.workflow.steps[guard.step].title}”"
    workflow = attempt.standing.workflow
    each = {str(found[n][guard.of]) for n in range(1, count + 1)}
    gives = any(workflow.outcomes[o].gives != "none" for o in each)
    allowed = {workflow.mixed} if len(each) > 1 and gives else each
    if given in allowed:
        return ""
    titles = "、".join(f"{o}（{workflow.outcomes[o].title}）" for o in sorted(allowed))
    return f"与逐项认定的结果不符；按各项认定应为：{titles}"
