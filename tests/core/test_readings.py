"""Contested readings: whichever an office takes, its date is the deadline and the other's stands beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from yishenqing.core.clock import deadlines
from yishenqing.core.deadline import Deadline, Fact
from yishenqing.core.readings import CHOICES, Option, Reading, Readings, objections
from yishenqing.core.receipt import received_on
from yishenqing.core.workdays import Workdays
from yishenqing.rulebook import Rulebook

DAY = timedelta(days=1)
Days = Callable[[date], Workdays]
NET = {"online": "online_receipt", "email": "email_receipt"}


@st.composite
def stories(draw: st.DrawFn) -> list[Fact]:
    """Draw facts that turn on none, one or several contested readings."""
    arrived = draw(st.dates(date(2019, 5, 15), date(2026, 3, 1)))
    first: dict[str, Any] = {"channel": draw(st.sampled_from(["online", "email", "registered_mail"]))}
    if draw(st.booleans()):
        first["addressed_to"] = "信访科"
    if draw(st.booleans()):
        first["confirmed_on"] = arrived + DAY * draw(st.integers(0, 6))
    facts, on = [Fact("received", arrived, first)], arrived + DAY * 6
    if draw(st.booleans()):
        on += DAY * draw(st.integers(0, 15))
        facts.append(Fact("supplement_requested", on, {"until": on + DAY * 20}))
        on += DAY * draw(st.integers(0, 9))
        facts.append(Fact("supplement_received", on, {}))
    if draw(st.booleans()):
        there = on + DAY * draw(st.integers(0, 5))
        facts.append(Fact("third_party_consulted", on, {"received_on": there}))
        on = there + DAY * draw(st.integers(0, 30))
        facts.append(Fact("third_party_answered", on, {}))
    return facts


def reckoned(rules: Rulebook, days: Workdays, facts: list[Fact], chosen: Mapping[str, str]) -> Deadline:
    return deadlines(rules.workflow, rules.law, days, facts, facts[-1].on, chosen=chosen)["reply"]


@settings(max_examples=500)
@given(stories(), st.fixed_dictionaries({name: st.sampled_from(words) for name, words in CHOICES.items()}))
def test_the_alternatives_are_what_each_other_reading_gives(
    rules: Rulebook, workdays: Days, facts: list[Fact], chosen: Mapping[str, str]
) -> None:
    days = workdays(facts[-1].on)
    found = reckoned(rules, days, facts, chosen)
    others = [
        reckoned(rules, days, facts, {**chosen, name: word})
        for name, words in CHOICES.items()
        for word in words
        # Without a day of confirmation nobody can say what the reading that asks for one would give.
        if word != chosen[name] and (word != "confirmed_on" or "confirmed_on" in facts[0].facts)
    ]
    beside = [a.due for a in found.alternatives]
    assert sorted(beside) == sorted(o.due for o in others if o.due != found.due)
    assert all(a.why.startswith("从严为") is (a.due < found.due) for a in found.alternatives)
    for other in others if "confirmed_on" in facts[0].facts else ():
        assert other.due == found.due or found.due in [a.due for a in other.alternatives]


@settings(max_examples=300)
@given(facts=stories(), confirming=st.booleans(), shifting=st.booleans())
def test_the_day_of_receipt_follows_the_words_of_the_reading(
    rules: Rulebook, workdays: Days, facts: list[Fact], *, confirming: bool, shifting: bool
) -> None:
    first = facts[0]
    days, channel = workdays(facts[-1].on), str(first.facts["channel"])
    chosen = dict.fromkeys([*NET.values(), "other_office"], "confirmed_on" if confirming else "arrived_on")
    chosen["rest_day"] = "next_workday" if shifting else "same_day"
    wanted = first.on
    if confirming and (channel in NET or "addressed_to" in first.facts):
        wanted = first.facts.get("confirmed_on", first.on)
    elif shifting and channel in NET:
        while not days.is_working(wanted):
            wanted += DAY
    assert received_on(rules.workflow, facts, days, chosen) == wanted


def test_an_uncontested_history_is_the_same_by_every_reading(rules: Rulebook, workdays: Days) -> None:
    facts = [Fact("received", date(2026, 3, 2), {"channel": "in_person"})]
    days = workdays(date(2026, 3, 2))
    plain = reckoned(rules, days, facts, {})
    assert plain.alternatives == ()
    assert {reckoned(rules, days, facts, {n: w}).reasons for n, words in CHOICES.items() for w in words} == {
        plain.reasons
    }


def test_rules_that_know_no_readings_are_reckoned_as_before(rules: Rulebook, workdays: Days) -> None:
    """What a case was opened under before there were readings."""
    channels = {name: replace(c, readings=()) for name, c in rules.workflow.channels.items()}
    plain = Rulebook(replace(rules.workflow, readings={}, channels=channels), rules.law)
    facts = [Fact("received", date(2026, 3, 1), {"channel": "email"})]
    found = reckoned(plain, workdays(date(2026, 3, 1)), facts, {"rest_day": "next_workday"})
    assert (str(found.due), found.alternatives) == ("2026-03-27", ())


@pytest.mark.parametrize(
    ("chosen", "places"),
    [
        ({}, []),
        ({"rest_day": "same_day", "late_notice": "restarts"}, []),
        (
            {"weekend": "same_day", "rest_day": "restarts", "late_notice": None},
            ["weekend", "rest_day", "late_notice"],
        ),
    ],
)
def test_every_choice_that_is_none_is_named(chosen: Mapping[str, object], places: list[str]) -> None:
    assert [place for place, _ in objections(chosen)] == places


def test_only_a_departure_from_the_default_has_to_be_explained() -> None:
    options = {w: Option(w, "条例第三十一条", "某案", "理由") for w in CHOICES["rest_day"]}
    known = {"rest_day": Reading("休息日", "same_day", options)}
    assert Readings(known, {}).departure("rest_day") == []
    (reason,) = Readings(known, {"rest_day": "next_workday"}).departure("rest_day")
    assert (reason.law, "某案" in reason.text) == ("条例第三十一条", True)
