"""Turn the rows of an older ledger into cases, or say of every row at once what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.facts import bounded
from yishenqing.tabular import Headings, Line, day_of, read_lines
from yishenqing.takeover.model import Customs, Earlier, Remedy, plain

_TOP = ("number", "received_on", "applicant", "request", "outcome", "replied_on", "due_on", "remedies")
_PERSON = ("name", "id_type", "id_number", "phone", "email", "address", "postcode")
_REMEDY = ("kind", "filed_on", "decided_on", "result")
_PENDING = "pending"
_LONGEST = 80
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
_TRAILING = re.compile(r"[（(][^（）()]*[）)]$")
_LEADING = re.compile(r"^[一二三四五六七八九十\d]+[、.．)）]|^[（(][一二三四五六七八九十\d]+[）)]")


class Parsed(Struct):
    """The cases of a file in its order, and the columns that the program has no name for."""

    cases: list[Earlier] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


def parse(path: Path, customs: Customs, since: date, today: date) -> Parsed:
    """Read the ledger in ``path``: all of its cases, or none; no day before ``since`` or after ``today``.

    Raises:
        NotFound: there is no such file.
        DataFault: any row has a fault; all faults, each with its line and field.
    """
    faults: list[Fault] = []
    nested = path.suffix.lower() in {".jsonl", ".ndjson", ".json"}
    parsed, reader = Parsed(), _Rows(customs, since, today, nested=nested)
    wanted = {h for h, (name, _) in customs.columns.items() if name == "number"}
    known = Headings(lambda text: plain(text) in wanted, "表头须有“编号”一列", joined=True)
    for line in read_lines(path, known, faults):
        found = reader.case(line, faults)
        if found is not None:
            parsed.cases.append(found)
    if not faults and not parsed.cases:
        faults.append(Fault("没有一条内容", str(path)))
    if faults:
        raise DataFault.of(sorted(faults, key=lambda f: (f.file, f.line or 0)))
    parsed.unknown = reader.unknown
    return parsed


class _Rows:
    """Reads row by row; what is wrong is gathered, never raised."""

    def __init__(self, customs: Customs, since: date, today: date, *, nested: bool) -> None:
        self._customs, self._since, self._today, self._is_nested = customs, since, today, nested
        self._titles = {} if nested else {name: said[0] for name, said in customs.headings.items()}
        self.unknown: set[str] = set()
        self._seen: dict[str, Line] = {}

    def case(self, line: Line, faults: list[Fault]) -> Earlier | None:
        """Return the case of one row; its faults are added to ``faults``."""
        row = _Row(line, self._titles)
        said, remedies = self._nested(row) if self._is_nested else self._flat(row)
        found = self._judged(row, said, remedies)
        if found is not None and not row.faults:
            self._twin(row, found)
        faults += row.faults
        return None if row.faults else found

    def _nested(self, row: _Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A row of JSON lines, in the words of the contract."""
        cells = row.line.cells
        self._strangers(row, cells, _TOP, "")
        applicant, remedies = cells.get("applicant"), cells.get("remedies", [])
        said = {name: cells[name] for name in _TOP if name in cells and name not in ("applicant", "remedies")}
        if isinstance(applicant, dict):
            self._strangers(row, applicant, ("kind", *_PERSON), "applicant.")
            said |= {name: value for name, value in applicant.items() if name in ("kind", *_PERSON)}
        elif applicant is not None:
            row.fault('应为键值对，如 {"kind": "natural"}', "applicant")
        if not isinstance(remedies, list) or not all(isinstance(r, dict) for r in remedies):
            row.fault("应为列表，每项是一个键值对", "remedies")
            return said, []
        for n, remedy in enumerate(remedies, 1):
            self._strangers(row, remedy, _REMEDY, f"remedies.{n}.")
        return said, remedies

    def _strangers(self, row: _Row, cells: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
        for name in cells.keys() - set(known):
            close = get_close_matches(name, known, 1, 0.75)
            if close:  # left aside, a slip of the pen would turn a closed case into an open one
                row.fault(f"未知的键，是否想写“{close[0]}”？", f"{place}{name}")
            else:
                self.unknown.add(f"{place}{name}")

    def _flat(self, row: _Row) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A row of a table, by its headings."""
        said: dict[str, Any] = {}
        remedies: dict[str, dict[str, Any]] = {}
        for heading, value in row.line.cells.items():
            meaning = self._meaning(heading)
            if meaning is None:
                self.unknown.add(heading)
                continue
            name, part = meaning
            place = remedies.setdefault(name, {"kind": name}) if part else said
            if (part or name) in place and (part or name) != "kind":
                row.fault("与另一列是同一项，只能写一处", heading)
            place[part or name] = value
            row.headings[f"{name}.{part}" if part else name] = heading
        return said, list(remedies.values())

    def _meaning(self, heading: str) -> tuple[str, str] | None:
        """A heading of two rows is known whole, or, under a mere caption, by its lower part."""
        known = self._customs.columns
        upper, _, lower = heading.rpartition("/")
        groups = {plain(g) for said in self._customs.remedies.groups.values() for g in said}
        found = known.get(plain(heading))
        return found if found or plain(upper) in groups else known.get(plain(lower))

    def _judged(self, row: _Row, said: Mapping[str, Any], remedies: list[dict[str, Any]]) -> Earlier | None:
        number = row.read("number", said, _number)
        received = self._day(row, "received_on", said)
        kind = row.read("kind", said, lambda v: self._word("kind", v))
        outcome = row.read("outcome", said, lambda v: self._word("outcome", v))
        replied = self._day(row, "replied_on", said)
        due = row.read("due_on", said, day_of)
        request = row.read("request", said, _text) or ""
        applicant = {name: text for name in _PERSON if (text := row.read(name, said, _text))}
        for name, value in (("number", number), ("received_on", received), ("kind", kind)):
            if value is None and name not in row.bad:
                row.fault("必须填写", name)
        if outcome and replied is None and "replied_on" not in row.bad:
            row.fault("有办理结果的，须写明答复日期", "replied_on")
        if replied and not outcome and "outcome" not in row.bad:
            row.fault("有答复日期的，须写明办理结果；在办案件两项都不填", "outcome")
        found = tuple(self._remedies(row, remedies, received))
        if received and replied and replied < received:
            row.fault(f"答复日期{replied}早于收到日期{received}", "replied_on")
        if row.faults or number is None or received is None or kind is None:
            return None
        where = (row.line.line, row.line.file)
        return Earlier(*where, number, received, kind, applicant, request, outcome, replied, due, found)

    def _remedies(self, row: _Row, remedies: list[dict[str, Any]], received: date | None) -> Iterator[Remedy]:
        for n, given in enumerate(remedies, 1):
            place = f"remedies.{n}." if self._is_nested else f"{given['kind']}."
            cells = {f"{place}{name}": value for name, value in given.items()}
            kind = row.read(f"{place}kind", cells, self._remedy_kind)
            filed = self._day(row, f"{place}filed_on", cells)
            decided = self._day(row, f"{place}decided_on", cells)
            result = row.read(f"{place}result", cells, lambda v: self._word("result", v))
            before = len(row.faults)
            for name, value in (("kind", kind), ("filed_on", filed), ("result", result)):
                if value is None and f"{place}{name}" not in row.bad:
                    row.fault("必须填写", f"{place}{name}")
            if decided and result == _PENDING:
                row.fault("尚未审结的，没有决定日期", f"{place}decided_on")
            if filed and received and filed < received:
                row.fault(f"日期{filed}早于收到申请的日期{received}", f"{place}filed_on")
            if decided and filed and decided < filed:
                row.fault(f"日期{decided}早于提起的日期{filed}", f"{place}decided_on")
            if len(row.faults) == before and kind and filed and result:
                ended = None if result == _PENDING else decided or filed
                yield Remedy(kind, filed, ended, result)

    def _day(self, row: _Row, name: str, said: Mapping[str, Any]) -> date | None:
        day: date | None = row.read(name, said, self._happened)
        return day

    def _happened(self, value: Any) -> date:
        day = day_of(value)
        if day > self._today:
            raise ValueError(f"日期{day}晚于今天（{self._today}）")
        if day < self._since:
            raise ValueError(f"日期{day}早于{self._since}，当时还没有政府信息公开申请")
        return day

    def _word(self, table: str, value: Any) -> str:
        known = self._customs.words[table]
        text = str(value)
        if text in known:  # a code, as JSON lines have it
            return known[text]
        for word in _ways(text):
            if word in known:
                return known[word]
        close = get_close_matches(plain(text), known, 1, 0.6)
        hint = f"，是否为“{close[0]}”" if close else ""
        raise ValueError(f"“{text}”认不出{hint}；认得的写法见 workflows/import.yaml 的 {table}s")

    def _remedy_kind(self, value: Any) -> str:
        if value not in self._customs.remedies.groups:
            raise ValueError(f"“{value}”不在可选之列：{'、'.join(self._customs.remedies.groups)}")
        return str(value)

    def _twin(self, row: _Row, found: Earlier) -> None:
        first = self._seen.setdefault(found.number, row.line)
        if first is not row.line:
            where = f"{first.file} 第{first.line}行" if first.file != row.line.file else f"第{first.line}行"
            row.fault(f"编号“{found.number}”与{where}相同；一个编号只能是一件案件", "number")


class _Row:
    """One row being read: its faults, and the headings by which its fields are called."""

    def __init__(self, line: Line, titles: Mapping[str, str]) -> None:
        self.line = line
        self.faults: list[Fault] = []
        self.bad: set[str] = set()
        self.headings = dict(titles)  # by what a missing column is called; those of the file itself replace them

    def fault(self, text: str, name: str) -> None:
        self.bad.add(name)
        self.faults.append(self.line.fault(text, self.headings.get(name, name)))

    def read(self, name: str, said: Mapping[str, Any], reader: Callable[[Any], Any]) -> Any:
        """Return the field as ``reader`` gives it; None where it is not given, or is faulty."""
        value = said.get(name)
        if value is None or value == "":
            return None
        try:
            return reader(value)
        except ValueError as error:
            self.fault(str(error), name)
            return None


def _text(value: Any) -> str:
    if isinstance(value, dict | list | bool):
        raise ValueError("应为文字")  # noqa: TRY004 - gathered with the other faults of the row
    return bounded(str(value))


def _number(value: Any) -> str:
    text = _text(value)
    if _NOT_IN_NAMES.search(text) or text.strip(". ") != text:
        raise ValueError('编号要用作文件夹名，不能含有 / \\ : * ? " < > |，也不能以点或者空格开头、结尾')
    if len(text) > _LONGEST:
        raise ValueError(f"超过{_LONGEST}字")
    return text


@lru_cache(maxsize=4096)
def _ways(text: str) -> tuple[str, ...]:
    """Return what a cell may be meant to say: 不予公开：1.属于国家秘密 and （三）1.属于国家秘密 are 属于国家秘密."""
    bare = _TRAILING.sub("", text.strip())
    parts = [p for p in re.split(r"[-—－:：/]|\d+[.．、]|[）)]", bare) if p.strip()]
    ways = (text, _LEADING.sub("", text.strip()), _LEADING.sub("", bare), parts[-1] if parts else "")
    return tuple(plain(way) for way in ways)
