"""The shipped calendars say, day by day, what the State Council's notices say."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
import pytest

from yishenqing.almanac import read_year, workdays
from yishenqing.core.errors import DataFault
from yishenqing.documents import read
from yishenqing.shipped import shipped

YEARS = range(2007, 2027)
FOLDER = shipped("workflows") / "calendar"
KEYS = {"year", "notices", "source", "off", "worked"}


def _data(year: int) -> dict[str, Any]:
    data = read(FOLDER / f"{year}.yaml").data
    assert isinstance(data, dict)
    return data


WORKDAYS = workdays(date(2026, 12, 31))


@pytest.mark.parametrize("year", YEARS)
def test_every_day_agrees_with_the_independent_calendar(year: int) -> None:
    day = date(year, 1, 1)
    while day.year == year:
        assert WORKDAYS.is_working(day) == chinese_calendar.is_workday(day), day
        day += timedelta(days=1)


# What a notice adds to the name that the independent calendar gives the same days.
ADDED = {"春节假期延长": "春节", "抗日战争暨世界反法西斯战争胜利70周年纪念日": "Anti-Fascist 70th Day"}


@pytest.mark.parametrize("year", YEARS)
def test_every_free_day_has_the_name_that_the_independent_calendar_gives_it(year: int) -> None:
    found = read_year(FOLDER / f"{year}.yaml")
    assert frozenset().union(*found.names.values()) == found.off
    for day in sorted(found.off):
        free, name = chinese_calendar.get_holiday_detail(day)
        ours = found.name_of(day)
        assert free
        if name is not None:  # plain Saturdays and Sundays have none there
            theirs = chinese_calendar.Holiday(name)
            assert theirs.chinese in ADDED.get(ours, ours) or theirs.value == ADDED.get(ours), day


# Off and worked days as the notices word them, written down by hand: (from, to, worked).
TRAPS = [
    ("2011-12-31", "2011-12-31", True),  # named by the notice for 2012
    ("2015-09-03", "2015-09-05", False),  # the one-off of 国发明电〔2015〕1号
    ("2015-09-06", "2015-09-06", True),
    ("2018-12-29", "2018-12-29", True),  # named by the notice for 2019
    ("2018-12-30", "2019-01-01", False),
    ("2019-04-28", "2019-04-28", True),  # 劳动节 changed in March 2019
    ("2019-05-01", "2019-05-04", False),
    ("2019-05-05", "2019-05-05", True),
    ("2020-01-24", "2020-02-02", False),  # extended; 02-01 was to be worked
    ("2020-02-03", "2020-02-07", True),
    ("2020-10-01", "2020-10-08", False),
    ("2021-02-20", "2021-02-20", True),
    ("2022-10-08", "2022-10-09", True),
    ("2022-12-31", "2023-01-02", False),  # begins in the year before
    ("2023-10-07", "2023-10-08", True),
    ("2024-02-09", "2024-02-09", True),  # 除夕: encouraged, not free
    ("2024-02-10", "2024-02-17", False),
    ("2024-02-18", "2024-02-18", True),
    ("2025-01-28", "2025-02-04", False),  # 除夕 has been statutory since 2025
    ("2025-05-02", "2025-05-02", False),
    ("2025-10-08", "2025-10-08", False),
    ("2026-01-04", "2026-01-04", True),
    ("2026-02-14", "2026-02-14", True),
    ("2026-02-15", "2026-02-23", False),
    ("2026-02-28", "2026-02-28", True),
    ("2026-09-20", "2026-09-20", True),
    ("2026-10-10", "2026-10-10", True),
]


@pytest.mark.parametrize(("first", "last", "worked"), TRAPS)
def test_the_traps_of_the_notices(*, first: str, last: str, worked: bool) -> None:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        assert WORKDAYS.is_working(day) is worked, day
        day += timedelta(days=1)


# Working Saturdays and Sundays of each notice, copied by hand.
WORKED = {
    2019: "2018-12-29 2019-02-02 2019-02-03 2019-04-28 2019-05-05 2019-09-29 2019-10-12",
    2020: "2020-01-19 2020-04-26 2020-05-09 2020-06-28 2020-09-27 2020-10-10",
    2021: "2021-02-07 2021-02-20 2021-04-25 2021-05-08 2021-09-18 2021-09-26 2021-10-09",
    2022: "2022-01-29 2022-01-30 2022-04-02 2022-04-24 2022-05-07 2022-10-08 2022-10-09",
    2023: "2023-01-28 2023-01-29 2023-04-23 2023-05-06 2023-06-25 2023-10-07 2023-10-08",
    2024: "2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12",
    2025: "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11",
    2026: "2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10",
}


@pytest.mark.parametrize("year", WORKED)
def test_worked_weekends_are_exactly_those_of_the_notice(year: int) -> None:
    assert [str(day) for day in _data(year)["worked"]] == WORKED[year].split()


@pytest.mark.parametrize("year", YEARS)
def test_a_file_is_whole_ordered_and_free_of_contradiction(year: int) -> None:
    data = _data(year)
    assert set(data) == KEYS
    assert data["year"] == year
    assert data["source"]
    for notice in data["notices"]:
        assert set(notice) <= {"number", "issued_on", "title"}
        assert notice["title"]
        assert (notice["number"] is None) == (year < 2011)
    off = [day for days in data["off"].values() for day in days]
    for days in (*data["off"].values(), off, data["worked"]):
        assert days == sorted(set(days))
        assert all(type(day) is date for day in days)
        assert all(date(year - 1, 12, 25) <= day <= date(year, 12, 31) for day in days)
    assert not set(off) & set(data["worked"])
    assert all(day.weekday() >= 5 for day in data["worked"])


def test_every_year_since_the_first_regulations_has_its_file() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"{year}.yaml" for year in YEARS]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("year: 2026", "year: 2026\nyear: 2025", "键“year”重复"),
        ("source:", "sources:", "未知的键"),
        ("2026-05-09", "2026-02-29", "不存在的日期"),
        ("2026-05-09", "2026-05-05", "既列为放假又列为上班"),
        ("worked: [", "worked: [[", "不是合法的 YAML"),
    ],
)
def test_a_spoilt_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (FOLDER / "2026.yaml").read_text(encoding="utf-8")
    spoilt = tmp_path / "2026.yaml"
    spoilt.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataFault) as caught:
        read_year(spoilt)
    assert says in caught.value.text
    assert all(fault.line for fault in caught.value.faults)
