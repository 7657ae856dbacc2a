"""The cases of an office beside what a receiver takes of them, and beside what it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault, YishenqingError
from yishenqing.exchange import Mapped, Misfit, compared, record_of
from yishenqing.exchange.transport import Webhook
from yishenqing.office import casework
from yishenqing.office.departing import told_of
from yishenqing.office.outward import Outward
from yishenqing.settings import FILE
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.casework import Casework, Row
    from yishenqing.office.sending import Sender

_AT_ONCE = 200  # cases that are read together


class Counterpart(Struct, frozen=True):
    """A receiver with its fields, and the office's cases in them."""

    sender: Sender
    name: str
    mapping: Mapped

    @classmethod
    def of(cls, sender: Sender, to: str) -> Counterpart:
        """Return the receiver called ``to``, or the first that has a mapping.

        Raises:
            DataFault: it has none, or the mapping has faults.
        """
        mappings = sender.departures.mappings
        name = to or next((n for n, mapping in mappings.items() if mapping is not None), "")
        mapping = mappings.get(name)
        if mapping is None:
            text = "没有字段对应表（mapping）的接收方只收事项，不必检查和核对"
            raise DataFault.of([Fault(text, FILE, field="exchange.receivers")])
        return cls(sender, name, mapping)

    def checked(self, numbers: Sequence[str], since: date | None) -> Row:
        """Return what the receiver would not take of these cases, or of all, as it is."""
        faults: list[Row] = []
        checked = 0
        for number, _, misfits in self._records(numbers, since):
            checked += 1
            faults += [{"number": number, **m.as_json()} for m in misfits]
        return {"receiver": self.name, "checked": checked, "faults": faults}

    def beside(self, theirs: Mapping[str, Mapping[str, str]], since: date | None) -> Row:
        """Return what is missing there, missing here, and differs."""
        ours = {number: record for number, record, _ in self._records((), since)}
        found = compared(self.mapping, ours, theirs)
        return {
            "receiver": self.name,
            "same": found.same,
            "missing_there": found.missing_there,
            "missing_here": found.missing_here,
            "differing": found.differing,
        }

    def _records(
        self, numbers: Sequence[str], since: date | None
    ) -> Iterator[tuple[str, dict[str, str], list[Misfit]]]:
        """Yield each case's record; a damaged case is left out where all are asked for, verify names it."""
        departures = self.sender.departures
        receiver = departures.settings.exchange.receivers[self.name]
        with self.sender.transactions.reading() as connection:
            for case in self._cases(connection, numbers, since):
                if not told_of(self.mapping, case):
                    continue
                seq = case.row.head_seq
                outward = Outward.of(connection, case, seq, departures.settings, self.sender.papers, receiver)
                yield case.row.number, *record_of(self.mapping, outward.value)

    def _cases(self, connection: Connection, numbers: Sequence[str], since: date | None) -> Iterator[Casework]:
        practice = self.sender.practice
        if numbers:
            yield from (casework.load(connection, practice, number) for number in numbers)
            return
        rows = ledger_store.case_rows(connection, practice.agency)
        known = [row.number for row in rows if since is None or row.opened_on >= since]
        for start in range(0, len(known), _AT_ONCE):
            yield from casework.load_many(connection, practice, known[start : start + _AT_ONCE])

    def told(self) -> dict[str, dict[str, str]]:
        """Return what the receiver says it has, by case number.

        Raises:
            DataFault: nobody has said where it tells that.
            YishenqingError: it does not tell now.
        """
        receiver = self.sender.departures.settings.exchange.receivers[self.name]
        way = self.sender.way(self.name) if receiver.list_url else None
        if not isinstance(way, Webhook):
            text = "没有写明对方清单的网址（list_url）；请用对方导出的清单文件核对"
            raise DataFault.of([Fault(text, FILE, field=f"exchange.receivers.{self.name}")])
        try:
            rows = way.listed(receiver.list_url, self.sender.practice.agency)
        except YishenqingError as error:
            raise YishenqingError(f"对方“{self.name}”的清单取不到：{error}。") from error
        fields = self.mapping.fields
        return {_text(row.get(self.mapping.key)): {n: _text(row[n]) for n in fields if n in row} for row in rows}

    def read(self, path: Path) -> dict[str, dict[str, str]]:
        """Return what a list of the receiver says, by case number; the headings are its fields, by code or title.

        Raises:
            NotFound: there is no such file.
            DataFault: it cannot be read; every fault with its line.
        """
        from yishenqing.tabular import Headings, read_lines

        fields, key = self.mapping.fields, self.mapping.key
        names = {**{c.title: n for n, c in fields.items()}, **{n: n for n in fields}}
        headings = Headings(lambda text: names.get(text.strip()) == key, f"“{fields[key].title}”或者“{key}”")
        faults: list[Fault] = []
        found: dict[str, dict[str, str]] = {}
        for line in read_lines(path, headings, faults):
            row = {names[h.strip()]: _text(v) for h, v in line.cells.items() if h.strip() in names}
            number = row.get(key, "")
            if not number:
                faults.append(line.fault("缺少案件编号", key))
            elif number in found:
                faults.append(line.fault(f"案件编号“{number}”重复", key))
            found[number] = row
        if faults:
            raise DataFault.of(faults)
        return found


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
