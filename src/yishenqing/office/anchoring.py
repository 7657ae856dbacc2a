"""Which rows outside the cases every checkpoint anchors: found by what the tables say of themselves."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, case, select

from yishenqing.checkpoints.rows import Examined, Kept, examine
from yishenqing.office import schema

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from yishenqing.checkpoints.log import Log

# Chained or hashed by themselves; a checkpoint anchors the heads of their chains.
_OTHERWISE = frozenset({"entries", "letters", "rulebooks", "anchors", "checkpoints", "reads"})
# Of these some columns change as time goes by (a key retires, a message is sent); what is named never does.
_PARTLY = {
    "data_keys": ("id", "algorithm", "made_at"),
    "messages": ("channel", "person", "content", "created_at"),
    "precedent_origins": ("number",),
    "released_finds": ("quarter", "source", "ref", "title", "place", "kind", "excerpt", "found_at"),
    "reminders": ("recorded_at",),
}
_TITLES = {
    "access_log": "登录和查看下级的记录",
    "assessments": "不予公开的重新评估",
    "data_keys": "数据密钥",
    "disposal_decisions": "销毁的决定",
    "disposal_items": "销毁清册的案件",
    "disposal_lists": "销毁清册",
    "holding_versions": "登记簿的历次内容",
    "messages": "发出的提醒",
    "precedent_acts": "案例的办理",
    "precedent_origins": "案例的来源案件",
    "precedent_versions": "案例的历次内容",
    "proposal_decisions": "转主动公开的决定",
    "proposal_requests": "转主动公开建议所据的申请",
    "proposals": "转主动公开的建议",
    "released_decisions": "已公开文书复查的处理",
    "released_finds": "已公开文书复查的发现",
    "reminders": "到期的提醒",
    "report_entered": "年度报告填报的数",
    "report_published": "已发布的年度报告",
    "retention_holds": "暂缓销毁",
}
_TIMES = ("recorded_at", "at", "made_at", "created_at", "found_at")


@cache
def kept() -> tuple[Kept, ...]:
    """Return every table whose rows stand for ever, outside the cases."""
    known = {t.name: t for t in schema.tables()}
    names = {*schema.never_rewritten(), *_PARTLY} - _OTHERWISE
    erasable = schema.erasable()
    return tuple(_kept(known[name], known, erasable.get(name)) for name in sorted(names))


def _kept(table: Table, known: dict[str, Table], erasable: str | None) -> Kept:
    keys = {c.name for c in table.primary_key.columns}
    columns = tuple(c.name for c in table.columns if c.name not in keys and c.name != erasable)
    return Kept(table, _TITLES[table.name], _PARTLY.get(table.name, columns), _written(table, known))


def _written(table: Table, known: dict[str, Table]) -> ColumnElement[Any] | None:
    """Return when a row was written: as it says, or as that says which it came with."""
    if (own := next((table.c[name] for name in _TIMES if name in table.c), None)) is not None:
        return own
    if table.name == "disposal_items":
        return _of(known["disposal_lists"], "recorded_at", agency=table.c.agency, id=table.c.list)
    if table.name == "proposal_requests":  # with the proposal, or when a later case joined it
        made = _of(known["proposals"], "recorded_at", agency=table.c.agency, id=table.c.proposal)
        joined = _of(known["entries"], "recorded_at", agency=table.c.agency, number=table.c.number, seq=1)
        return case((made > joined, made), else_=joined)
    return None


def _of(table: Table, column: str, **key: Any) -> ColumnElement[Any]:
    return select(table.c[column]).where(*(table.c[n] == value for n, value in key.items())).scalar_subquery()


def examined(connection: Connection, agency: str, log: Log) -> Examined:
    """Hold every such row against the checkpoints."""
    return examine(connection, agency, kept(), log.points, log.rows)
