"""Connections and transactions: one verb, one transaction; a host may bring its own.

SQLite needs three things that its driver does not do by itself: BEGIN before the first read, BEGIN IMMEDIATE for
a writer, and a fair queue before it (SQLite's own busy handler sleeps and starves; measured 1.5 s against 60 ms).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, Moved, Refused
from yishenqing.hot import execute
from yishenqing.store import address
from yishenqing.store.contention import once_more
from yishenqing.store.keyring import KEYRINGS, Keyring
from yishenqing.store.sayings import committing, in_our_words
from yishenqing.store.single import Single
from yishenqing.store.turns import turn

T = TypeVar("T")
_WRITES, _WAIT, _ALONE = "yishenqing_writes", "yishenqing_wait", "yishenqing_alone"
# 16 MB: a case entered into the search touches some 400 pages, more than SQLite keeps unasked; it writes them twice.
_PAGES = "cache_size=-16000"
WAIT_SECONDS = 60  # unless the office says otherwise


def open_engine(url: str, agency: str = "", *, only_looks: bool = False, wait: int = WAIT_SECONDS) -> Engine:
    """Return an engine for ``url``, set up as the ledger needs it.

    ``agency`` is whose rows the connections are for: PostgreSQL shows the application's role no others (see
    ``roles``). With ``only_looks`` the database itself refuses every change. ``wait`` is how many seconds a writer
    waits for others.

    Raises:
        DataFault: the address is not a database address.
    """
    try:
        parsed = make_url(url)
        server = parsed.get_backend_name() == "postgresql"
        given = address.session(parsed, agency, only_looks=only_looks, wait=wait) if server else {}
        engine = create_engine(parsed, connect_args=given, execution_options={_WAIT: wait})
    except (SQLAlchemyError, ImportError, ValueError):
        text = f"数据库地址“{address.without_password(url)}”不可用，应写作 postgresql+psycopg://用户@主机/库名"
        raise DataFault.of([Fault(text, "office.yaml", field="database")]) from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "do_connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "checkin", _let_others_in)
        if only_looks:
            event.listen(engine, "connect", _look_only)
    return engine


def _connect_sqlite(dialect: Any, record: Any, given: Any, named: Any) -> Any:
    """Return the driver's connection as the ledger needs it.

    On a full disk SQLite cannot make the memory that it shares with others; alone it needs none. What is there can
    then be read nevertheless, and no longer than one transaction.
    """
    connection = dialect.connect(*given, **named)
    try:
        return _set_up(connection)
    except dialect.loaded_dbapi.OperationalError as error:
        connection.close()
        if "disk I/O" not in str(error):
            raise
    connection = dialect.connect(*given, **named)
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    record.info[_ALONE] = True
    return _set_up(connection)


def _set_up(connection: Any) -> Any:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own guess loses updates
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000", _PAGES):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def _let_others_in(_connection: Any, record: Any) -> None:
    if record.info.get(_ALONE):
        record.invalidate()


def _look_only(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    execute(connection, "BEGIN IMMEDIATE" if writes else "BEGIN", ())


class Transactions:
    """Gives each verb its transaction, on the office's own engine or inside a host's connection."""

    def __init__(self, engine: Engine | None, host: Connection | None = None, only_looks: str = "") -> None:
        """Serve ``engine``, or ``host`` when it is given: then the host commits.

        ``only_looks`` says why nothing may be written through these; empty when it may.
        """
        self._engine, self._host, self.only_looks = engine, host, only_looks
        self.permit: Callable[[], None] = lambda: None  # raises where whoever asks may not write
        self._writer = engine.execution_options(**{_WRITES: True}) if engine is not None else None
        self._queue = _queue_file(engine) if engine is not None and host is None else None
        self._moved = moved_mark(self._queue.with_suffix("")) if self._queue is not None else None
        self._wait: float = engine.get_execution_options().get(_WAIT, WAIT_SECONDS) if engine is not None else 0
        self._met = False  # the database has answered before: when it is gone it may come back
        self._idle: list[Connection] = []
        self._mine = _OfThread()

    def keyed(self, ring: Keyring) -> None:
        """Let every connection carry the keys of an agency; with a host beside those of other agencies."""
        if self._host is not None:
            known = self._host.get_execution_options().get(KEYRINGS) or {}
            self._host.execution_options(**{KEYRINGS: {**known, ring.agency: ring}})
            return
        assert self._engine is not None  # noqa: S101 - one of the two is given
        self._engine = self._engine.execution_options(**{KEYRINGS: {ring.agency: ring}})
        self._writer = self._engine.execution_options(**{_WRITES: True})

    def for_looking(self, why: str) -> Transactions:
        """Return the same for looking only; ``why`` tells who would write."""
        return Transactions(self._engine, self._host, why)

    @property
    def engine(self) -> Engine:
        """Return the office's own engine, where no host brings a connection."""
        assert self._engine is not None  # noqa: S101 - asked by who made it
        return self._engine

    @property
    def hosted(self) -> bool:
        """Tell whether a host commits: until then nothing that was written may be told to the world."""
        return self._host is not None or self._mine.connection is not None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database."""
        with in_our_words():
            if (given := self._host or self._mine.connection) is not None:
                yield given
                return
            assert self._engine is not None  # noqa: S101 - one of the two is given
            with self._engine.connect() as connection:
                self._met = True
                if self._engine.dialect.name == "postgresql":  # its default shows each statement another moment
                    connection.execution_options(isolation_level="REPEATABLE READ")
                with connection.begin():
                    yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept whole or not at all.

        Raises:
            Refused: these are for looking only, or whoever asks may only look.
            Moved: the database has been moved elsewhere.
        """
        if self.only_looks:
            raise Refused(self.only_looks, law=[article("supervision")])
        self.permit()
        with in_our_words():
            one = self._mine.single
            with self._transaction() if one is None else one.part() as connection:
                yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._host is not None:
            _begin_for(self._host)
            with self._host.begin_nested():
                yield self._host
            return
        with turn(self._queue, self._wait), self._begun() as connection:
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Like ``writing``, for what is noted of every look: whoever looks may, and nobody waits for others.

        Raises:
            Moved: somebody else is writing just now.
        """
        with in_our_words(), turn(self._queue, 0), self._begun() as connection:
            yield connection

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        assert self._writer is not None  # noqa: S101 - made with the engine
        _refuse_moved(self._moved)
        connection = self._taken(self._writer)
        self._met = True
        try:
            with connection.begin() as transaction:
                yield connection
                with committing():
                    transaction.commit()
        except BaseException:
            connection.close()  # whatever broke may have broken the connection too
            raise
        self._mine.kept += 1
        if connection.info.get(_ALONE):
            connection.close()
        else:
            self._idle.append(connection)

    @contextmanager
    def frozen(self) -> Iterator[Connection]:
        """Give a connection of an SQLite database that nobody writes to meanwhile; it is left as it is."""
        assert self._writer is not None  # noqa: S101 - made with the engine
        with in_our_words(), turn(self._queue, self._wait), self._writer.connect() as connection:
            connection.begin()
            yield connection
            connection.rollback()

    def whole(self, verb: Callable[[], T]) -> T:
        """Return what ``verb`` returns; done anew from its beginning when the database let it give way.

        Only where the verb owns its transactions and has kept nothing yet. A verb within a verb is a part of it.
        """
        if self._host is not None or self._mine.within:
            return verb()
        before, self._mine.within = self._mine.kept, True
        try:
            return once_more(verb, lambda: self._met and self._mine.kept == before, self._wait)
        finally:
            self._mine.within = False

    def in_one(
        self, verb: Callable[[], T], first: Callable[[Connection], None], last: Callable[[Connection, T], None]
    ) -> T:
        """Return what ``verb`` returns, all of it in one transaction, which begins when it writes for the first time.

        ``first`` is done when the transaction begins, ``last`` before it is kept; neither, where nothing is written.
        A verb within a verb is a part of it.
        """
        if self._mine.single is not None:
            return verb()

        def done() -> T:
            with Single(self._transaction, first) as one:
                self._mine.single = one
                try:
                    found = verb()
                    if one.connection is not None:
                        last(one.connection, found)
                finally:
                    self._mine.single = None
            for do in one.after:
                do()
            return found

        with in_our_words():
            return self.whole(done)

    def aside(self, do: Callable[[], T]) -> T:
        """Return what ``do`` returns, done while nobody has to wait for it: a verb's one transaction begins anew."""
        if self._mine.single is not None:
            self._mine.single.step_aside()
        return do()

    def kept(self, do: Callable[[Connection], T]) -> T:
        """Return what ``do`` returns, kept in a transaction of its own, which is tried again when it gives way."""

        def written() -> T:
            with self.writing() as connection:
                return do(connection)

        part = self._host is not None or self._mine.single is not None
        return written() if part else once_more(written, lambda: self._met, self._wait)

    def _taken(self, writer: Engine) -> Connection:
        """Return the connection that the last writer left; the pool's own give and take costs an act a tenth."""
        try:
            return self._idle.pop()
        except IndexError:  # the first, or another thread has it
            return writer.connect()

    def once_kept(self, do: Callable[[], None]) -> None:
        """Call ``do`` when what was written is kept: now, or with a host when the host commits."""
        if self._host is None and self._mine.connection is None:
            do()
        elif self._host is None and self._mine.single is not None:
            self._mine.single.after.append(do)
        else:
            event.listen(self._host, "commit", lambda _connection: do(), once=True)

    @staticmethod
    def checked() -> AbstractContextManager[None]:
        """Turn what the database says inside into the words of this program."""
        return in_our_words()

    def close(self) -> None:
        """Let go of the database."""
        while self._idle:
            self._idle.pop().close()
        if self._engine is not None:
            self._engine.dispose()


