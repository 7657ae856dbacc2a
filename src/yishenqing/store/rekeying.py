"""Encrypts what an agency's side store holds with the current key: batch by batch, each read back, at any time again.

Nothing remembers how far it came: what is not sealed with the current key is what is left to do. The ledger and its
digests are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from sqlalchemy import Connection, Table, and_, func, not_, or_, select, text, tuple_, update

from yishenqing.core.errors import Fault, IntegrityFault, NotFound
from yishenqing.core.ledger import Sealed
from yishenqing.store import keyring, keys, vault
from yishenqing.store.cipher import DataKey, key_of_file, sealed_with
from yishenqing.store.engine import Transactions
from yishenqing.store.ledger import rows_of_many
from yishenqing.store.tables import files, given_keys, sealed
from yishenqing.store.vault import Paper, Papers

_AT_ONCE = 500
Told = Callable[[str, int, int], None]
# What is encrypted in each table of the side store, and what of it lies in clear beside when it is not.
_WHERE: dict[str, tuple[Table, str]] = {"values": (sealed, "value"), "papers": (files, "name")}


class Rekeying(Struct):
    """Passes over the rows and the files of one agency; ``faults`` are those that did not hold and were left."""

    transactions: Transactions
    agency: str
    key: DataKey
    told: Told = lambda _what, _done, _all: None
    faults: list[Fault] = field(default_factory=list)

    def rows(self) -> int:
        """Encrypt what is not encrypted with the key yet; return how many rows were."""
        return sum(self._table(what, *_WHERE[what]) for what in _WHERE) + self._answers()

    def contents(self, papers: Papers) -> int:
        """Encrypt the files that are not encrypted with the key yet; return how many were."""
        waiting, done = list(contents_left(papers, self.key.id)), 0
        for path in waiting:
            with self.transactions.writing() as connection:
                keyring.alone(connection, self.agency)  # what a destruction removes now must not be written again
                done += path.exists() and self._content(papers, path)
            self.told("files", done, len(waiting))
        return done

    def _content(self, papers: Papers, path: Path) -> bool:
        try:
            papers.write(path.name, papers.read(path.name))
            papers.read(path.name)
        except (IntegrityFault, NotFound) as error:
            self.faults.append(Fault(f"{error}；没有改动", str(path)))
            return False
        return True

    def _table(self, what: str, table: Table, column: str) -> int:
        done, after = 0, ("", "")
        with self.transactions.reading() as connection:
            count = left(connection, self.agency, self.key.id)[what]
        while True:
            with self.transactions.writing() as connection:
                _wipe_what_is_replaced(connection)
                query = _waiting(table, column, self.agency, self.key.id, after)
                found = connection.execute(query).mappings().all()
                mine = {row["number"] for row in found}
                rows_of_many(connection, self.agency, sorted(mine), lock=True)  # nobody destroys these meanwhile
                for row in connection.execute(query).mappings().all():
                    if row["number"] in mine:
                        done += self._row(connection, table, column, dict(row))
            if not found:
                return done
            after = (found[-1]["number"], found[-1]["digest"])
            self.told(what, done, count)

    def _answers(self) -> int:
        """Encrypt the answers kept under keys; one that was changed is left as it is and named."""
        done, after = 0, ""
        while True:
            with self.transactions.writing() as connection:
                _wipe_what_is_replaced(connection)
                here = and_(_answers_left(self.agency, self.key.id), given_keys.c.key > after)
                query = select(given_keys).where(here).order_by(given_keys.c.key).limit(_AT_ONCE)
                found = [keys.Given(*row) for row in connection.execute(query)]
                for row in found:
                    try:
                        keys.lock_anew(connection, row)
                        done += 1
                    except IntegrityFault as error:
                        self.faults.append(Fault(f"{error}；没有改动", field=given_keys.name))
            if not found:
                return done
            after = found[-1].key

    def _row(self, connection: Connection, table: Table, column: str, row: dict[str, Any]) -> bool:
        """Encrypt one row and read it back; a row that its own digest refutes is left as it is and named."""
        number, was = row["number"], row[column]
        value = self._value(connection, row) if table is sealed else self._paper(connection, row)
        if value is None:
            self.faults.append(Fault(f"{number}：一项内容与其摘要不符，没有改动", field=table.name))
            return False
        key = and_(table.c.agency == self.agency, table.c.number == number, table.c.digest == row["digest"])
        connection.execute(update(table).where(key, table.c[column] == was).values(value))
        back = dict(connection.execute(select(table).where(key)).mappings().one())
        whole = self._value(connection, back) if table is sealed else self._paper(connection, back)
        if whole is None:
            raise IntegrityFault.of([Fault(f"{number}：加密以后读不回来，这一批没有写入", field=table.name)])
        return True

    def _value(self, connection: Connection, row: dict[str, Any]) -> dict[str, str] | None:
        """Return a value of a case encrypted anew; None where it does not hold."""
        kept = [row["digest"], row["salt"], row["value"]]
        found: Sealed = vault.SealedValues(connection, self.agency, row["number"], [kept])[row["digest"]]
        return vault.sealed_row(self.key, self.agency, row["number"], found) if found.holds() else None

    def _paper(self, connection: Connection, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return a paper of a case with its name encrypted anew; None where it does not hold."""
        kept = Paper(row["digest"], row["salt"], row["sha256"], row["size"], row["name"])
        found = vault.paper_in(connection, self.agency, row["number"], kept)
        return vault.paper_row(self.key, self.agency, row["number"], found) if found.holds() else None


