"""Checks of days: the reply, its extension, the day of receipt, the supplement, the fee notice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from msgspec.structs import replace

from yishenqing.core.deadline import Deadline, as_date
from yishenqing.core.fees import parts
from yishenqing.core.readings import Readings
from yishenqing.core.receipt import receipt_of
from yishenqing.inspection.model import Check, Found, Subject
from yishenqing.inspection.places import in_case, whole_letter

_REPLY, _NOTICE = "reply", "supplement_notice"
_EXTENDED, _ASKED, _FEE = "extended", "supplement_requested", "fee_notified"
_MOVES_RECEIPT = frozenset({"on", "confirmed_on", "channel"})


def late_reply(subject: Subject, _check: Check) -> Iterator[Found]:
    """The letter's day (once it is known, that of posting) against the last day, and against stricter readings."""
    due = subject.standing.deadlines(subject.on).get(_REPLY)
    if due is None or due.state == "stopped":
        return
    day = due.met_on or subject.on
    what = "发出" if due.met_on else "成文"
    if day > due.due:
        yield Found(f"{day}{what}，已超过{due.title}（{due.due}届满）", whole_letter(subject))
    for other in due.alternatives:
        if other.due < day <= due.due:
            text = f"{day}{what}；按另一种算法，{due.title}已于{other.due}届满（{other.why}）"
            yield Found(text, whole_letter(subject))


def late_extension(subject: Subject, _check: Check) -> Iterator[Found]:
    """An extension of which the applicant was told after the first period has no effect."""
    for n, told in subject.numbered(_EXTENDED):
        due = _before(subject, n, _REPLY)
        posted = as_date(told.facts.get("posted_on")) or told.on
        if due is not None and posted > due.due:
            text = f"延期告知书{posted}发出，原{due.title}已于{due.due}届满，延期不发生效力"
            yield Found(text, in_case(subject, n), mendable=n == subject.issuing)


def _before(subject: Subject, number: int, clock: str) -> Deadline | None:
    """Return a deadline as it stood before an entry, by the facts as they are now known."""
    standing = replace(subject.standing, facts=subject.standing.facts[: number - 1])
    return standing.deadlines(subject.standing.facts[number - 1].on).get(clock) if number > 1 else None


def start_day(subject: Subject, _check: Check) -> Iterator[Found]:
    """The day of receipt follows from the channel; whoever moved it by a correction needs proof."""
    standing = subject.standing
    for n, told in subject.numbered(standing.workflow.correcting):
        if told.facts.get("of") == 1 and told.facts.get("field") in _MOVES_RECEIPT:
            field = {"on": "到达日期", "confirmed_on": "确认之日", "channel": "申请渠道"}[str(told.facts["field"])]
            text = f"{field}更正为“{told.facts.get('value')}”，收到申请之日随之改变，须有凭据"
            yield Found(text, in_case(subject, n))
    first = standing.facts[0]
    channel = standing.workflow.channels.get(str(first.facts.get("channel", "")))
    if channel is None:
        return
    receipt = receipt_of(channel, first, Readings(standing.workflow.readings, standing.readings), standing.workdays)
    if receipt.on is None and not standing.last(standing.workflow.confirming):
        yield Found(f"{channel.title}的申请以双方确认之日为收到之日，案卷中没有确认的记录", in_case(subject, 1))


def second_supplement(subject: Subject, _check: Check) -> Iterator[Found]:
    """Defects are told once, all of them."""
    for n, told in subject.numbered(_ASKED)[1:]:
        text = f"{told.on}再次告知补正，答复期限不因此重新计算"
        yield Found(text, in_case(subject, n), mendable=n == subject.issuing)


def late_supplement(subject: Subject, _check: Check) -> Iterator[Found]:
    """A notice after its own period."""
    for n, told in subject.numbered(_ASKED):
        due = _before(subject, n, _NOTICE)
        if due is not None and told.on > due.due:
            text = f"{told.on}告知补正，已超过{due.title}（{due.due}届满）"
            yield Found(text, in_case(subject, n), mendable=n == subject.issuing)


def fee_late(subject: Subject, _check: Check) -> Iterator[Found]:
    """The fee is told inside the period for the reply."""
    due = _before(subject, subject.issuing, _REPLY)
    if subject.act.step == _FEE and due is not None and subject.on > due.due:
        yield Found(f"{subject.on}告知收费，{due.title}已于{due.due}届满", in_case(subject, subject.issuing))


def fee_formula(subject: Subject, _check: Check) -> Iterator[Found]:
    """The amount is what the scale amounts to."""
    facts = subject.act.facts
    scale = subject.standing.law.fees.get(str(facts.get("scale")))
    units, prior, amount = facts.get("units"), facts.get("prior") or 0, facts.get("amount")
    if scale is None or not isinstance(units, int) or not isinstance(prior, int) or min(units, prior) < 0:
        return
    due = sum(part.amount for part in parts(scale, units, prior))
    if amount != due:
        text = f"{scale.title}，{units}{scale.unit}应为{due}元，填写的是{amount}元"
        yield Found(text, in_case(subject, subject.issuing), scale.law)


def fee_unreckoned(subject: Subject, _check: Check) -> Iterator[Found]:
    """An amount that nobody can recompute."""
    facts = subject.act.facts
    if subject.act.step == _FEE and not (facts.get("scale") and facts.get("units")):
        text = f"收费{facts.get('amount')}元，没有写明计收办法和件数、页数，无法核对"
        yield Found(text, in_case(subject, subject.issuing))


def days_of_receipt(subject: Subject) -> set[date]:
    """Return every day on which the application, or its supplement, arrived or was received."""
    case = subject.context.get("case") or {}
    named = {case.get("arrived_on"), case.get("received_on")}
    return {d for d in named if isinstance(d, date)} | {t.on for _, t in subject.numbered("supplement_received")}
