"""What is counted anew from a stored recipe is what the ledger gives when it is folded anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from yishenqing.core.clock import deadlines
from yishenqing.core.deadline import Deadline, Fact
from yishenqing.core.recount import recipe_of, still_counted
from yishenqing.core.workdays import Workdays, Year, first_touched
from yishenqing.rulebook import Rulebook

DAY = timedelta(days=1)
Days = Callable[[date], Workdays]
CHANNELS = ("in_person", "registered_mail", "online", "email", "ordinary_mail")
ASKED = {"third_party_consulted": "third_party_answered", "organ_consulted": "organ_answered"}


class Kept(Struct, frozen=True):
    """A stored deadline."""

    clock: str
    due: date
    state: str
    provisional: bool
    recipe: str | None


def kept(found: dict[str, Deadline]) -> list[Kept]:
    return [Kept(key, d.due, d.state, d.provisional, recipe_of(d)) for key, d in found.items()]


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Return facts in an order in which they can happen, spread over the turn of a year."""
    day = draw(st.dates(date(2024, 11, 1), date(2025, 2, 10)))
    facts = [
        Fact("received", day, {"channel": draw(st.sampled_from(CHANNELS)), "confirmed_on": (day + DAY).isoformat()})
    ]

    def later() -> date:
        return facts[-1].on + DAY * draw(st.integers(0, 25))

    if draw(st.booleans()):
        facts.append(Fact("supplement_requested", later(), {"until": (facts[-1].on + DAY * 45).isoformat()}))
        if draw(st.booleans()):
            facts.append(Fact("supplement_received", later(), {}))
    for number in range(draw(st.integers(0, 2))):
        asked = draw(st.sampled_from(sorted(ASKED)))
        facts.append(Fact(asked, later(), {"id": str(number)}))
        if draw(st.booleans()):
            facts.append(Fact(ASKED[asked], later(), {"id": str(number)}))
    if draw(st.booleans()):
        facts.append(Fact("extended", later(), {"days": draw(st.integers(1, 20))}))
    if draw(st.booleans()):
        facts.append(Fact("replied", later(), {}))
        if draw(st.booleans()):
            facts.append(Fact("delivered", later(), {}))
    return facts


def otherwise(days: Workdays, flipped: frozenset[date], today: date) -> Workdays:
    """Return the calendar with some days made free that were worked, and the other way round."""
    years = dict(days.years)
    for year in (2024, 2025, 2026):
        mine = frozenset(d for d in flipped if d.year == year)
        old = years[year]
        free = frozenset(d for d in mine if days.is_working(d))
        years[year] = Year(year, old.notices, (old.off | free) - (mine - free), (old.worked | (mine - free)) - free)
    return Workdays(years, today)


@settings(max_examples=300)
@given(histories(), st.integers(-1, 30), st.integers(0, 15), st.data())
def test_a_count_made_anew_is_what_the_fold_gives(
    rules: Rulebook, workdays: Days, facts: list[Fact], ahead: int, wait: int, data: st.DataObject
) -> None:
    today = facts[-1].on + DAY * wait
    flipped = data.draw(st.frozensets(st.integers(0, 60), min_size=1, max_size=12))
    before = workdays(today)
    was = deadlines(rules.workflow, rules.law, before, facts, today)
    assume(any(recipe_of(d) for d in was.values()))
    looked = max(d.looked_until or facts[0].on for d in was.values())
    changed = looked + DAY * ahead
    counts = still_counted(kept(was), changed)
    event(f"{len(counts or ())} counted anew")
    if counts is None:  # folded anew: nothing is claimed of it
        return
    assert looked < changed
    after = otherwise(before, frozenset(changed + DAY * n for n in flipped), today)
    now = deadlines(rules.workflow, rules.law, after, facts, today)
    assert was.keys() == now.keys()
    for key, fresh in now.items():
        if key in counts:
            count = counts[key].last_day(after)
            assert (fresh.due, fresh.counting) == (count.day, counts[key])
            running = today <= count.day
            assert fresh.state == ("running" if running else rules.workflow.clocks[fresh.clock].expires_as)
            assert fresh.provisional == (count.provisional and running)
        else:
            assert (fresh.due, fresh.state, fresh.provisional) == (was[key].due, was[key].state, was[key].provisional)


