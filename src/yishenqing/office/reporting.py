"""The verbs of the annual report: count a year, open a cell, enter table two, keep what was published."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from yishenqing.agencies import known, line_down
from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, NotFound, Refused
from yishenqing.office import counting as rows_of_cases
from yishenqing.office.casework import Row
from yishenqing.office.desk import Desk
from yishenqing.reporting import store
from yishenqing.settings import OFFICE_ROLES
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.reporting.counting import Span
    from yishenqing.reporting.form import Form

_LAW = "annual_report"
_ACROSS = "supervision"
_AT_ONCE = 500  # cases whose rows one transaction rebuilds
ALL = "all"
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?")


class _Counted(Struct, frozen=True):
    """A year as counted in one transaction."""

    row: Row
    span: Span


class ReportVerbs(Desk):
    """What is reported of the year."""

    def report(self, year: int, *, as_of: date | None = None, agencies: Sequence[str] = ()) -> Row:
        """Return the annual report of ``year`` as seen on ``as_of`` (default: its last day, or today).

        ``agencies``: whose cases; none is the office's own, ``all`` is every agency of the database. Answers the
        tables, every rule of arithmetic with whether it holds, what should be looked at, and the sentences.

        Raises:
            Refused: it concerns other agencies, and the actor does not supervise.
            NotFound: there is no such agency.
            DataFault: the year had not begun by then.
        """
        with self._transactions.reading() as connection:
            return self._year(connection, year, as_of, agencies).row

    def report_cell(self, year: int, cell: str, *, as_of: date | None = None, agencies: Sequence[str] = ()) -> Row:
        """Return the cases behind the cell ``row.column`` of table three or four.

        Raises:
            NotFound: there is no such cell.
        """
        from yishenqing.reporting import counting

        with self._transactions.reading() as connection:
            span = self._span(connection, year, as_of, agencies)
            found = counting.cell(connection, self._form, span, cell)
        titles = self.report_titles()
        line, column = cell.split(".")
        table = next(t for t in (titles["table3"], titles["table4"]) if line in t["rows"])
        title = f"{table['rows'][line]}，{table['columns'].get(column, '总计')}"
        rows, results = titles["table3"]["rows"], titles["table4"]["columns"]
        for row in found:
            if "result" in row:
                row["result_title"] = results.get(row["result"], row["result"])
            else:
                row["outcome_title"] = rows.get(row["outcome"], row["outcome"])
        head = {"year": year, "as_of": span.last.isoformat(), "cell": cell, "title": title}
        return {**head, "count": len(found), "cases": found}

    def report_titles(self) -> Row:
        """Return what the rows and columns of the tables are called."""
        two, three, four = self._form.table2, self._form.table3, self._form.table4
        return {
            "table2": {"title": two.title, "cells": {c: two.title_of(c) for c in two.cells()}},
            "table3": {
                "title": three.title,
                "columns": dict(three.columns),
                "rows": {r.id: f"{r.under}{r.title}" for r in three.rows},
            },
            "table4": {
                "title": four.title,
                "columns": dict(four.results),
                "rows": {k.id: f"{k.group}{'：' if k.group else ''}{k.title}" for k in four.kinds},
            },
        }

    def report_papers(self, found: Row, *, xlsx: Path | None = None, pdf: Path | None = None) -> Row:
        """Write an annual report (as ``report`` has answered) as a workbook and as PDF; return where they lie.

        Raises:
            DataFault: a file cannot be written.
        """
        from yishenqing.office import reportpapers as papers

        written = {}
        if xlsx is not None:
            written["xlsx"] = papers.write(xlsx, papers.annual_workbook(self._form, found))
        if pdf is not None:
            written["pdf"] = papers.write(pdf, papers.annual_pdf(self._form, found, self.home))
        return written

    def report_enter(self, year: int, values: Mapping[str, str], *, by: str | None = None) -> Row:
        """Keep what the office enters itself for ``year`` (cells of table two); earlier versions are kept too.

        Raises:
            DataFault: a cell is unknown, or a value is no number; nothing was kept.
        """
        user = by or self._user
        self.person(user)
        cells = self._entered(values)
        row = {
            "agency": self.settings.agency,
            "year": year,
            "actor": user,
            "recorded_at": self._moments.now(),
            "rehearsal": self._rehearsal,
        }
        with self._transactions.writing() as connection:
            store.enter(connection, row, cells)
            return {"year": year, **self._table2(connection, (self.settings.agency,), year)}

    def report_publish(self, year: int, *, by: str | None = None) -> Row:
        """Keep the tables of ``year`` as published (定稿); the next year is checked against them.

        Raises:
            Refused: the year is not over, a rule does not hold, or the actor does not supervise.
        """
        user = by or self._user
        self._supervises(user, "定稿", article(_LAW, self.today))
        with self._transactions.writing() as connection:
            counted = self._year(connection, year, None, ())
            if counted.span.last < date(year, 12, 31) or self.today <= counted.span.last:
                raise Refused(f"{year}年尚未结束，年度报告不能定稿。", law=[article(_LAW, self.today)])
            broken = [c for c in counted.row["checks"] if not c["holds"]]
            if broken:
                text = "；".join(f"{c['rule']}：{'，'.join(c['where'])}" for c in broken)
                raise Refused(f"勾稽关系不成立，不能定稿：{text}。", law=[counted.row["law"]])
            tables = {name: counted.row[name] for name in ("table2", "table3", "table4")}
            row = {
                "agency": self.settings.agency,
                "year": year,
                "actor": user,
                "recorded_at": self._moments.now(),
                "rehearsal": self._rehearsal,
            }
            n = store.publish(connection, row, tables)
        return {"year": year, "version": n, "missing": counted.row["missing"]}

    def report_rebuild(self) -> Row:
        """Write the derived rows of every case anew from the entries; return how many cases were counted."""
        agency = self.settings.agency
        with self._transactions.writing() as connection:
            numbers = [r.number for r in ledger_store.case_rows(connection, agency)]
            rows_of_cases.forget_strays(connection, agency)
            counted = sum(
                rows_of_cases.recount(connection, self._practice, numbers[start : start + _AT_ONCE])
                for start in range(0, len(numbers), _AT_ONCE)
            )
        return {"cases": counted, "unreadable": len(numbers) - counted}

    def _count_uncounted(self) -> None:
        """Count the cases of a database that was made before cases were counted."""
        agency = self.settings.agency
        with self._transactions.reading() as connection:
            missing = not store.count(connection, [agency]) and rows_of_cases.in_ledger(connection, [agency])
        if missing:
            self.report_rebuild()

    # ---- parts

    @cached_property
    def _form(self) -> Form:
        from yishenqing.reporting.form import read_form

        return read_form(self.home)

    def _span(self, connection: Connection, year: int, as_of: date | None, agencies: Sequence[str]) -> Span:
        from yishenqing.reporting.counting import Span

        if as_of is not None and as_of > self.today:
            raise DataFault.of([Fault(f"统计之日{as_of}晚于今天（{self.today}）", field="as_of")])
        return Span.of_year(self._whose(connection, agencies), year, as_of or self.today)

    def _whose(self, connection: Connection, agencies: Sequence[str]) -> tuple[str, ...]:
        """Return whose cases are counted: those below are looked at by those who supervise (条例第四十七条)."""
        own = self.settings.agency
        if set(agencies) <= {own}:
            return (own,)
        self._supervises(self._user, "查看其他机关的统计", article(_ACROSS, self.today))
        tree = known(connection)
        below = list(dict.fromkeys([own, *(a.agency for a in line_down(tree, own))]))
        if ALL in agencies:
            return tuple(below)
        if unknown := [a for a in agencies if a not in tree and a != own]:
            raise NotFound(f"数据库中没有机关“{'、'.join(unknown)}”；本机关及下级机关：{'、'.join(below)}。")
        if foreign := [a for a in agencies if a not in below]:
            text = f"“{'、'.join(foreign)}”不是本机关的下级机关，不能查看其统计；可以查看：{'、'.join(below)}。"
            raise Refused(text, law=[article(_ACROSS, self.today)])
        return tuple(dict.fromkeys(agencies))

    def _supervises(self, user: str, what: str, law: str) -> None:
        person = self.person(user)
        if not set(person.roles) & OFFICE_ROLES.keys():
            roles = "、".join(f"{r}（{t}）" for r, t in OFFICE_ROLES.items())
            raise Refused(f"{person.name}没有{what}的岗位，须有{roles}之一。", law=[law])

    def _year(self, connection: Connection, year: int, as_of: date | None, agencies: Sequence[str]) -> _Counted:
        from yishenqing.reporting import checks, counting, wording

        form, span = self._form, self._span(connection, year, as_of, agencies)
        three, four = counting.table3(connection, form, span), counting.table4(connection, form, span)
        entered = self._table2(connection, span.agencies, year)
        rows, ledger = rows_of_cases.complete(connection, span.agencies)
        figures = checks.Figures(
            table2=entered["table2"],
            before2=self._table2(connection, span.agencies, year - 1)["table2"],
            table3=three,
            table4=four,
            rows=rows,
            ledger=ledger,
            **self._forwarded(connection, span.agencies, year),
        )
        fees = counting.fees(connection, span)
        row = {
            "year": year,
            "as_of": span.last.isoformat(),
            "agencies": list(span.agencies),
            "name": self.settings.name,
            "title": form.title,
            "law": form.law,
            "table2": {c: None if v is None else float(v) for c, v in entered["table2"].items()},
            "missing": entered["missing"],
            "table3": three,
            "table4": four,
            "fees": {"cases": fees[0], "amount": fees[1]},
            "checks": checks.checks(form, figures),
            "warnings": self._smells(connection, span),
            "sentences": wording.sentences(form, year, span.last, three, four, fees),
        }
        return _Counted(row, span)

    def _forwarded(self, connection: Connection, agencies: Sequence[str], year: int) -> dict[str, Any]:
        """Return what the year before left: as published where every agency published, else as counted."""
        from yishenqing.reporting import counting

        form = self._form
        known = store.published_of(connection, agencies, year - 1)
        if set(known) == set(agencies):
            row = form.table3.row("open")
            left = {c: sum(t["table3"][row].get(c, 0) for t in known.values()) for c in form.table3.columns}
            return {"forwarded": left, "published": True}
        day = date(year - 1, 12, 31)
        return {"forwarded": counting.forwarded(connection, form, agencies, day), "published": False}

    def _smells(self, connection: Connection, span: Span) -> list[Row]:
        from yishenqing.reporting import counting

        found = []
        for smell in self._form.smells:
            cases = counting.direct_after(connection, span, smell.kind, smell.outcomes, smell.since)
            if cases:
                found.append({"id": smell.id, "text": smell.text, "law": smell.law, "cases": cases})
        return found

    def _table2(self, connection: Connection, agencies: Sequence[str], year: int) -> Row:
        """Return table two, the sum over the agencies; what one of them has not entered is missing."""
        entered = store.entered_of(connection, agencies, year)
        cells: dict[str, Decimal | None] = {}
        missing = []
        for cell in self._form.table2.cells():
            values = [known.get(cell) for known in entered.values()]
            cells[cell] = None if None in values else sum((Decimal(str(v)) for v in values), Decimal(0))
            if cells[cell] is None:
                missing.append({"cell": cell, "title": self._form.table2.title_of(cell)})
        return {"table2": cells, "missing": missing}

    def _entered(self, values: Mapping[str, str]) -> dict[str, str]:
        known = self._form.table2.cells()
        faults, cells = [], {}
        for cell, value in values.items():
            if cell not in known:
                names = "、".join(f"{c}（{self._form.table2.title_of(c)}）" for c in known)
                faults.append(Fault(f"表二没有这一格；可以填：{names}", field=cell))
            elif not _NUMBER.fullmatch(value) or ("." in value and not known[cell].money):
                faults.append(Fault(f"“{value}”不是{'数额' if known[cell].money else '件数'}", field=cell))
            else:
                cells[cell] = str(Decimal(value))
        if not values:
            faults.append(Fault("没有写明填报哪一格，应写作 normative.made=3"))
        if faults:
            raise DataFault.of(faults)
        return cells
