"""The verbs of retention: what falls due, what is held, which cases are proposed for destruction and decided on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from yishenqing.core import destroying
from yishenqing.core.errors import DataFault, Fault, NotFound, Refused
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Row
from yishenqing.office.ended import check_whole, destroyed_of
from yishenqing.office.entitled import EntitledVerbs
from yishenqing.office.papers import PaperVerbs
from yishenqing.store import vault

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.keeping import Kept
    from yishenqing.retention import Customs, Item, Listed

T = TypeVar("T")
_AT_ONCE = 200  # cases that are read together


class RetentionVerbs(EntitledVerbs, PaperVerbs):
    """How long case files are kept, and how they end."""

    def retention(self, number: str) -> Row:
        """Return for how long a case is kept: proposed, decided, until when, what holds it, how it was destroyed.

        Raises:
            NotFound: there is no such case.
        """
        from yishenqing.office import keeping
        from yishenqing.retention import Holds

        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            found = keeping.kept(case, self._retention_customs)
            register = Holds(connection, self.settings.agency)
            told = found.as_json(self.settings) if found else {"number": number, "period": None, "kept_until": None}
            return {
                **told,
                "proposed": keeping.proposal_of(connection, case, self._retention_customs),
                "held": keeping.held(connection, case, register.placed()),
                "holds": [_told(hold) for hold in register.history(number)],
                "destroyed": destroyed_of(case),
            }

    def retention_due(self, on: date | None = None) -> Row:
        """Return the cases whose retention has ended on ``on`` (default today), held ones and listed ones marked."""
        from yishenqing.office import keeping
        from yishenqing.retention import Holds, Lists

        day = on or self.today
        with self._transactions.reading() as connection:
            holds = Holds(connection, self.settings.agency).placed()
            waiting = Lists(connection, self.settings.agency).waiting()
            rows = [
                {
                    **kept.as_json(self.settings),
                    "held": keeping.held(connection, kept.case, holds),
                    "list": waiting.get(kept.case.row.number),
                }
                for kept in self._over(connection, day)
            ]
        return {"on": day.isoformat(), "cases": rows}

    def _over(self, connection: Connection, day: date) -> Iterator[Kept]:
        from yishenqing.office import keeping
        from yishenqing.store import gone

        agency, made = self.settings.agency, self._retention_customs
        numbers = gone.resting(connection, agency, day.year + 1 - made.shortest, destroying.STATE)
        for batch in _batches(numbers, _AT_ONCE):
            yield from keeping.over(casework.load_many(connection, self._practice, batch), made, day)

    def hold(self, number: str, reason: str, *, on: date | None = None, by: str | None = None) -> Row:
        """Forbid the destruction of a case until the hold is lifted (诉讼、检查、信访等).

        Raises:
            NotFound: there is no such case.
            Refused: it is destroyed or held already, or the actor may not.
        """
        return self._held(number, reason, on, by, placed=True)

    def lift_hold(self, number: str, reason: str, *, on: date | None = None, by: str | None = None) -> Row:
        """Lift the hold of a case.

        Raises:
            NotFound: there is no such case.
            Refused: it is not held, or the actor may not.
        """
        return self._held(number, reason, on, by, placed=False)

    def _held(self, number: str, reason: str, on: date | None, by: str | None, *, placed: bool) -> Row:
        from yishenqing.retention import Hold, Holds

        made, day = self._retention_customs, on or self.today
        user = self._entitled(by, made.hold_by, day, "设定、解除暂缓销毁", made.law)
        if not reason.strip():
            raise DataFault.of([Fault("请写明理由", field="reason")])
        with self._transactions.writing() as connection:
            case = self._load(connection, number, lock=True)
            check_whole(case)
            register = Holds(connection, self.settings.agency)
            if placed == (number in register.placed()):
                text = "已经设定暂缓销毁，不必再设" if placed else "没有设定暂缓销毁，不必解除"
                raise Refused(f"案件{number}{text}。", law=list(made.law))
            register.put(Hold(number, day, placed, reason.strip(), user, self._moments.now(), self._rehearsal))
        return self.retention(number)

    def propose_destruction(
        self, opinion: str, numbers: Sequence[str] = (), *, on: date | None = None, by: str | None = None
    ) -> Row:
        """Propose to destroy ``numbers``, or all cases that are due and neither held nor listed; answers the lists.

        Raises:
            NotFound: a case is not there, or nothing is due.
            Refused: a case must be kept, is held or stands on a list already; or the actor may not propose.
        """
        from yishenqing.retention import Lists

        made, day = self._retention_customs, on or self.today
        user = self._entitled(by, made.propose_by, day, "提出销毁", made.law)
        if not opinion.strip():
            raise DataFault.of([Fault("请写明鉴定意见（为何可以销毁）", field="opinion")])
        with self._transactions.writing() as connection:
            items = self._proposable(connection, numbers, day)
            register, found = Lists(connection, self.settings.agency), []
            for batch in _batches(items, made.most_cases):
                found.append(self._listed(register.next_id(day.year), batch, day, user, opinion.strip()))
                register.propose(found[-1])
        for listed in found:
            self._print_list(listed)
        return {"lists": [self._as_listed(listed) for listed in found]}

    def _listed(self, identifier: str, items: Sequence[Item], day: date, user: str, opinion: str) -> Listed:
        from yishenqing.retention import Listed

        return Listed(identifier, day, opinion, user, self._moments.now(), self._rehearsal, tuple(items))

    def _proposable(self, connection: Connection, numbers: Sequence[str], day: date) -> list[Item]:
        from yishenqing.office import keeping
        from yishenqing.retention import Holds, Item, Lists

        holds = Holds(connection, self.settings.agency).placed()
        waiting = Lists(connection, self.settings.agency).waiting()
        found, objections = [], []
        for case, kept in self._asked(connection, numbers, day):
            number = case.row.number
            why = keeping.held(connection, case, holds)
            if number in waiting:
                why.append(f"已经列入销毁清册{waiting[number]}，尚待批准")
            if kept is None or kept.until is None or not kept.over(day):
                why.append(_too_early(case, kept))
            if why:
                objections += [f"  {number}：{one}" for one in why] if numbers else []
            elif kept is not None and kept.until is not None:
                row, code = case.row, kept.code(self.settings)
                found.append(Item(number, code, kept.period, kept.filed_on, kept.until, row.head_seq, row.head_hash))
        if objections:
            text = "下列案件不能列入销毁清册，全部未予列入：\n"
            raise Refused(text + "\n".join(objections), law=list(self._retention_customs.law))
        if not found:
            raise NotFound(f"{day}没有保管期限届满、可以提出销毁的案件；请用 ysq retention due 查看。")
        return found

    def _asked(
        self, connection: Connection, numbers: Sequence[str], day: date
    ) -> Iterator[tuple[Casework, Kept | None]]:
        from yishenqing.office import keeping

        if not numbers:
            yield from ((kept.case, kept) for kept in self._over(connection, day))
        for number in sorted(set(numbers)):
            case = self._load(connection, number)
            yield case, keeping.kept(case, self._retention_customs)

    def destructions(self, listed: str = "") -> Row:
        """Return every list of destruction, or the one of this number, with what was decided.

        Raises:
            NotFound: there is no such list.
        """
        from yishenqing.retention import Lists

        with self._transactions.reading() as connection:
            register = Lists(connection, self.settings.agency)
            found = [self._one(register, listed)] if listed else register.all()
        return {"lists": [self._as_listed(one) for one in found]}

    def refuse_destruction(self, listed: str, reason: str, *, on: date | None = None, by: str | None = None) -> Row:
        """Send a list back; its cases are kept, and may be proposed again.

        Raises:
            NotFound: there is no such list.
            Refused: it was decided already, or the actor may not decide.
        """
        from yishenqing.retention import Decision, Lists

        day = on or self.today
        if not reason.strip():
            raise DataFault.of([Fault("请写明理由", field="reason")])
        with self._transactions.writing() as connection:
            register = Lists(connection, self.settings.agency)
            self._open_list(register, listed)
            user = self._decider(by, day)
            at = self._moments.now()
            register.decide(listed, Decision(day, False, reason.strip(), "", user, at, self._rehearsal))  # noqa: FBT003 - a row
        return self.destructions(listed)

    # ---- papers

    def _print_list(self, listed: Listed) -> Path:
        titles = self._retention_customs.periods
        cases = [
            {
                "n": n,
                "number": item.number,
                "code": item.code,
                "period": titles[item.period].title,
                "filed_on": item.filed_on,
                "kept_until": item.kept_until,
            }
            for n, item in enumerate(listed.items, 1)
        ]
        told = {"id": listed.id, "opinion": listed.opinion, "proposed_by": self.person(listed.actor).name}
        return self._paper("destruction_list", listed, {**told, "cases": cases}, listed.on)

    def _paper(self, kind: str, listed: Listed, told: Row, day: date) -> Path:
        letter = {"date": day, "draft": False, "rehearsal": listed.rehearsal, "number": None}
        context = {"organ": {"name": self.settings.name}, "letter": letter, "destruction": told}
        place = self.home / "retention" / f"{self._letters.kind(kind).title}{listed.id}.pdf"
        vault.write_whole(place, self._letters.pdf(kind, context))
        return place

    # ---- parts

    @cached_property
    def _retention_customs(self) -> Customs:
        from yishenqing.retention import read_customs

        return read_customs(self.home)

    def _decider(self, by: str | None, day: date) -> str:
        """Return who decides: somebody who may take the step of the destruction under the office's procedure."""
        roles = self._rules().workflow.steps[destroying.STEP].by
        return self._entitled(by, roles, day, "批准销毁", self._retention_customs.law)

    def _one(self, register: Any, listed: str) -> Listed:
        found: Listed | None = register.one(listed)
        if found is None:
            raise NotFound(f"没有编号为“{listed}”的销毁清册；请用 ysq retention list 查看。")
        return found

    def _open_list(self, register: Any, listed: str) -> Listed:
        found = self._one(register, listed)
        if found.decision is not None:
            done = "批准销毁" if found.decision.approved else "退回"
            raise Refused(f"销毁清册{listed}已于{found.decision.on}{done}。", law=list(self._retention_customs.law))
        return found

    def _as_listed(self, listed: Listed) -> Row:
        folder, titles = self.home / "retention", self._retention_customs.periods
        made = {kind: folder / f"{self._letters.kind(kind).title}{listed.id}.pdf" for kind in _PAPERS}
        return {
            "list": listed.id,
            "on": listed.on.isoformat(),
            "opinion": listed.opinion,
            "proposed_by": listed.actor,
            "cases": [_as_item(item, titles[item.period].title) for item in listed.items],
            "decision": _told(listed.decision) if listed.decision else None,
            "papers": [str(path) for path in made.values() if path.is_file()],
        }


_PAPERS = ("destruction_list", "destruction_certificate")


def _batches(found: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    yield from (found[start : start + size] for start in range(0, len(found), size))


def _too_early(case: Casework, kept: Kept | None) -> str:
    if kept is None:
        return "尚未归档" if case.standing.state != destroying.STATE else "已经销毁"
    return f"保管期限{kept.title}，须保管至{kept.until}" if kept.until else f"保管期限{kept.title}，不得销毁"


def _as_item(item: Item, title: str) -> Row:
    return {
        "number": item.number,
        "code": item.code,
        "period": item.period,
        "period_title": title,
        "filed_on": item.filed_on.isoformat(),
        "kept_until": item.kept_until.isoformat(),
    }


def _told(row: Any) -> Row:
    return {
        name: (value.isoformat() if isinstance(value, date) else value)
        for name in row.__struct_fields__
        if (value := getattr(row, name)) is not None
    }
