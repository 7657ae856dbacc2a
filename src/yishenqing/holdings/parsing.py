"""Turn rows into documents of the register, or say of every row at once what is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.law import Law
from yishenqing.core.numerals import LARGEST, numeral
from yishenqing.holdings.model import Customs, Holding
from yishenqing.tabular import Headings, Line, day_of, read_lines

_LONGEST = {"title": 1000, "reason": 4000, "note": 4000, "place": 2000}
_LONG = 500
_BROKEN = re.compile(r"#(?:REF!|NAME\?|VALUE!|N/A|DIV/0!|NULL!|NUM!)")  # what spreadsheets write for an error
_CITED = re.compile(
    r"《?(?P<statute>[^《》，,；;、。：:（）()\s]*?)》?\s*(?:[（(][^）)]*[）)])?\s*"
    r"第(?P<article>[一二三四五六七八九十百零〇\d]+)条(?P<rest>(?:第[一二三四五六七八九十\d]+[款项]|（[^）]*）项)*)"
)
_TELLING = 4  # characters of a statute's name that tell it from the others


class Parsed(Struct):
    """The documents of a file with the row of each, and the headings that the program has no name for."""

    holdings: list[tuple[int, Holding]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def parse(path: Path, customs: Customs, law: Law) -> Parsed:
    """Read the list in ``path``: all of its documents, or none.

    Raises:
        NotFound: there is no such file.
        DataFault: any row has a fault; all faults, each with its line.
    """
    faults: list[Fault] = []
    names = {h: name for name, headings in customs.headings.items() for h in (name, *headings)}
    titles = {"title", *customs.headings["title"]}
    parsed, reader = Parsed(), _Rows(customs, law, names)
    for line in read_lines(path, Headings(titles.__contains__, "表头须有“标题”一列"), faults):
        holding = reader.holding(line, faults)
        if holding is not None:
            parsed.holdings.append((line.line, holding))
    if not faults and not parsed.holdings:
        faults.append(Fault("没有一条内容", str(path)))
    if faults:
        raise DataFault.of(sorted(faults, key=lambda f: (f.file, f.line or 0)))
    parsed.unknown = sorted(reader.unknown)
    return parsed


class _Rows:
    def __init__(self, customs: Customs, law: Law, names: Mapping[str, str]) -> None:
        self._customs, self._law, self._names = customs, law, names
        self.unknown: set[str] = set()
        self._seen: dict[str, Line] = {}

    def holding(self, line: Line, faults: list[Fault]) -> Holding | None:
        """Return the document of one row; what is wrong with it is added to ``faults``."""
        here: list[Fault] = []
        values = self._named(line, here)
        found: dict[str, Any] = {}
        for name, (heading, value) in values.items():
            try:
                found[name] = _READERS.get(name, _text)(value, name)
            except ValueError as error:
                here.append(line.fault(str(error), heading))
        missing = [n for n in ("title", "attribute") if n not in values]
        here += [line.fault(f"缺少“{self._customs.headings[n][0]}”") for n in missing]
        self._judge(found, values, line, here)
        faults += here
        if here:
            return None
        holding = Holding(**found)
        faults += self._twin(holding, line)
        return holding

    def _named(self, line: Line, here: list[Fault]) -> dict[str, tuple[str, Any]]:
        values: dict[str, tuple[str, Any]] = {}
        other: dict[str, str] = {}
        for heading, value in line.cells.items():
            name = self._names.get(heading)
            if value == "":
                continue
            if name is None:
                self.unknown.add(heading)
                other[heading] = str(value)
            elif name in values:
                here.append(line.fault(f"与“{values[name][0]}”是同一项，只能写一处", heading))
            else:
                values[name] = (heading, value)
        if other:
            values["other"] = ("", other)
        return values

    def _judge(
        self, found: dict[str, Any], values: Mapping[str, tuple[str, Any]], line: Line, here: list[Fault]
    ) -> None:
        """Check what only attribute, ground and law together can tell."""
        word = found.get("attribute")
        code = self._customs.attribute(word) if word else None
        if word and code is None:
            here.append(line.fault(self._no_attribute(word), values["attribute"][0]))
        if "ground" in found:
            citations, rest = self._citations(found.pop("ground"), line, values["ground"][0], here)
            found["ground"] = citations
            if rest:
                found["reason"] = "；".join(x for x in (found.get("reason", ""), rest) if x)
        if code is not None:
            found["attribute"] = code
            title = self._customs.attributes[code].title
            if self._customs.attributes[code].grounded and "ground" not in values:
                heading = self._customs.headings["ground"][0]
                here.append(line.fault(f"{title}的，须写明依据的条文（“{heading}”），如 条例第十六条第二款"))

    def _no_attribute(self, word: str) -> str:
        titles = [a.title for a in self._customs.attributes.values()]
        close = get_close_matches(word, titles, 1)
        hint = f"，是否想写“{close[0]}”？" if close else f"，应为{'、'.join(titles)}之一"
        return f"“{word}”不是公开属性{hint}"

    def _citations(self, text: str, line: Line, heading: str, here: list[Fault]) -> tuple[tuple[str, ...], str]:
        cited = [self._citation(m) for m in _CITED.finditer(text)]
        if not cited:
            here.append(line.fault(f"“{text}”中没有条文，应写作 条例第十六条第二款", heading))
        for citation in cited:
            if problem := self._law.unresolved(citation):
                hint = "；请写明法规名称，如 条例" if citation.startswith("第") else ""
                here.append(line.fault(f"{problem}{hint}", heading, citation))
        rest = _CITED.sub("", text).strip(" ，,；;、。：:（）()\n")
        return tuple(dict.fromkeys(cited)), rest

    def _citation(self, match: re.Match[str]) -> str:
        said = match["statute"].removeprefix("根据").removeprefix("依据").removeprefix("按照").removeprefix("属于")
        known = self._law.statutes.values()
        cite = next((s.cite for s in known if said in (s.cite, s.title)), None)
        if cite is None and len(said) >= _TELLING:
            cite = next((s.cite for s in known if s.title.endswith(said)), said)
        cite = said if cite is None else cite
        return f"{cite}第{_numeral(match['article'])}条{match['rest']}"

    def _twin(self, holding: Holding, line: Line) -> Iterator[Fault]:
        key = holding.number_key or holding.title_key
        first = self._seen.setdefault(key, line)
        if first is not line:
            named = (
                f"文号“{holding.number}”" if holding.number_key else f"没有文号的“{holding.title}”（标题和日期相同）"
            )
            place = f"第{first.line}行" if first.file == line.file else f"{first.file} 第{first.line}行"
            yield line.fault(f"{named}重复，已见于{place}")


def _numeral(digits: str) -> str:
    """Return an article's number as statutes write it."""
    return numeral(int(digits)) if digits.isdecimal() and int(digits) <= LARGEST else digits


def _text(value: Any, name: str) -> Any:
    if name == "other":
        return {k: _text(v, "note") for k, v in value.items()}
    if name == "ground" and isinstance(value, list):
        return "；".join(_text(v, name) for v in value)
    if not isinstance(value, str | int | float | date) or isinstance(value, bool):
        raise ValueError("应为文字")  # noqa: TRY004 - all faults of a row are gathered alike
    text = str(value).replace("\r\n", "\n").strip()
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c not in "\n\t\u200c\u200d" for c in text):
        raise ValueError("含有看不见的控制字符，请清除后重试")
    if _BROKEN.fullmatch(text):
        raise ValueError(f"“{text}”是表格公式的错误值，请改正后重试")
    longest = _LONGEST.get(name, _LONG)
    if len(text) > longest:
        raise ValueError(f"过长（{len(text)}字，上限{longest}字）")
    return text


def _name(value: Any, name: str) -> str:
    text = " ".join(_text(value, name).split())
    if not any(c.isalnum() for c in text):
        raise ValueError("不能为空")
    return text


def _day(value: Any, _name: str) -> date:
    return day_of(value)


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "title": _name,
    "made_on": _day,
    "review_on": _day,
}
