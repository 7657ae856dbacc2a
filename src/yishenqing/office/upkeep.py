"""What the tick does from time to time beside reminders: checkpoints, the quarterly scan, what a kill left undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from yishenqing.core.errors import DataFault, Fault, NotFound, YishenqingError
from yishenqing.office.auditing import AuditVerbs
from yishenqing.office.cases import CaseVerbs
from yishenqing.office.casework import Row
from yishenqing.office.disposing import DisposalVerbs
from yishenqing.office.notifying import Audience
from yishenqing.settings import SUPERVISOR
from yishenqing.store import outbox
from yishenqing.store.ledger import has_cases

if TYPE_CHECKING:
    from yishenqing.office.rescanning import Rescanning
    from yishenqing.released import Customs, Decision, Find, Scan

_CHECKPOINT = "checkpoint"


class UpkeepVerbs(CaseVerbs, DisposalVerbs, AuditVerbs):
    """The office's own housekeeping."""

    def tick(self) -> Row:
        """Do what is due now, once: reminders first, then what the office does by itself from time to time.

        ``checkpoint`` is the checkpoint that was made, ``released`` how far the scan of released papers has come;
        None where neither was due. In a host's transaction only reminders are given. What fails stands in
        ``faults``, and keeps nothing else back.
        """
        found = super().tick()
        found |= {"checkpoint": None, "released": None}
        if self._transactions.hosted:
            return found
        jobs: dict[str, Callable[[Row], None]] = {
            "销毁后的清理": self._clear_up,
            "检查点": self._anchor,
            "已公开文书的复查": self._rescan,
        }
        for title, job in jobs.items():
            try:
                job(found)
            except YishenqingError as error:
                found["faults"].append({"number": "", "code": error.code, "text": f"{title}：{error}"})
        return found

    def _clear_up(self, _found: Row) -> None:
        self._clearing.clear(self._moments.now())

    def _anchor(self, found: Row) -> None:
        days, agency = self._checkpoint_days, self.settings.agency
        if not days:
            return
        from yishenqing.released import claim, is_due

        with self._transactions.reading() as connection:
            if not is_due(connection, agency, _CHECKPOINT, self.today, days) or not has_cases(connection, agency):
                return
        self._enter_looks()
        with self._transactions.writing() as connection:
            if claim(connection, agency, _CHECKPOINT, self.today, days):
                found["checkpoint"] = self._anchored(connection, new_key=False)

    @property
    def _checkpoint_days(self) -> int:
        own = self.settings.checkpoint_days
        return self._upkeep_customs.checkpoint_days if own is None else own

    def _rescan(self, found: Row) -> None:
        """Scan a part of what was released; when all is scanned, tell the supervisors what waits for a decision."""
        from yishenqing.released import Finds

        turn, made = self._upkeep_customs.released.turn(self.today), self._upkeep_customs.released
        with self._transactions.reading() as connection:
            scan = Finds(connection, self.settings.agency).scan(turn)
        if scan is not None and scan.finished_at is not None:
            return
        scan = self._rescanning.some(turn, made.at_once, self._moments.now())
        found["released"] = _as_scan(scan)
        if scan.finished_at is not None:
            self._tell_finds(found, scan)

    def _tell_finds(self, found: Row, scan: Scan) -> None:
        open_finds = [row for row in self.released()["finds"] if row["decision"] is None]
        if not open_finds:
            return
        audience = Audience(self.settings, self._rehearsal)
        people = audience.of("escalated", SUPERVISOR, "")
        reminder = _reminder(scan, len(open_finds), self.today, self._upkeep_customs)
        reminder["to"] = audience.names(people)
        with self._transactions.writing() as connection:
            outbox.put(connection, audience.messages([(reminder, people)], self._moments.now()))
        found["reminders"].append(reminder)

    def released(self, *, everything: bool = False) -> Row:
        """Return what scans of released papers have found and nobody has decided yet; ``everything``: all of it.

        ``scan`` says how far this quarter's scan has come (None: it has not begun).
        """
        from yishenqing.released import Finds

        turn = self._upkeep_customs.released.turn(self.today)
        with self._transactions.reading() as connection:
            register = Finds(connection, self.settings.agency)
            scan, known = register.scan(turn), register.all()
        rows = [_as_find(find, decision) for find, decision in known if everything or decision is None]
        return {"turn": turn, "scan": _as_scan(scan) if scan else None, "finds": rows}

    def scan_released(self) -> Row:
        """Scan everything released now, or what is left of this quarter's scan; answers like ``released``."""
        turn, made = self._upkeep_customs.released.turn(self.today), self._upkeep_customs.released
        scan = self._rescanning.some(turn, made.at_once, self._moments.now())
        while scan.finished_at is None:
            scan = self._rescanning.some(turn, made.at_once, self._moments.now())
        return self.released()

    def settle_find(
        self, find: int, decision: str, reason: str, *, on: date | None = None, by: str | None = None
    ) -> Row:
        """Decide of a find: 已处理 (``handled``) or 误报 (``mistaken``), and why.

        Raises:
            NotFound: there is no such find.
            Refused: the actor may not, or the day lies ahead.
            DataFault: there is no such decision, or no reason.
        """
        from yishenqing.released import DECISIONS, Decision, Finds

        made, day = self._upkeep_customs.released, on or self.today
        user = self._entitled(by, made.settle_by, day, "处理复查所见", [made.law])
        code = next((code for code, title in DECISIONS.items() if decision in (code, title)), None)
        if code is None:
            raise DataFault.of([Fault(f"应为{'、'.join(DECISIONS.values())}之一", field="decision", law=made.law)])
        if not reason.strip():
            raise DataFault.of([Fault("请写明理由或者怎样处理的", field="reason", law=made.law)])
        with self._transactions.writing() as connection:
            decided = Decision(find, day, code, reason.strip(), user, self._moments.now(), self._rehearsal)
            if not Finds(connection, self.settings.agency).decide(decided):
                raise NotFound(f"没有编号为{find}的复查所见；请用 ysq audit released 查看。")
        return next(row for row in self.released(everything=True)["finds"] if row["find"] == find)

    @cached_property
    def _upkeep_customs(self) -> Customs:
        from yishenqing.released import read_customs

        return read_customs(self.home)

    @property
    def _rescanning(self) -> Rescanning:
        from yishenqing.office.rescanning import Rescanning

        made = self._upkeep_customs.released
        return Rescanning(self._transactions, self._practice, self.settings, self._letters, self._papers, made)


