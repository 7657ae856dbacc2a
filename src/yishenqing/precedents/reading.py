"""Read precedents from JSON lines, tables and Word: every fault of the file at once, or all of its records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing.core.errors import DataFault, Fault
from yishenqing.precedents.model import LEVELS, OUTCOMES, TEXT_FIELDS, VERIFICATIONS, Precedent

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from yishenqing.documents import Document
    from yishenqing.precedents.customs import Customs

MOST_BYTES = 1_000_000  # of one text, as UTF-8
_MOST_ID = 200
_SHIPPED = Path(__file__).with_name("library.jsonl")
_DECIDED = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # PostgreSQL stores no NUL; the rest is damage


def shipped_library() -> list[Precedent]:
    """Return the precedents that ship with the program."""
    return read_jsonl(_SHIPPED)


def read_jsonl(path: Path) -> list[Precedent]:
    """Read one precedent from each line of ``path``; empty lines are passed over, null is as good as absent.

    Raises:
        NotFound: there is no such file.
        DataFault: any line has a fault, or an id stands twice; all faults are listed, each with its line.
    """
    faults: list[Fault] = []
    return _records(json_lines(path, faults), faults)


def read_records(path: Path, customs: Customs) -> list[Precedent]:
    """Read precedents from JSON lines, CSV, XLSX or Word (by the name's ending).

    Raises:
        NotFound: there is no such file.
        DataFault: anything in it has a fault; all faults are listed, each with its line.
    """
    if path.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        return read_jsonl(path)
    from yishenqing.precedents.sheets import Sheets

    faults: list[Fault] = []
    titles = {name: headings[0] for name, headings in customs.headings.items()}
    found = _records(Sheets(customs, faults).documents(path), faults, titles)
    if not found:
        raise DataFault.of([Fault("没有一个案例", str(path))])
    return found


def _records(
    documents: Iterable[Document], faults: list[Fault], titles: Mapping[str, str] = MappingProxyType({})
) -> list[Precedent]:
    """Return the records, or raise with all faults; ``titles`` are what the fields are called in the file."""
    from yishenqing.documents import validated

    found: list[Precedent] = []
    lines: dict[str, Document] = {}
    for document in documents:
        here = _check(document)
        if not here:
            try:
                record = validated(_adapter(), document)
            except DataFault as error:
                here = list(error.faults)
            else:
                here = twin(record.id, lines, document, "id")
                found.append(record)
        faults += here
    if faults:
        named = [replace(f, field=titles.get(f.field, f.field)) for f in faults]
        raise DataFault.of(sorted(named, key=lambda f: (f.file, f.line or 0)))
    return found


def json_lines(path: Path, faults: list[Fault]) -> Iterator[Document]:
    """Yield the object on each line of ``path``; lines that hold none become ``faults``.

    Raises:
        NotFound: there is no such file.
        DataFault: it is not UTF-8.
    """
    from yishenqing.documents import Document, json_value, read_text

    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            data = json_value(line, str(path), number)
        except DataFault as error:
            faults += error.faults
            continue
        if isinstance(data, dict):
            kept = {key: value for key, value in data.items() if value is not None}
            yield Document(kept, str(path), {(): number})
        else:
            faults.append(Fault("每行应为一个键值对（JSON 对象）", str(path), number))


def twin(identifier: str, lines: dict[str, Document], document: Document, field: str) -> list[Fault]:
    """Return a fault if ``identifier`` was met on an earlier line; remember where it stands."""
    first = lines.setdefault(identifier, document)
    if first is document:
        return []
    place = "" if first.file == document.file else f"{first.file} "
    return [document.fault(f"编号“{identifier}”重复，已见于{place}第{first.line(())}行", (field,))]


@cache
def _adapter() -> TypeAdapter[Precedent]:
    from pydantic import TypeAdapter

    return TypeAdapter(Precedent)


def _check(document: Document) -> list[Fault]:
    """Return the faults that the types alone do not show."""
    data: Mapping[str, Any] = document.data
    faults = [document.fault(t, (name,)) for name, value in data.items() for t in _texts(value)]
    for name, check in _CHECKS.items():
        if name in data and (problem := check(data[name])):
            faults.append(document.fault(problem, (name,)))
    if not any(str(data.get(name, "")).strip() for name in TEXT_FIELDS):
        faults.append(document.fault(f"至少要有一项文字内容（{'、'.join(TEXT_FIELDS)}之一）"))
    return faults


def _texts(value: Any) -> Iterator[str]:
    """Yield what is wrong with the texts of one field."""
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str):
            continue
        if _CONTROL.search(text):
            yield "含有控制字符，请清除后重试"
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            yield "含有不完整的字符（孤立代理项）"
        else:
            if size > MOST_BYTES:
                yield f"文字过长（{size} 字节，上限 {MOST_BYTES} 字节）"


def _id(value: Any) -> str:
    if not isinstance(value, str):
        return ""  # the type is judged with the others
    if not value or value != value.strip() or "\n" in value:
        return "编号不能为空，首尾不能有空格，不能换行"
    return f"编号过长，上限 {_MOST_ID} 个字符" if len(value) > _MOST_ID else ""


def _outcome(value: Any) -> str:
    if not isinstance(value, str) or value in OUTCOMES:
        return ""
    close = get_close_matches(value, OUTCOMES, 1)
    hint = f"是否想写“{close[0]}”？" if close else f"可用：{'、'.join(OUTCOMES)}"
    return f"“{value}”不是规定的办理结果代码，{hint}"


def _overturned(value: Any) -> str:
    return "" if isinstance(value, bool) else "应为 true、false 或者 null"


def _decided_on(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    wrong = f"“{value}”不是存在的日期，应写作 2024、2024-03 或者 2024-03-01"
    if (match := _DECIDED.fullmatch(value)) is None:
        return wrong
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return wrong
    return ""


def _verification(value: Any) -> str:
    return "" if value in VERIFICATIONS else f"只能是 {'、'.join(VERIFICATIONS)}"


def _level(value: Any) -> str:
    return "" if value in LEVELS else f"只能是 {'、'.join(LEVELS)}"


_CHECKS: dict[str, Callable[[Any], str]] = {
    "id": _id,
    "outcome": _outcome,
    "overturned": _overturned,
    "decided_on": _decided_on,
    "verification": _verification,
    "level": _level,
}
