"""The form of the annual report as data: rows, columns, rules, sentences (``workflows/report.yaml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import field

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from yishenqing.documents import Document

FILE = "report.yaml"
TOTAL = "total"


class Part(Written, frozen=True):
    """One block of table two: rows that the office enters, under columns of their own."""

    title: str
    law: str
    columns: Mapping[str, str]
    rows: Mapping[str, str]
    money: bool = False


class Stock(Written, frozen=True):
    """What was in force last year, plus what came, minus what went, is in force this year."""

    rows: tuple[str, ...]
    plus: str
    minus: str
    equals: str


class Table2(Written, frozen=True):
    """What the office discloses of its own accord: entered, never counted."""

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


class Line(Written, frozen=True):
    """One row of table three. Without ``counts`` it counts the applications decided with the outcome of its id."""

    id: str
    title: str
    group: str = ""
    under: str = ""
    counts: Literal["new", "carried", "decided", "open", "outcome"] = "outcome"


class Organisations(Written, frozen=True):
    """The columns that stand under one heading."""

    title: str
    columns: tuple[str, ...]


class Table3(Written, frozen=True):
    """Applications received and dealt with."""

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


class Kind(Written, frozen=True):
    """One block of table four."""

    id: str
    title: str
    group: str = ""


class Table4(Written, frozen=True):
    """Reconsiderations and lawsuits. ``pending`` says whether those of earlier years that still pend are counted."""

    title: str
    pending: Literal["year_end", "filed_in_year"]
    kinds: tuple[Kind, ...]
    results: Mapping[str, str]


class Rule(Written, frozen=True):
    """One rule of arithmetic; ``left`` and ``right`` are rows whose sums must be equal."""

    id: str
    kind: Literal["columns", "rows", "published", "once", "disputes", "stock"]
    text: str
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


class Smell(Written, frozen=True):
    """What is no error, but should be looked at: a lawsuit of this kind about a decision of these outcomes."""

    id: str
    text: str
    law: str
    since: date
    kind: str
    outcomes: tuple[str, ...]


class Form(Written, frozen=True):
    """The whole form."""

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
