"""The day of receipt (条例第三十一条), which starts the clock and decides whose law governs the case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from yishenqing.core.deadline import Fact, as_date
from yishenqing.core.workflow import Workflow


def received_on(workflow: Workflow, facts: Sequence[Fact]) -> date:
    """Return the day of receipt (条例第三十一条), whose law governs the case; the day of arrival until confirmed."""
    first = facts[0]
    channel = workflow.channels.get(str(first.facts.get("channel", "")))
    if channel is None or channel.receipt == "arrived_on":
        return first.on
    confirmed = as_date(first.facts.get("confirmed_on"))
    later = (f.on for f in facts if f.step == workflow.confirming)
    return confirmed or next(later, first.on)
