"""Offices for trials: one folder each, on SQLite or PostgreSQL, with cases that fall due."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, insert, select, text

from yishenqing import Office
from yishenqing.core.identity import resident_check
from yishenqing.core.ledger import Entry
from yishenqing.core.ledger import append as chained
from yishenqing.office import findable
from yishenqing.office.premises import database_url
from yishenqing.reporting.tables import applications
from yishenqing.settings import read_settings
from yishenqing.store.tables import cases, deadlines, entries, sealed
from yishenqing.store.vault import sealed_of, sealed_rows

USER, SIGNER = "试办人", "试签人"
OPENED, DUE_DAY = date(2026, 3, 2), date(2026, 3, 23)  # the yellow mark of what arrived on 2 March
KEPT_UNTIL = date(2037, 1, 4)  # what was filed in 2026 for ten years need not be kept any more
RECEIVER = "local"
_SIGNER = f"""  "{SIGNER}":
    name: "{SIGNER}"
    roles: [signer]
"""
APPLICATION: Mapping[str, Any] = {
    "channel": "in_person",
    "arrived_on": OPENED.isoformat(),
    "applicant": {
        "kind": "natural",
        "name": "周德旺",
        "id_type": "居民身份证",
        "id_number": "999101196805170231",
        "phone": "19900000001",
        "address": "云溪县青禾镇柳湾村二组17号",
    },
    "items": ["关于柳湾片区安置房项目的土地征收公告"],
    "preferred_form": "paper",
    "delivery": "mail",
}


_SURNAMES, _NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "德旺秀英建国志强丽华春梅海涛玉兰"
_TOWNS = ("青禾镇", "白石镇", "柳湾乡", "龙泉街道", "石桥镇", "新塘乡", "河口镇", "东山街道")
_PLACES = ("柳湾片区", "北河新区", "老城南片", "云溪大道沿线", "白石工业园", "青禾水库库区", "东山林场", "河口码头")
_MATTERS = (
    *("安置房项目", "道路改造工程", "污水处理厂", "小学扩建", "高标准农田建设", "老旧小区改造", "垃圾转运站"),
    *("变电站", "养老院", "菜市场迁建", "防洪堤加固", "停车场", "医疗废物处置", "公租房分配", "采砂"),
)
_PAPERS = (
    *("土地征收公告", "补偿登记表", "环境影响报告批复", "立项批复", "施工许可", "预算和决算", "招标文件", "验收报告"),
    *("会议纪要", "行政处罚决定", "规划条件通知书", "信访事项处理意见", "资金拨付明细", "听证笔录"),
)


def application(chance: random.Random) -> dict[str, Any]:
    """Return what somebody invented asks for: in a province hardly two ask for the same."""
    number = f"999101{chance.randint(1945, 2004)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    number += f"{chance.randrange(1000):03}"
    person = {
        **APPLICATION["applicant"],
        "name": chance.choice(_SURNAMES) + "".join(chance.choices(_NAMES, k=2)),
        "id_number": number + resident_check(number),
        "phone": f"199{chance.randrange(10**8):08}",
        "address": f"云溪县{chance.choice(_TOWNS)}{chance.randint(1, 40)}组{chance.randint(1, 300)}号",
    }
    matter = f"{chance.randint(2015, 2025)}年{chance.choice(_PLACES)}{chance.choice(_MATTERS)}"
    return {**APPLICATION, "applicant": person, "items": [f"关于{matter}的{chance.choice(_PAPERS)}"]}


def made(home: Path, url: str = "", agency: str = "", *, bare: bool = False) -> Path:
    """Make an office in ``home``, its ledger at ``url`` (default: a file in the folder).

    Unless it is ``bare`` it has a second person, who may sign, and a receiver of its events: a folder in its own.
    """
    Office.init(home, USER, database=url)
    if not bare:
        path = home / "office.yaml"  # its last block is that of the people
        path.write_text(f"{path.read_text(encoding='utf-8').rstrip()}\n{_SIGNER}", encoding="utf-8")
        set_line(home, "exchange", f"{{receivers: {{{RECEIVER}: {{folder: {RECEIVER}}}}}}}")
    if agency:
        set_line(home, "agency", agency)
        Office.upgrade(home)
    return home


def set_line(home: Path, name: str, value: str) -> None:
    """Change one line of the settings as somebody with an editor would."""
    path = home / "office.yaml"
    before = path.read_text(encoding="utf-8")
    after = re.sub(rf"(?m)^{name}:.*$", lambda _: f"{name}: {value}", before)
    path.write_text(after if after != before else f"{before}\n{name}: {value}\n", encoding="utf-8")


def opened(home: Path, day: date = OPENED, user: str = USER) -> Office:
    return Office.open(home, user=user, today=lambda: day)


def connected(home: Path) -> Any:
    """Return an engine of one's own to look at an office's database without the program."""
    return create_engine(database_url(home, read_settings(home)))


def looked(home: Path, query: str, **given: Any) -> list[tuple[Any, ...]]:
    engine = connected(home)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query), given)]
    engine.dispose()
    return found


def seed(home: Path, count: int, *, prefix: str = "C") -> None:
    """Put ``count`` cases of one entry into the database, each a true copy of a registered one under its own hash."""
    with opened(home) as office:
        number = office.register(APPLICATION)["number"]
        office.tick()  # what is stored from now on counts as reckoned by today's settings
        with office._transactions.writing() as connection:  # noqa: SLF001 - with the office's keys, of which a bare connection knows nothing
            copied(connection, number, [f"{prefix}-{n:07d}" for n in range(count)])
            entered(office, connection, [f"{prefix}-{n:07d}" for n in range(count)])


def entered(office: Office, connection: Connection, numbers: Sequence[str]) -> None:
    """Enter copied cases where a registration would have, in its order: what is searched, then what is recognised."""
    findable.enter_many(connection, office._practice, numbers)  # noqa: SLF001 - as the verbs that rebuild do
    office._recognition(connection).enter_anew(numbers)  # noqa: SLF001 - as the verbs that rebuild do


def copied(
    connection: Connection,
    number: str,
    numbers: Sequence[str],
    *,
    clock: str = "",
    remind_on: date | None = None,
    fresh: Sequence[dict[str, Any]] | None = None,
    batch: int = 5000,
) -> None:
    """Copy a case of one entry to each of ``numbers``; with ``clock`` only that deadline of it.

    Personal data are encrypted anew for each copy: the key binds them to their case.

    ``remind_on`` is when the office should be told of the reply; without it, as for the case that is copied.
    ``fresh`` are the deadlines as ``stored`` told them when the case was new, where it has been ticked since: nobody
    was told anything of its copies.
    """
    row: dict[str, Any] = dict(connection.execute(select(cases).where(cases.c.number == number)).one()._mapping)  # noqa: SLF001 - SQLAlchemy's own name for it
    entry = Entry(*connection.execute(select(entries).where(entries.c.number == number)).one())
    beside = {
        deadlines: fresh if fresh is not None else stored(connection, number),
        applications: _rows(connection, applications, number),
    }
    values = list(sealed_of(connection, row["agency"], number).values())
    beside[deadlines] = [r for r in beside[deadlines] if clock in ("", r["clock"])]
    if remind_on is not None:
        beside[deadlines] = [{**r, "remind_on": remind_on} if r["clock"] == "reply" else r for r in beside[deadlines]]
    for start in range(0, len(numbers), batch):
        some = numbers[start : start + batch]
        made_entries = [_entry_of(entry, one, row["rulebook"]) for one in some]
        heads = [{**row, "number": e.number, "head_hash": e.hash} for e in made_entries]
        connection.execute(insert(cases), heads)
        connection.execute(insert(entries), [e._asdict() for e in made_entries])
        hidden = [r for one in some for r in sealed_rows(connection, row["agency"], one, values)]
        connection.execute(insert(sealed), hidden)
        for table, rows in beside.items():
            if rows:
                connection.execute(insert(table), [{**r, "number": one} for one in some for r in rows])


def stored(connection: Connection, number: str) -> list[dict[str, Any]]:
    """Return the deadlines of a case as they are stored now."""
    return _rows(connection, deadlines, number)


def _rows(connection: Connection, table: Table, number: str) -> list[dict[str, Any]]:
    return [dict(r) for r in connection.execute(select(table).where(table.c.number == number)).mappings()]


def _entry_of(entry: Entry, number: str, rulebook: str) -> Entry:
    given = {k: v for k, v in entry._asdict().items() if k not in ("number", "seq", "prev", "hash")}
    return chained(None, number=number, rulebook=rulebook, **given)
