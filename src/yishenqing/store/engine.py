"""Connections and transactions: one verb, one transaction; a host may bring its own.

SQLite needs three things that its driver does not do by itself: BEGIN before the first read, BEGIN IMMEDIATE for
a writer, and a fair queue before it (SQLite's own busy handler sleeps and starves; measured 1.5 s against 60 ms).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError

from yishenqing.core.errors import DataFault, Fault, IntegrityFault, Moved, NotFound, Refused, YishenqingError
from yishenqing.store import address
from yishenqing.store.contention import GIVEN_WAY, Contended, once_more
from yishenqing.store.hot import execute
from yishenqing.store.keyring import KEYRINGS, Keyring
from yishenqing.store.single import Single

T = TypeVar("T")
_WRITES = "yishenqing_writes"


def open_engine(url: str, agency: str = "", *, only_looks: bool = False) -> Engine:
    """Return an engine for ``url``, set up as the ledger needs it.

    ``agency`` is whose rows the connections are for: PostgreSQL shows the application's role no others (see
    ``roles``). With ``only_looks`` the database itself refuses every change.

    Raises:
        DataFault: the address is not a database address.
    """
    try:
        parsed = make_url(url)
        server = parsed.get_backend_name() == "postgresql"
        engine = create_engine(
            parsed, connect_args=address.session(parsed, agency, only_looks=only_looks) if server else {}
        )
    except (SQLAlchemyError, ImportError, ValueError) as error:
        text = f"数据库地址“{address.without_password(url)}”不可用（{error}）"
        raise DataFault.of([Fault(text, "office.yaml", field="database")]) from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        if only_looks:
            event.listen(engine, "connect", _look_only)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own guess loses updates
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


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
        with _in_our_words():
            if (given := self._host or self._mine.connection) is not None:
                yield given
                return
            assert self._engine is not None  # noqa: S101 - one of the two is given
            with self._engine.connect() as connection:
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
            raise Refused(self.only_looks)
        self.permit()
        with _in_our_words():
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
        with _queued(self._queue), self._begun() as connection:
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Like ``writing``, for what is noted of every look: whoever looks may, and nobody waits for others.

        Raises:
            Moved: somebody else is writing just now.
        """
        with _in_our_words(), _queued(self._queue, wait=False), self._begun() as connection:
            yield connection

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        assert self._writer is not None  # noqa: S101 - made with the engine
        _refuse_moved(self._queue)
        connection = self._taken(self._writer)
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.close()  # whatever broke may have broken the connection too
            raise
        self._mine.kept += 1
        self._idle.append(connection)

    @contextmanager
    def frozen(self) -> Iterator[Connection]:
        """Give a connection of an SQLite database that nobody writes to meanwhile; it is left as it is."""
        assert self._writer is not None  # noqa: S101 - made with the engine
        with _in_our_words(), _queued(self._queue), self._writer.connect() as connection:
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
            return once_more(verb, lambda: self._mine.kept == before)
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

        with _in_our_words():
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
        return written() if part else once_more(written)

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
        return _in_our_words()

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


def _refuse_moved(queue: Path | None) -> None:
    """Asked with the turn in hand: whoever waited while the database was moved must not write to the old one."""
    if queue is not None and moved_mark(queue.with_suffix("")).exists():
        raise Moved(
            "本机关的数据库已经迁移，本次没有写入任何内容；请重新运行命令，迁移中断的请再次运行 ysq move-database。"
        )


@contextmanager
def _queued(path: Path | None, *, wait: bool = True) -> Iterator[None]:
    """Wait for one's turn among the writers of this machine, or (without ``wait``) see that nobody has it."""
    if path is None or os.name != "posix":
        yield
        return
    import fcntl  # noqa: PLC0415 - not on every system

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Moved("另一项操作正在写入数据库。") from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Turn what the database says into what an officer can act on."""
    try:
        yield
    except IntegrityError as error:
        if "append-only" in str(error.orig):
            raise IntegrityFault("案卷记录只能追加，不能修改或者删除。") from error
        raise Moved("另有人先写入了同一案件，本次没有写入任何内容；请重新查看后再办理。") from error
    except DatabaseError as error:
        if getattr(error.orig, "sqlstate", None) in GIVEN_WAY:
            raise Contended("另一项操作正在写入同一案件，本次没有写入任何内容；请稍后重试。") from error
        raise _said(str(error.orig)) from error


# What the databases say, by a word of it, and what an officer can do about it.
_SAYINGS: tuple[tuple[tuple[str, ...], type[YishenqingError], str], ...] = (
    (
        ("locked", "busy", "already exists"),
        Moved,
        "另一项操作正在写入数据库，本次没有写入任何内容；请稍后重试。",
    ),
    (
        ("is full", "disk full", "No space left"),
        YishenqingError,
        "磁盘空间不足，本次没有写入任何内容；请清理磁盘后重试。",
    ),
    (
        ("readonly", "read-only", "permission denied"),
        YishenqingError,
        "数据库为只读或者没有写入权限，本次没有写入任何内容；请检查文件权限。",
    ),
    (
        ("no such table", "no such column", "does not exist"),
        NotFound,
        "数据库尚未建立或者版本较旧；请先运行 ysq init。",
    ),
    (
        ("unable to open",),
        YishenqingError,
        "打不开数据库文件；可能是文件夹只读、权限不足或者磁盘已满，请检查后重试。",
    ),
    (
        ("disk I/O",),
        YishenqingError,
        "读写数据库文件时磁盘出错，本次没有写入任何内容；请检查磁盘是否已满或者损坏后重试。",
    ),
    (
        ("malformed", "not a database", "invalid page"),
        IntegrityFault,
        "数据库文件已损坏或者不是本程序的数据库；请用备份恢复。",
    ),
    (("NUL",), NotFound, "编号或者内容中含有不可见字符，没有这样的记录。"),
)


def _said(text: str) -> YishenqingError:
    for words, kind, said in _SAYINGS:
        if any(word in text for word in words):
            return kind(said)
    return YishenqingError(f"数据库无法完成操作，本次没有写入任何内容（{text}）。")
