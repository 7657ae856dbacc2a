"""The verb that destroys: a list is approved by another person than proposed it, certified, and carried out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core import destroying
from yishenqing.core.errors import Moved, Refused
from yishenqing.office.casework import Row
from yishenqing.office.retaining import RetentionVerbs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.destroying import Clearing, Doomed, Examiner
    from yishenqing.retention import Listed

_ATTEMPTS = 5  # the certificate is printed outside any lock; so often it is printed anew


class DisposalVerbs(RetentionVerbs):
    """How case files end."""

    def approve_destruction(self, listed: str, *, on: date | None = None, by: str | None = None) -> Row:
        """Approve a list and destroy its cases: side store and papers go, ledgers and the certificate stay.

        Whoever proposed it cannot approve it. All cases are destroyed, or none.

        Raises:
            NotFound: there is no such list.
            Refused: it was decided already, the actor proposed it or may not sign, or a case must be kept.
        """
        day, printed = on or self.today, None
        for _ in range(_ATTEMPTS):
            with self._transactions.writing() as connection:
                found, user = self._approvable(connection, listed, day, by)
                doomed = self._examiner.examined(connection, found, day)
                if printed is not None and printed[0] == _state(doomed):
                    self._destroy(connection, found, doomed, day, user, printed[1])
                    break
            printed = _state(doomed), self._certificate(found, doomed, day, user)
        else:
            raise Moved(f"销毁清册{listed}中的案件一再由他人办理，本次没有销毁任何内容；请稍后重试。")
        self._transactions.once_kept(lambda: self._clearing.clear(self._moments.now()))
        return {**self.destructions(listed)["lists"][0], "exported": self._exported(found)}

    def _approvable(self, connection: Connection, listed: str, day: date, by: str | None) -> tuple[Listed, str]:
        from yishenqing.retention import Lists

        found = self._open_list(Lists(connection, self.settings.agency), listed)
        user = self._decider(by, day)
        if user == found.actor:
            name = self.person(user).name
            raise Refused(f"销毁清册{listed}由{name}提出，须由另一人批准。", law=list(self._retention_customs.law))
        return found, user

    def _destroy(
        self, connection: Connection, listed: Listed, doomed: Sequence[Doomed], day: date, user: str, place: Path
    ) -> None:
        from yishenqing.office import destroying as work
        from yishenqing.retention import Decision, Lists

        content = place.read_bytes()
        for one in doomed:
            facts = {
                "list": listed.id,
                "kept": f"{one.period}，至{one.kept_until}",
                "basis": list(self._retention_customs.law),
                "opinion": listed.opinion,
                "proposed_by": listed.actor,
                destroying.CERTIFICATE: [str(place)],
            }
            act = self._act(destroying.STEP, day, user, facts, verb="retention approve")
            work.destroy(connection, self._registry, one, act)
        self._forget(connection, [one.case.row.number for one in doomed])
        sha256 = hashlib.sha256(content).hexdigest()
        decision = Decision(day, True, "", sha256, user, self._moments.now(), self._rehearsal)  # noqa: FBT003 - a row
        Lists(connection, self.settings.agency).decide(listed.id, decision)

    def _forget(self, connection: Connection, numbers: Sequence[str]) -> None:
        """Take destroyed cases out of what is recognised, proposed and assessed again."""
        from yishenqing.holdings import Reviews
        from yishenqing.kinship import forget
        from yishenqing.precedents import Drafts

        agency, drafts = self.settings.agency, Drafts(connection, self.settings.agency)
        forget(connection, agency, numbers)
        Reviews(connection, agency).cancel("case", numbers)
        for number in numbers:
            for draft in drafts.all(number):
                drafts.drop(draft.precedent.id)

    def _certificate(self, listed: Listed, doomed: Sequence[Doomed], day: date, user: str) -> Path:
        people = self.settings.people
        proposer = people[listed.actor].name if listed.actor in people else listed.actor
        told = {
            "id": listed.id,
            "opinion": listed.opinion,
            "proposed_by": proposer,
            "proposed_on": listed.on,
            "approved_by": self.person(user).name,
            "on": day,
            "law": list(self._retention_customs.law),
            "cases": [one.as_json(n) for n, one in enumerate(doomed, 1)],
        }
        return self._paper("destruction_certificate", listed, told, day)

    def _exported(self, listed: Listed) -> list[str]:
        """Return where the cases were exported to: copies that no program can fetch back."""
        from yishenqing.checkpoints import reads_of
        from yishenqing.office.destroying import exported_to

        with self._transactions.reading() as connection:
            looks = [
                look for item in listed.items for look in reads_of(connection, self.settings.agency, item.number)
            ]
        return exported_to(looks, self.home)

    @property
    def _clearing(self) -> Clearing:
        from yishenqing.office.destroying import Clearing

        return Clearing(self._transactions, self.home, self.settings.agency, self._papers)

    @property
    def _examiner(self) -> Examiner:
        from yishenqing.office.casefaults import case_faults
        from yishenqing.office.destroying import Examiner

        filing = self._filing()
        return Examiner(self._practice, self._retention_customs, lambda c, case: case_faults(c, case, filing))


def _state(doomed: Sequence[Doomed]) -> list[tuple[str, str, list[str]]]:
    return [(one.case.row.number, one.case.row.head_hash, one.digests) for one in doomed]
