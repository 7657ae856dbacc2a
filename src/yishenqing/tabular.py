"""Rows of the lists that offices keep: CSV as spreadsheets write it, JSON lines, XLSX. Nothing is judged here.

A reader says which headings it knows; what a row means, and what is wrong with it, is the reader's own.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault, NotFound, why
from yishenqing.documents import json_value, read_text

_LARGEST = 512 * 1024 * 1024  # bytes that a workbook may unpack to
_LARGEST_CELL = 8 * 1024 * 1024  # characters; a judgment in one cell is more than csv's own limit
_SEARCHED = 20  # rows in which the headings are looked for: lists begin with a caption
_OLD = {".xls", ".et", ".wps", ".ods"}


class Line(Struct, frozen=True):
    """One row: where it stands, and its cells by heading as the file names them."""

    file: str
    line: int
    cells: Mapping[str, Any]

    def fault(self, text: str, field: str = "", law: str = "") -> Fault:
        """Return a fault of this row."""
        return Fault(text, self.file, self.line, field, law)


class Headings(Struct, frozen=True):
    """The row of headings: how it is known among captions, and what is said where there is none."""

    known: Callable[[str], bool]
    wanted: str
    joined: bool = False  # the headings may stand in two rows, merged cells above: read as “above/below”


def read_lines(path: Path, headings: Headings, faults: list[Fault]) -> Iterator[Line]:
    """Yield the rows of ``path``; ``headings`` knows the column without which a row is no row of headings.

    Raises:
        NotFound: there is no such file.
        DataFault: it cannot be read at all.
    """
    kind = path.suffix.lower()
    if kind in {".jsonl", ".ndjson", ".json"}:
        return _json_lines(path, faults)
    if kind in {".xlsx", ".xlsm"}:
        return _sheets(path, headings, faults)
    if kind in _OLD:
        raise DataFault.of([Fault(f"不能读取 {kind} 文件，请另存为 .xlsx 或者 .csv 后重试", str(path))])
    return _table(_csv_rows(path, faults), str(path), headings, faults)


def _json_lines(path: Path, faults: list[Fault]) -> Iterator[Line]:
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        try:
            data = json_value(text, str(path), number)
        except DataFault as error:
            faults += error.faults
            continue
        if isinstance(data, dict):
            yield Line(str(path), number, {k: v for k, v in data.items() if v is not None})
        else:
            faults.append(Fault("每行应为一个键值对（JSON 对象）", str(path), number))


def _csv_rows(path: Path, faults: list[Fault]) -> Iterator[tuple[int, Sequence[Any]]]:
    text = _decoded(path)
    if "\0" in text:
        raise DataFault.of([Fault("含有空字符，不是 CSV 文本", str(path), text[: text.index("\0")].count("\n") + 1)])
    head = text[:2000]
    delimiter = max((",", "\t", ";"), key=head.count)
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            faults.append(Fault(f"不是合法的 CSV（{_CSV_SAYS.get(str(error), str(error))}）", str(path), begun))
            return
        yield begun, row
        begun = reader.line_num + 1


_CSV_SAYS = {
    "unexpected end of data": "引号没有成对，其后的内容都被当作同一格",
    "',' expected after '\"'": "引号之后应为逗号",
    "'\t' expected after '\"'": "引号之后应为制表符",
}


def _decoded(path: Path) -> str:
    """Return the text: UTF-8, or GB18030, in which Chinese spreadsheets write CSV."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"找不到文件“{path}”。") from None
    except OSError as error:
        raise DataFault.of([Fault(f"无法读取（{why(error)}）", str(path))]) from None
    line = 1
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            line = max(line, content[: error.start].count(b"\n") + 1)  # the right encoding comes further
    raise DataFault.of([Fault("不是 UTF-8 或者 GB18030 编码的文本", str(path), line)])


