"""Reads ``workflows/`` into the core's types: the procedure, the law it cites, the working days.

What a case was opened under is kept as a snapshot (canonical JSON named by its digest), so that a later edit of
the files changes no case that is already open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.core.law import FeeScale, Law, Remedy, Statute, Term
from yishenqing.core.ledger import canonical, digest
from yishenqing.core.plain import built
from yishenqing.core.workdays import Workdays, Year
from yishenqing.core.workflow import Workflow
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from yishenqing.documents import Document


@dataclass(frozen=True, eq=False)
class Rulebook:
    """One version of a procedure with the law it rests on."""

    workflow: Workflow
    law: Law

    def snapshot(self) -> str:
        """Return the whole rulebook as the one text that is stored beside the cases."""
        return canonical({"workflow": asdict(self.workflow), "law": asdict(self.law)})


def snapshot_digest(text: str) -> str:
    """Return the name of a stored rulebook."""
    return digest("rulebook", text)


def from_snapshot(text: str) -> Rulebook:
    """Return the rulebook that ``text`` holds.

    Raises:
        DataFault: this program no longer understands rules stored so.
    """
    try:
        return built(Rulebook, json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        fault = Fault(f"立案时存下的流程与法律数据不能由本版本程序读取（{error}）")
        raise DataFault.of([fault]) from None


def read_rulebook(own: Path | None = None, name: str = "disclosure") -> Rulebook:
    """Read the procedure ``name`` and all law files, single files of the office's own folder first.

    Raises:
        DataFault: every fault of the files at once, with file and line.
    """
    from yishenqing.documents import read, validated  # noqa: PLC0415 - PyYAML is for those who read files

    folders = layered("workflows", own)
    path = _first(folders, f"{name}.yaml")
    document = _with_python_names(read(path))
    law = _read_law(folders)
    workflow = validated(_adapter(Workflow), document)
    faults = [document.fault(f.text, _place(f.field), f.law) for f in workflow.faults(law, str(path))]
    if faults:
        raise DataFault.of(faults)
    return Rulebook(workflow, law)


def workdays(today: date, own: Path | None = None) -> Workdays:
    """Return the working days; each year's notice is read when it is first needed."""
    return Workdays(CalendarFolder(layered("workflows", own), own), today)


class CalendarFolder(Mapping[int, Year]):
    """The notices on disk by year, read when asked for and then remembered."""

    def __init__(self, folders: list[Path], remember: Path | None = None) -> None:
        """Look into ``folders`` in order, the first that has a year's file wins; ``remember`` below that folder."""
        self._remember = remember
        self._folders = [folder / "calendar" for folder in folders]
        self._known: dict[int, Year | None] = {}

    def __getitem__(self, year: int) -> Year:
        """Return the year's notice; KeyError where none is held."""
        if year not in self._known:
            self._known[year] = self._read(year)
        found = self._known[year]
        if found is None:
            raise KeyError(year)
        return found

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
                return remembered(Year, path, self._remember, read_year)
        return None


def read_year(path: Path) -> Year:
    """Read one year's notice.

    Raises:
        DataFault: a malformed file, a date both free and worked, a worked day that is no Saturday or Sunday.
    """
    from yishenqing.documents import read  # noqa: PLC0415

    document = read(path)
    data = document.data
    allowed = {"year", "notices", "off", "worked", "source"}
    if not isinstance(data, dict) or not isinstance(data.get("year"), int):
        raise DataFault.of([document.fault("缺少“year”")])
    faults = [document.fault("未知的键", (k,)) for k in data if k not in allowed]
    days = {name: _dates(document, name, data["year"], faults) for name in ("off", "worked")}
    faults += [document.fault(f"{day}既列为放假又列为上班", ("worked",)) for day in days["off"] & days["worked"]]
    numbers = tuple(str(n["number"]) for n in data.get("notices") or [] if isinstance(n, dict) and n.get("number"))
    if faults:
        raise DataFault.of(faults)
    return Year(data["year"], numbers, days["off"], days["worked"])


def _dates(document: Document, name: str, year: int, faults: list[Fault]) -> frozenset[date]:
    found = set()
    for index, day in enumerate(document.data.get(name) or []):
        if not isinstance(day, date):
            faults.append(document.fault(f"“{day}”不是日期", (name, index)))
        elif day.year not in (year - 1, year):
            faults.append(document.fault(f"{day}不属于{year}年的安排", (name, index)))
        else:
            found.add(day)
    return frozenset(found)


def _read_law(folders: list[Path]) -> Law:
    from yishenqing.documents import read, validated  # noqa: PLC0415

    parts: dict[str, dict[str, Any]] = {"statutes": {}, "terms": {}, "remedies": {}, "fees": {}}
    for name, path in _law_files(folders).items():
        document = read(path)
        if name in _PARTS:
            part = document.data.get(name) if isinstance(document.data, dict) else None
            parts[name] = validated(_adapter(_PARTS[name]), _under(document, name, part))
        else:
            parts["statutes"][name] = validated(_adapter(Statute), document)
    law = Law(**parts)
    faults = [
        Fault(problem, "workflows/law", field=name, law=citation)
        for name, citation in _law_citations(law)
        if (problem := law.unresolved(citation))
    ]
    if faults:
        raise DataFault.of(faults)
    return law


def _law_citations(law: Law) -> Iterator[tuple[str, str]]:
    for name, term in law.terms.items():
        yield from ((f"terms.{name}", v.law) for v in term.values)
        if term.rolls:
            yield f"terms.{name}", term.rolls
    yield from ((f"fees.{name}", scale.law) for name, scale in law.fees.items())
    for name, remedy in law.remedies.items():
        yield from ((f"remedies.{name}", c) for c in remedy.law)


def _under(document: Document, name: str, part: object) -> Document:
    if not isinstance(part, dict):
        raise DataFault.of([document.fault(f"缺少“{name}”")])
    lines = {place[1:]: line for place, line in document.lines.items() if place[:1] == (name,)}
    return replace(document, data=part, lines=lines)


def _law_files(folders: list[Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for folder in reversed(folders):  # the office's own files replace the shipped ones of the same name
        files |= {p.stem: p for p in sorted((folder / "law").glob("*.yaml"))}
    return files


def _first(folders: list[Path], name: str) -> Path:
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise NotFound(f"找不到流程文件“{name}”。")


def _with_python_names(document: Document) -> Document:
    """``from`` is a word of the workflow files and a keyword of Python: rename it, keeping its line."""
    data = document.data
    steps = data.get("steps") if isinstance(data, dict) else None
    if not isinstance(steps, dict):
        return document
    renamed = {
        name: {("from_" if k == "from" else k): v for k, v in step.items()} if isinstance(step, dict) else step
        for name, step in steps.items()
    }
    lines = {
        tuple("from_" if p == "from" and place[:1] == ("steps",) else p for p in place): line
        for place, line in document.lines.items()
    }
    return replace(document, data={**data, "steps": renamed}, lines=lines)


def _place(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


@lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - only commands that read rules pay for pydantic

    return TypeAdapter(kind)


_PARTS: Mapping[str, Any] = {
    "terms": dict[str, Term],
    "remedies": dict[str, Remedy],
    "fees": dict[str, FeeScale],
}