def test_a_notice_that_is_missing_and_then_known(rules: Rulebook, workdays: Days) -> None:
    today = date(2026, 12, 11)
    facts = [Fact("received", date(2026, 12, 10), {"channel": "registered_mail"})]
    before = workdays(today)
    assert 2027 not in before.years
    was = deadlines(rules.workflow, rules.law, before, facts, today)
    counts = still_counted(kept(was), first_touched(2027))
    assert counts is not None
    assert counts["reply"].last_day(before).provisional
    known = Workdays({**before.years, 2027: Year(2027, ("虚构",), frozenset({date(2027, 1, 1)}), frozenset())}, today)
    now = deadlines(rules.workflow, rules.law, known, facts, today)["reply"]
    assert (counts["reply"].last_day(known).day, now.provisional) == (now.due, False)
    assert now.due != was["reply"].due


def test_what_stands_still_or_was_rolled_is_folded_anew(rules: Rulebook, workdays: Days) -> None:
    today = date(2025, 3, 3)
    asked = [
        Fact("received", date(2025, 2, 10), {"channel": "registered_mail"}),
        Fact("third_party_consulted", date(2025, 2, 12), {"id": "甲"}),
    ]
    told = [*asked[:1], Fact("replied", date(2025, 2, 20), {}), Fact("delivered", date(2025, 2, 24), {})]
    for facts in (asked, told):
        found = deadlines(rules.workflow, rules.law, workdays(today), facts, today)
        assert still_counted(kept(found), date(2025, 2, 1)) is None
        assert still_counted(kept(found), date(2025, 4, 20)) is None  # the remedies run until summer


RECEIVED = Fact("received", date(2025, 2, 10), {"channel": "registered_mail"})
LAST_OF_NOTICE = date(2025, 2, 19)  # the seventh working day after the receipt
LAST_OF_OPINION = date(2025, 3, 5)  # the fifteenth after a question of 2025-02-12
# Facts by which it is a working day that decides what is counted, and the last such day.
DECIDING: dict[str, tuple[list[Fact], date]] = {
    "the receipt alone": ([RECEIVED], RECEIVED.on),
    "whether a notice was in time": (
        [
            RECEIVED,
            Fact("supplement_requested", LAST_OF_NOTICE, {"until": "2025-03-20"}),
            Fact("supplement_received", date(2025, 2, 21), {}),
        ],
        LAST_OF_NOTICE,
    ),
    "when the wait for an opinion ends at the latest": (
        [RECEIVED, Fact("third_party_consulted", date(2025, 2, 12), {"id": "甲"})],
        LAST_OF_OPINION,
    ),
}


@pytest.mark.parametrize("name", DECIDING)
def test_the_fold_says_how_far_it_looked(rules: Rulebook, workdays: Days, name: str) -> None:
    facts, last = DECIDING[name]
    today = date(2025, 3, 7)
    found = deadlines(rules.workflow, rules.law, workdays(today), facts, today)
    assert {d.looked_until for d in found.values()} == {last}
    assert found["reply"].state == "running"
    running = [Kept("reply", found["reply"].due, "running", provisional=False, recipe=recipe_of(found["reply"]))]
    assert still_counted(running, last) is None
    assert still_counted(running, last + DAY) is not None


def test_an_application_that_waited_over_rest_days_looked_at_them(rules: Rulebook, workdays: Days) -> None:
    today, saturday = date(2025, 2, 20), date(2025, 2, 15)
    facts = [Fact("received", saturday, {"channel": "online"})]
    chosen = {"rest_day": "next_workday"}
    found = deadlines(rules.workflow, rules.law, workdays(today), facts, today, chosen=chosen)
    assert found["reply"].started_on == found["reply"].looked_until == date(2025, 2, 17)
