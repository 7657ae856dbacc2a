"""The data keys of an agency, as a connection knows them: which is written with, and each by its name.

A data key lies in the database, sealed with a master key that does not. So a master key is exchanged by sealing a few
rows anew, the database moves with its keys, and an agency's copy of it tells nothing to whoever lacks the master key.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, func, insert, literal_column, select, update

from yishenqing.core.errors import DataFault, Fault, IntegrityFault
from yishenqing.hot import Hot, insertion
from yishenqing.store.cipher import ALGORITHMS, DataKey, Unreadable, can, key_of_text
from yishenqing.store.masterkey import Masters
from yishenqing.store.tables import data_keys

KEYRINGS = "yishenqing_keyrings"  # by this name a connection's options hold the rings, by agency


def _current(agency: str) -> Select[tuple[str]]:
    here = (data_keys.c.agency == bindparam(agency), data_keys.c.retired_at.is_(None))
    return select(data_keys.c.id).where(*here).order_by(data_keys.c.made_at.desc())


_CURRENT = Hot(_current("a"))
_ONE = Hot(
    select(data_keys.c.algorithm, data_keys.c.master, data_keys.c.wrapped).where(
        data_keys.c.agency == bindparam("a"), data_keys.c.id == bindparam("i")
    )
)
_INSERT = Hot(insertion(data_keys))
_LOCK = select(data_keys.c.id).where(data_keys.c.agency == bindparam("a")).order_by(data_keys.c.id)
_ALONE, _BESIDE = Hot(_LOCK.with_for_update()), Hot(_LOCK.with_for_update(read=True))
Reading = Callable[[], AbstractContextManager[Connection]]


class Keyring:
    """The keys of one agency. Keys are opened when first needed; which is current is asked of each transaction."""

    def __init__(self, agency: str, masters: Masters, reading: Reading, *, from_above: bool = False) -> None:
        """Know where the master keys are; ``from_above``: whoever looks may do so without a key."""
        self.agency, self.masters, self.from_above = agency, masters, from_above
        self._reading = reading
        self._known: dict[str, DataKey] = {}
        self._last: str | None = None  # not asked yet; "" where nothing is encrypted

    def current(self, connection: Connection) -> DataKey | None:
        """Return the key to write with; None while the agency's personal data are not encrypted."""
        row: Any = _CURRENT.run(connection, {"a": self.agency}).fetchone()
        if row is None:
            self._last = ""
            return None
        key = self.key(connection, row[0])
        self._last = row[0]
        return key

    def last(self) -> tuple[str, DataKey | None] | None:
        """Return which key was current when somebody last asked, by name ("" for none); None before that."""
        return None if self._last is None else (self._last, self._known.get(self._last))

    def key(self, connection: Connection, name: str) -> DataKey:
        """Return a key by its name.

        Raises:
            DataFault: the master key that it is sealed with is not at hand.
            IntegrityFault: it was changed in the database, or is not there.
        """
        if name not in self._known:
            row: Any = _ONE.run(connection, {"a": self.agency, "i": name}).fetchone()
            if row is None:
                raise IntegrityFault.of([Fault(f"数据库中没有编号为“{name}”的数据密钥，所加密的内容无法读出")])
            self._known[name] = self._opened(name, *row)
        return self._known[name]

    def verify(self, connection: Connection, name: str) -> None:
        """Open a key as it lies in the database now, whatever is remembered of it.

        Raises:
            DataFault: the master key that it is sealed with is not at hand.
            IntegrityFault: it was changed in the database, or is not there.
        """
        self._known.pop(name, None)
        self.key(connection, name)

    def current_for_files(self) -> DataKey | None:
        """Return the key to write files with; an earlier one would do too, since none is ever thrown away."""
        if self._last:
            return self._known[self._last]
        with self._reading() as connection:
            return self.current(connection)

    def for_files(self, name: str) -> DataKey:
        """Return a key by its name, wherever one may look it up."""
        if name in self._known:
            return self._known[name]
        with self._reading() as connection:
            return self.key(connection, name)

    def _opened(self, name: str, algorithm: str, master: str, wrapped: str) -> DataKey:
        masters = self.masters.known()
        if master not in masters:
            text = (
                f"密钥不是加密本机关个人信息的那一把：需要{master}，这里有{'、'.join(masters)}；"
                "请放回原来的密钥，案卷没有损坏"
            )
            raise DataFault.of([Fault(text, self.masters.place)])
        if not can(algorithm):
            text = f"本机的 OpenSSL 没有 {algorithm}，不能读出以其加密的内容"
            raise DataFault.of([Fault(text, self.masters.place)])
        try:
            return masters[master].unwrapped(self.agency, name, algorithm, wrapped)
        except Unreadable:
            text = f"数据库中编号为“{name}”的数据密钥已被改动；请用数据库的备份恢复"
            raise IntegrityFault.of([Fault(text, field="data_keys")]) from None


