"""The fast count by year lists says what a finger on the wall calendar says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yishenqing.core.errors import CalendarGap
from yishenqing.core.workdays import Count, Workdays, Year

DAY = timedelta(days=1)
FIRST, LAST = date(2023, 1, 1), date(2026, 12, 31)
DAYS = st.dates(date(2023, 2, 1), date(2025, 12, 31))
LENGTHS = st.integers(1, 45)


def _calendar(seed: int) -> Workdays:
    """Five years with their own holidays and worked weekends, some of them in long runs."""
    chance, span = Random(seed), (LAST - FIRST).days  # noqa: S311 - made-up holidays are no secret
    runs = [(FIRST + DAY * chance.randint(0, span), chance.randint(1, 9)) for _ in range(chance.randint(0, 25))]
    off = {first + DAY * n for first, length in runs for n in range(length)}
    some = {FIRST + DAY * chance.randint(0, span) for _ in range(chance.randint(0, 60))}
    worked = {day for day in some - off if day.weekday() >= 5}
    years = {
        y: Year(y, (), frozenset(d for d in off if d.year == y), frozenset(d for d in worked if d.year == y))
        for y in range(FIRST.year, LAST.year + 2)
    }
    return Workdays(years, date(2024, 6, 3))


def made_up() -> st.SearchStrategy[Workdays]:
    return st.integers(0, 10**6).map(_calendar)


def counted(days: Workdays, start: date, length: int) -> date:
    """Walk on day by day and tick off each working day: the count as a clerk does it."""
    day = start
    while length:
        day += DAY
        notice = days.years[day.year]
        length -= day in notice.worked or (day.weekday() < 5 and day not in notice.off)
    return day


def ticked(days: Workdays, after: date, until: date) -> int:
    """Count the working days after ``after`` up to ``until``, one by one."""
    dates = (after + DAY * n for n in range(1, (until - after).days + 1))
    return sum(counted(days, day - DAY, 1) == day for day in dates)


@settings(max_examples=300)
@given(made_up(), DAYS, LENGTHS)
def test_adding_agrees_with_the_finger(days: Workdays, start: date, length: int) -> None:
    found = days.add(start, length)
    assert found == Count(counted(days, start, length))
    assert days.is_working(found.day)


@settings(max_examples=150)
@given(made_up(), DAYS, st.integers(0, 400))
def test_counting_between_agrees_with_the_finger(days: Workdays, after: date, span: int) -> None:
    until = after + DAY * span
    assert days.between(after, until) == ticked(days, after, until)
    assert days.between(until, after) == 0


@settings(max_examples=200)
@given(made_up(), DAYS, LENGTHS)
def test_adding_and_counting_are_inverse(days: Workdays, start: date, length: int) -> None:
    due = days.add(start, length).day
    assert days.between(start, due) == length
    assert days.between(start, due - DAY) == length - 1
    assert days.add(start, length + 7).day == days.add(due, 7).day


@settings(max_examples=200)
@given(made_up(), DAYS, DAYS, st.integers(0, 9))
def test_what_is_left_and_the_way_back(days: Workdays, today: date, due: date, length: int) -> None:
    seen = days.on(today)
    assert seen.left(due) == (ticked(days, today, due) if due >= today else -ticked(days, due, today))
    mark = seen.back(due, length)
    assert seen.is_working(mark)
    assert ticked(days, mark, due) == length


@settings(max_examples=200)
@given(made_up(), DAYS, LENGTHS, DAYS)
def test_one_more_holiday_never_makes_a_date_earlier(days: Workdays, start: date, length: int, free: date) -> None:
    year = days.years[free.year]
    more = Year(year.year, year.notices, year.off | {free}, year.worked - {free})
    before, after = days.add(start, length).day, Workdays({**days.years, free.year: more}, days.today)
    assert after.add(start, length).day >= before
    assert (after.add(start, length).day == before) == (not (start < free <= before and days.is_working(free)))
    assert after.roll(start).day >= days.roll(start).day


@settings(max_examples=200)
@given(made_up(), DAYS)
def test_rolling_stops_at_the_first_working_day(days: Workdays, day: date) -> None:
    rolled = days.roll(day).day
    assert rolled == counted(days, day - DAY, 1)
    assert (rolled == day) is days.is_working(day)


@settings(max_examples=300)
@given(DAYS, LENGTHS)
def test_the_shipped_calendar_counts_like_the_finger(
    workdays: Callable[[date], Workdays], start: date, length: int
) -> None:
    days = workdays(date(2026, 11, 21))
    due, left = start, length
    while left:
        due += DAY
        left -= days.is_working(due)
    assert days.add(start, length) == Count(due)


# Receipt, and the last day of seven, fifteen, twenty and forty working days, reckoned by hand.
VECTORS = [
    ("2019-04-26", "2019-05-08", "2019-05-20", "2019-05-27", "2019-06-25"),
    ("2020-01-23", "2020-02-11", "2020-02-21", "2020-02-28", "2020-03-27"),
    ("2022-01-29", "2022-02-14", "2022-02-24", "2022-03-03", "2022-03-31"),
    ("2024-02-09", "2024-02-26", "2024-03-07", "2024-03-14", "2024-04-12"),
    ("2025-09-30", "2025-10-16", "2025-10-28", "2025-11-04", "2025-12-02"),
    ("2026-02-13", "2026-03-02", "2026-03-12", "2026-03-19", "2026-04-17"),
    ("2026-02-28", "2026-03-10", "2026-03-20", "2026-03-27", "2026-04-27"),
    ("2026-11-02", "2026-11-11", "2026-11-23", "2026-11-30", "2026-12-28"),
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v[0])
def test_the_vectors_reckoned_by_hand(workdays: Callable[[date], Workdays], vector: tuple[str, ...]) -> None:
    days = workdays(date(2026, 11, 21))
    found = [str(days.add(date.fromisoformat(vector[0]), n).day) for n in (7, 15, 20, 40)]
    assert tuple(found) == vector[1:]


def test_no_day_added_is_the_day_itself(workdays: Callable[[date], Workdays]) -> None:
    days = workdays(date(2026, 3, 2))
    assert days.add(date(2026, 3, 1), 0) == Count(date(2026, 3, 1))


def test_a_count_over_the_new_year_uses_both_notices(workdays: Callable[[date], Workdays]) -> None:
    days = workdays(date(2026, 3, 2))
    assert days.notices(date(2025, 12, 30), date(2026, 1, 5)) == ("国办发明电〔2024〕12号", "国办发明电〔2025〕7号")
    assert days.notices(date(2027, 1, 2), date(2027, 2, 1)) == ()
    assert days.is_working(date(2018, 12, 29))  # named by the notice for 2019


@pytest.mark.parametrize(
    ("start", "length", "missing"),
    [
        ("2026-11-26", 20, ()),  # ends on 24 December
        ("2026-11-27", 20, (2027,)),  # on the 25th, which the next notice may name
        ("2026-12-31", 1, (2027,)),
        ("2026-12-01", 300, (2027, 2028)),
        ("2025-12-03", 20, ()),
    ],
)
def test_the_missing_notices_are_named(
    workdays: Callable[[date], Workdays], start: str, length: int, missing: tuple[int, ...]
) -> None:
    found = workdays(date(2026, 11, 21)).add(date.fromisoformat(start), length)
    assert (found.missing, found.provisional) == (missing, bool(missing))


@pytest.mark.parametrize(("day", "missing"), [("2026-12-24", ()), ("2026-12-26", (2027,)), ("2027-01-02", (2027,))])
def test_rolling_names_the_missing_notice_too(
    workdays: Callable[[date], Workdays], day: str, missing: tuple[int, ...]
) -> None:
    assert workdays(date(2026, 11, 21)).roll(date.fromisoformat(day)).missing == missing


def test_a_missing_year_that_has_begun_is_an_error_not_a_guess(workdays: Callable[[date], Workdays]) -> None:
    assert workdays(date(2026, 12, 31)).add(date(2026, 12, 10), 20).provisional
    with pytest.raises(CalendarGap, match=r"2027年.*workflows/calendar/2027\.yaml") as caught:
        workdays(date(2027, 1, 1)).add(date(2026, 12, 10), 20)
    assert (caught.value.exit_code, caught.value.code) == (4, "calendar_gap")
    with pytest.raises(CalendarGap, match="2006年"):
        workdays(date(2026, 1, 1)).roll(date(2006, 5, 1))


@given(DAYS, st.integers(1, 20))
def test_in_an_unannounced_year_mondays_to_fridays_are_counted(start: date, length: int) -> None:
    assume(start.year < 2025)
    found = Workdays({}, date(2022, 1, 1)).add(start, length)
    due, left = start, length
    while left:
        due += DAY
        left -= due.weekday() < 5
    assert found.day == due
    assert found.provisional
