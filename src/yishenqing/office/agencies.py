"""The verbs of the platform: agencies and their superiors, what failed, who signed in."""

from __future__ import annotations

from datetime import UTC, datetime

from yishenqing import agencies
from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.office.casework import Row
from yishenqing.office.delivering import Delivery
from yishenqing.office.desk import Desk, now
from yishenqing.settings import OFFICE_ROLES, SUPERVISOR
from yishenqing.store import failures as failure_store


class AgencyVerbs(Desk):
    """What concerns the agencies of one database, and the office as a whole."""

    def agencies(self) -> Row:
        """Return this agency, and the agencies below it, each after its superior; ``superior`` is its own."""
        with self._transactions.reading() as connection:
            tree = agencies.known(connection)
        own = tree.get(self.settings.agency)
        found = agencies.line_down(tree, self.settings.agency)
        above = tree.get(own.superior) if own and own.superior else None
        return {
            "agency": self.settings.agency,
            "superior": {"agency": above.agency, "name": above.name} if above else None,
            "agencies": [{"agency": a.agency, "name": a.name, "superior": a.superior or None} for a in found],
        }

    def add_agency(self, code: str, name: str = "", superior: str = "", *, by: str | None = None) -> Row:
        """Enter an agency below this one, or put one under its superior; answers like ``agencies``.

        A new agency lies below this one unless ``superior`` names another below it. This agency itself may be put
        under a superior as long as it has none.

        Raises:
            Refused: the actor does not supervise, or this agency may not place that one.
            NotFound: there is no such superior.
            DataFault: the code is empty or has blanks, or a new agency has no name.
        """
        person = self.person(by or self._user)
        if SUPERVISOR not in person.roles:
            raise Refused(
                f"登记机关、确定上级，须有{OFFICE_ROLES[SUPERVISOR]}岗（{SUPERVISOR}）。",
                law=[article("supervision", self.today)],
            )
        own = code == self.settings.agency
        if not code.strip() or any(c.isspace() or not c.isprintable() for c in code):
            raise DataFault.of([Fault("机关代码不能为空或者含有空格", field="agency")])
        if own and not superior:
            raise DataFault.of([Fault("请用 --superior 写明上级机关的代码", field="superior")])
        with self._transactions.writing() as connection:
            if not own and not name.strip() and code not in agencies.known(connection):
                raise DataFault.of([Fault("请用 --name 写明机关名称", field="name")])
            new = agencies.Agency(code, name.strip(), superior or self.settings.agency)
            agencies.place(connection, self.settings.agency, new, now())
        return self.agencies()

    def failures(self, *, over: bool = False) -> Row:
        """Return what could not be done and why: cases that a tick stumbled over, messages that did not arrive.

        With ``over`` also the cases whose failure is over; nothing is ever deleted.
        """
        with self._transactions.reading() as connection:
            known = failure_store.all_of(connection, self.settings.agency)
        delivery = Delivery(self._transactions, self.settings, self._workdays, lambda: datetime.now(UTC))
        shown = [row for row in known if over or row["over_at"] is None]
        cases = [{("number" if k == "subject" else k): v for k, v in row.items() if k != "kind"} for row in shown]
        return {"cases": cases, "messages": delivery.outcome()["failed"]}

    def access_log(self, most: int = 100) -> Row:
        """Return who signed in, was refused, or looked at another agency's cases; the newest first."""
        with self._transactions.reading() as connection:
            return {"events": agencies.noted(connection, self.settings.agency, most)}
