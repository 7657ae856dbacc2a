"""Deadlines from facts alone: no office, no case, no database (``ysq clock FILE``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from yishenqing import almanac, rulebook
from yishenqing.core.deadline import Fact
from yishenqing.core.decide import not_happened
from yishenqing.core.errors import CalendarGap, DataFault, Fault, Reason, Refused, YishenqingError
from yishenqing.core.facts import shaped
from yishenqing.core.guards import guard_refusals
from yishenqing.core.readings import objections
from yishenqing.core.standing import Attempt, Standing
from yishenqing.core.workflow import Step, Workflow
from yishenqing.documents import json_value, parse, read_text

Row = dict[str, Any]
_RESERVED = {"on", "fact"}
_ARRIVED = "arrived_on"
_YEARS = range(1949, 2200)  # anything else is a slip of the pen


class Reckoning(Struct, frozen=True):
    """The rules that histories are reckoned by."""

    rules: rulebook.Rulebook
    home: Path | None

    def history(self, data: Any, file: str, today: date, line: int | None = None) -> tuple[Row, int]:
        """Return the deadlines of one history, and the exit code it amounts to.

        Raises:
            DataFault: the history is malformed.
            CalendarGap: a past year that it needs has no notice.
        """
        day, facts = _checked(data, file, line, today, self.rules.workflow)
        workdays = almanac.workdays(day, self.home)
        unopened = Standing(self.rules.workflow, self.rules.law, workdays, readings=data.get("readings") or {})
        standing, refused = self._lawful(unopened, facts, day, file, line)
        found = standing.deadlines(day)
        answer = {"deadlines": [d.as_json() for d in found.values()], "refused": refused}
        return answer, Refused.exit_code if refused else 0

    def _lawful(
        self, standing: Standing, facts: list[Row], today: date, file: str, line: int | None
    ) -> tuple[Standing, list[Row]]:
        """Take the facts one by one; what the law does not allow is refused and leaves no trace on the clocks."""
        refused = []
        for fact in facts:
            step = self.rules.workflow.steps[fact["fact"]]
            shape = _shaped(self.rules.workflow, step, fact, file, line)
            attempt = Attempt(standing, fact["fact"], step, fact["on"], shape)
            reasons = [
                *_order(standing, fact["on"], today, self.rules.workflow, step),
                *not_happened(attempt, today),
            ] or guard_refusals(attempt, facts_alone=True)
            if reasons:
                refused.append(
                    {
                        "on": fact["on"].isoformat(),
                        "fact": fact["fact"],
                        "reasons": [{"text": r.text, "law": r.law} for r in reasons],
                        "law": list(dict.fromkeys(r.law for r in reasons if r.law)),
                    }
                )
            else:
                standing = standing.plus(Fact(fact["fact"], fact["on"], shape), "")
        return standing, refused


def clock_file(path: Path, home: Path | None, today: date) -> tuple[list[Row], int]:
    """Return the answer of every history in ``path`` (one JSON document, or JSON lines), and the highest exit code.

    Raises:
        DataFault: the file is malformed.
        CalendarGap: a past year that a single history needs has no notice.
    """
    reckoning = Reckoning(rulebook.read_rulebook(home), home)
    text = read_text(path)
    if not _is_lines(text):
        answer, code = reckoning.history(parse(text, str(path), as_json=True).data, str(path), today)
        return [answer], code
    answers, worst = [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            answer, code = _one_of_many(reckoning, line, str(path), number, today)
            answers.append(answer)
            worst = max(worst, code)
    return answers, worst


def _is_lines(text: str) -> bool:
    """JSON lines: more than one, and the first is a whole document by itself."""
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        return len(lines) > 1 and isinstance(json.loads(lines[0]), dict)
    except (ValueError, RecursionError):
        return False


def _one_of_many(reckoning: Reckoning, line: str, file: str, number: int, today: date) -> tuple[Row, int]:
    """One history's fault does not keep the others' answers back; it stands at its own place among them."""
    try:
        return reckoning.history(json_value(line, file, number), file, today, number)
    except (DataFault, CalendarGap) as error:
        return _named(error), error.exit_code


def _named(error: YishenqingError) -> Row:
    return error.as_json()


def _checked(data: Any, file: str, line: int | None, today: date, workflow: Workflow) -> tuple[date, list[Row]]:
    faults: list[Fault] = []

    def fault(text: str, field: str) -> None:
        faults.append(Fault(text, file, line, field))

    if not isinstance(data, dict) or not isinstance(data.get("facts"), list):
        raise DataFault.of([Fault("应为 {“today”: 日期, “facts”: [事实…]}", file, line)])
    for key in data.keys() - {"today", "facts", "readings"}:
        fault("未知的键", key)
    for key, text in _of_readings(data.get("readings")):
        fault(text, key)
    day = _day(data.get("today"), today)
    if day is None:
        fault(f"“{data.get('today')}”不是存在的日期，应写作 2026-03-02（不带时刻和时区）", "today")
    facts = list(_dated(data["facts"], workflow, fault))
    if faults or day is None:
        raise DataFault.of(faults)
    return day, facts


def _dated(given: list[Any], workflow: Workflow, fault: Callable[[str, str], None]) -> Iterator[Row]:
    """Yield the facts whose step and day there are; ``fault`` is told of the others."""
    for index, fact in enumerate(given, 1):
        place = f"facts.{index}"
        on = _day(fact.get("on"), None) if isinstance(fact, dict) else None
        if not isinstance(fact, dict):
            fault("应为键值对", place)
        elif not isinstance(fact.get("fact"), str) or fact["fact"] not in workflow.steps:
            fault(f"没有“{fact.get('fact')}”这一事实；可用：{'、'.join(workflow.steps)}", f"{place}.fact")
        elif on is None:
            fault(f"“{fact.get('on')}”不是存在的日期，应写作 2026-03-02（不带时刻和时区）", f"{place}.on")
        else:
            yield {**fact, "on": on}


def _of_readings(readings: Any) -> Iterator[tuple[str, str]]:
    if readings is not None and not isinstance(readings, dict):
        yield "readings", "应为 {争议问题: 读法}，如 {“rest_day”: “next_workday”}"
    else:
        yield from ((f"readings.{name}", text) for name, text in objections(readings or {}))


def _day(value: Any, default: date | None) -> date | None:
    if value is None:
        return default
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-03-02") else None
    except ValueError:
        return None
    return day if day is not None and day.year in _YEARS else None


def _shaped(workflow: Workflow, step: Step, fact: Mapping[str, Any], file: str, line: int | None) -> dict[str, Any]:
    given = {k: v for k, v in fact.items() if k not in _RESERVED and k != _ARRIVED}
    try:
        shape = shaped(workflow, step, given)
    except DataFault as error:
        raise DataFault.of([Fault(f.text, file, line, f.field) for f in error.faults]) from None
    if fact["fact"] == workflow.opening and "channel" not in shape:
        text = f"缺少申请渠道，不能确定收到申请之日；可用：{'、'.join(workflow.channels)}"
        raise DataFault.of([Fault(text, file, line, "channel", "、".join(step.law))])
    return shape


def _order(standing: Standing, on: date, today: date, workflow: Workflow, step: Step) -> Iterator[Reason]:
    """What the order of dates forbids, whatever the step's own guards say."""
    opening = workflow.steps[workflow.opening]
    if on > today:
        yield Reason(f"{on}晚于今天（{today}）", workflow.law[0])
    if not standing.facts and step is not opening:
        yield Reason(f"尚未“{opening.title}”，不能先有“{step.title}”", opening.law[0])
    if standing.facts and step is opening:
        yield Reason(f"已于{standing.facts[0].on}{opening.title}", opening.law[0])
    if standing.last_on is not None and on < standing.last_on:
        yield Reason(f"{on}早于前一事实的日期{standing.last_on}，须按先后顺序", step.law[0])
