"""Which agency supervises which: a tree, of which nobody can put another organ's agency below its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from yishenqing.agencies.tables import agencies
from yishenqing.articles import article
from yishenqing.core.errors import NotFound, Refused

_LAW = "supervision"


class Agency(Struct, frozen=True):
    """One agency of the database; ``superior`` is empty for one that nobody here supervises."""

    agency: str
    name: str
    superior: str
    practice: str = ""


def known(connection: Connection) -> dict[str, Agency]:
    """Return all agencies of the database by code."""
    columns = (agencies.c.agency, agencies.c.name, agencies.c.superior, agencies.c.practice)
    query = select(*columns).order_by(agencies.c.agency)
    return {row.agency: Agency(*row) for row in connection.execute(query)}


def line_up(tree: Mapping[str, Agency], code: str) -> Iterator[str]:
    """Yield the agencies above ``code``, the nearest first."""
    seen = {code}
    while (found := tree.get(code)) and found.superior and found.superior not in seen:
        code = found.superior
        seen.add(code)
        yield code


def lies_below(tree: Mapping[str, Agency], code: str, top: str) -> bool:
    """Tell whether ``top`` supervises ``code``, directly or through others."""
    return top in line_up(tree, code)


def line_down(tree: Mapping[str, Agency], top: str) -> list[Agency]:
    """Return ``top`` and all agencies below it, each after its superior."""
    found = [tree[top]] if top in tree else []
    for child in (a for a in tree.values() if a.superior == top and a.agency != top):
        found += line_down(tree, child.agency)
    return found


def place(connection: Connection, by: str, new: Agency, now: str) -> None:
    """Enter an agency, or put one under its superior, as the agency ``by`` may.

    New agencies are entered by whoever will supervise them. One that is there already is placed by those above it; an
    agency that nobody supervises may only place itself.

    Raises:
        Refused: ``by`` may not place it there.
        NotFound: there is no such superior.
    """
    tree = known(connection)
    if new.superior and new.superior not in tree:
        raise NotFound(f"没有代码为“{new.superior}”的机关；请先用 ysq agency add 登记。")
    there = tree.get(new.agency)
    if there is None:
        _refuse_foreign(tree, by, new)
        row = {"agency": new.agency, "name": new.name, "superior": new.superior, "practice": "", "added_at": now}
        connection.execute(insert(agencies).values(row))
        return
    _refuse_taking(tree, by, new)
    values = {"name": new.name or there.name, "superior": new.superior}
    connection.execute(update(agencies).where(agencies.c.agency == new.agency).values(values))


def _refuse_foreign(tree: Mapping[str, Agency], by: str, new: Agency) -> None:
    own = new.superior == by or lies_below(tree, new.superior, by)
    if new.agency != by and not own:
        raise Refused("只能在本机关或者本机关的下级机关之下登记机关。", law=[article(_LAW)])


def _refuse_taking(tree: Mapping[str, Agency], by: str, new: Agency) -> None:
    if new.superior == new.agency or (new.superior and lies_below(tree, new.superior, new.agency)):
        raise Refused("上级机关不能是本机关自己或者本机关的下级。", law=[article(_LAW)])
    own = new.agency == by and not tree[new.agency].superior
    if not own and not lies_below(tree, new.agency, by):
        above = tree[new.agency].superior
        who = f"其上级机关“{above}”" if above else "该机关自己"
        raise Refused(f"机关“{new.agency}”已经登记，它的上级只能由{who}确定。", law=[article(_LAW)])
    if not own and not (new.superior == by or lies_below(tree, new.superior, by)):
        raise Refused("下级机关只能改挂在本机关或者本机关的其他下级机关之下。", law=[article(_LAW)])


def introduce(connection: Connection, own: Agency, now: str) -> None:
    """Let the others know an agency by its own word: its name, and by what choices it reckons."""
    values = {"name": own.name, "practice": own.practice}
    if own.agency in known(connection):
        connection.execute(update(agencies).where(agencies.c.agency == own.agency).values(values))
    else:
        row = {"agency": own.agency, "superior": own.superior, "added_at": now}
        connection.execute(insert(agencies).values({**row, **values}))
