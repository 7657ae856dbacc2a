"""The weeks of a period drawn on the terminal, each day marked, so that a person can count along."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from msgspec import Struct

from yishenqing.core.deadline import Counting
from yishenqing.core.workdays import Workdays, Year

Row = Mapping[str, Any]
WIDTH = 80  # columns of the terminal; a Chinese character takes two
_CELL = 11  # the widest: 31 第40班止
_WEEKDAYS = "一二三四五六日"
_SATURDAY = 5
_OPEN = frozenset({"running", "stopped"})
# Mark, and what it means; the legend shows those that the drawing uses.
_LEGEND = (
    ("起", "起算之日，不计入"),
    ("第n", "计入的第n个工作日"),
    ("第n班", "调休上班的星期六、星期日，计入"),
    ("扣", "不计入的工作日（征求意见等）"),
    ("扣班", "调休上班，但是不计入"),
    ("止", "期限的最后一日"),
    ("假", "放假（含调休放假）"),
    ("休", "星期六、星期日"),
)


class Day(Struct, frozen=True):
    """One day of a drawing: its mark, the entries of the legend that explain it, and its number if it counts."""

    on: date
    mark: str
    means: frozenset[str]
    number: int = 0


def drawings(deadlines: Iterable[Row], home: Path | None, known_on: date | None = None) -> list[str]:
    """Return the drawing of each period worth counting along: the reply, and every other that has not ended.

    ``deadlines`` are in the words of the contract. Periods in days or months and fixed days are not drawn. The days
    are those of the office in ``home``; with ``known_on``, as it knew them on that day.
    """
    from yishenqing.almanac import workdays  # noqa: PLC0415 - only who asks for a drawing reads the notices
    from yishenqing.office.premises import system_today  # noqa: PLC0415 - `--help` opens no office

    days = workdays(known_on or system_today(), home, known_on)
    out: list[str] = []
    for deadline in deadlines:
        if deadline["counting"] and (deadline["clock"] == "reply" or deadline["state"] in _OPEN):
            out += ["", *drawing(deadline, days)]
    return out or ["", "没有按工作日计算、尚未届满的期限可以画出。"]


def drawing(deadline: Row, workdays: Workdays) -> list[str]:
    """Return one period: a heading, month by month its weeks from Monday to Sunday, and the legend."""
    days = marked(deadline, workdays)
    out = _heading(deadline)
    for (year, month), inside in groupby(days, key=lambda d: (d.on.year, d.on.month)):
        guessed = "" if year in workdays.years else "（放假安排尚未公布，暂按周一至周五推算）"
        out += ["", f"{year}年{month}月{guessed}", "".join(f" {_padded(w, _CELL - 1)}" for w in _WEEKDAYS).rstrip()]
        out += _weeks(list(inside))
    used = {meaning for day in days for meaning in day.means}
    return [
        *out,
        "",
        *_wrapped("图例：", [f"{m} {text}" for m, text in _LEGEND if m in used]),
        *_notices(days, workdays),
    ]


def marked(deadline: Row, workdays: Workdays) -> list[Day]:
    """Return every day of the period with its mark, from day 0 to the last day."""
    counting, due = Counting.of_json(deadline["counting"]), date.fromisoformat(deadline["due"])
    found, number = [], 0
    for day, kind in counting.days(due, workdays):
        number += kind == "counted"
        made_up = "班" if day.weekday() >= _SATURDAY and workdays.is_working(day) else ""
        marks = {
            "start": ("起", {"起"}),
            "counted": (f"第{number}{made_up}", {f"第n{made_up}"}),
            "excluded": (f"扣{made_up}", {f"扣{made_up}"}),
            "rest": ("假", {"假"}) if _naming(day, workdays) else ("休", {"休"}),
        }
        mark, means = marks[kind]
        if day == due:
            mark, means = f"{mark}止", means | {"止"}
        found.append(Day(day, mark, frozenset(means), number if kind == "counted" else 0))
    return found


def width(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    # unicodedata is enough: what is drawn is Chinese, digits and blanks, no emoji that would need ``wcwidth``.
    # Ambiguous ones are wide in a Chinese terminal; counted so, a line is at worst shorter than it may be.
    return 2 if unicodedata.east_asian_width(character) in "WFA" else 1


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def _heading(deadline: Row) -> list[str]:
    counting = deadline["counting"]
    earliest = "最早" if deadline["state"] == "stopped" else ""
    provisional = "（暂定）" if deadline["provisional"] else ""
    ending = f"第{counting['number']}个工作日{earliest}为{deadline['due']}{provisional}"
    excluded = ["扣除不计入的时间，"] if counting["excluded"] else []
    return _wrapped(f"{deadline['title']}：", [f"自{counting['start']}的次日起算，", *excluded, ending], "")


def _weeks(days: Sequence[Day]) -> Iterator[str]:
    for _, inside in groupby(days, key=lambda d: d.on - timedelta(days=d.on.weekday())):
        week = list(inside)
        cells = [f"{d.on.day:>2} {_padded(d.mark, _CELL - 3)}" for d in week]
        yield (" " * _CELL * week[0].on.weekday() + "".join(cells)).rstrip()


def _naming(day: date, workdays: Workdays) -> list[Year]:
    """Return the notices that name ``day`` as free: its own year's, or the next year's for days of December."""
    return [n for y in (day.year, day.year + 1) if (n := workdays.years.get(y)) and day in n.off]


def _notices(days: Sequence[Day], workdays: Workdays) -> list[str]:
    """Say for each stretch of holidays what they are, and which notice gives them."""
    out = []
    free = [d.on for d in days if "假" in d.means]
    for _, inside in groupby(enumerate(free), key=lambda pair: pair[1].toordinal() - pair[0]):
        stretch = [day for _, day in inside]
        until = f"至{stretch[-1]}" if len(stretch) > 1 else ""
        naming = [(day, year) for day in stretch for year in _naming(day, workdays)]
        names = dict.fromkeys(name for day, year in naming if (name := year.name_of(day)))
        numbers = dict.fromkeys(n for _, year in naming for n in year.notices)
        out += _wrapped("放假：", [f"{stretch[0]}{until}", *(["、".join(names)] if names else []), *numbers])
    return out


def _wrapped(first: str, parts: Sequence[str], between: str = "　") -> list[str]:
    """Return ``first`` and then ``parts``, broken between parts so that no line is wider than the terminal."""
    lines, line = [], first + parts[0]
    for part in parts[1:]:
        if width(line + between + part) > WIDTH:
            lines.append(line)
            line = " " * width(first) + part
        else:
            line += between + part
    return [*lines, line]
