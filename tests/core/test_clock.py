"""The statutory clock against a recount by hand, over thousands of histories that nobody made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from yishenqing.core.clock import deadlines
from yishenqing.core.deadline import Deadline, Fact, as_date
from yishenqing.core.ledger import canonical
from yishenqing.core.receipt import received_on
from yishenqing.core.workdays import Workdays, Year
from yishenqing.core.workflow import Clock, Effect, Field, Start, Step, Workflow
from yishenqing.rulebook import Rulebook

DAY = timedelta(days=1)
NEW_LAW = date(2019, 5, 15)
BY_ARRIVAL = ("in_person", "oral", "registered_mail", "online", "email")
BY_CONFIRMATION = ("ordinary_mail", "fax")
LAW = "条例第三十三条第二款"
Days = Callable[[date], Workdays]


class History(Struct, frozen=True):
    """What happened to one application, in the order in which it can happen."""

    channel: str
    arrived: date
    confirmed: date | None
    confirmed_at_once: bool
    notice: date | None
    supplement: date | None
    extension: int
    today: date

    def facts(self) -> list[Fact]:
        """Say the history in the words of the workflow."""
        found = [Fact("received", self.arrived, {"channel": self.channel})]
        if self.confirmed and self.confirmed_at_once:
            found = [Fact("received", self.arrived, {"channel": self.channel, "confirmed_on": self.confirmed})]
        elif self.confirmed and self.channel in BY_CONFIRMATION:
            found.append(Fact("receipt_confirmed", self.confirmed, {}))
        if self.notice:
            found.append(Fact("supplement_requested", self.notice, {"until": self.notice + DAY * 30}))
        if self.supplement:
            found.append(Fact("supplement_received", self.supplement, {}))
        if self.extension:
            found.append(Fact("extended", found[-1].on, {"days": self.extension}))
        return found


@st.composite
def histories(draw: st.DrawFn) -> History:
    waits = st.integers(0, 20)
    arrived = draw(st.dates(date(2012, 1, 1), date(2026, 2, 1)))
    later = arrived + DAY * draw(waits)
    confirmed = draw(st.sampled_from([None, later, later]))
    notice = draw(st.sampled_from([None, later + DAY * draw(waits)])) if confirmed else None
    supplement = notice + DAY * draw(waits) if notice and draw(st.booleans()) else None
    today = (supplement or notice or later) + DAY * draw(st.integers(0, 60))
    # While the applicant's supplement is awaited, nobody extends.
    extension = 0 if notice and not supplement else draw(st.integers(0, 20))
    channel = draw(st.sampled_from(BY_ARRIVAL + BY_CONFIRMATION * 3))
    return History(channel, arrived, confirmed, draw(st.booleans()), notice, supplement, extension, today)


def nth(days: Workdays, start: date, length: int) -> date:
    """Walk on day by day until ``length`` working days are ticked off."""
    day = start
    while length:
        day += DAY
        length -= days.is_working(day)
    return day


def recounted(days: Workdays, h: History) -> tuple[date, str]:
    """Return the last day of the reply period and its state, straight from the articles."""
    start = h.arrived if h.channel in BY_ARRIVAL else h.confirmed
    stopped = h.arrived if start is None else None
    old = (start or h.arrived) < NEW_LAW
    if start and h.notice and not old and h.notice <= nth(days, start, 7):
        stopped = h.notice
    if h.supplement and stopped:
        start, stopped = h.supplement, None
    if stopped:
        start = max(h.today, stopped)
    assert start
    due = nth(days, start, (15 if old else 20) + h.extension)
    return due, "stopped" if stopped else "running" if h.today <= due else "missed"


@settings(max_examples=1500)
@given(histories())
def test_the_reply_clock_agrees_with_a_recount_by_hand(rules: Rulebook, workdays: Days, history: History) -> None:
    days = workdays(history.today)
    found = deadlines(rules.workflow, rules.law, days, history.facts(), history.today)["reply"]
    assert (found.due, found.state) == recounted(days, history)
    assert days.is_working(found.due)
    assert found.provisional is (found.state == "stopped")
    assert all(days.is_working(a.due) and a.due > found.due for a in found.alternatives)
    assert all(not r.law or rules.law.unresolved(r.law) is None for r in found.reasons)


@settings(max_examples=400)
@given(histories(), st.data())
def test_one_more_holiday_never_makes_the_reply_earlier(
    rules: Rulebook, workdays: Days, history: History, data: st.DataObject
) -> None:
    days = workdays(history.today)
    free = data.draw(st.dates(history.arrived, history.arrived + DAY * 120))
    year = days.years[free.year]
    more = {y: days.years[y] for y in range(2011, 2027)}
    more[free.year] = Year(year.year, year.notices, year.off | {free}, year.worked - {free})
    before, after = (
        deadlines(rules.workflow, rules.law, calendar, history.facts(), history.today)["reply"].due
        for calendar in (days, Workdays(more, history.today))
    )
    assert after >= before


@settings(max_examples=400)
@given(histories())
def test_facts_read_back_from_the_ledger_give_the_same_deadlines(
    rules: Rulebook, workdays: Days, history: History
) -> None:
    facts = history.facts()
    stored = [Fact(f.step, f.on, json.loads(canonical(f.facts))) for f in facts]
    days = workdays(history.today)
    assert deadlines(rules.workflow, rules.law, days, stored, history.today) == deadlines(
        rules.workflow, rules.law, days, facts, history.today
    )


@settings(max_examples=300)
@given(histories(), st.integers(0, 200))
def test_what_is_met_stands_still_whoever_looks_later(
    rules: Rulebook, workdays: Days, history: History, wait: int
) -> None:
    facts = [*history.facts(), Fact("withdrawn", history.today, {})]
    then, later = history.today, history.today + DAY * wait
    seen = [deadlines(rules.workflow, rules.law, workdays(d), facts, d)["reply"] for d in (then, later)]
    assert seen[0] == seen[1]
    # What the organ had let run out before the applicant withdrew stays run out.
    ended = "met" if then <= seen[0].due else "missed"
    assert (seen[0].state, seen[0].provisional, seen[0].met_on) == (ended, False, then)


# A procedure of our own with consultations: the union of the waits is left out of the count.
CONSULTED = Step("征求意见", ("handler",), (LAW,), ("handling",), pauses=(Effect("reply", LAW),))
ANSWERED = Step("收到意见", ("handler",), (LAW,), ("handling",), resumes=(Effect("reply", LAW, answers="asked"),))


def consulting(workflow: Workflow) -> Workflow:
    return replace(workflow, steps={**workflow.steps, "asked": CONSULTED, "told": ANSWERED})


def _waits(spans: Sequence[tuple[date, date | None]]) -> list[Fact]:
    found = [Fact("asked", since, {"id": str(i)}) for i, (since, _) in enumerate(spans)]
    found += [Fact("told", until, {"id": str(i)}) for i, (_, until) in enumerate(spans) if until]
    return sorted(found, key=lambda f: (f.on, f.step))


@pytest.mark.parametrize(("days_more", "due"), [(0, "2026-04-14"), (20, "2026-05-14")])
def test_the_wait_for_an_opinion_is_left_out(rules: Rulebook, workdays: Days, days_more: int, due: str) -> None:
    facts = [Fact("received", date(2026, 3, 2), {"channel": "in_person"})]
    facts += _waits([(date(2026, 3, 10), date(2026, 3, 24))])
    facts += [Fact("extended", date(2026, 3, 27), {"days": days_more})]
    found = deadlines(consulting(rules.workflow), rules.law, workdays(date(2026, 3, 30)), facts, date(2026, 3, 30))
    assert str(found["reply"].due) == due
    assert any("至2026-03-24的10个工作日不计入" in r.text for r in found["reply"].reasons)


@settings(max_examples=500)
@given(
    st.dates(date(2013, 1, 1), date(2025, 9, 1)),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 25)), min_size=1, max_size=4),
    st.booleans(),
)
def test_overlapping_waits_are_left_out_once(
    rules: Rulebook,
    workdays: Days,
    arrived: date,
    waits: list[tuple[int, int]],
    last_is_open: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    spans: list[tuple[date, date | None]] = [(arrived + DAY * a, arrived + DAY * (a + n)) for a, n in waits]
    today = arrived + DAY * 60
    if last_is_open:
        spans[-1] = (spans[-1][0], None)
    days = workdays(today)
    facts = [Fact("received", arrived, {"channel": "in_person"}), *_waits(spans)]
    found = deadlines(consulting(rules.workflow), rules.law, days, facts, today)["reply"]
    due, left = arrived, 15 if arrived < NEW_LAW else 20
    while left:
        due += DAY
        left -= days.is_working(due) and not any(a < due <= (b or today) for a, b in spans)
    assert found.due == due
    assert (found.state == "stopped", found.provisional) == (last_is_open, last_is_open)


def _seen(
    rules: Rulebook, workdays: Days, today: str, *facts: tuple[str, str, dict[str, Any]], **steps: Step
) -> dict[str, Deadline]:
    workflow = replace(rules.workflow, steps={**rules.workflow.steps, **steps})
    told = [Fact(step, date.fromisoformat(on), given) for on, step, given in facts]
    on = date.fromisoformat(today)
    return deadlines(workflow, rules.law, workdays(on), told, on)


RECEIVED = ("2026-03-02", "received", {"channel": "in_person"})


def test_no_facts_no_clocks(rules: Rulebook, workdays: Days) -> None:
    assert _seen(rules, workdays, "2026-03-02") == {}


def test_a_deadline_says_everything_in_the_words_of_the_contract(rules: Rulebook, workdays: Days) -> None:
    sunday = ("2026-03-01", "received", {"channel": "email"})
    assert _seen(rules, workdays, "2026-03-02", sunday)["reply"].as_json() == {
        "clock": "reply",
        "title": "答复期限",
        "due": "2026-03-27",
        "state": "running",
        "provisional": False,
        "owed_by": "organ",
        "reasons": [
            {
                "text": "2026-03-01收到申请：发送至公布邮箱的，以邮件到达之日为收到申请之日（从严）",
                "law": "条例第三十一条",
            },
            {"text": "自次日起算20个工作日", "law": "条例第三十三条第二款"},
            {"text": "工作日按国办发明电〔2025〕7号的放假调休安排计算", "law": ""},
        ],
        "alternatives": [
            {
                "due": "2026-03-30",
                "why": "以其后第一个工作日为收到申请之日：法院以星期日之后的第一个工作日为收到申请之日"
                "（条例第三十一条；杨某诉某机关逾期答复案（2017年，星期日电子邮件））",
            }
        ],
        "counting": {"start": "2026-03-01", "number": 20, "excluded": []},
    }


def test_an_act_on_a_clock_that_never_started_changes_nothing(rules: Rulebook, workdays: Days) -> None:
    nothing = (Effect("supplement", LAW),)
    blank = Step("试", ("handler",), (LAW,), ())
    alone = replace(blank, meets=nothing, closes=nothing, stops=nothing)
    waits = replace(blank, pauses=nothing, resumes=nothing, extends=nothing)
    found = _seen(
        rules,
        workdays,
        "2026-03-03",
        RECEIVED,
        ("2026-03-03", "one", {}),
        ("2026-03-03", "two", {}),
        one=alone,
        two=waits,
    )
    assert found == _seen(rules, workdays, "2026-03-03", RECEIVED)


def test_a_clock_may_count_from_a_date_among_the_facts(rules: Rulebook, workdays: Days) -> None:
    served = Step(
        "送达",
        ("dispatcher",),
        (LAW,),
        (),
        needs={"received_on": Field("签收之日", "date")},
        starts=(Start("reconsideration", LAW, counted_from="received_on"),),
    )
    steps = {"served": served}
    said = _seen(
        rules, workdays, "2026-04-02", RECEIVED, ("2026-04-02", "served", {"received_on": "2026-03-30"}), **steps
    )
    assert str(said["reconsideration"].due) == "2026-05-29"
    assert said["reconsideration"].reasons[0].text == "2026-03-30签收之日"
    unsaid = _seen(rules, workdays, "2026-03-30", RECEIVED, ("2026-03-30", "served", {}), **steps)
    assert unsaid["reconsideration"].started_on == date(2026, 3, 30)


def test_an_extension_that_is_no_number_extends_nothing(rules: Rulebook, workdays: Days) -> None:
    found = _seen(rules, workdays, "2026-03-20", RECEIVED, ("2026-03-20", "extended", {"days": "20"}))
    assert str(found["reply"].due) == "2026-03-30"


def test_only_the_first_act_meets_a_clock(rules: Rulebook, workdays: Days) -> None:
    sent: list[tuple[str, str, dict[str, Any]]] = [
        ("2026-03-30", "replied", {}),
        ("2026-04-20", "replied", {}),
        ("2026-04-21", "withdrawn", {}),
    ]
    found = _seen(rules, workdays, "2026-05-01", RECEIVED, *sent)["reply"]
    assert (found.state, found.met_on) == ("met", date(2026, 3, 30))


def test_only_a_letter_with_the_free_choice_starts_the_period_for_suing(rules: Rulebook, workdays: Days) -> None:
    refused = replace(rules.workflow.outcomes["granted"], remedy="reconsideration_first")
    workflow = replace(rules.workflow, outcomes={**rules.workflow.outcomes, "refused": refused})
    for outcome, clocks in (("granted", {"reconsideration", "litigation"}), ("refused", {"reconsideration"})):
        facts = [
            Fact("received", date(2026, 3, 2), {"channel": "in_person"}),
            Fact("drafted", date(2026, 3, 3), {"outcome": outcome}),
            Fact("delivered", date(2026, 3, 4), {}),
        ]
        on = date(2026, 3, 4)
        found = deadlines(workflow, rules.law, workdays(on), facts, on)
        assert set(found) - {"reply", "supplement_notice"} == clocks


def test_a_period_is_that_of_the_law_of_its_own_start_where_the_workflow_says_so(
    rules: Rulebook, workdays: Days
) -> None:
    old_case = ("2019-05-10", "received", {"channel": "in_person"})
    again = {"again": Step("重算", ("handler",), (LAW,), (), starts=(Start("reply", LAW),))}
    clock: Clock = replace(rules.workflow.clocks["reply"], law_of="start")
    for workflow, due in (
        (rules.workflow, "2019-06-13"),
        (replace(rules.workflow, clocks={**rules.workflow.clocks, "reply": clock}), "2019-06-20"),
    ):
        found = _seen(
            Rulebook(workflow, rules.law), workdays, "2019-05-22", old_case, ("2019-05-22", "again", {}), **again
        )
        assert str(found["reply"].due) == due


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-03-02", date(2026, 3, 2)),
        (date(2026, 3, 2), date(2026, 3, 2)),
        ("2026-02-30", None),
        (20260302, None),
        (None, None),
        ({"sealed": "…"}, None),
    ],
)
def test_a_date_fact_is_a_date_or_nothing(value: object, read: date | None) -> None:
    assert as_date(value) == read


def test_several_waits_of_one_kind_are_told_apart_by_their_id(rules: Rulebook, workdays: Days) -> None:
    asked = [("2026-03-03", "third_party_consulted", {"id": i}) for i in ("甲", "乙")]
    told = ("2026-03-04", "third_party_answered", {"id": "乙"})
    found = _seen(rules, workdays, "2026-03-04", RECEIVED, *asked, told)
    opinions = {d.key: (d.as_json()["id"], d.state) for d in found.values() if d.clock == "third_party_opinion"}
    assert opinions == {
        "third_party_opinion:甲": ("甲", "running"),
        "third_party_opinion:乙": ("乙", "met"),
    }
    assert (found["reply"].key, found["reply"].state, found["reply"].waiting) == ("reply", "stopped", True)


@settings(max_examples=200)
@given(histories())
def test_the_day_of_receipt(rules: Rulebook, workdays: Days, history: History) -> None:
    wanted = history.arrived if history.channel in BY_ARRIVAL else history.confirmed or history.arrived
    assert received_on(rules.workflow, history.facts(), workdays(history.today)) == wanted


def test_an_unknown_channel_counts_from_arrival_and_says_no_more(rules: Rulebook, workdays: Days) -> None:
    found = _seen(rules, workdays, "2026-03-02", ("2026-03-02", "received", {"channel": "pigeon"}))["reply"]
    assert (str(found.due), found.reasons[0].text) == ("2026-03-30", "2026-03-02收到申请")
    assert found.reasons[0].law == "条例第三十三条第二款"
