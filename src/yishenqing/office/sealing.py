"""The verbs of the sealed archive: one case, a year, a selection; each with its place in the latest checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, IntegrityFault, NotFound, Refused
from yishenqing.core.ledger import canonical, digest
from yishenqing.core.merkle import Proofs as Tree
from yishenqing.core.merkle import head_leaf
from yishenqing.core.plain import plain_of
from yishenqing.office import casework
from yishenqing.office.auditing import AuditVerbs
from yishenqing.office.casework import Row
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.archive import CaseFile, Planned
    from yishenqing.checkpoints.log import Log
    from yishenqing.store.ledger import CaseRow

Told = Callable[[int, int], None]
FILTERS = ("outcome", "state", "since", "until")


class ArchiveVerbs(AuditVerbs):
    """What leaves the office sealed."""

    def archive(self, number: str, target: Path | None = None) -> Row:
        """Write the sealed package of an archived case.

        Raises:
            Refused: the case is not archived yet.
            IntegrityFault: the case does not verify; nothing is sealed over a broken chain.
        """
        from yishenqing.archive import export

        proofs = self._proofs()
        case = self._case_file(number, proofs)
        points = proofs.lines({case.anchor["checkpoint"]} if case.anchor else set())
        found = export(target or self.home / "archive" / number, replace(case, tags=points)).as_json()
        self._saw("export", number, found["path"])
        return found

    def archive_many(
        self,
        target: Path | None = None,
        *,
        year: int | None = None,
        numbers: Sequence[str] = (),
        filters: Mapping[str, str] | None = None,
        skip_damaged: bool = False,
        told: Told = lambda _done, _all: None,
    ) -> Row:
        """Write one sealed package of the archived cases of a year, or of a selection; resumed after a kill.

        Cases of the choice that are not archived yet are left out, and the package says so. ``skip_damaged`` leaves
        out those that do not verify, too; without it they are named and nothing is sealed. ``files`` of the answer
        are what lies directly below ``data/``: one folder a case.

        Raises:
            NotFound: a case that was named is not there, or no case meets the choice.
            Refused: none of them is archived.
            IntegrityFault: cases do not verify; all of them are named.
        """
        from yishenqing.archive import Volume, export_volume

        title = self._volume_title(year, filters)
        ready, left_out = self._chosen(year, numbers, filters or {})
        proofs = self._proofs()
        damaged: dict[str, str] = {}
        if skip_damaged:
            damaged = {row.number: str(f[0]) for row in ready if (f := self.verify(row.number))}
            left_out += [{"number": n, "why": f"核验未通过：{why}"} for n, why in damaged.items()]
        planned = [self._planned(row, proofs) for row in ready if row.number not in damaged]
        if not planned:
            raise Refused(
                f"{title}：没有可以封存的案件（{len(left_out)}件未归档或者核验未通过）。",
                law=[article("work_order", self.today)],
            )
        volume = Volume(
            agency=self.settings.agency,
            title=f"{self.settings.name}{title}",
            made_by=self._made_by(),
            cases=planned,
            rules=self._rules_text,
            info={"Source-Organization": self.settings.name},
            points=proofs.lines,
            left_out=left_out,
        )
        package = export_volume(target or self.home / "archive" / title, volume, told)
        self._journal.note_all([self._look("export", n, str(package.path)) for n in package.cases])
        return {**package.as_json(), "left_out": left_out}

    def _volume_title(self, year: int | None, filters: Mapping[str, str] | None) -> str:
        chosen = "".join(f"-{value}" for value in (filters or {}).values())
        return f"{year}年政府信息公开申请卷宗{chosen}" if year else f"政府信息公开申请卷宗选集{chosen}"

    def _made_by(self) -> str:
        """Return what must not change while a volume is made: program, templates, fonts, settings."""
        told = {"letters": self._letters.made_by(), "settings": plain_of(self.settings)}
        return digest("volume", canonical(_plain(told)))

    def _chosen(
        self, year: int | None, numbers: Sequence[str], filters: Mapping[str, str]
    ) -> tuple[list[CaseRow], list[dict[str, str]]]:
        """Return the archived cases of the choice, and those of it that are not archived, with the reason."""
        wanted = set(numbers)
        fits = _filter(filters)
        ready, left_out = [], []
        with self._transactions.reading() as connection:
            rows = ledger_store.case_rows(connection, self.settings.agency)
            if unknown := wanted - {row.number for row in rows}:
                raise NotFound(f"没有编号为“{'、'.join(sorted(unknown))}”的案件；请用 ysq list 查看全部案件。")
            for row in rows:
                if (year and row.opened_on.year != year) or (wanted and row.number not in wanted) or not fits(row):
                    continue
                state = casework.rules_of(connection, row.rulebook).workflow.states[row.state]
                if state.final:
                    ready.append(row)
                else:
                    left_out.append({"number": row.number, "why": f"现为“{state.title}”，尚未归档"})
        if not ready and not left_out:
            raise NotFound("没有符合所选条件的案件。")
        return ready, left_out

    def _planned(self, row: CaseRow, proofs: Proofs) -> Planned:
        from yishenqing.archive import Planned

        return Planned(row.number, row.head_hash, lambda: self._case_file(row.number, proofs))

    def _case_file(self, number: str, proofs: Proofs) -> CaseFile:
        from yishenqing.office import filing

        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            content = filing.gathered(connection, case, self._filing())
            anchor = proofs.of(connection, number)
        return filing.case_file(case, content, self._filing(), anchor)

    def _rules_text(self, name: str) -> str:
        with self._transactions.reading() as connection:
            return ledger_store.rulebook_text(connection, name)

    def _proofs(self) -> Proofs:
        """Return the proofs of the latest checkpoint.

        Raises:
            IntegrityFault: the checkpoints do not hold.
        """
        from yishenqing.checkpoints.log import read_log

        with self._transactions.reading() as connection:
            log = read_log(connection, self.settings.agency)
            if log.faults:
                raise IntegrityFault.of(log.faults)
            return Proofs(self.settings.agency, log, connection)


class Proofs:
    """The tree of the latest checkpoint, ready to prove what it knows of a case."""

    def __init__(self, agency: str, log: Log, connection: Connection) -> None:
        """Read the leaves once."""
        from yishenqing.checkpoints.log import leaves

        self._agency, self._points = agency, {point.n: point for point in log.points}
        self._last = log.points[-1] if log.points else None
        found = (head_leaf(agency, a.number, a.seq, a.hash) for a in leaves(connection, agency)) if self._last else ()
        self._tree = Tree(list(found))

    def of(self, connection: Connection, number: str) -> dict[str, Any] | None:
        """Return where the latest checkpoint has the case, and the path to its root; None where it has it not."""
        from yishenqing.checkpoints.log import anchors_of

        if self._last is None:
            return None
        known = [a for a in anchors_of(connection, self._agency, number) if a.leaf < self._last.size]
        if not known:
            return None
        last = known[-1]
        return {
            "checkpoint": self._last.n,
            "size": self._last.size,
            "leaf": last.leaf,
            "seq": last.seq,
            "hash": last.hash,
            "path": [step.hex() for step in self._tree.path(last.leaf)],
        }

    def lines(self, numbers: Iterable[int]) -> dict[str, bytes]:
        """Return the file of the checkpoints of these numbers; none where there are none."""
        wanted = sorted(set(numbers))
        text = "".join(f"{self._points[n].as_line()}\n" for n in wanted)
        return {"checkpoints.jsonl": text.encode()} if text else {}


def _filter(filters: Mapping[str, str]) -> Callable[[CaseRow], bool]:
    """Return what tells whether a case meets all of the filters.

    Raises:
        DataFault: a filter that is none, or a day that is none.
    """
    faults = [
        Fault(f"没有这样的条件；可以用：{'、'.join(FILTERS)}", field=name) for name in filters.keys() - {*FILTERS}
    ]
    days: dict[str, date] = {}
    for name in filters.keys() & {"since", "until"}:
        try:
            days[name] = date.fromisoformat(filters[name])
        except ValueError:
            faults.append(Fault(f"“{filters[name]}”不是存在的日期，应写作 2026-03-02", field=name))
    if faults:
        raise DataFault.of(faults)

    def fits(row: CaseRow) -> bool:
        return (
            filters.get("outcome", row.outcome) == row.outcome
            and filters.get("state", row.state) == row.state
            and days.get("since", row.opened_on) <= row.opened_on <= days.get("until", row.opened_on)
        )

    return fits


def _plain(value: Any) -> Any:
    """Return settings as plain JSON."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
