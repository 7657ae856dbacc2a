"""The verb that gives the ledger out as a list (台账), with headings that ``ysq import`` understands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from yishenqing.core.counted import REPLY
from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.stars import KINDS
from yishenqing.office.casework import Row, rules_of
from yishenqing.office.desk import Desk
from yishenqing.office.recognising import received_of
from yishenqing.reporting.tables import applications, disputes
from yishenqing.store.tables import cases, deadlines

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.reporting.form import Form

_AT_ONCE = 500
_NATURAL = "natural"
_OPENING = ("编号", "收到日期", "申请人", "申请人类型", "申请内容", "答复期限", "办理结果", "答复日期", "状态")
_NUMBER, _BRACKETS = re.compile(r"^(?:（[一二三四五六七八九十]+）|\d+\.)"), re.compile(r"（.*）$")
_TELLING = frozenset({"申请人", "申请内容"})  # columns that are masked
_PARTS = ("申请日期", "结果", "决定日期")


class ExportVerbs(Desk):
    """What is given out as lists."""

    def export_ledger(
        self,
        path: Path | str,
        *,
        since: date | None = None,
        until: date | None = None,
        names: bool = False,
        masked: bool = False,
    ) -> Row:
        """Write the applications received in the days given as a list (XLSX or CSV, by the file's name).

        Natural persons are named 姓某; with ``names`` in full. ``masked`` hides them, and whatever has the form of a
        person's number or home, in the requests too, and the sheet says so.

        Raises:
            DataFault: the file is of another kind, or cannot be written.
        """
        from yishenqing.office.reportpapers import write
        from yishenqing.reporting import ledgersheet
        from yishenqing.reporting.form import read_form

        path, form = Path(path), read_form(self.home)
        kind = path.suffix.lower()
        if kind not in (".xlsx", ".csv"):
            raise DataFault.of([Fault("台账写成 .xlsx 或者 .csv 文件", str(path))])
        opening = [f"{name}（已脱敏）" if masked and name in _TELLING else name for name in _OPENING]
        headings = [*opening, *(f"{k.title}{part}" for k in form.table4.kinds for part in _PARTS)]
        with self._transactions.reading() as connection:
            found = list(self._ledger_rows(connection, form, since, until, names=names and not masked))
        found = [_unnamed(row) for row in found] if masked else [row[1:] for row in found]
        title = "台账（脱敏）" if masked else "台账"
        sheet = ledgersheet.workbook(title, headings, found) if kind == ".xlsx" else ledgersheet.text(headings, found)
        written = write(path, sheet)
        self._saw("export", "", f"台账{len(found)}件{_how(names=names, masked=masked)}：{written}")
        return {"path": written, "cases": len(found)}

    def _ledger_rows(
        self, connection: Connection, form: Form, since: date | None, until: date | None, *, names: bool
    ) -> Iterator[list[Any]]:
        a, c = applications.c, cases.c
        here = [a.agency == self.settings.agency]
        here += [a.received_on >= since] if since else []
        here += [a.received_on <= until] if until else []
        joined = applications.join(cases, and_(a.agency == c.agency, a.number == c.number))
        query = (
            select(applications, c.state, c.rulebook)
            .select_from(joined)
            .where(*here)
            .order_by(a.received_on, a.number)
        )
        rows: Sequence[Any] = connection.execute(query).all()
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            numbers = [row.number for row in some]
            said = received_of(connection, self.settings.agency, numbers)
            due, told = self._dues(connection, numbers), self._first_facts(connection, numbers)
            for row in some:
                mine = said.get(row.number, {})
                opening = _opening(form, row, mine, due.get(row.number), names=names)
                state = rules_of(connection, row.rulebook).workflow.states[row.state].title
                yield [
                    mine.get("applicant"),
                    *opening,
                    state,
                    *_remedies(form, told.get(row.number, {})),
                ]

    def _dues(self, connection: Connection, numbers: Sequence[str]) -> dict[str, date]:
        d = deadlines.c
        query = select(d.number, d.due).where(
            d.agency == self.settings.agency, d.number.in_(numbers), d.clock == REPLY
        )
        return {row.number: row.due for row in connection.execute(query)}

    def _first_facts(self, connection: Connection, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return, by case and kind, the latest reconsideration or lawsuit."""
        d = disputes.c
        query = select(disputes).where(d.agency == self.settings.agency, d.number.in_(numbers)).order_by(d.filed_on)
        found: dict[str, dict[str, Any]] = {}
        for row in connection.execute(query):
            found.setdefault(row.number, {})[row.kind] = row
        return found


def masked(name: str, kind: str) -> str:
    """Return a natural person as 姓某; organisations keep their names."""
    return f"{name[:1]}某" if name and kind == _NATURAL else name


def _how(*, names: bool, masked: bool) -> str:
    if masked:
        return "（脱敏）"
    return "（姓名不遮盖）" if names else ""


def _unnamed(row: list[Any]) -> list[Any]:
    """Return a row of the list (the applicant before it) with its people hidden in what they ask."""
    from yishenqing.office.concealing import Parties
    from yishenqing.office.seeing import Hiding

    applicant, *shown = row
    parties = Parties()
    parties.gather({"applicant": applicant}, natural=True)
    hide, place = Hiding(parties, KINDS), _OPENING.index("申请内容")
    return [*shown[:place], hide.text(shown[place]), *shown[place + 1 :]]


def _opening(form: Form, row: Any, said: Mapping[str, Any], due: date | None, *, names: bool) -> list[Any]:
    applicant, items = said.get("applicant"), said.get("items")
    name = str(applicant.get("name") or "") if isinstance(applicant, dict) else ""
    titles = {line.id: "：".join(_bare(t) for t in (line.under, line.title) if t) for line in form.table3.rows}
    kind = row.applicant_kind
    return [
        row.number,
        row.received_on,
        name if names else masked(name, kind),
        form.table3.columns.get(kind, kind),
        "；".join(map(str, items)) if isinstance(items, list) else "",
        due,
        titles.get(row.outcome, row.outcome) if row.outcome else None,
        row.decided_on,
    ]


def _bare(title: str) -> str:
    """Return a title of the form without its number and what stands in brackets behind it."""
    return _BRACKETS.sub("", _NUMBER.sub("", title))


def _remedies(form: Form, told: Mapping[str, Any]) -> Iterator[Any]:
    for kind in form.table4.kinds:
        row = told.get(kind.id)
        if row is None:
            yield from (None, None, None)
        else:
            result = row.result if row.decided_on else "pending"
            yield from (row.filed_on, form.table4.results.get(result, result), row.decided_on)
