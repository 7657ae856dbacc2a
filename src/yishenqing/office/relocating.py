"""An office's database moves from its folder to PostgreSQL: carried, proved, changed over; may be cut off anywhere.

Until the last step the office works on in its folder's file as before; from then on that file refuses every writer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing.core.errors import DataFault, Fault
from yishenqing.office.casework import Row
from yishenqing.office.premises import DATABASE, now
from yishenqing.settings import change_database, read_settings
from yishenqing.store import address
from yishenqing.store.engine import Transactions, moved_mark, open_engine
from yishenqing.store.transfer import Told, Transfer
from yishenqing.store.vault import write_whole

if TYPE_CHECKING:
    from sqlalchemy import Connection


def move_database(home: Path, to: str, told: Told = lambda _table, _done, _all: None) -> Row:
    """Move the database of the office in ``home`` to the address ``to``; answers what was carried and proved.

    Run again after it was cut off: it goes on, also where nothing but the search was left to do (``moved`` is False).
    ``faults`` are entries that did not hold before the move either.

    Raises:
        DataFault: nothing is to be moved; ``to`` is no PostgreSQL, has a password in it, or this office already.
        IntegrityFault: a row did not arrive as it was; nothing was changed over.
    """
    file = home / DATABASE
    mark = moved_mark(file)
    if _changed_over(home, mark, to):
        _find_again(home, mark, to)
        nothing: Row = {"agencies": [], "tables": 0, "rows": 0, "written": 0, "faults": []}
        return {"database": to, "moved": False, **nothing, "source": str(file), "mark": str(mark)}
    _check(home, file, to)
    source, target = _open(f"sqlite:///{file.resolve()}"), _open(address.with_password(to, home))
    try:
        _upgrade(target, file, source)
        with source.frozen() as connection:
            found = _carried(connection, target, file, told)
            _write_mark(mark, to, searched=False)
            found.finish(now())
            change_database(home, to)
    finally:
        source.close()
        target.close()
    _find_again(home, mark, to)
    return {
        "database": to,
        "moved": True,
        "agencies": found.agencies,
        "tables": len(found.tables),
        "rows": found.rows,
        "written": found.written,
        "faults": [str(f) for f in found.faults],
        "source": str(file),
        "mark": str(mark),
    }


def _changed_over(home: Path, mark: Path, to: str) -> bool:
    """Tell whether an earlier run changed over to ``to`` and was cut off before everything was found again."""
    if not mark.is_file() or read_settings(home).database != to:
        return False
    said = _read_mark(mark)
    return said["to"] == to and not said.get("searched", False)


def _find_again(home: Path, mark: Path, to: str) -> None:
    """Enter what is searched anew: an index is not carried. Other agencies do so with their next ``ysq upgrade``."""
    from yishenqing.office import Office  # noqa: PLC0415 - the door stands above this room

    with Office.open(home) as office:
        office.rebuild_search(everything=True)
    _write_mark(mark, to, searched=True)


def _write_mark(mark: Path, to: str, *, searched: bool) -> None:
    said = {"to": to, "at": now(), "searched": searched}
    write_whole(mark, json.dumps(said, ensure_ascii=False).encode())


def _read_mark(mark: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(mark.read_text(encoding="utf-8"))
    return said


def _open(url: str) -> Transactions:
    return Transactions(open_engine(url))


def _check(home: Path, file: Path, to: str) -> None:
    settings, mark = read_settings(home), moved_mark(file)
    if not to.startswith("postgresql"):
        raise DataFault.of([Fault("只能迁往 PostgreSQL，写作 postgresql+psycopg://用户@主机/库名", field="to")])
    if address.has_password(to):
        text = f"口令不写在地址里；请放在环境变量 {address.PASSWORD} 或者 {home / address.PASSWORD_FILE} 中"
        raise DataFault.of([Fault(text, field="to")])
    if settings.database:
        text = f"本机关的数据库已经在“{address.without_password(settings.database)}”，没有可迁移的 {DATABASE}"
        raise DataFault.of([Fault(text, field="database")])
    if not file.is_file():
        raise DataFault.of([Fault("还没有数据库；请直接运行 ysq init --db 地址", str(file))])
    if mark.is_file() and (known := _read_mark(mark)["to"]) != to:
        raise DataFault.of([Fault(f"已经迁往“{known}”，请以该地址再次运行以完成迁移", str(mark))])


def _upgrade(target: Transactions, file: Path, source: Transactions) -> None:
    from yishenqing.store.upgrade import newest, revision, upgrade

    with source.reading() as connection:
        if revision(connection) != newest():
            raise DataFault.of([Fault("数据库结构较旧；请先运行 ysq upgrade", str(file))])
    with target.checked():
        upgrade(target.engine)


def _carried(connection: Connection, target: Transactions, file: Path, told: Told) -> Transfer:
    from yishenqing.office.schema import erasable, kept, never_rewritten

    found = Transfer(connection, target, kept(), frozenset(never_rewritten()), erasable(), told)
    mark = moved_mark(file)
    if not mark.is_file():
        found.begin(str(file.resolve()), now())
    found.carry()
    found.prove()
    return found
