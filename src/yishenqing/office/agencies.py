"""The verbs of the platform: agencies and their superiors, what failed, who signed in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from yishenqing import agencies
from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, Refused
from yishenqing.office.casework import Row
from yishenqing.office.desk import Desk
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

        ``changed`` says in words what is another than before: nothing where the agency lay there so already.

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
            before = agencies.known(connection).get(code)
            if not own and not name.strip() and before is None:
                raise DataFault.of([Fault("请用 --name 写明机关名称", field="name")])
            new = agencies.Agency(code, name.strip(), superior or self.settings.agency)
            agencies.place(connection, self.settings.agency, new, self._moments.now())
            after = agencies.known(connection)
        return {**self.agencies(), "changed": _changed(before, after[code], after)}

    def failures(self, *, over: bool = False) -> Row:
        """Return what could not be done and why: cases that a tick stumbled over, what did not arrive.

        With ``over`` also the cases whose failure is over; nothing is ever deleted.
        """
        from yishenqing.exchange import queue  # noqa: PLC0415 - few look

        with self._transactions.reading() as connection:
            known = failure_store.all_of(connection, self.settings.agency)
            unsent = queue.troubles(connection, self.settings.agency)
        from yishenqing.office.delivering import Delivery

        delivery = Delivery(self._transactions, self.settings, self._workdays, lambda: datetime.now(UTC))
        shown = [row for row in known if over or row["over_at"] is None]
        cases = [{("number" if k == "subject" else k): v for k, v in row.items() if k != "kind"} for row in shown]
        return {"cases": cases, "messages": delivery.outcome()["failed"], "exchange": unsent}

    def access_log(self, most: int = 100) -> Row:
        """Return who signed in, was refused, or looked at another agency's cases; the newest first."""
        with self._transactions.reading() as connection:
            return {"events": agencies.noted(connection, self.settings.agency, most)}


def _changed(
    before: agencies.Agency | None, after: agencies.Agency, tree: Mapping[str, agencies.Agency]
) -> list[str]:
    """Return what entering an agency has changed, in words."""
    if before is None:
        return [f"新登记“{after.name}”（{after.agency}）"]
    found = []
    if before.name != after.name:
        found.append(f"{after.agency}的名称由“{before.name}”改为“{after.name}”")
    if before.superior != after.superior:
        names = [tree[code].name if code in tree else "（无）" for code in (before.superior, after.superior)]
        found.append(f"“{after.name}”的上级由“{names[0]}”改为“{names[1]}”")
    return found
