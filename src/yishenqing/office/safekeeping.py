"""The backup of an office: one sealed file, written while officers work, read back before it gets its name.

What goes in: the agency's rows, the contents of its papers, its settings and every rule, letter and calendar of its
own. Keys stay out unless they are wished for: whoever has found backup and password would else have everything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from yishenqing.backup import Reader, Secret, Writer
from yishenqing.core.errors import DataFault, Fault, IntegrityFault, Moved, NotFound
from yishenqing.core.version import __version__
from yishenqing.office.casework import Row
from yishenqing.office.premises import DATABASE, database_url, now
from yishenqing.settings import Settings, read_settings
from yishenqing.store import address
from yishenqing.store.vault import Papers

if TYPE_CHECKING:
    from sqlalchemy import Connection

ABOUT, MANIFEST, HOME, ROWS, CONTENTS = "about", "manifest", "home", "rows", "files"
# Made anew from what is backed up: readable copies, packages, previews, what was remembered of data files.
DERIVED_FOLDERS = frozenset({".cache", "files", "issued", "archive", "previews", "forms"})
KEYS = (".key", ".password", ".p12", ".pfx", ".pem")
_OF_THE_MOMENT = (DATABASE, ".lock", ".moved", ".log")
_LOCK = "backup.lock"


def back_up(home: Path, target: Path, secret: Secret, *, with_keys: bool = False) -> Row:
    """Write the backup of the office in ``home`` to ``target``; answers what is in it and what is not.

    ``missing`` are papers that the database names and the folder has not: they were lost before.

    Raises:
        DataFault: something lies at ``target``.
        Moved: another backup of this office is under way.
    """
    settings = read_settings(home)
    if target.exists() or target.is_symlink():
        raise DataFault.of([Fault("已经有这个文件，备份不覆盖；请换一个文件名", str(target))])
    if target.absolute().resolve().is_relative_to(home.absolute().resolve()):
        text = "备份不能放在机关文件夹内：以后的备份会把它也包进去，磁盘坏了也一起丢失；请换一个地方"
        raise DataFault.of([Fault(text, str(target))])
    if not target.absolute().parent.is_dir():
        raise NotFound(f"没有文件夹“{target.absolute().parent}”。")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.writing")
    with _alone(home):
        try:
            with _fresh(unfinished) as stream:
                found = _Packing(home, settings, Writer(stream, secret), with_keys=with_keys).pack()
            read_back = inspected(unfinished, secret)
            unfinished.rename(target)
        finally:
            unfinished.unlink(missing_ok=True)
    return {"path": str(target), "size": target.stat().st_size, **found, "members": read_back["members"]}


def inspected(file: Path, secret: Secret) -> Row:
    """Read a backup from end to end; answers what it holds.

    Raises:
        NotFound: there is no such file.
        DataFault: it is no backup, or of a newer program; or the secret is another.
        IntegrityFault: it was changed or cut off.
    """
    about: Row = {}
    manifest: Row = {}
    rows = contents = 0
    with opened(file) as stream:
        reader = Reader(stream, str(file), secret)
        for member in reader:
            if member.name == ABOUT:
                about = member.value()
            elif member.name == MANIFEST:
                manifest = member.value()
            else:
                contents += member.name.startswith(f"{CONTENTS}/")
                rows += sum(part.count(b"\n") for part in member.parts()) * member.name.startswith(f"{ROWS}/")
    if not about or sum(n for n, _ in manifest.get("rows", {}).values()) != rows:
        raise IntegrityFault.of([Fault("备份的内容与其清单不符", str(file))])
    told = {name: about[name] for name in ("agency", "name", "made_at", "program", "structure", "database")}
    return {**told, "members": reader.members, "rows": rows, "contents": contents, "keys": about["keys"]}


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """Open a backup for reading.

    Raises:
        NotFound: there is no such file.
        DataFault: it is no file.
    """
    if not file.exists():
        raise NotFound(f"找不到备份文件“{file}”。")
    if not file.is_file():
        raise DataFault.of([Fault("不是文件", str(file))])
    with file.open("rb") as stream:
        yield stream


@contextmanager
def _fresh(path: Path) -> Iterator[IO[bytes]]:
    """Open a file of one's own for writing; it lies on the disk when the block has come to its end."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Be the only backup of this office; copies that a killed one left are taken away first."""
    from yishenqing.store.snapshot import abandoned, discard

    if os.name != "posix":
        yield
        return
    import fcntl  # noqa: PLC0415 - not on every system

    descriptor = os.open(home / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Moved("本机关的另一次备份正在进行，请等它完成。") from None
        for copy in abandoned(home):
            discard(copy)
        yield
    finally:
        os.close(descriptor)


class _Packing:
    """Puts an office into a backup, part after part."""

    def __init__(self, home: Path, settings: Settings, writer: Writer, *, with_keys: bool) -> None:
        self._home, self._settings, self._writer, self._with_keys = home, settings, writer, with_keys
        self._own = [*_own_files(home)]
        self._keys = [p for p in self._own if p.suffix in KEYS]

    def pack(self) -> Row:
        from yishenqing.store.snapshot import snapshot

        settings = self._settings
        file = None if settings.database else (self._home / DATABASE).resolve()
        if file is not None and not file.is_file():
            raise NotFound(f"“{self._home}”中还没有数据库；请先运行 ysq init。")
        with snapshot(database_url(self._home, settings), settings.agency, file) as connection:
            about = self._about(connection)
            self._writer.put_json(ABOUT, about)
            home_files = self._put_home()
            rows = self._put_rows(connection)
            contents, missing = self._put_contents(connection)
        self._writer.put_json(MANIFEST, {"rows": rows, "missing": missing})
        self._writer.finish()
        kept = [str(p.relative_to(self._home)) for p in self._keys]
        return {
            **{name: about[name] for name in ("agency", "made_at", "structure")},
            "rows": sum(n for n, _ in rows.values()),
            "contents": contents,
            "home": home_files,
            "missing": missing,
            "keys": kept if self._with_keys else [],
            "keys_left_out": [] if self._with_keys else kept,
        }

    def _about(self, connection: Connection) -> Row:
        from yishenqing.store.upgrade import revision, versions

        structure = revision(connection)
        if structure not in versions():
            raise DataFault.of([Fault(f"数据库的结构（{structure or '空'}）不是本程序所知的，请使用较新的程序")])
        settings = self._settings
        return {
            "agency": settings.agency,
            "name": settings.name,
            "made_at": now(),
            "program": __version__,
            "structure": structure,
            "database": address.without_password(settings.database),
            "keys": self._with_keys,
        }

    def _put_home(self) -> int:
        put = [p for p in self._own if self._with_keys or p not in self._keys]
        for path in put:
            self._writer.put_file(f"{HOME}/{path.relative_to(self._home).as_posix()}", path)
        return len(put)

    def _put_rows(self, connection: Connection) -> dict[str, list[Any]]:
        from yishenqing.store.snapshot import Tally, carried, columns, lines

        found = {}
        for table in carried(connection, left_out()):
            tally, n = Tally(), 0
            for n, part in enumerate(lines(connection, table, self._settings.agency), 1):
                for line in part:
                    tally.add(line)
                head = ",".join(columns(table)).encode()
                self._writer.put(f"{ROWS}/{table.name}/{n:08d}", head + b"\r" + b"\n".join([*part, b""]))
            found[table.name] = tally.told()
        return found

    def _put_contents(self, connection: Connection) -> tuple[int, list[str]]:
        """Put in the contents that the rows name: an act writes them before its rows, so all of them are there."""
        from yishenqing.store.snapshot import contents_of

        papers, missing, put = Papers(self._home / "files"), [], 0
        for sha256 in contents_of(connection, self._settings.agency):
            path = papers.path(sha256)
            if not path.is_file():
                missing.append(sha256)
                continue
            self._writer.put_file(f"{CONTENTS}/{sha256}", path)
            put += 1
        return put, missing


def left_out() -> set[str]:
    """Return the tables that no backup carries: indexes, who is signed in, what is told of the database."""
    from yishenqing.office.schema import kept, tables

    derived = {t.name for t in tables()} - {t.name for t in kept()}
    return {*derived, "alembic_version", "sessions", "moves"}


def _own_files(home: Path) -> Iterator[Path]:
    """Yield what an office keeps in its folder beside its papers; links are followed nowhere."""
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home)
        if inside.parts[0] in DERIVED_FOLDERS or path.is_symlink() or not path.is_file():
            continue
        if inside.name.startswith((".", DATABASE)) or inside.name.endswith(_OF_THE_MOMENT):
            continue
        yield path
