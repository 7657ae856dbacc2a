"""Who may decide where no step of a procedure says it: of the library, the register, destruction, what was found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from yishenqing.core.errors import Refused
from yishenqing.office.desk import Desk
from yishenqing.settings import OFFICE_ROLES


class EntitledVerbs(Desk):
    """What the verbs share that are some posts' to take."""

    def _entitled(
        self, by: str | None, roles: Collection[str] | None, day: date, what: str, law: Sequence[str]
    ) -> str:
        """Return who acts, who must hold one of ``roles`` on ``day``; None: whoever works here."""
        user = by or self._user
        person = self.person(user)
        if roles is not None and not set(roles) & set(self.settings.roles_on(user, day)):
            titles = {**OFFICE_ROLES, **self._rules().workflow.roles}
            named = "、".join(titles.get(role, role) for role in roles)
            raise Refused(f"{person.name or user}没有{what}的岗位（{named}）。", law=law)
        if day > self.today:
            raise Refused(f"办理日期{day}晚于今天（{self.today}）。", law=law)
        return user
