"""A superior organ looks at the cases of an agency below it: it sees what that agency sees, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from yishenqing import agencies
from yishenqing.articles import article
from yishenqing.core.errors import NotFound, Permitted, Refused
from yishenqing.core.ledger import canonical
from yishenqing.core.plain import built, plain_of
from yishenqing.office.moments import Moments
from yishenqing.office.premises import database_url
from yishenqing.settings import OFFICE_ROLES, SUPERVISOR, Marks, Settings
from yishenqing.store.engine import Transactions, open_engine

_LAW = "supervision"
# The verbs that a superior organ has in an agency below it; a new verb is not among them until it is put here.
LOOKS = {
    "cases": Permitted("list", "列出案件", SUPERVISOR),
    "show": Permitted("show", "查看案件", SUPERVISOR),
    "due": Permitted("due", "列出将要届满的期限", SUPERVISOR),
}
# The choices of an office by which its days are reckoned.
_CHOICES = ("switched_off", "stage_limits", "figures", "readings", "reminders", "escalate_after")


def practice_of(settings: Settings) -> str:
    """Return an office's choices as they are kept for those who supervise it."""
    chosen = plain_of(settings)
    return canonical({name: chosen[name] for name in _CHOICES})


def introduce(transactions: Transactions, settings: Settings) -> None:
    """Let the database know an agency, its name and its choices, where they are not known so yet."""
    own, practice = settings.agency, practice_of(settings)
    with transactions.reading() as connection:
        known = agencies.known(connection).get(own)
    if known is None or (known.name, known.practice) != (settings.name, practice):
        told = agencies.Agency(own, settings.name, known.superior if known else "", practice)
        at = Moments(transactions, own).now()
        transactions.kept(lambda connection: agencies.introduce(connection, told, at))


def looking(own: Transactions, home: Path, settings: Settings, user: str, code: str) -> tuple[Settings, Transactions]:
    """Return by what settings and transactions ``user`` looks at the agency ``code``; that it was done is noted.

    Three things keep it to looking: ``admit`` the verbs, the transactions, and the database itself.
    """
    with own.reading() as connection:
        seen = seen_from_above(connection, settings, user, code)
    at = Moments(own, settings.agency).now()
    own.kept(lambda connection: agencies.note(connection, settings.agency, user, "supervised", at, code))
    if own.hosted:
        return seen, own.for_looking(only_looks(seen))
    own.close()
    engine = open_engine(database_url(home, settings), code, only_looks=True)
    return seen, Transactions(engine, only_looks=only_looks(seen))


def admit(verb: str, why_not: str) -> None:
    """Let only those verbs through that a superior organ has.

    Raises:
        Refused: it is none of them.
    """
    if verb not in LOOKS:
        raise Refused(why_not, law=[article(_LAW)], permitted=list(LOOKS.values()))


def seen_from_above(connection: Connection, settings: Settings, user: str, code: str) -> Settings:
    """Return the settings by which ``user`` looks at the cases of the agency ``code``: its own choices.

    Raises:
        NotFound: the database knows no such agency.
        Refused: it does not lie below the user's, or the user does not supervise.
    """
    tree = agencies.known(connection)
    if code not in tree:
        raise NotFound(f"没有代码为“{code}”的机关；请用 ysq agency list 查看。")
    if not agencies.lies_below(tree, code, settings.agency):
        below = "、".join(a.agency for a in agencies.line_down(tree, settings.agency)[1:]) or "（无）"
        text = f"“{tree[code].name}”不是本机关的下级机关，不能查看其案件；可以查看：{below}。"
        raise Refused(text, law=[article(_LAW)])
    person = settings.people.get(user)
    if person is None or SUPERVISOR not in person.roles:
        raise Refused(f"查看下级机关的案件，须有{OFFICE_ROLES[SUPERVISOR]}岗（{SUPERVISOR}）。", law=[article(_LAW)])
    return replace(settings, agency=code, name=tree[code].name, **_choices(tree[code].practice))


def only_looks(settings: Settings) -> str:
    """Return why nothing may be done in an agency that is only looked at."""
    return f"这是下级机关“{settings.name}”的案件，上级机关只能查看，办理由该机关自己进行。"


def _choices(kept: str) -> dict[str, Any]:
    if not kept:
        return {}
    told = json.loads(kept)
    plain = Settings.__struct_fields__
    known = {name: told[name] for name in _CHOICES if name in told and name in plain}
    return {**known, "switched_off": tuple(known["switched_off"]), "reminders": _marks(known["reminders"])}


def _marks(kept: dict[str, Any]) -> dict[str, Any]:
    return {clock: built(Marks, marks) for clock, marks in kept.items()}
