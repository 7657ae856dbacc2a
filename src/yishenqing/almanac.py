"""The working days on disk: one file a year, as the State Council announced it, and an office's regional holidays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.core.deadline import as_date
from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.workdays import Workdays, Year
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from yishenqing.documents import Document

_KEYS = {"year", "notices", "off", "worked", "source", "loaded_on"}
_REGIONAL = "regional.yaml"
_UNNAMED = "未写明名称"
_SATURDAY = 5
_YEARS = range(1949, 2200)


def workdays(today: date, own: Path | None = None, known_on: date | None = None) -> Workdays:
    """Return the working days; each year's notice is read when it is first needed.

    With ``known_on``, only what the office had loaded by that day (the shipped years count as always known).
    """
    return Workdays(CalendarFolder(layered("workflows", own), own, known_on), today)


class CalendarFolder(Mapping[int, Year]):
    """The notices on disk by year, read when asked for and then kept in memory."""

    def __init__(self, folders: list[Path], remember: Path | None = None, known_on: date | None = None) -> None:
        """Look into ``folders`` in order, the first that has a year's file wins; ``remember`` below that folder."""
        self._remember, self._known_on = remember, known_on
        self._folders = [folder / "calendar" for folder in folders]
        self._known: dict[int, Year | None] = {}
        self._regional = next((p for f in self._folders if (p := f / _REGIONAL).is_file()), None)

    def __getitem__(self, year: int) -> Year:
        """Return the year's notice, with the office's regional holidays; KeyError where none is held."""
        if year not in self._known:
            self._known[year] = self._read(year)
        found = self._known[year]
        if found is None:
            raise KeyError(year)
        return found

    def get(self, year: int, default: Any = None) -> Any:
        """Return the year's notice, or ``default``; asked for every day that is counted, so without an exception."""
        if year not in self._known:
            self._known[year] = self._read(year)
        found = self._known[year]
        return default if found is None else found

    def __iter__(self) -> Iterator[int]:
        """Yield the years held, in order."""
        names = {p.stem for folder in self._folders if folder.is_dir() for p in folder.glob("*.yaml")}
        return iter(sorted(int(n) for n in names if n.isdigit()))

    def __len__(self) -> int:
        """Return how many years are held."""
        return sum(1 for _ in self)

    def _read(self, year: int) -> Year | None:
        for folder in self._folders:
            path = folder / f"{year}.yaml"
            if path.is_file():
                found = remembered(Year, path, self._remember, read_year)
                if self._known_on is None or found.loaded_on is None or found.loaded_on <= self._known_on:
                    return self._with_regional(found)
        return None

    def _with_regional(self, year: Year) -> Year:
        if self._regional is None:
            return year
        title, days = read_regional(self._regional)
        mine = frozenset(d for d in days if d.year == year.year)
        names = {**year.names, title: mine - year.off}
        return replace(year, off=year.off | mine, notices=(*year.notices, title), names=names) if mine else year


def read_year(path: Path) -> Year:
    """Read one year's notice: a YAML file of ours, or the JSON of the public holiday-cn data set.

    Raises:
        NotFound: there is no such file.
        DataFault: it is malformed, a day stands on both lists, a worked day is no Saturday or Sunday.
    """
    from yishenqing.documents import read

    document = read(path)
    if isinstance(document.data, dict) and "days" in document.data:
        document = _from_holiday_cn(document)
    data = document.data
    if not isinstance(data, dict) or type(data.get("year")) is not int or data["year"] not in _YEARS:
        raise DataFault.of([document.fault("缺少“year”（年份），或者不是年份")])
    if not isinstance(data.get("notices") or [], list):
        raise DataFault.of([document.fault("应为列表", ("notices",))])
    faults = [document.fault("未知的键", (k,)) for k in data if k not in _KEYS]
    names = _names(document, data["year"], faults)
    off = frozenset().union(*names.values()) if names else _dates(document, ("off",), data["year"], faults)
    days = {"off": off, "worked": _dates(document, ("worked",), data["year"], faults)}
    faults += [document.fault(f"{day}既列为放假又列为上班", ("worked",)) for day in days["off"] & days["worked"]]
    weekdays = [day for day in days["worked"] if day.weekday() < _SATURDAY]
    faults += [document.fault(f"{day}本是工作日，不应列为调休上班", ("worked",)) for day in weekdays]
    if not days["off"]:
        faults.append(document.fault("没有一个放假的日子", ("off",)))
    if faults:
        raise DataFault.of(faults)
    numbers = tuple(str(n["number"]) for n in data.get("notices") or [] if isinstance(n, dict) and n.get("number"))
    return Year(data["year"], numbers, days["off"], days["worked"], data.get("loaded_on"), names)


