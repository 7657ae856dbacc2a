"""Working days as the State Council announces them: counted, never guessed.

A year is known when its notice is loaded. In a year still to be announced the count goes on over Mondays to
Fridays, and says so: the date is then provisional and names the notice that is missing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from msgspec import Struct, field

from yishenqing.core.errors import CalendarGap

_SATURDAY = 5
_DAY = timedelta(days=1)
# A notice may name days of the December before it (2018-12-29 was worked under the notice for 2019).
_TOUCHED_BY_NEXT_NOTICE = (12, 25)


def first_touched(year: int) -> date:
    """Return the first day that may be otherwise, or turn from provisional to firm, by the notice for ``year``."""
    return date(year - 1, *_TOUCHED_BY_NEXT_NOTICE)


class Year(Struct, frozen=True):
    """One year's notice: the free days and the worked Saturdays and Sundays that it names."""

    year: int
    notices: tuple[str, ...]
    off: frozenset[date]
    worked: frozenset[date]
    loaded_on: date | None = None  # the day the office loaded it; None for what shipped with the program
    names: Mapping[str, frozenset[date]] = field(default_factory=dict)  # the holidays, where the notice names them

    def name_of(self, day: date) -> str:
        """Return the holiday that makes ``day`` free; empty where the notice names none."""
        return next((name for name, days in self.names.items() if day in days), "")


class Count(NamedTuple):
    """The day a count ends on; ``missing`` names the years whose notice the count would need."""

    day: date
    missing: tuple[int, ...] = ()

    @property
    def provisional(self) -> bool:
        """Tell whether a notice still to come may move the day."""
        return bool(self.missing)


class Workdays(Struct, frozen=True, eq=False):
    """The working days of an office: official notices by year, with the office's regional holidays merged in.

    ``today`` decides what a missing year means: one still to come is provisional, a past one is an error.
    """

    years: Mapping[int, Year]
    today: date
    _lists: dict[int, list[int]] = field(default_factory=dict)
    # An office's cases begin on few days and have few lengths; whoever reckons thousands meets the same again.
    _counts: dict[tuple[date, int], Count] = field(default_factory=dict)
    _backs: dict[tuple[date, int], date] = field(default_factory=dict)

    def on(self, today: date) -> Workdays:
        """Return the same working days seen from another day."""
        return Workdays(self.years, today, self._lists)

    def is_working(self, day: date) -> bool:
        """Tell whether ``day`` is worked; in an unannounced year, whether it is a Monday to Friday."""
        for year in (day.year, day.year + 1):
            notice = self.years.get(year)
            if notice is not None:
                if day in notice.worked:
                    return True
                if day in notice.off:
                    return False
        return day.weekday() < _SATURDAY

    def add(self, start: date, days: int) -> Count:
        """Return the ``days``-th working day after ``start`` (``start`` itself is day 0).

        Raises:
            CalendarGap: a past year that the count crosses has no notice.
        """
        known = self._counts.get((start, days))
        if known is None:
            known = self._counts[start, days] = self._added(start, days)
        return known

    def _added(self, start: date, days: int) -> Count:
        year, left = start.year, days
        ordinals = self._ordinals(year)
        position = bisect_right(ordinals, start.toordinal())
        while position + left > len(ordinals):
            left -= len(ordinals) - position
            year, position = year + 1, 0
            ordinals = self._ordinals(year)
        day = date.fromordinal(ordinals[position + left - 1]) if left else start
        return Count(day, self._missing(start, day))

    def between(self, after: date, until: date) -> int:
        """Return how many working days lie after ``after`` up to and including ``until`` (0 if none)."""
        total, year = 0, after.year
        while year <= until.year:
            ordinals = self._ordinals(year)
            total += max(0, bisect_right(ordinals, until.toordinal()) - bisect_right(ordinals, after.toordinal()))
            year += 1
        return total

    def left(self, due: date) -> int:
        """Return the working days from today (excluded) to ``due``; negative when it has passed."""
        return self.between(self.today, due) if due >= self.today else -self.between(due, self.today)

    def back(self, day: date, days: int) -> date:
        """Return the working day from which ``days`` working days remain until ``day``."""
        known = self._backs.get((day, days))
        if known is None:
            known = self._backs[day, days] = self._backed(day, days)
        return known

    def _backed(self, day: date, days: int) -> date:
        year = day.year
        ordinals = self._ordinals(year)
        position = bisect_right(ordinals, day.toordinal()) - 1 - days
        while position < 0:
            year -= 1
            ordinals = self._ordinals(year)
            position += len(ordinals)
        return date.fromordinal(ordinals[position])

    def roll(self, day: date) -> Count:
        """Return ``day``, or the first working day after it when it falls on a holiday or rest day."""
        last = day
        while not self.is_working(last):
            last += _DAY
        return Count(last, self._missing(day - _DAY, last))

    def notices(self, after: date, until: date) -> tuple[str, ...]:
        """Return the numbers of the notices that a count over these days rests on."""
        years = range(after.year, until.year + 1)
        return tuple(n for y in years if (notice := self.years.get(y)) for n in notice.notices)

    def require(self, day: date) -> None:
        """See to it that the year of ``day`` is known, or still to come.

        Raises:
            CalendarGap: it is past and has no notice.
        """
        self._missing(day - _DAY, day)

    def _ordinals(self, year: int) -> list[int]:
        known = self._lists.get(year)
        if known is None:
            first, last = date(year, 1, 1), date(year, 12, 31)
            days = (date.fromordinal(o) for o in range(first.toordinal(), last.toordinal() + 1))
            known = self._lists[year] = [d.toordinal() for d in days if self.is_working(d)]
        return known

    def _missing(self, start: date, until: date) -> tuple[int, ...]:
        last = until.year + ((until.month, until.day) >= _TOUCHED_BY_NEXT_NOTICE)
        absent = tuple([y for y in range((start + _DAY).year, last + 1) if self.years.get(y) is None])
        for year in absent:
            if year <= self.today.year:
                raise CalendarGap(
                    f"缺少{year}年的工作日安排，无法计算期限；请将国务院办公厅当年的放假通知"
                    f"写成 workflows/calendar/{year}.yaml 放入机关文件夹。"
                )
        return absent
