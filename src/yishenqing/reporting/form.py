"""The form of the annual report as data: rows, columns, rules, sentences (``workflows/report.yaml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from yishenqing.core.errors import DataFault, Fault
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from yishenqing.documents import Document

FILE = "report.yaml"
TOTAL = "total"
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Part:
    """One block of table two: rows that the office enters, under columns of their own."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    law: str
    columns: Mapping[str, str]
    rows: Mapping[str, str]
    money: bool = False


@dataclass(frozen=True, slots=True)
class Stock:
    """What was in force last year, plus what came, minus what went, is in force this year."""

    __pydantic_config__: ClassVar = _STRICT
    rows: tuple[str, ...]
    plus: str
    minus: str
    equals: str


@dataclass(frozen=True, slots=True)
class Table2:
    """What the office discloses of its own accord: entered, never counted."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    parts: tuple[Part, ...]
    stock: Stock

    def cells(self) -> dict[str, Part]:
        """Return every cell, ``row.column``, with its part."""
        return {f"{r}.{c}": part for part in self.parts for r in part.rows for c in part.columns}

    def title_of(self, cell: str) -> str:
        """Return what a person calls a cell."""
        row, column = cell.split(".")
        part = self.cells()[cell]
        return f"{part.title}{part.rows[row]}：{part.columns[column]}"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of table three. Without ``counts`` it counts the applications decided with the outcome of its id."""

    __pydantic_config__: ClassVar = _STRICT
    id: str
    title: str
    group: str = ""
    under: str = ""
    counts: Literal["new", "carried", "decided", "open", "outcome"] = "outcome"


@dataclass(frozen=True, slots=True)
class Organisations:
    """The columns that stand under one heading."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table3:
    """Applications received and dealt with."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    note: str
    heading: str
    columns: Mapping[str, str]
    organisations: Organisations
    rows: tuple[Line, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the columns that are kinds of applicants."""
        return tuple(c for c in self.columns if c != TOTAL)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Return the rows that are outcomes."""
        return tuple(r.id for r in self.rows if r.counts == "outcome")

    def row(self, counts: str) -> str:
        """Return the id of the row that counts so."""
        return next(r.id for r in self.rows if r.counts == counts)


@dataclass(frozen=True, slots=True)
class Kind:
    """One block of table four."""

    __pydantic_config__: ClassVar = _STRICT
    id: str
    title: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Table4:
    """Reconsiderations and lawsuits. ``pending`` says whether those of earlier years that still pend are counted."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    pending: Literal["year_end", "filed_in_year"]
    kinds: tuple[Kind, ...]
    results: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of arithmetic; ``left`` and ``right`` are rows whose sums must be equal."""

    __pydantic_config__: ClassVar = _STRICT
    id: str
    kind: Literal["columns", "rows", "published", "once", "disputes", "stock"]
    text: str
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Smell:
    """What is no error, but should be looked at: a lawsuit of this kind about a decision of these outcomes."""

    __pydantic_config__: ClassVar = _STRICT
    id: str
    text: str
    law: str
    since: date
    kind: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """The whole form."""

    __pydantic_config__: ClassVar = _STRICT
    title: str
    law: str
    table2: Table2
    table3: Table3
    table4: Table4
    rules: tuple[Rule, ...]
    smells: tuple[Smell, ...] = field(default=())
    sentences: tuple[str, ...] = field(default=())


def read_form(home: Path | None) -> Form:
    """Return the form: the office's own where it has one.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / FILE).is_file())
    return remembered(Form, path, home, _validated)


def _validated(path: Path) -> Form:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    form = validated(TypeAdapter(Form), document)
    if faults := list(_faults(form, document)):
        raise DataFault.of(faults)
    return form


def _faults(form: Form, document: Document) -> Iterator[Fault]:
    rows = [r.id for r in form.table3.rows]
    for name in sorted({r for r in rows if rows.count(r) > 1}):
        yield document.fault(f"行“{name}”写了不止一次", ("table3", "rows"))
    for counts in ("new", "carried", "decided", "open"):
        if sum(r.counts == counts for r in form.table3.rows) != 1:
            yield document.fault(f"须有且只有一行的 counts 是“{counts}”", ("table3", "rows"))
    for place, columns in (("table3", form.table3.columns), ("table4", form.table4.results)):
        if TOTAL not in columns:
            yield document.fault(f"缺少总计一栏“{TOTAL}”", (place,))
    yield from _unknown_names(form, document, rows)


def _unknown_names(form: Form, document: Document, rows: Sequence[str]) -> Iterator[Fault]:
    columns, kinds = form.table3.columns, {k.id for k in form.table4.kinds}
    grouped = [n for n in form.table3.organisations.columns if n not in columns]
    yield from (document.fault(f"没有栏“{n}”", ("table3", "organisations")) for n in grouped)
    for place, rule in enumerate(form.rules):
        unknown = [n for n in (*rule.left, *rule.right) if n not in (*rows, "outcomes")]
        yield from (document.fault(f"没有行“{n}”", ("rules", place)) for n in unknown)
    for place, smell in enumerate(form.smells):
        if smell.kind not in kinds:
            yield document.fault(f"表四没有“{smell.kind}”", ("smells", place))