def _as_scan(scan: Scan) -> Row:
    return {
        "turn": scan.quarter,
        "papers": scan.papers,
        "unread": scan.unread,
        "finished_at": scan.finished_at,
    }


def _as_find(find: Find, decision: Decision | None) -> Row:
    from yishenqing.core.masking import KINDS  # noqa: PLC0415 - its patterns are many
    from yishenqing.office.rescanning import SOURCES
    from yishenqing.released import DECISIONS

    return {
        "find": find.id,
        "turn": find.quarter,
        "source": find.source,
        "source_title": SOURCES[find.source],
        "ref": find.ref,
        "title": find.title,
        "kind": find.kind,
        "kind_title": KINDS[find.kind],
        "excerpt": find.excerpt,
        "found_at": find.found_at,
        "decision": decision.decision if decision else None,
        "decision_title": DECISIONS[decision.decision] if decision else None,
        "reason": decision.reason if decision else None,
        "decided_by": decision.actor if decision else None,
        "decided_on": decision.on.isoformat() if decision else None,
    }


def _reminder(scan: Scan, count: int, today: date, made: Customs) -> Row:
    unread = f"，另有{scan.unread}份读不出文字，请人工查看" if scan.unread else ""
    return {
        "number": "已公开文书",
        "clock": "released",
        "title": "已公开文书复查",
        "mark": f"released-{scan.quarter}",
        "mark_title": "复查",
        "due": today.isoformat(),
        "provisional": False,
        "working_days_left": 0,
        "text": f"复查了{scan.papers}份，有{count}处疑似个人信息尚待处理{unread}，用 ysq audit released 查看",
        "law": made.released.law,
    }