def _sheets(path: Path, known: Headings, faults: list[Fault]) -> Iterator[Line]:
    from openpyxl import load_workbook

    refuse_bomb(path, "XLSX 工作簿")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and validations, which nobody reads here
            book = load_workbook(path, read_only=True, data_only=True)
            pages = [(sheet.title, _cells(sheet)) for sheet in book.worksheets]
            unreckoned = list(_unreckoned(path, dict(pages))) if _has_formulas(path) else []
        book.close()
    except Exception as error:  # noqa: BLE001 - a damaged workbook fails in the parser's many ways
        told = why(error) if isinstance(error, OSError) and error.errno else "已损坏，或者不是这种文件"
        raise DataFault.of([Fault(f"不是可以读取的 XLSX 工作簿（{told}）", str(path))]) from None
    faults += unreckoned
    named = [
        (title, rows) for title, rows in pages if any(known.known(str(c)) for _, r in rows[:_SEARCHED] for c in r)
    ]
    for title, rows in named or pages[:1]:
        file = str(path) if len(named) <= 1 else f"{path}［{title}］"
        yield from _table(iter(rows), file, known, faults)


def _cells(sheet: Any) -> list[tuple[int, Sequence[Any]]]:
    sheet.reset_dimensions()  # what a file says of its own extent is often wrong
    rows = enumerate(sheet.iter_rows(values_only=True), start=1)
    return [(number, row) for number, row in rows if any(c is not None and str(c).strip() for c in row)]


def _has_formulas(path: Path) -> bool:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(b"<f>" in content or b"<f " in content for content in map(archive.read, sheets))


def _unreckoned(path: Path, pages: Mapping[str, Sequence[tuple[int, Sequence[Any]]]]) -> Iterator[Fault]:
    """Name the formulas whose results are not in the file: it was written by a program that does not reckon."""
    from openpyxl import load_workbook
    from openpyxl.utils import get_column_letter

    book = load_workbook(path, read_only=True)
    for sheet in book.worksheets:
        results = dict(pages.get(sheet.title, ()))
        for number, row in _cells(sheet):
            known = results.get(number, ())
            for place, cell in enumerate(row):
                if str(cell).startswith("=") and (place >= len(known) or known[place] is None):
                    column = f"{get_column_letter(place + 1)}列是没有存下结果的公式"
                    text = f"{column}；请在表格软件中打开并保存，或者改成文字"
                    yield Fault(text, f"{path}［{sheet.title}］", number)
    book.close()


def refuse_bomb(path: Path, called: str) -> None:
    """Refuse a workbook or document that is no archive, or that unpacks to more than anybody writes.

    Raises:
        NotFound: there is no such file.
        DataFault: it is neither what it is ``called``, nor small enough.
    """
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except FileNotFoundError:
        raise NotFound(f"找不到文件“{path}”。") from None
    except (OSError, zipfile.BadZipFile):
        raise DataFault.of([Fault(f"不是可以读取的 {called}", str(path))]) from None
    if size > _LARGEST:
        raise DataFault.of([Fault(f"解压后过大（{size}字节），请分成几个文件", str(path))])


def _table(
    rows: Iterator[tuple[int, Sequence[Any]]], file: str, known: Headings, faults: list[Fault]
) -> Iterator[Line]:
    headings: list[str] = []
    above: Sequence[Any] = ()
    first = 0
    for count, (number, row) in enumerate(rows):
        if headings and known.joined and number == first + 1 and _continues(row, headings, known):
            headings = _merged(headings, row)
        elif headings:
            faults += _twins(headings, file, first)
            first = 0
            yield from _line(file, number, headings, row, faults)
        elif any(known.known(_heading(c)) for c in row):
            grouped = known.joined and sum(1 for c in above if _heading(c)) > 1
            headings = _merged([_heading(c) for c in above], row) if grouped else [_heading(c) for c in row]
            first = number
        elif count >= _SEARCHED:
            break
        above = row
    if not headings:
        faults.append(Fault(f"前{_SEARCHED}行中没有找到表头，{known.wanted}", file, 1))
    faults += _twins(headings, file, first)


