"""The clock for one history against a bare loop over the same days.

    python benchmarks/clock.py [ROUNDS]

The loop is what one would write first: a day at a time, a set of free and of worked days, no reasons and no law; it
gives the same last day. The history is the contract's example (a consultation and a full extension).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour

from yishenqing.almanac import workdays
from yishenqing.core.clock import deadlines
from yishenqing.core.deadline import Fact
from yishenqing.core.workdays import Workdays
from yishenqing.rulebook import read_rulebook

TODAY, TIMES = date(2026, 3, 30), 300
DAY = timedelta(days=1)
SIMPLE = [Fact("received", date(2026, 3, 2), {"channel": "in_person"})]
CONTRACT = [
    Fact("received", date(2026, 3, 2), {"channel": "registered_mail"}),
    Fact("third_party_consulted", date(2026, 3, 10), {"received_on": "2026-03-12"}),
    Fact("third_party_answered", date(2026, 3, 24), {}),
    Fact("extended", date(2026, 3, 27), {"days": 20}),
]


class Bare:
    """The floor."""

    def __init__(self, days: Workdays) -> None:
        self.off, self.worked = set(days.years[2026].off), set(days.years[2026].worked)

    def last_day(self, start: date, number: int, after: date | None = None, until: date | None = None) -> date:
        day, left = start, number
        while left:
            day += DAY
            works = day in self.worked or (day.weekday() < 5 and day not in self.off)
            if works and not (after and until and after < day <= until):
                left -= 1
        return day


def microseconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(TIMES):
        run()
    return (time.perf_counter() - begun) / TIMES * 1e6


def measure(title: str, floor: Callable[[], date], ours: Callable[[], date], rounds: int) -> None:
    assert floor() == ours()
    pairs = [(microseconds(floor), microseconds(ours)) for _ in range(rounds)]
    ratio = statistics.median(b / a for a, b in pairs)
    spent = (
        f"loop {statistics.median(a for a, _ in pairs):.1f} µs, clock {statistics.median(b for _, b in pairs):.1f} µs"
    )
    print(f"{title}: {spent}, ÷ loop {ratio:.1f}")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    rules, days = read_rulebook(), workdays(TODAY)
    bare = Bare(days)
    print(machine())

    def clock(facts: list[Fact]) -> date:
        return deadlines(rules.workflow, rules.law, days, facts, TODAY)["reply"].due

    start, asked, answered = date(2026, 3, 2), date(2026, 3, 10), date(2026, 3, 24)
    measure("one fact, two clocks", lambda: bare.last_day(start, 20), lambda: clock(SIMPLE), rounds)
    measure(
        "four facts, three clocks, 40 days",
        lambda: bare.last_day(start, 40, asked, answered),
        lambda: clock(CONTRACT),
        rounds,
    )


if __name__ == "__main__":
    main()
