"""An office comes back from its backup: beside its place, proved, and only then under its name.

Until the last step nothing lies where the office will be, so that what was cut off never looks whole. From there its
database may move on to PostgreSQL, as that of any office (see ``relocating``).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from sqlalchemy import Connection, Table

from yishenqing.backup import Member, Reader, Secret
from yishenqing.core.errors import DataFault, Fault, IntegrityFault, Moved, NotFound, YishenqingError
from yishenqing.office.casework import Row
from yishenqing.office.premises import DATABASE, master_keys
from yishenqing.office.safekeeping import ABOUT, CONTENTS, HOME, KEYS, MANIFEST, ROWS, inspected, left_out, opened
from yishenqing.settings import change_database, read_settings
from yishenqing.store import address, keyring
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.snapshot import Tally, carried, contents_of, lines, put
from yishenqing.store.vault import Papers, settled_folder, write_whole

if TYPE_CHECKING:
    from yishenqing.office import Office

Told = Callable[[int, int], None]
_CONTENT = re.compile(r"[0-9a-f]{64}")


def restore(
    file: Path,
    home: Path,
    secret: Secret,
    database: str = "",
    *,
    keys: Path | None = None,
    told: Told = lambda _done, _all: None,
) -> Row:
    """Bring the office of a backup back into ``home``, its database into a file there, or on to a PostgreSQL.

    ``keys`` is a folder with the keys that were left out of the backup: they are put back before all is verified.

    Answers what came back. ``faults`` did not hold when the backup was made either.

    Raises:
        NotFound: there is no such backup.
        DataFault: an office is there already; or it is no backup, one of a newer program, or of another key.
        IntegrityFault: the backup was changed or cut off, or a row did not arrive as it was. Nothing is left behind.
    """
    _check_place(home, database)
    about = inspected(file, secret)  # all of it is read before anything is written
    with _staged(home) as staging:
        (staging / "files").mkdir()
        target = Transactions(open_engine(f"sqlite:///{staging.resolve() / DATABASE}"))
        try:
            missing = _Unpacking(file, staging, target, about).unpack(secret)
        finally:
            target.close()
        if about["database"]:
            change_database(staging, "")
        _put_keys(keys, staging)
        _check_readable(staging)
        settled = _settle(staging, told)
        _move(staging, home)
    if database:
        _move_on(home, database)
    lacking = _missing_keys(home, signs=settled.pop("signs"))
    lies_in = {"database": database, "was_in": about["database"], "home": str(home)}
    return {**about, **settled, **lies_in, "missing": missing, "missing_keys": lacking}


def _check_place(home: Path, database: str) -> None:
    if home.is_symlink() or (home.exists() and (not home.is_dir() or any(home.iterdir()))):
        raise DataFault.of([Fault("这里已经有内容，恢复不覆盖；请用 --home 指定一个尚不存在的文件夹", str(home))])
    if not home.absolute().parent.is_dir():
        raise NotFound(f"没有文件夹“{home.absolute().parent}”。")
    if not database:
        return
    if not database.startswith("postgresql"):
        raise DataFault.of(
            [Fault("应写作 postgresql+psycopg://用户@主机/库名；恢复成文件夹内的数据库则不写", field="db")]
        )
    if address.has_password(database):
        raise DataFault.of([Fault(f"口令不写在地址里；请放在环境变量 {address.PASSWORD} 中", field="db")])


@contextmanager
def _staged(home: Path) -> Iterator[Path]:
    """Give a folder beside ``home`` that is gone afterwards, unless it has become ``home``."""
    staging = home.absolute().with_name(f".{home.absolute().name}.restoring")
    with _alone(staging.parent):
        if staging.exists():  # of a restore that was killed: nobody has the lock
            shutil.rmtree(staging)
        staging.mkdir(mode=0o700)
        try:
            yield staging
        finally:
            if staging.exists():
                shutil.rmtree(staging)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Moved("另一次恢复正在同一个文件夹下进行，请等它完成。") from None
        yield
    finally:
        os.close(descriptor)


class _Unpacking(Struct):
    """Takes a backup apart into a folder and a database."""

    file: Path
    staging: Path
    target: Transactions
    about: Row
    tallies: dict[str, Tally] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def _agency(self) -> str:
        return str(self.about["agency"])

    def unpack(self, secret: Secret) -> list[str]:
        """Write everything, prove it, keep it; return the papers that are named and were not in the backup."""
        self._make_structure()
        with self.target.writing() as connection:
            self.tables = {t.name: t for t in carried(connection, left_out())}
            with opened(self.file) as stream:
                for member in Reader(stream, str(self.file), secret):
                    self._take(connection, member)
            papers = Papers(self.staging / "files")
            return [s for s in contents_of(connection, self._agency) if not papers.path(s).is_file()]

    def _make_structure(self) -> None:
        from yishenqing.store.upgrade import upgrade, versions

        wanted = self.about["structure"]
        if wanted not in versions():
            raise DataFault.of([Fault("这份备份的数据库结构较新，请先升级本程序", str(self.file))])
        with self.target.checked():
            upgrade(self.target.engine, wanted)

    def _take(self, connection: Connection, member: Member) -> None:
        kind, *rest = member.path.parts
        if kind == HOME and rest:
            self._write(member, self.staging.joinpath(*rest))
        elif kind == ROWS and len(rest) > 1:
            self._put(connection, rest[0], member.content())
        elif kind == CONTENTS and len(rest) == 1 and _CONTENT.fullmatch(rest[0]):
            self._write(member, self.staging / "files" / rest[0][:2] / rest[0])
        elif member.name == MANIFEST:
            self._prove_rows(connection, member.value())
        elif member.name == ABOUT:
            member.content()
        else:
            raise IntegrityFault.of([Fault(f"备份中有不认识的“{member.name}”", str(self.file))])

    def _write(self, member: Member, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            for part in member.parts():
                stream.write(part)
            stream.flush()
            os.fsync(stream.fileno())

    def _put(self, connection: Connection, name: str, content: bytes) -> None:
        table = self.tables.get(name)
        if table is None:
            raise IntegrityFault.of([Fault(f"备份中的数据表“{name}”不在结构之中", str(self.file))])
        head, _, body = content.partition(b"\r")
        rows = body.split(b"\n")[:-1]
        tally = self.tallies.setdefault(name, Tally())
        for line in rows:
            tally.add(line)
        put(connection, table, head.decode().split(","), rows)

    def _prove_rows(self, connection: Connection, manifest: Any) -> None:
        """Read every row back from the database and hold all of them against what was backed up."""
        told = {name: told for name, told in manifest["rows"].items() if told[0]}
        if told != {name: tally.told() for name, tally in self.tallies.items()}:
            raise IntegrityFault.of([Fault("备份的内容与其清单不符", str(self.file))])
        for name, table in self.tables.items():
            found = Tally()
            for part in lines(connection, table, self._agency):
                for line in part:
                    found.add(line)
            if found.told() != told.get(name, Tally().told()):
                raise IntegrityFault.of([Fault(f"恢复后的“{name}”与备份不一致", field=name)])


def _put_keys(folder: Path | None, staging: Path) -> None:
    """Put keys where they lay; of what the backup itself brought nothing is overwritten."""
    if folder is None:
        return
    if not folder.is_dir():
        raise NotFound(f"没有文件夹“{folder}”。")
    for path in sorted(p for p in folder.rglob("*") if p.suffix in KEYS and p.is_file()):
        target = staging / path.relative_to(folder)
        if not target.exists():
            write_whole(target, path.read_bytes())  # made with mode 0600


def _check_readable(staging: Path) -> None:
    """Refuse to go on where the keys of the personal data are not there: nothing sealed could be verified.

    Raises:
        DataFault: they were left out of the backup, or are others; says how to give them.
        IntegrityFault: a key was changed in the database.
    """
    settings = read_settings(staging)
    target = Transactions(open_engine(f"sqlite:///{staging.resolve() / DATABASE}"))
    ring = keyring.Keyring(settings.agency, master_keys(staging, settings), target.reading)
    try:
        with target.reading() as connection:
            if "data_keys" in {t.name for t in carried(connection, left_out())}:  # a later structure has them
                keyring.open_all(connection, ring)
    except DataFault as error:
        name = settings.secrecy.key_env
        path = Path(settings.secrecy.key).expanduser()
        place = f"放回“{path}”" if path.is_absolute() else f"放进一个文件夹（文件名{path}），加 --keys 文件夹"
        how = f"设置环境变量 {name}" if name else f"把另行保管的密钥{place}"
        text = f"这份备份中的个人信息已加密，密钥没有提供，或者不是那一把，无法核验，没有恢复；请{how}，再次运行"
        raise DataFault.of([Fault(text, "ysq restore")]) from error
    finally:
        target.close()


def _settle(staging: Path, told: Told) -> Row:
    """Bring the structure up to date, make anew what is derived, verify every case as ``ysq audit`` does."""
    from yishenqing.office import Office

    blinded_anew = not (staging / "recognition.key").exists()
    structure = Office.upgrade(staging)
    with Office.open(staging) as office:
        if blinded_anew:  # with a new key, since the old one is not here
            office.rebuild_recognition()
        office.rebuild_search(everything=True)
        for row in office.cases()["cases"]:
            _publish(office, row["number"])
        verified = office.audit(told=told)
        signs = bool(office.checkpoints()["checkpoints"])
    faults = [str(fault) for fault in verified["faults"]]
    return {
        "structure": structure,
        "cases": verified["cases"],
        "entries": verified["entries"],
        "signs": signs,
        "faults": faults,
    }


def _publish(office: Office, number: str) -> None:
    """Make the readable copies of a case's letters, as every act does."""
    try:
        office._publish(number)  # noqa: SLF001 - no verb does this alone
    except (NotFound, IntegrityFault):
        return  # a paper was lost before the backup: the audit that follows names it


def _move(staging: Path, home: Path) -> None:
    """Give the folder its name, for good."""
    if home.exists():
        home.rmdir()  # empty, or this fails and nothing has happened
    staging.rename(home)
    settled_folder(home.absolute().parent)


def _move_on(home: Path, database: str) -> None:
    from yishenqing.office.relocating import move_database

    try:
        move_database(home, database)
    except YishenqingError as error:
        error.text += (
            f"\n机关已经完整恢复到“{home}”（数据库在文件夹内）；排除故障后运行 ysq move-database 迁到 PostgreSQL。"
        )
        raise


def _missing_keys(home: Path, *, signs: bool) -> list[str]:
    """Return the keys that the settings name and the folder has not: they were left out of the backup."""
    settings = read_settings(home)
    sign = settings.letters.sign
    named = [settings.checkpoint_key] * signs + ([sign.pkcs12] if sign else [])
    return [name for name in named if name and not (home / Path(name).expanduser()).exists()]
