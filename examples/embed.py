"""A host system advances a case in its own transaction: the host's row and the ledger's entry, both or neither.

Run it anywhere: ``python examples/embed.py``. It makes an office in a temporary folder, uses invented data and
leaves nothing behind. The prose is in docs/embedding.md.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from yishenqing import Moved, Office, Refused
from yishenqing.store.engine import open_engine

USER = "host"  # the host says who acts; office.yaml says which roles this person holds
APPLICATION = {  # the same as the file that `ysq register` takes
    "channel": "in_person",
    "arrived_on": "2026-03-02",
    "confirmed_on": None,
    "applicant": {
        "kind": "natural",
        "name": "周某",
        "id_type": "居民身份证",
        "id_number": "999001197805124316",
        "phone": "19900000001",
        "email": "",
        "address": "云溪县青禾镇柳湾村3组12号",
        "postcode": "999001",
        "agent": None,
    },
    "items": ["云溪县2025年度征地补偿安置方案"],
    "preferred_form": "paper",
    "delivery": "mail",
}

# The host's own table. It stands in the same database as the ledger, so that one transaction covers both.
host_metadata = MetaData()
TASKS = Table(
    "host_tasks",
    host_metadata,
    Column("id", Integer, primary_key=True),
    Column("case_number", String, nullable=False),
    Column("task", String, nullable=False),
    Column("due", String, nullable=False),
    UniqueConstraint("case_number", "task"),
)


def main() -> None:
    """Walk through a commit, a rollback, a refusal and a lost race."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "office"
        Office.init(home, USER)
        # Here the database is the office's own SQLite file. A host with PostgreSQL writes its address into
        # office.yaml (``database:``) before ``init`` and opens the engine that it already has.
        engine = open_engine(f"sqlite:///{home / 'office.db'}")
        try:
            host_metadata.create_all(engine)
            number = both(engine, home)
            neither(engine, home, number)
            refused(engine, home, number)
            lost_race(engine, home, number)
            final(engine, home, number)
        finally:
            engine.dispose()


def office_in(home: Path, connection: Connection, day: date) -> Office:
    """Open the office inside the host's transaction: it uses this connection and never commits it."""
    return Office.open(home, user=USER, today=lambda: day, connection=connection)


def both(engine: Engine, home: Path) -> str:
    """Open a case and take a step; the host's task is written with them."""
    with engine.begin() as connection, office_in(home, connection, date(2026, 3, 2)) as office:
        case = office.register(APPLICATION)
        case = office.act(case["number"], "acknowledged")  # also issues the 登记回执
        reply = next(d for d in case["deadlines"] if d["clock"] == "reply")
        connection.execute(insert(TASKS).values(case_number=case["number"], task="review", due=reply["due"]))
    print(f"1 committed    {case['number']} {case['state']}, reply due {reply['due']}:")
    for reason in reply["reasons"]:
        print(f"               {reason['text']}  {reason['law']}")
    number: str = case["number"]
    return number


def neither(engine: Engine, home: Path, number: str) -> None:
    """Take a step, then let the host's own write fail: the rollback takes the entry back as well."""
    try:
        with engine.begin() as connection, office_in(home, connection, date(2026, 3, 4)) as office:
            case = office.act(number, "accepted", {"handler": "征地管理科"})
            print(f"2 inside       {case['state']}, {len(case['entries'])} entries")
            connection.execute(insert(TASKS).values(case_number=number, task="review", due="2026-03-13"))
    except IntegrityError:  # the host has a task of that name already
        entries, tasks = counted(engine, home, number)
        print(f"  rolled back  {entries} entries, {tasks} task")


def refused(engine: Engine, home: Path, number: str) -> None:
    """A refusal undoes only its own step; the host's transaction lives on and may still be committed."""
    with engine.begin() as connection, office_in(home, connection, date(2026, 3, 4)) as office:
        try:
            office.act(number, "signed")
        except Refused as refusal:
            permitted = "、".join(p.step for p in refusal.permitted)
            print(f"3 refused      {refusal.text}  {'、'.join(refusal.law)}  permitted: {permitted}")
        connection.execute(insert(TASKS).values(case_number=number, task="ask the reviewer", due="2026-03-05"))


def lost_race(engine: Engine, home: Path, number: str) -> None:
    """``expect`` names the last entry that the user saw; whoever comes second is told so and loses nothing."""
    with engine.begin() as connection, office_in(home, connection, date(2026, 3, 4)) as office:
        seen = office.show(number)["entries"][-1]["seq"]
        office.act(number, "accepted", {"handler": "征地管理科"}, expect=seen)
        try:
            office.act(number, "withdrawn", {"statement": "2026年3月4日书面撤回"}, expect=seen)
        except Moved as moved:
            print(f"4 too late     {moved.text}")


def final(engine: Engine, home: Path, number: str) -> None:
    """Show what is left in the database."""
    entries, tasks = counted(engine, home, number)
    print(f"5 in the end   {entries} entries, {tasks} tasks")


def counted(engine: Engine, home: Path, number: str) -> tuple[int, int]:
    """Return how many entries the case has, and how many tasks the host."""
    with engine.connect() as connection, office_in(home, connection, date(2026, 3, 4)) as office:
        tasks = connection.execute(select(func.count()).select_from(TASKS)).scalar_one()
        return len(office.show(number)["entries"]), tasks


if __name__ == "__main__":
    main()
