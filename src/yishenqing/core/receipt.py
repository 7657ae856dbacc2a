"""The day of receipt (条例第三十一条), which starts the clock and decides whose law governs the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct

from yishenqing.core.deadline import Fact, as_date
from yishenqing.core.errors import Reason
from yishenqing.core.readings import Readings
from yishenqing.core.workdays import Workdays
from yishenqing.core.workflow import Channel, Workflow


class Receipt(Struct, frozen=True):
    """The day on which an application counts as received; ``on`` is None until receipt is confirmed.

    ``turns_on`` names the contested readings by which the day would or might be another.
    """

    on: date | None
    reasons: Callable[[], list[Reason]]  # worded when somebody reads them
    turns_on: tuple[str, ...] = ()


def counted_from(channel: Channel, facts: Mapping[str, Any], readings: Readings) -> tuple[str, str]:
    """Return by which day a channel counts (``arrived_on``, ``confirmed_on``), and the contested reading behind it.

    The reading is empty where nothing is contested.
    """
    word, contested = channel.receipt, ""
    for one in channel.readings:
        if one.reading != "rest_day" and (not one.if_given or facts.get(one.if_given)):
            word = "confirmed_on" if readings.word(one.reading) == "confirmed_on" else "arrived_on"
            contested = one.reading
    return word, contested


def receipt_of(channel: Channel, fact: Fact, readings: Readings, workdays: Workdays) -> Receipt:
    """Return the day of receipt of what arrived on the day of ``fact`` through ``channel``."""
    confirmed = as_date(fact.facts.get("confirmed_on"))
    word, turned = counted_from(channel, fact.facts, readings)
    turns = [turned] if turned and (word == "confirmed_on" or confirmed is not None) else []
    if word == "arrived_on" and not workdays.is_working(fact.on):
        turns += [c.reading for c in channel.readings if c.reading == "rest_day"]
    day = confirmed
    if word == "arrived_on":
        later = "rest_day" in turns and readings.word("rest_day") == "next_workday"
        day = workdays.roll(fact.on).day if later else fact.on

    def reasons() -> list[Reason]:
        departures = [reason for name in turns for reason in readings.departure(name)]
        text = f"{confirmed}确认收到申请" if confirmed else f"{fact.on}到达，尚待与申请人确认"
        if word == "arrived_on":
            text = f"{fact.on}收到申请"
        said = "" if departures else f"：{channel.text}"  # the channel's own words say what is read by default
        return [Reason(f"{text}{said}", channel.law), *departures]

    return Receipt(day, reasons, tuple(turns))


def received_on(
    workflow: Workflow, facts: Sequence[Fact], workdays: Workdays, chosen: Mapping[str, str] | None = None
) -> date:
    """Return the day of receipt (条例第三十一条), whose law governs the case; the day of arrival until confirmed.

    ``chosen`` are the office's own readings of what is contested.
    """
    return governed_from(
        workflow, facts, first_receipt(workflow, facts, workdays, Readings(workflow.readings, chosen or {}))
    )


def first_receipt(
    workflow: Workflow, facts: Sequence[Fact], workdays: Workdays, readings: Readings
) -> Receipt | None:
    """Return the receipt of the application itself; None where no channel says how the day is found."""
    channel = workflow.channels.get(str(facts[0].facts.get("channel", "")))
    return receipt_of(channel, facts[0], readings, workdays) if channel is not None else None


def governed_from(workflow: Workflow, facts: Sequence[Fact], receipt: Receipt | None) -> date:
    """Return the day whose law governs the case: that of receipt, until it is confirmed that of arrival."""
    if receipt is None:
        return facts[0].on
    return receipt.on or next((f.on for f in facts if f.step == workflow.confirming), facts[0].on)