class _OfThread(threading.local):
    """What a thread is about: how many transactions it has kept, whether it is within a verb, in one transaction."""

    kept = 0
    within = False
    single: Single | None = None

    @property
    def connection(self) -> Connection | None:
        """Return the connection of the verb's one transaction, once that has begun."""
        return self.single.connection if self.single is not None else None


def _begin_for(host: Connection) -> None:
    """See to it that a host's SQLite connection is in a transaction: its driver may not have begun one."""
    driver = host.connection.driver_connection
    if host.dialect.name == "sqlite" and driver is not None and not driver.in_transaction:
        host.exec_driver_sql("BEGIN IMMEDIATE")


def _queue_file(engine: Engine) -> Path | None:
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name.startswith((":memory:", "file:")):
        return None
    return Path(f"{name}.lock")


def moved_mark(database: Path) -> Path:
    """Return the file whose presence says that the SQLite database was moved elsewhere; it says where to."""
    return database.with_name(f"{database.name}.moved")


def _refuse_moved(mark: Path | None) -> None:
    """Asked with the turn in hand: whoever waited while the database was moved must not write to the old one."""
    if mark is not None and mark.exists():
        raise Moved(
            "本机关的数据库已经迁移，本次没有写入任何内容；请重新运行命令，迁移中断的请再次运行 ysq move-database。"
        )
