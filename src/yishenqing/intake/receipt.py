"""What the officer should know of the day of receipt (条例第三十一条), by the readings that the office takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yishenqing.core.errors import Reason
from yishenqing.core.readings import Readings
from yishenqing.core.receipt import counted_from
from yishenqing.core.workflow import Workflow
from yishenqing.intake.application import Application


def receipt_warnings(
    application: Application, workflow: Workflow, chosen: Mapping[str, str] | None = None
) -> Iterator[Reason]:
    """Yield what is to be done, or to be known, about the day of receipt; ``chosen`` as in the office's settings."""
    channel = workflow.channels[application.channel]
    readings = Readings(workflow.readings, chosen or {})
    word, contested = counted_from(channel, application.facts(), readings)
    confirmed = application.confirmed_on is not None
    if application.addressed_to is not None and contested:
        law = readings.known[contested].options[word].law
        yield Reason(
            f"邮件写给{application.addressed_to}，不是政府信息公开工作机构；{_taken(readings, contested)}", law
        )
    elif word == "confirmed_on" and not confirmed:
        yield Reason("这类渠道以双方确认之日为收到之日；尚未填写确认之日，请当日联系申请人确认", channel.law)
    elif word == "arrived_on" and contested and not confirmed:
        text = f"{_taken(readings, contested)}，答复期限自次日起算；条文另写双方确认，仍请联系申请人确认并作记录"
        yield Reason(text, channel.law)
    elif word == "arrived_on" and confirmed and application.confirmed_on != application.arrived_on:
        taken = f"{_taken(readings, contested)}；" if contested else "这类渠道以提交或者签收之日为收到之日；"
        yield Reason(f"{taken}所填确认之日不作为收到之日", channel.law)


def _taken(readings: Readings, name: str) -> str:
    """Say which of two ways of reading the law the office takes, and which it does not."""
    reading, word = readings.known[name], readings.word(name)
    others = "、".join(f"“{o.title}”" for w, o in reading.options.items() if w != word)
    return f"本机关{reading.options[word].title}（有争议，另一种读法是{others}）"
