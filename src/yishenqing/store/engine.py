"""Connections and transactions: one verb, one transaction; a host may bring its own.

SQLite needs three things that its driver does not do by itself: BEGIN before the first read, BEGIN IMMEDIATE for
a writer, and a fair queue before it (SQLite's own busy handler sleeps and starves; measured 1.5 s against 60 ms).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, SQLAlchemyError

from yishenqing.core.errors import DataFault, Fault, IntegrityFault, Moved, NotFound, YishenqingError
from yishenqing.store.hot import execute

_WRITES = "yishenqing_writes"


def open_engine(url: str) -> Engine:
    """Return an engine for ``url``, set up as the ledger needs it.

    Raises:
        DataFault: the address is not a database address.
    """
    try:
        parsed = make_url(url)
        engine = create_engine(parsed)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise DataFault.of([Fault(f"数据库地址“{url}”不可用（{error}）", "office.yaml", field="database")]) from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own guess loses updates
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    execute(connection, "BEGIN IMMEDIATE" if writes else "BEGIN", ())


class Transactions:
    """Gives each verb its transaction, on the office's own engine or inside a host's connection."""

    def __init__(self, engine: Engine | None, host: Connection | None = None) -> None:
        """Serve ``engine``, or ``host`` when it is given: then the host commits."""
        self._engine, self._host = engine, host
        self.permit: Callable[[], None] = lambda: None  # raises where whoever asks may not write
        self._writer = engine.execution_options(**{_WRITES: True}) if engine is not None else None
        self._queue = _queue_file(engine) if engine is not None and host is None else None
        self._idle: list[Connection] = []

    @property
    def hosted(self) -> bool:
        """Tell whether a host commits: until then nothing that was written may be told to the world."""
        return self._host is not None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database."""
        with _in_our_words():
            if self._host is not None:
                yield self._host
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
            Refused: whoever asks may only look.
        """
        self.permit()
        with _in_our_words():
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
        connection = self._taken(self._writer)
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.close()  # whatever broke may have broken the connection too
            raise
        self._idle.append(connection)

    def _taken(self, writer: Engine) -> Connection:
        """Return the connection that the last writer left; the pool's own give and take costs an act a tenth."""
        try:
            return self._idle.pop()
        except IndexError:  # the first, or another thread has it
            return writer.connect()

    def once_kept(self, do: Callable[[], None]) -> None:
        """Call ``do`` when what was written is kept: now, or with a host when the host commits."""
        if self._host is None:
            do()
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
        raise _said(str(error.orig)) from error


# What the databases say, by a word of it, and what an officer can do about it.
_SAYINGS: tuple[tuple[tuple[str, ...], type[YishenqingError], str], ...] = (
    (
        ("locked", "busy", "deadlock detected", "could not serialize", "already exists"),
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