def read_regional(path: Path) -> tuple[str, frozenset[date]]:
    """Read an office's regional holidays (放假办法第四条): their title, which shows in reasons, and their days."""
    from yishenqing.documents import read

    document = read(path)
    data = document.data
    if not isinstance(data, dict) or data.keys() != {"title", "off"} or not isinstance(data["off"], list):
        raise DataFault.of([document.fault("应写明 title（依据）和 off（放假的日期）")])
    bad = [document.fault(f"“{d}”不是日期", ("off", i)) for i, d in enumerate(data["off"]) if not isinstance(d, date)]
    if bad:
        raise DataFault.of(bad)
    return str(data["title"]), frozenset(data["off"])


def _from_holiday_cn(document: Document) -> Document:
    """Turn ``{"year", "papers", "days": [{"name", "date", "isOffDay"}]}`` into our form."""
    data, faults = document.data, []
    off: dict[str, list[date]] = {}
    worked: list[date] = []
    for index, day in enumerate(data["days"] if isinstance(data["days"], list) else [None]):
        free = day.get("isOffDay") if isinstance(day, dict) else None
        when = as_date(day.get("date")) if isinstance(day, dict) else None
        if when is None or not isinstance(free, bool):
            faults.append(document.fault("应有 date（存在的日期）和 isOffDay（true 或 false）", ("days", index)))
        elif free:
            off.setdefault(str(day.get("name") or _UNNAMED), []).append(when)
        else:
            worked.append(when)
    if faults:
        raise DataFault.of(faults)
    papers = data.get("papers") or []
    source = "；".join(str(p) for p in papers) if isinstance(papers, list) else ""
    notice = {"number": f"国务院办公厅{data.get('year')}年放假通知（文号未录入）"}
    kept: dict[str, Any] = {
        "year": data.get("year"),
        "notices": [notice],
        "off": off,
        "worked": worked,
        "source": source,
    }
    return replace(document, data=kept)


def _names(document: Document, year: int, faults: list[Fault]) -> dict[str, frozenset[date]]:
    """Return the holidays that the notice names, with their days; empty where ``off`` is a plain list of days."""
    named = document.data.get("off")
    if not isinstance(named, dict):
        return {}
    found: dict[str, frozenset[date]] = {}
    for name in named:
        days = _dates(document, ("off", name), year, faults)
        for other, known in found.items():
            twice = sorted(days & known)
            faults += [document.fault(f"{day}已列在“{other}”之下", ("off", name)) for day in twice]
        found[str(name)] = days
    return found


def _dates(document: Document, place: tuple[str, ...], year: int, faults: list[Fault]) -> frozenset[date]:
    found = set()
    given = document.data
    for part in place:
        given = given.get(part) or []
    if not isinstance(given, list):
        faults.append(document.fault("应为日期的列表", place))
        return frozenset()
    for index, day in enumerate(given):
        if not isinstance(day, date):
            faults.append(document.fault(f"“{day}”不是日期", (*place, index)))
        elif day.year != year and (day.year, day.month) != (year - 1, 12):
            faults.append(document.fault(f"{day}不属于{year}年的安排", (*place, index)))
        else:
            found.add(day)
    return frozenset(found)


def faults(folders: list[Path]) -> list[Fault]:
    """Return what is wrong with any calendar file: each is read, and must be of the year that it is named after."""
    found: list[Fault] = []
    for path in sorted(p for folder in folders for p in (folder / "calendar").glob("*.yaml")):
        try:
            if path.name == _REGIONAL:
                read_regional(path)
            elif str(read_year(path).year) != path.stem:
                found.append(Fault("文件名须与其中的年份（year）相同", str(path), field="year"))
        except DataFault as error:
            found += error.faults
    return found


class Change(Struct, frozen=True):
    """A day that a newly loaded notice makes free or worked, against what was held (or Monday to Friday)."""

    day: date
    works: bool


def changes(before: Mapping[int, Year], year: Year, today: date) -> list[Change]:
    """Return the days whose nature the notice changes, in order."""
    old = Workdays(before, today)
    new = Workdays({**before, year.year: year}, today)
    span = range(date(year.year - 1, 12, 1).toordinal(), date(year.year, 12, 31).toordinal() + 1)
    days = map(date.fromordinal, span)
    return [Change(d, new.is_working(d)) for d in days if old.is_working(d) != new.is_working(d)]


def year_text(year: Year, source: str, loaded_on: date) -> str:
    """Return the YAML file of a year as the office keeps it."""
    lines = [
        f"# {year.year}年放假调休安排，{loaded_on}由 ysq calendar import 载入。",
        f"year: {year.year}",
        "notices:" if year.notices else "notices: []",
        *(f"  - {{number: {number}}}" for number in year.notices),
        f"source: {_quoted(source)}",
        f"loaded_on: {loaded_on}",
        *(_named_days(year.names) if year.names else _days("off", year.off)),
        *(_days("worked", year.worked)),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def _days(name: str, days: frozenset[date]) -> Iterator[str]:
    yield f"{name}:" if days else f"{name}: []"
    yield from (f"  - {day}" for day in sorted(days))


def _named_days(names: Mapping[str, frozenset[date]]) -> Iterator[str]:
    yield "off:"
    for name, days in names.items():
        yield f"  {_quoted(name)}:"
        yield from (f"    - {day}" for day in sorted(days))