def ring_of(connection: Connection, agency: str) -> Keyring | None:
    """Return the ring that the connection carries for the agency."""
    rings: Mapping[str, Keyring] = connection.get_execution_options().get(KEYRINGS) or {}
    return rings.get(agency)


class OneEncrypted:
    """Enters a row that is encrypted with the key to write with; on PostgreSQL in one way to the server.

    There the row is made with the key that was current when last asked, and entered only if it still is. SQLite is
    asked first: that costs less than an INSERT with a condition.
    """

    def __init__(self, table: Table) -> None:
        """Remember the table; its rows bear their agency."""
        row = [bindparam(column.name, type_=column.type) for column in table.columns]
        newest = _current("agency").limit(literal_column("1")).offset(literal_column("0"))
        now = func.coalesce(newest.scalar_subquery(), literal_column("''"))
        names = [column.name for column in table.columns]
        self._if_still = Hot(insert(table).from_select(names, select(*row).where(now == bindparam("key"))))
        self._row = Hot(insertion(table))

    def enter(self, connection: Connection, agency: str, row: Callable[[DataKey | None], dict[str, Any]]) -> None:
        """Enter what ``row`` makes with a key, or without one."""
        ring = ring_of(connection, agency)
        last = ring.last() if ring is not None and connection.dialect.name == "postgresql" else None
        if last is not None and self._if_still.run(connection, {**row(last[1]), "key": last[0]}).rowcount:
            return
        self._row.run(connection, row(ring.current(connection) if ring is not None else None))


def locked(connection: Connection, agency: str, text: str, about: str) -> str:
    """Return a text that tells of persons as it may lie in the database; as it is where nothing is encrypted."""
    ring = ring_of(connection, agency)
    key = ring.current(connection) if ring is not None else None
    return key.text(text, about) if key is not None else text


def unlocked(connection: Connection, agency: str, text: str, about: str) -> str:
    """Return what ``locked`` was given.

    Raises:
        DataFault: the key is not at hand.
        IntegrityFault: it was changed.
    """
    name = key_of_text(text)
    if name is None:
        return text
    ring = ring_of(connection, agency)
    if ring is None:
        raise DataFault.of([Fault("内容已加密，须经机关的密钥才能读出")])
    try:
        return ring.key(connection, name).plain(text, about)
    except Unreadable:
        raise IntegrityFault.of([Fault("加密的内容已被改动", field=about)]) from None


def alone(connection: Connection, agency: str) -> None:
    """Let nobody else exchange the agency's keys, encrypt its contents anew, remove any or take any in till the end.

    SQLite has one writer at a time anyhow.
    """
    _ALONE.run(connection, {"a": agency}).fetchall()


def beside(connection: Connection, agency: str) -> None:
    """Let nobody be alone in that sense while contents are taken in; others may take in theirs."""
    _BESIDE.run(connection, {"a": agency}).fetchall()


def add(connection: Connection, ring: Keyring, now: str, *, new_master: bool = False) -> DataKey:
    """Give the agency a new data key to write with, and seal all its keys with the current master key."""
    alone(connection, ring.agency)  # two at once would each write a file of master keys without the other's
    earlier = [ring.key(connection, name) for name in names(connection, ring.agency)]
    master = ring.masters.grown(new=new_master)
    algorithm = ring.masters.algorithm
    made = DataKey(secrets.token_hex(8), algorithm, secrets.token_bytes(ALGORITHMS[algorithm]))
    here = data_keys.c.agency == ring.agency
    connection.execute(update(data_keys).where(here, data_keys.c.retired_at.is_(None)).values(retired_at=now))
    for key in earlier:
        values = {"master": master.id, "wrapped": master.wrapped(ring.agency, key)}
        connection.execute(update(data_keys).where(here, data_keys.c.id == key.id).values(values))
    row = {"agency": ring.agency, "id": made.id, "algorithm": algorithm, "made_at": now, "retired_at": None}
    _INSERT.run(connection, {**row, "master": master.id, "wrapped": master.wrapped(ring.agency, made)})
    return made


def names(connection: Connection, agency: str) -> list[str]:
    """Return the names of the agency's data keys, the oldest first."""
    query = select(data_keys.c.id).where(data_keys.c.agency == agency).order_by(data_keys.c.made_at)
    return list(connection.execute(query).scalars())


def open_all(connection: Connection, ring: Keyring) -> int:
    """Open every key of the agency, the retired ones too; return how many there are.

    Raises:
        DataFault: a master key is not at hand, or others may read it.
        IntegrityFault: a key was changed in the database.
    """
    return len([ring.key(connection, name) for name in names(connection, ring.agency)])


def rows(connection: Connection, agency: str) -> list[dict[str, Any]]:
    """Return what is known of the agency's data keys, without the keys themselves."""
    query = select(data_keys).where(data_keys.c.agency == agency).order_by(data_keys.c.made_at)
    return [{k: v for k, v in row.items() if k != "wrapped"} for row in connection.execute(query).mappings()]
