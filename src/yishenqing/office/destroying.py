"""Destroy the cases of an approved list: one transaction for the ledger, then the disk, which a tick may finish.

Everything of the list happens in one transaction: each case gets its entry, its values and papers leave the database,
and what is to be removed from the disk is noted. Only then are files removed; a process that dies in between leaves
the note, and the next tick (or ``ysq doctor --sweep``) goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from yishenqing.core import destroying
from yishenqing.core.errors import Refused
from yishenqing.core.ledger import canonical, digest
from yishenqing.office import casework, findable, keeping
from yishenqing.office.casework import Casework
from yishenqing.retention import FOLDERS, Customs, Holds, Listed, Removals
from yishenqing.store import gone, keyring, vault
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from yishenqing.core.errors import Fault
    from yishenqing.office.acting import Act, Registry
    from yishenqing.office.casework import Practice
    from yishenqing.retention import Removal
    from yishenqing.store.engine import Transactions
    from yishenqing.store.vault import Papers

COPIES = ("issued", "previews", "forms", "archive")  # folders of the office that hold readable copies, by case


class Doomed(Struct, frozen=True):
    """A case of a list that may be destroyed now: what goes, by digest, and the contents on the disk."""

    case: Casework
    code: str
    period: str
    kept_until: date
    values: tuple[str, ...]
    papers: tuple[str, ...]
    contents: tuple[str, ...]

    @property
    def digests(self) -> list[str]:
        """Return the digests of everything that goes."""
        return sorted({*self.values, *self.papers})

    @property
    def fingerprint(self) -> str:
        """Return one digest over all digests, for the certificate; the entry of the case names each."""
        return digest("destroyed", canonical(self.digests))

    def as_json(self, n: int) -> dict[str, Any]:
        """Return the case as a line of the certificate."""
        return {
            "n": n,
            "number": self.case.row.number,
            "code": self.code,
            "period": self.period,
            "kept_until": self.kept_until,
            "values": len(self.values),
            "papers": len(self.papers),
            "digest": self.fingerprint,
            "head": self.case.row.head_hash,
        }


class Examiner(Struct, frozen=True):
    """Looks whether a list may be carried out: nothing has happened since, nothing holds, every chain verifies."""

    practice: Practice
    customs: Customs
    faults: Callable[[Connection, Casework], list[Fault]]

    def examined(self, connection: Connection, listed: Listed, day: date) -> list[Doomed]:
        """Return the cases of the list, locked, ready to be destroyed.

        Raises:
            Refused: some of them must not be destroyed (any more); each is named with the reason.
        """
        numbers = [item.number for item in listed.items]
        ledger_store.rows_of_many(connection, self.practice.agency, numbers, lock=True)
        holds = Holds(connection, self.practice.agency).placed()
        found, objections = [], []
        for item in listed.items:
            case = casework.load(connection, self.practice, item.number)
            objections += [f"{item.number}：{why}" for why in self._objections(connection, case, item, day, holds)]
            found.append(self._doomed(connection, case, item))
        if objections:
            lines = "\n".join(f"  {line}" for line in objections)
            raise Refused(
                f"销毁清册{listed.id}中有案件不能销毁，全部未予销毁；请退回清册，改后另行提出：\n{lines}",
                law=list(self.customs.law),
            )
        return found

    def _objections(
        self, connection: Connection, case: Casework, item: Any, day: date, holds: Mapping[str, Any]
    ) -> Iterator[str]:
        if (case.row.head_seq, case.row.head_hash) != (item.head_seq, item.head_hash):
            yield "提出销毁以后案卷又有新的记录"
            return
        found = keeping.kept(case, self.customs)
        if found is None or not found.over(day):
            yield "保管期限没有届满"
        yield from keeping.held(connection, case, holds)
        if destroying.STEP not in case.workflow.steps:
            yield f"立案时的流程没有“销毁”这一步骤，请先用 ysq move {item.number} 转用现行流程"
        if self.faults(connection, case):
            yield "核验未通过（请运行 ysq archive verify），来历不清的不得销毁"

    def _doomed(self, connection: Connection, case: Casework, item: Any) -> Doomed:
        agency, number = case.row.agency, case.row.number
        papers = vault.papers_of(connection, agency, number)
        return Doomed(
            case,
            item.code,
            self.customs.periods[item.period].title,
            item.kept_until,
            tuple(sorted(vault.sealed_of(connection, agency, number))),
            tuple(sorted(papers)),
            tuple(sorted({paper.sha256 for paper in papers.values()})),
        )


def destroy(connection: Connection, registry: Registry, doomed: Doomed, act: Act) -> Casework:
    """Enter the destruction in the ledger of a case and take what it says elsewhere out of the database.

    Raises:
        Refused: the actor may not.
    """
    case = doomed.case
    agency, number = case.row.agency, case.row.number
    facts = {**act.facts, destroying.NAMED: doomed.digests}
    plan = registry.plan(connection, case, replace(act, facts=facts), case.practice.workdays.today)
    after = registry.record(connection, plan, None)
    certificate = frozenset(vault.papers_of(connection, agency, number)) - set(doomed.papers)
    gone.destroy(connection, agency, number, certificate)
    Removals(connection, agency).note(number, doomed.contents)
    findable.leave(connection, agency, number)
    return after


class Clearing:
    """What of destroyed cases lies on the disk still, and its removal; done again and again it does no harm."""

    def __init__(self, transactions: Transactions, home: Path, agency: str, papers: Papers) -> None:
        """Clear the folder ``home`` of one agency."""
        self._transactions, self._home, self._agency, self._papers = transactions, home, agency, papers

    def waiting(self) -> list[Removal]:
        """Return what was destroyed and lies on the disk still."""
        with self._transactions.reading() as connection:
            return Removals(connection, self._agency).waiting()

    def clear(self, now: str) -> None:
        """Remove it.

        While files go nobody else keeps any, so that no content goes that another case is just taking in.
        """
        if not self.waiting():
            return
        with self._transactions.writing() as connection:
            keyring.alone(connection, self._agency)
            register = Removals(connection, self._agency)
            found = register.waiting()
            for removal in found:
                if removal.sha256 == FOLDERS:
                    self._remove_folders(removal.number)
                elif not gone.needed(connection, self._agency, removal.sha256, destroying.STATE):
                    self._papers.path(removal.sha256).unlink(missing_ok=True)
            register.done(found, now)
        if not self._transactions.hosted:
            with self._transactions.engine.connect() as connection:
                gone.settle(connection)

    def _remove_folders(self, number: str) -> None:
        for name in COPIES:
            folder = self._home / name / number
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)


def exported_to(looks: Sequence[Mapping[str, Any]], home: Path) -> list[str]:
    """Return where a case was exported to outside the folders that are cleared, by the journal of looks."""
    cleared = tuple(str(home / name) for name in COPIES)
    places = {str(look["detail"]) for look in looks if look["act"] == "export" and look["detail"]}
    return sorted(p for p in places if not p.startswith(cleared) or "卷宗" in Path(p).name)
