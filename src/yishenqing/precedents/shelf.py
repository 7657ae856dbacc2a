"""The library with its memory: versions, who did what, what is shared with other agencies, what comes of a case."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, insert, select, update

from yishenqing.articles import article
from yishenqing.core.errors import Refused
from yishenqing.precedents.customs import Customs
from yishenqing.precedents.library import Library
from yishenqing.precedents.model import Precedent
from yishenqing.precedents.records import acts, origins, shared, versions
from yishenqing.precedents.tables import precedents

CITY = "city"
_LAW = "work_order"
_AT_ONCE = 400  # values that one statement names


class Noted(Struct, frozen=True):
    """Who does something to the library, when it counts, when it was written down, from where."""

    actor: str
    on: date
    recorded_at: str
    rehearsal: bool
    source: str = ""


class Kept(Struct):
    """What taking records in has changed, by id."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0


class Shelf:
    """The precedents of ``agency`` and what happened to them; nothing is committed here."""

    def __init__(self, connection: Connection, agency: str, customs: Customs | None = None) -> None:
        """Work on the library of ``agency``; without ``customs`` records keep the marks that they have."""
        self._connection, self._agency, self._customs = connection, agency, customs
        self.library = Library(connection, agency)

    def keep(self, records: Iterable[Precedent], noted: Noted, *, share: bool = True) -> Kept:
        """Take records in, each as the next version of its id; what stands there already is left alone.

        Records of the city's level are seen by every agency of this database, unless ``share`` is off: then they
        come from another agency.
        """
        kept, source = Kept(), iter(records)
        while batch := list(islice(source, _AT_ONCE)):
            customs = self._customs
            marked = {p.id: replace(p, marks=customs.marks(p)) if customs else p for p in batch}
            known = self._records(list(marked))
            fresh = {i: p for i, p in marked.items() if known.get(i) != p.dumped()}
            if share:
                self._share([i for i, p in fresh.items() if p.level == CITY])
                for identifier in sorted(self._shared([i for i, p in fresh.items() if p.level != CITY])):
                    self._unshare(identifier)
            kept.unchanged += len(marked) - len(fresh)
            kept.new += [i for i in fresh if i not in known]
            kept.changed += [i for i in fresh if i in known]
            self._write(list(fresh.values()), noted)
        return kept

    def restock(self, shipped: Sequence[Precedent], noted: Noted) -> Kept:
        """Take in the shipped records as they are now; not those that the office changed, or took out."""
        query = select(versions.c.id, versions.c.actor).where(
            versions.c.agency == self._agency, versions.c.id.in_([p.id for p in shipped])
        )
        latest = {row.id: row.actor for row in self._connection.execute(query.order_by(versions.c.version))}
        here = self._records([p.id for p in shipped])
        return self.keep([p for p in shipped if p.id in here and latest.get(p.id) == ""], noted)

    def renew(self, noted: Noted) -> Kept:
        """Mark anew what the library holds, after the law or the office's customs have changed."""
        return self.keep(list(self.library.all()), noted, share=False)

    def history(self, identifier: str) -> list[dict[str, Any]]:
        """Return every version of a record, the first one first; an erased one has no text."""
        columns = [c for c in versions.c if c.name != "agency"]
        query = select(*columns).where(versions.c.agency == self._agency, versions.c.id == identifier)
        rows = self._connection.execute(query.order_by(versions.c.version)).mappings()
        return [{**row, "record": json.loads(row["record"]) if row["record"] else None} for row in rows]

    def remove(self, identifier: str, *, erase: bool) -> None:
        """Take a precedent off every shelf that it stands on; with ``erase`` the text of its versions goes too.

        Raises:
            NotFound: there is none of that id.
            Refused: it is another agency that shares it.
        """
        self.library.get(identifier)
        query = select(shared.c.agency).where(shared.c.id == identifier, shared.c.agency != self._agency)
        if self._connection.execute(query).first() is not None and not self._is_shared(identifier):
            raise Refused(f"案例“{identifier}”由其他机关共享，只能由该机关撤下。", law=[article(_LAW)])
        agencies = self._unshare(identifier) if self._is_shared(identifier) else []
        self.library.remove([identifier])
        if erase:
            gone = (versions.c.agency.in_([self._agency, *agencies]), versions.c.id == identifier)
            self._connection.execute(update(versions).where(*gone).values(record=None))

    def _unshare(self, identifier: str) -> list[str]:
        """Take a precedent off the shelves of the other agencies; return which those are."""
        self._connection.execute(delete(shared).where(shared.c.agency == self._agency, shared.c.id == identifier))
        others = [agency for agency in self.agencies() if agency != self._agency]
        for agency in others:
            Library(self._connection, agency).remove([identifier])
        return others

    # ---- what people do

    def note(self, identifier: str, act: str, noted: Noted, detail: Mapping[str, Any]) -> None:
        """Write down what somebody did with a precedent."""
        here = (acts.c.agency == self._agency, acts.c.id == identifier)
        last = self._connection.execute(select(func.max(acts.c.n)).where(*here)).scalar() or 0
        row = {
            "agency": self._agency,
            "id": identifier,
            "n": last + 1,
            "act": act,
            "on": noted.on,
            "actor": noted.actor,
            "recorded_at": noted.recorded_at,
            "rehearsal": noted.rehearsal,
            "detail": json.dumps(detail, ensure_ascii=False),
        }
        self._connection.execute(insert(acts), row)

    def acts(self, identifier: str) -> list[dict[str, Any]]:
        """Return what was done with a precedent, the first act first."""
        columns = [c for c in acts.c if c.name not in ("agency", "id")]
        query = select(*columns).where(acts.c.agency == self._agency, acts.c.id == identifier).order_by(acts.c.n)
        return [
            {**row, "on": row["on"].isoformat(), "detail": json.loads(row["detail"])}
            for row in self._connection.execute(query).mappings()
        ]

    # ---- where a precedent comes from

    def of_case(self, number: str) -> tuple[str, int] | None:
        """Return the id of the precedent that was made (or proposed) of a case, and up to which entry it tells."""
        query = select(origins.c.id, origins.c.seq).where(
            origins.c.agency == self._agency, origins.c.number == number
        )
        row = self._connection.execute(query).first()
        return None if row is None else (row.id, row.seq)

    def name(self, number: str, seq: int, year: int) -> str:
        """Give the precedent of a case its id, which says nothing of the case, or return the one that it has."""
        here = (origins.c.agency == self._agency, origins.c.number == number)
        if (known := self.of_case(number)) is not None:
            self._connection.execute(update(origins).where(*here).values(seq=seq))
            return known[0]
        begun = f"{self._agency}-{year}-"
        query = select(origins.c.id).where(origins.c.agency == self._agency, origins.c.id.startswith(begun))
        taken = [int(i.removeprefix(begun)) for i in self._connection.execute(query).scalars()]
        identifier = f"{begun}{max(taken, default=0) + 1}"
        row = {"agency": self._agency, "id": identifier, "number": number, "seq": seq}
        self._connection.execute(insert(origins), row)
        return identifier

    def tell_fate(self, identifier: str, noted: Noted, *, overturned: bool | None, fate: str) -> bool:
        """Say in a precedent what became of the reply; tell whether that changed it."""
        known = self._records([identifier])
        if identifier not in known:
            return False
        told = replace(Precedent.loaded(known[identifier]), overturned=overturned, fate=fate)
        return bool(self.keep([told], noted).changed)

    # ---- what is shared

    def agencies(self) -> list[str]:
        """Return the agencies that keep a library in this database, in the one order in which all are written to."""
        found = self._connection.execute(select(precedents.c.agency).distinct()).scalars()
        return sorted({*found, self._agency})

    def take_shared(self, noted: Noted) -> Kept:
        """Take what the other agencies share into this library; what is withdrawn since goes with its publisher."""
        query = (
            select(precedents.c.record)
            .join(shared, (shared.c.agency == precedents.c.agency) & (shared.c.id == precedents.c.id))
            .where(shared.c.agency != self._agency)
            .order_by(shared.c.agency, shared.c.id)
        )
        records = [Precedent.loaded(text) for text in self._connection.execute(query).scalars()]
        return self.keep(records, noted, share=False)

    def _is_shared(self, identifier: str) -> bool:
        query = select(shared.c.id).where(shared.c.agency == self._agency, shared.c.id == identifier)
        return self._connection.execute(query).first() is not None

    def _share(self, identifiers: Sequence[str]) -> None:
        """Let every other agency of this database see these precedents from now on, unless they got them from one."""
        query = select(shared.c.id).where(shared.c.id.in_(identifiers))
        rows = [
            {"agency": self._agency, "id": i}
            for i in set(identifiers) - set(self._connection.execute(query).scalars())
        ]
        if rows:
            self._connection.execute(insert(shared), rows)

    def _write(self, records: Sequence[Precedent], noted: Noted) -> None:
        """Write records and their versions; those that are shared on the shelves of all agencies, in one order."""
        wide = self._shared([p.id for p in records])
        agencies = self.agencies() if wide else [self._agency]
        for agency in agencies:
            mine = records if agency == self._agency else [p for p in records if p.id in wide]
            if mine:
                self._write_at(agency, mine, noted)

    def _write_at(self, agency: str, records: Sequence[Precedent], noted: Noted) -> None:
        Library(self._connection, agency).add(records)
        last = self._last_versions(agency, [p.id for p in records])
        rows = [
            {
                "agency": agency,
                "id": p.id,
                "version": last[p.id] + 1,
                "sha256": hashlib.sha256(p.dumped().encode()).hexdigest(),
                "record": p.dumped(),
                "source": noted.source,
                "actor": noted.actor,
                "recorded_at": noted.recorded_at,
                "rehearsal": noted.rehearsal,
            }
            for p in records
        ]
        self._connection.execute(insert(versions), rows)

    def _last_versions(self, agency: str, identifiers: Sequence[str]) -> Mapping[str, int]:
        query = (
            select(versions.c.id, func.max(versions.c.version))
            .where(versions.c.agency == agency, versions.c.id.in_(identifiers))
            .group_by(versions.c.id)
        )
        return defaultdict(int, {i: int(n) for i, n in self._connection.execute(query)})

    def _shared(self, identifiers: Sequence[str]) -> set[str]:
        query = select(shared.c.id).where(shared.c.agency == self._agency, shared.c.id.in_(identifiers))
        return set(self._connection.execute(query).scalars())

    def _records(self, identifiers: Sequence[str]) -> dict[str, str]:
        query = select(precedents.c.id, precedents.c.record).where(
            precedents.c.agency == self._agency, precedents.c.id.in_(identifiers)
        )
        return {row.id: row.record for row in self._connection.execute(query)}