def _twins(headings: Sequence[str], file: str, line: int) -> list[Fault]:
    """Return the headings that stand there twice; said once, when ``line`` is that of the headings."""
    twins = sorted({h for h in headings if h and headings.count(h) > 1}) if line else []
    return [Fault(f"表头“{h}”出现两次", file, line) for h in twins]


def _continues(row: Sequence[Any], headings: Sequence[str], known: Headings) -> bool:
    """Tell whether a row is the lower row of headings: words alone, and none where the known heading stands."""
    said = [(n, c) for n, c in enumerate(row) if _heading(c)]
    at = [n for n, h in enumerate(headings) if known.known(h)]
    words = all(isinstance(c, str) and not any(x.isdecimal() for x in c) for _, c in said)
    return bool(said) and words and not any(n in at for n, _ in said)


def _merged(upper: Sequence[str], lower: Sequence[Any]) -> list[str]:
    """Return the headings of two rows; a merged cell of the upper row stands over what is blank beside it."""
    found, over = [], ""
    for n in range(max(len(upper), len(lower))):
        top = upper[n] if n < len(upper) else ""
        below = _heading(lower[n]) if n < len(lower) else ""
        over = top or (over if below else "")
        found.append("/".join(part for part in (over, below) if part))
    return found


def _line(file: str, number: int, headings: Sequence[str], row: Sequence[Any], faults: list[Fault]) -> Iterator[Line]:
    if not any(c is not None and str(c).strip() for c in row):
        return
    extra = [c for c in row[len(headings) :] if c is not None and str(c).strip()]
    if extra:
        faults.append(Fault(f"比表头多出{len(extra)}格（内容中有没加引号的逗号？）", file, number))
        return
    cells = {h: _cell(c) for h, c in zip(headings, row, strict=False) if h}
    nameless = [c for h, c in zip(headings, row, strict=False) if not h and c is not None and str(c).strip()]
    if nameless:
        faults.append(Fault(f"“{nameless[0]}”所在的列没有表头", file, number))
    yield Line(file, number, {h: c for h, c in cells.items() if c not in (None, "")})


def _heading(cell: Any) -> str:
    return "".join(str(cell).split()).strip("*＊：:") if cell is not None else ""


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if value is None or isinstance(value, date) else str(value).strip()


_DATES = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:\s+0?0:00(?::00)?)?")
_SPELT = re.compile(r"([〇零○一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日")
_NUMERALS = {c: n for n, digits in enumerate(("〇零○", *"一二三四五六七八九")) for c in digits}
_SERIAL = re.compile(r"[2-7]\d{4}(?:\.\d+)?")  # how spreadsheets keep a day that was not formatted as one
_SERIAL_ZERO = date(1899, 12, 30)


def day_of(value: Any) -> date:
    """Return the day that a cell holds, also where a person typed it (２０２４年３月５日, 2024/3/5, 20240305).

    Also 二〇二四年三月五日, and the number of days by which a spreadsheet keeps it (45356).

    Raises:
        ValueError: it is no day, or one that the calendar does not have; in Chinese.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if _SERIAL.fullmatch(text):
        return _SERIAL_ZERO + timedelta(days=int(float(text)))
    match = _DATES.fullmatch(_unspelt(text))
    if match is None:
        raise ValueError(f"“{text}”不是日期，应写作 2024-03-05")
    year, month, day = match[1], match[2] or match[4], match[3] or match[5]
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError(f"“{text}”是不存在的日期") from None


def _unspelt(text: str) -> str:
    """Return 二〇二四年三月十五日 as 2024年3月15日; anything else as it is."""
    match = _SPELT.fullmatch(text)
    if match is None:
        return text
    year = "".join(str(_NUMERALS[c]) for c in match[1])
    return f"{year}年{_small(match[2])}月{_small(match[3])}日"


def _small(numeral: str) -> int:
    """Return 十五 as 15, 三十 as 30."""
    tens, ten, units = numeral.rpartition("十")
    if not ten:
        return int("".join(str(_NUMERALS[c]) for c in numeral))
    return (_NUMERALS[tens] if tens else 1) * 10 + (_NUMERALS[units] if units else 0)
