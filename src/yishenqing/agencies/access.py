"""Who signed in, was refused, or looked at another agency's cases: written once, never changed."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection, insert, select

from yishenqing.agencies.tables import access_log

# What may stand in the log, as it is shown.
EVENTS = {
    "signed_in": "登录",
    "signed_out": "退出",
    "refused": "登录被拒绝",
    "locked": "连续输错，账号锁定",
    "password_set": "设置口令",
    "rehashed": "口令改以更强的方式保存",
    "closed": "停用账号",
    "supervised": "查看下级机关案件",
}
_ID_BYTES = 8


def note(connection: Connection, agency: str, login: str, event: str, at: str, detail: str = "") -> None:
    """Write one line of the log."""
    name = f"{at}-{secrets.token_hex(_ID_BYTES)}"
    row = {"agency": agency, "id": name, "at": at, "login": login, "event": event, "detail": detail}
    connection.execute(insert(access_log).values(row))


def noted(connection: Connection, agency: str, most: int = 100) -> list[dict[str, Any]]:
    """Return the newest lines, the newest first."""
    columns = (access_log.c.at, access_log.c.login, access_log.c.event, access_log.c.detail)
    query = select(*columns).where(access_log.c.agency == agency)
    rows = connection.execute(query.order_by(access_log.c.at.desc(), access_log.c.id.desc()).limit(most)).mappings()
    return [{**row, "event_title": EVENTS[row["event"]]} for row in rows]
