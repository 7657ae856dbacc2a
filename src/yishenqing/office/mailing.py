"""What the post office tells of the letters that were handed over: lists of mail numbers, read row by row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault
from yishenqing.tabular import Headings, Line, day_of, read_lines

# How lists name the columns; any order, others are left alone.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "number": ("案件编号", "登记编号", "申请编号", "number"),
    "letter": ("文号", "发文字号", "文书编号", "文书文号", "letter"),
    "tracking": ("邮件号", "邮件号码", "邮件编号", "运单号", "运单号码", "单号", "挂号号码", "tracking"),
    "posted_on": ("交邮日期", "交邮之日", "交寄日期", "寄出日期", "收寄日期", "收寄时间", "posted_on"),
}
_TITLES = {name: headings[0] for name, headings in _COLUMNS.items()}
_NAMES = {heading: name for name, headings in _COLUMNS.items() for heading in headings}
_WANTED = "表头须有“邮件号”“交邮日期”，以及“案件编号”或者“文号”"
# Numbers of the postal enterprise: 13 digits, or the form of the Universal Postal Union, or registered mail.
_POSTAL = re.compile(r"\d{13}|[A-Z]{2}\d{9}[A-Z]{2}|[A-Z]{2}\d{11}")
_POST_ONLY = "国办公开办函〔2016〕235号"
_ROUNDED = re.compile(r"\d(?:\.\d+)?[Ee]\+\d+")  # how a spreadsheet shows a long number that it took for a quantity
_EXACT = 15  # digits that a spreadsheet keeps of a number
_CLOCK = re.compile(r"\s+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$")
_SERIAL = range(36_526, 73_051)  # what a spreadsheet writes for the days of 2000 to 2099 in a cell without a format
_SERIAL_ZERO = date(1899, 12, 30)
_BRACKETS = str.maketrans("[]()【】", "〔〕〔〕〔〕")


class Posting(Struct, frozen=True):
    """One row: which case or letter it is about, under which number it was posted, and on which day."""

    line: Line
    number: str
    letter: str
    tracking: str
    posted_on: date


def read_postings(path: Path) -> list[Posting]:
    """Read the list in ``path``: every row, or none.

    Raises:
        NotFound: there is no such file.
        DataFault: any row has a fault; all faults, each with its line.
    """
    faults: list[Fault] = []
    found = [
        posting
        for line in read_lines(path, Headings(lambda h: _NAMES.get(h) == "tracking", _WANTED), faults)
        if (posting := _posting(line, faults)) is not None
    ]
    if not faults and not found:
        faults.append(Fault("没有一条内容", str(path)))
    if faults:
        raise DataFault.of(sorted(faults, key=lambda f: (f.file, f.line or 0)))
    return found


def letter_numbers(text: str) -> tuple[str, ...]:
    """Return the ways in which the number of a letter may stand in the ledger, as typed and with 六角括号."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    return tuple(dict.fromkeys((text, plain, plain.translate(_BRACKETS))))


def _posting(line: Line, faults: list[Fault]) -> Posting | None:
    here: list[Fault] = []
    given: dict[str, tuple[str, Any]] = {}
    for heading, value in line.cells.items():
        name = _NAMES.get(heading)
        if name in given:
            here.append(line.fault(f"与“{given[name][0]}”是同一项，只能写一处", heading))
        elif name is not None and str(value).strip():
            given[name] = (heading, value)
    values: dict[str, Any] = {}
    for name, (heading, value) in given.items():
        try:
            values[name] = _READERS[name](value)
        except ValueError as error:
            law = _POST_ONLY if name == "tracking" else ""
            here.append(line.fault(str(error), heading, law))
    here += [line.fault(f"缺少“{_TITLES[name]}”") for name in ("tracking", "posted_on") if name not in given]
    if not given.keys() & {"number", "letter"}:
        here.append(line.fault("缺少“案件编号”或者“文号”，不知道是哪一件"))
    faults += here
    if here:
        return None
    return Posting(line, values.get("number", ""), values.get("letter", ""), values["tracking"], values["posted_on"])


def _plain(value: Any) -> str:
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if any(unicodedata.category(c).startswith("C") for c in text):
        raise ValueError("含有看不见的控制字符，请清除后重试")
    return text


def _tracking(value: Any) -> str:
    """Return a mail number as the post office writes it: capitals and digits without blanks and strokes."""
    text = "".join(_plain(value).split()).replace("-", "").lstrip("'").upper()
    if _ROUNDED.fullmatch(text) or (isinstance(value, int) and len(text) > _EXACT):
        raise ValueError(f"“{text}”已被电子表格改写，请把该列设为文本格式后重新填写")
    if not _POSTAL.fullmatch(text):
        said = "邮政企业的邮件号为13位（13位数字，或者字母和数字，如 XA12345678901）；只能交邮政企业寄递"
        raise ValueError(f"“{text[:40]}”不是邮政企业的邮件号：{said}")
    return text


def _posted_on(value: Any) -> date:
    if isinstance(value, date):
        return day_of(value)
    text = _CLOCK.sub("", _plain(value))
    if text.isdecimal() and int(text[:6]) in _SERIAL and int(text) in _SERIAL:
        return _SERIAL_ZERO + timedelta(days=int(text))
    return day_of(text)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "number": _plain,
    "letter": lambda value: str(value).strip(),
    "tracking": _tracking,
    "posted_on": _posted_on,
}