def left(connection: Connection, agency: str, key: str) -> dict[str, int]:
    """Return how many rows of each kind are not encrypted with the key of that name."""
    found = {}
    for what, (table, column) in _WHERE.items():
        waiting = and_(table.c.agency == agency, _not_with(table.c[column], key))
        found[what] = int(connection.execute(select(func.count()).select_from(table).where(waiting)).scalar_one())
    answers = select(func.count()).select_from(given_keys).where(_answers_left(agency, key))
    return {**found, "answers": int(connection.execute(answers).scalar_one())}


def contents_left(papers: Papers, key: str) -> Iterator[Path]:
    """Yield the contents in the office's folder that are not encrypted with the key of that name."""
    paths = (path for folder in sorted(papers.folder.glob("??")) for path in sorted(folder.iterdir()))
    for path in paths:
        if path.name.startswith("."):
            continue
        try:
            sealed_by = key_of_file(path)
        except FileNotFoundError:  # its case was destroyed since the folder was listed
            continue
        if sealed_by != key:
            yield path


def settle(transactions: Transactions) -> bool:
    """Let nothing of what was replaced remain in the pages of an SQLite file; tell whether that was done."""
    if transactions.hosted:
        return False
    engine = transactions.engine
    if engine.dialect.name != "sqlite":
        return False
    driver = engine.raw_connection()
    try:
        cursor = driver.cursor()
        for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            cursor.execute(statement)
    finally:
        driver.close()
    return True


def _waiting(table: Table, column: str, agency: str, key: str, after: Sequence[str]) -> Any:
    place = tuple_(table.c.number, table.c.digest)
    query = select(table).where(table.c.agency == agency, _not_with(table.c[column], key), place > tuple_(*after))
    return query.order_by(table.c.number, table.c.digest).limit(_AT_ONCE)


def _answers_left(agency: str, key: str) -> Any:
    return and_(given_keys.c.agency == agency, or_(*(_not_with(given_keys.c[c], key) for c in keys.LOCKED)))


def _not_with(column: Any, key: str) -> Any:
    return or_(column.is_(None), not_(column.startswith(sealed_with(key), autoescape=True)))


def _wipe_what_is_replaced(connection: Connection) -> None:
    """SQLite leaves what was overwritten in its pages unless it is told otherwise."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA secure_delete=ON"))
