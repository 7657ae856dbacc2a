"""Precedents from the lists that offices keep: CSV, XLSX, and Word with tables, forms or labelled paragraphs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from yishenqing.core.errors import DataFault, Fault, why
from yishenqing.documents import Document
from yishenqing.precedents.customs import Customs
from yishenqing.tabular import Headings, Line, read_lines, refuse_bomb

_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2}))?(?:[-/.月](\d{1,2}))?[年月日]?")
_LABELLED = re.compile(r"\s*[【\[]?([^：:】\]]{1,12})[】\]]?\s*[：:]\s*(.*)", re.DOTALL)
_PAIR = 2  # cells in a row of a form: what it is called, what it says


class Sheets:
    """Turns the rows and forms of one file into documents; what is wrong with them is added to ``faults``."""

    def __init__(self, customs: Customs, faults: list[Fault]) -> None:
        """Know the headings by ``customs``."""
        self._customs, self._faults = customs, faults
        self._names = {h: name for name, headings in customs.headings.items() for h in (name, *headings)}
        self._ids = {"id", *customs.headings["id"]}

    def documents(self, path: Path) -> Iterator[Document]:
        """Yield one document for each record of ``path``.

        Raises:
            NotFound: there is no such file.
            DataFault: it cannot be read at all.
        """
        kind = path.suffix.lower()
        if kind == ".doc":
            raise DataFault.of([Fault("不能读取 .doc 文件，请另存为 .docx 后重试", str(path))])
        lines = self._word(path) if kind == ".docx" else self._table(path)
        for line in lines:
            yield self._document(line)

    def _table(self, path: Path) -> Iterator[Line]:
        wanted = f"表头须有“{self._customs.headings['id'][0]}”一列"
        return read_lines(path, Headings(self._ids.__contains__, wanted), self._faults)

    def _document(self, line: Line) -> Document:
        """Return what a row says; a cell that cannot be read is a fault, and the others are judged nevertheless."""
        data: dict[str, Any] = {}
        for heading, value in line.cells.items():
            name = self._names.get(heading)
            if name is None:
                self._faults.append(line.fault(self._unknown(heading), heading))
            elif name in data:
                self._faults.append(line.fault("与另一列是同一项，只能写一处", heading))
            elif value not in (None, ""):
                try:
                    data[name] = self._value(name, value)
                except ValueError as error:
                    self._faults.append(line.fault(str(error), heading))
        return Document({k: v for k, v in data.items() if v is not None}, line.file, {(): line.line})

    def _unknown(self, heading: str) -> str:
        close = get_close_matches(heading, self._names, 1)
        known = "、".join(headings[0] for headings in self._customs.headings.values())
        return "没有这一项" + (f"，是否想写“{close[0]}”？" if close else f"；可用：{known}")

    def _value(self, name: str, value: Any) -> Any:
        if name == "decided_on":
            return _day(value)
        text = "\n".join(x.strip() for x in str(value).splitlines()).strip()
        if name == "overturned":
            return self._overturned(text)
        if name == "level":
            return self._level(text)
        if name == "outcome":
            return self._customs.outcome(text)
        if name in ("legal_basis", "topics"):
            parts = re.split(r"[；;\n]" if name == "legal_basis" else r"[、，,；;\s]", text)
            return [p.strip() for p in parts if p.strip()]
        return text

    def _overturned(self, text: str) -> bool | None:
        for word, meant in (("yes", True), ("no", False), ("unknown", None)):
            if text in (word, *self._customs.overturned[word]):
                return meant
        known = "、".join(w for words in self._customs.overturned.values() for w in words)
        raise ValueError(f"“{text}”不能认，应为{known}之一；说明写入“{self._customs.headings['fate'][0]}”")

    def _level(self, text: str) -> str:
        code = self._customs.level(text)
        if code is None:
            known = "、".join(level.title for level in self._customs.levels.values())
            raise ValueError(f"“{text}”不是层级，应为{known}之一")
        return code

    # ---- Word

    def _word(self, path: Path) -> Iterator[Line]:
        import docx
        from docx.table import Table

        refuse_bomb(path, "Word 文件（.docx）")
        try:
            blocks = list(docx.Document(str(path)).iter_inner_content())
        except Exception as error:  # noqa: BLE001 - a damaged document fails in the parser's many ways
            told = why(error) if isinstance(error, OSError) and error.errno else "已损坏，或者不是这种文件"
            raise DataFault.of([Fault(f"不是可以读取的 Word 文件（{told}）", str(path))]) from None
        tables = [b for b in blocks if isinstance(b, Table)]
        for n, table in enumerate(tables, start=1):
            file = f"{path}［表{n}］" if len(tables) > 1 else str(path)
            yield from self._word_table([[c.text.strip() for c in row.cells] for row in table.rows], file)
        yield from self._paragraphs([b.text for b in blocks if not isinstance(b, Table)], str(path))

    def _word_table(self, rows: Sequence[Sequence[str]], file: str) -> Iterator[Line]:
        if rows and self._is_head(rows[0]):
            head = [_plain(c) for c in rows[0]]
            for number, row in enumerate(rows[1:], start=2):
                if any(row):
                    yield Line(file, number, dict(_filled(zip(head, row, strict=False))))
            return
        labelled = [row for row in rows if len(row) == _PAIR and _plain(row[0]) in self._names]
        if any(_plain(row[0]) in self._ids for row in labelled):
            yield Line(file, 1, dict(_filled((_plain(row[0]), row[1]) for row in rows if len(row) == _PAIR)))
        else:
            self._faults.append(Fault("表格既没有表头，也不是“项目、内容”两列的案例表", file, 1))

    def _is_head(self, row: Sequence[str]) -> bool:
        known = [c for c in row if _plain(c) in self._names]
        return len(known) > 1 and any(_plain(c) in self._ids for c in row)

    def _paragraphs(self, texts: Iterable[str], file: str) -> Iterator[Line]:
        """Records written as 编号：…, 标题：…; a paragraph without a label belongs to the one before it."""
        number, cells, last = 0, dict[str, str](), ""
        for n, text in enumerate(texts, start=1):
            match = _LABELLED.match(text)
            label = _plain(match[1]) if match else ""
            if match and label in self._ids:
                if cells:
                    yield Line(file, number, cells)
                number, cells, last = n, {label: match[2].strip()}, label
            elif match and label in self._names and cells:
                if label in cells:
                    self._faults.append(Fault(f"“{label}”写了两次", file, n))
                cells[label], last = match[2].strip(), label
            elif text.strip() and cells:
                cells[last] = f"{cells[last]}\n{text.strip()}"
        if cells:
            yield Line(file, number, cells)


def _filled(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((heading, text) for heading, text in pairs if heading and text)


def _plain(heading: str) -> str:
    return "".join(heading.split()).strip("*＊：:")


def _day(value: Any) -> str:
    """Return a day, a month or a year as the contract writes it."""
    if isinstance(value, date):
        return value.isoformat()
    text = "".join(unicodedata.normalize("NFKC", str(value)).split())
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text}”不是日期，应写作 2024、2024-03 或者 2024-03-01")
    return "-".join([match[1], *(f"{int(part):02}" for part in match.groups()[1:] if part)])
