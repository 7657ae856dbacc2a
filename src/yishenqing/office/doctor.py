"""Is this machine fit for the office's work: each fault with its remedy, so that none is silently endured."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from yishenqing.almanac import CalendarFolder
from yishenqing.core.errors import DataFault, YishenqingError
from yishenqing.core.ledger import CHINA, in_china
from yishenqing.office.casework import Row
from yishenqing.office.premises import (
    TODAY,
    database_url,
    letter_signing,
    letter_style,
    master_keys,
    now,
    system_today,
)
from yishenqing.settings import FILE, read_settings
from yishenqing.shipped import layered
from yishenqing.sight import read_sight
from yishenqing.store import keyring
from yishenqing.store.counts import failing, headless
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.ledger import has_cases
from yishenqing.store.vault import Papers

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.settings import Settings

_PYTHON = (3, 11)
_PACKAGES = ("sqlalchemy", "alembic", "jinja2", "weasyprint", "uharfbuzz", "pydyf", "pypdf", "openpyxl", "yaml")
_GIB = 1 << 30
_LOW, _FULL = _GIB, _GIB // 10  # bytes free: a letter has 100 kB, a year of an office some hundred MB
_NOTICE_MONTH = 12  # next year's notice is published by the end of November as a rule
_NAMED = 5  # cases that a finding names
_SKEW = 300  # seconds that a recording time may lie ahead: machines that share a database differ a little
Level = Literal["ok", "warning", "fault"]


class Finding(Struct, frozen=True):
    """What one examination found; ``remedy`` says what to do, empty when nothing is to be done."""

    name: str
    title: str
    level: Level
    text: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding in the words of ``ysq doctor --json``."""
        return {
            "name": self.name,
            "title": self.title,
            "level": self.level,
            "text": self.text,
            "remedy": self.remedy,
        }


def examine(home: Path, *, sweep: bool = False) -> Row:
    """Examine the machine and the office in ``home``; an office that is not there yet is told, not a fault.

    With ``sweep``, contents that no case refers to (left by an act that was cut off) are deleted.

    Answers ``findings`` and ``sound``, which is False when any finding is a fault.
    """
    findings = [*_python(), *_packages(), *_sm3(), *_libraries()]
    settings = _settings(home, findings)
    findings += [*_fonts(home, settings), *_calendar(home), *_disk(home)]
    if settings is not None:
        findings += _secrets(home, settings)
        findings += _guarded("sight", "遮盖个人信息的设置", lambda: _sight(home))
        findings += _guarded("database", "数据库", lambda: _database(home, settings, sweep=sweep))
    findings += _today()
    return {"findings": [f.as_json() for f in findings], "sound": all(f.level != "fault" for f in findings)}


def _guarded(name: str, title: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    """Report what an examination itself stumbles over, whatever it is: the others still tell theirs."""
    try:
        return look()
    except (YishenqingError, OSError) as error:
        return [Finding(name, title, "fault", str(error), "请按上述提示处理后重新运行 ysq doctor")]


def _python() -> Iterator[Finding]:
    text = ".".join(str(n) for n in sys.version_info[:3])
    if sys.version_info < _PYTHON:
        yield Finding("python", "Python", "fault", text, "请安装 Python 3.11 或者更高版本，再运行 scripts/setup")
    else:
        yield Finding("python", "Python", "ok", text)


def _packages() -> Iterator[Finding]:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        text = f"缺少{'、'.join(missing)}"
        yield Finding("packages", "程序库", "fault", text, f"请运行：pip install {' '.join(missing)}")
    else:
        yield Finding("packages", "程序库", "ok", "齐全")


def _sm3() -> Iterator[Finding]:
    if "sm3" in hashlib.algorithms_available:
        yield Finding("sm3", "国密 SM3", "ok", "可以计算")
    else:
        text = "本机的 OpenSSL 不提供 SM3，新出具的文书只记 SHA-256"
        yield Finding("sm3", "国密 SM3", "warning", text, "需要的，请改用带 SM3 的 OpenSSL（Debian、Ubuntu 自带）")


def _libraries() -> Iterator[Finding]:
    from yishenqing.letters import fonts

    missing = fonts.missing_libraries()
    for fault in missing:
        text, _, remedy = fault.text.partition("，")
        yield Finding(f"library:{fault.field}", "系统库", "fault", text, remedy)
    if not missing:
        yield Finding("libraries", "系统库", "ok", "Pango、PangoFT2、HarfBuzz-Subset 齐全")


def _settings(home: Path, findings: list[Finding]) -> Settings | None:
    if not (home / FILE).is_file():
        findings.append(Finding("office", "机关设置", "warning", f"“{home}”中没有机关设置", "请运行：ysq init"))
        return None
    try:
        settings = read_settings(home)
    except DataFault as fault:
        findings.append(Finding("office", "机关设置", "fault", fault.text, f"请修改{home / FILE}"))
        return None
    findings.append(Finding("office", "机关设置", "ok", settings.name))
    return settings


def _fonts(home: Path, settings: Settings | None) -> Iterator[Finding]:
    from yishenqing.letters import fonts, ownfonts

    if fonts.present():
        yield Finding("fonts", "公文字体", "ok", str(fonts.folder()))
    else:
        remedy = "请运行：ysq fonts build；不能上网的，在别的机器上运行 ysq fonts pack，再用 ysq fonts install 装入"
        yield Finding("fonts", "公文字体", "fault", f"尚未制作（{fonts.folder()}）", remedy)
    own = letter_style(home, settings).fonts if settings is not None else {}
    faults = ownfonts.faults(own)
    for fault in faults:
        yield Finding(fault.field, "自有字体", "fault", fault.text, "请更换字体文件，或者删去 office.yaml 中的这一项")
    if settings is not None:
        yield from _signing(home, settings)
    if own and not faults:
        yield Finding("own_fonts", "自有字体", "ok", "、".join(str(path.name) for path in own.values()))


def _signing(home: Path, settings: Settings) -> Iterator[Finding]:
    how = letter_signing(home, settings)
    if how is None:
        return
    from yishenqing.letters import signing

    found = signing.faults(how)
    for fault in found:
        remedy = "请改正，或者删去 office.yaml 中 letters 的 sign；改正以前不能出具文书"
        yield Finding("signing", "电子签名", "fault", fault.text, remedy)
    if not found:
        yield Finding("signing", "电子签名", "ok", how.command[0] if how.command else str(how.pkcs12))


def _calendar(home: Path) -> Iterator[Finding]:
    try:
        years = list(CalendarFolder(layered("workflows", home)))
        today = system_today()
    except YishenqingError as error:
        yield Finding("calendar", "工作日安排", "fault", str(error), "请按上述提示修改")
        return
    held = f"{years[0]}年至{years[-1]}年" if years else "没有任何年份"
    gaps = [y for y in range(years[0], today.year + 1) if y not in years] if years else [today.year]
    if gaps:
        text = f"缺少{'、'.join(map(str, gaps))}年（现有{held}），期限算不出来或者只能暂定"
        yield Finding("calendar", "工作日安排", "fault", text, "请载入放假通知：ysq calendar import 文件")
    elif today.month >= _NOTICE_MONTH and today.year + 1 not in years:
        text = f"缺少{today.year + 1}年，届满日期在次年的期限只能暂定"
        yield Finding("calendar", "工作日安排", "warning", text, "通知公布后请载入：ysq calendar import 文件")
    else:
        yield Finding("calendar", "工作日安排", "ok", held)


def _disk(home: Path) -> Iterator[Finding]:
    place = next(p for p in (home.absolute(), *home.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    text = f"{place} 所在磁盘还有 {free / _GIB:.1f} GiB"
    level: Level = "fault" if free < _FULL else "warning" if free < _LOW else "ok"
    remedy = "" if level == "ok" else "请清理磁盘，或者把机关文件夹移到更大的磁盘"
    if not os.access(place, os.W_OK):
        level, text, remedy = "fault", f"没有写入“{place}”的权限", "请换一个有权限的用户，或者修改文件夹的权限"
    yield Finding("disk", "磁盘", level, text, remedy)


def _database(home: Path, settings: Settings, *, sweep: bool) -> list[Finding]:
    from yishenqing.office.leftovers import leftovers, lost
    from yishenqing.store.upgrade import last_recorded, newest, revision

    if not settings.database and not (home / "office.db").is_file():
        return [Finding("database", "数据库", "fault", "还没有数据库", "请运行：ysq init")]
    transactions = Transactions(open_engine(database_url(home, settings), settings.agency))
    try:
        with transactions.reading() as connection:
            known, wanted = revision(connection), newest()
            if known != wanted:
                return [_structure(known, wanted)]
            last, left = last_recorded(connection, settings.agency), leftovers(home, connection)
            running = [*_chains(connection, settings.agency), *_scheduler(connection, settings.agency)]
            running += _waiting(connection, settings.agency)
            running += _lost(lost(home, connection, settings.agency))
            running += _searched(connection, settings.agency)
            running += _recognised(connection, home, settings)
            running.append(_sealed(transactions, home, settings))
        undone = list(_destroyed(transactions, home, settings, sweep=sweep))
    finally:
        transactions.close()
    return [
        Finding("database", "数据库", "ok", f"结构{known}"),
        _clock(last),
        *running,
        *_left(left, sweep=sweep),
        *undone,
    ]


def _structure(known: str | None, wanted: str) -> Finding:
    from yishenqing.store.upgrade import versions

    if not known:
        text, remedy = "数据库是空的", "曾经办过案件的，请用备份恢复（ysq restore）；新设的机关请运行：ysq init"
    elif known not in versions():
        text = f"结构是{known}，由更新的程序所建，本版本程序只到{wanted}"
        remedy = "请换用更新的程序；在此之前不要用本程序办理案件"
    else:
        text, remedy = f"结构是{known}，本版本程序需要{wanted}", "请先备份，然后运行：ysq upgrade"
    return Finding("database", "数据库", "fault", text, remedy)


def _lost(papers: list[str]) -> Iterator[Finding]:
    if papers:
        text = f"缺少{len(papers)}个案卷文件、文书的内容，如 files/{papers[0][:2]}/{papers[0]}"
        remedy = "请用备份恢复到另一文件夹（ysq restore），把缺少的放回，再运行 ysq audit verify"
        yield Finding("papers", "案卷文件", "fault", text, remedy)


def _searched(connection: Connection, agency: str) -> Iterator[Finding]:
    """An index is not carried from one database to another: whoever is cut off before it is made finds nothing."""
    from yishenqing.office import findable
    from yishenqing.precedents import Library

    sound = {"案例": Library(connection, agency).current(), "本机关案件": findable.current(connection, agency)}
    for kind in (kind for kind, current in sound.items() if not current):
        yield Finding("search", "检索索引", "fault", f"{kind}没有编入检索，检索不到", "请运行：ysq search --rebuild")


def _recognised(connection: Connection, home: Path, settings: Settings) -> Iterator[Finding]:
    from yishenqing.kinship import key

    if has_cases(connection, settings.agency) and not (home / key.FILE).is_file():
        text = f"缺少“{home / key.FILE}”，认不出同一申请人和相同的申请"
        yield Finding(
            "recognition", "识别密钥", "fault", text, "请从备份放回；没有的，请运行：ysq recognition rebuild"
        )


def _chains(connection: Connection, agency: str) -> Iterator[Finding]:
    """Hold each case's last entry against its head; every entry is verified by ``ysq audit verify``."""
    if found := headless(connection, agency):
        named = "、".join(found[:_NAMED])
        text = f"有{len(found)}件案件的最后一条记录与登记的不符，如{named}：记录可能被删去或者添加"
        yield Finding("chains", "记录链", "fault", text, "请运行 ysq audit verify 查明，并从备份核对（ysq restore）")
    else:
        yield Finding("chains", "记录链", "ok", "每件案件的最后一条记录与登记的相符")


def _scheduler(connection: Connection, agency: str) -> Iterator[Finding]:
    from yishenqing.watching import latest

    last = latest(connection, agency)
    remedy = "请运行 ysq run，并设为开机启动（见 docs/operations.md）"
    if last is None:
        yield Finding("scheduler", "定时检查", "warning", "从未运行，到期提醒不会发出", remedy)
        return
    text = f"最近一次在{in_china(last.at):%Y-%m-%d %H:%M}（{last.machine}）"
    if last.is_late(datetime.now(UTC)):
        yield Finding("scheduler", "定时检查", "fault", f"已经停止：{text}", remedy)
    else:
        yield Finding("scheduler", "定时检查", "ok", text)


def _waiting(connection: Connection, agency: str) -> Iterator[Finding]:
    if failed := failing(connection, agency):
        yield Finding("failures", "未办成的事项", "warning", f"有{failed}件案件检查不了", "请运行：ysq failures")


def _secrets(home: Path, settings: Settings) -> Iterator[Finding]:
    """Whoever else may read a key has what it protects."""
    if os.name != "posix":
        return
    names = {"recognition.key", "database.password", settings.checkpoint_key}
    if settings.letters.sign is not None:
        names.add(settings.letters.sign.pkcs12)
    paths = [(home / Path(name).expanduser()).resolve() for name in sorted(names) if name]
    open_to_all = [p for p in paths if p.is_file() and p.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    for path in open_to_all:
        yield Finding("secrets", "密钥文件", "fault", f"他人可以读取“{path}”", f"请运行：chmod 600 '{path}'")
    if not open_to_all:
        yield Finding("secrets", "密钥文件", "ok", "只有本账户可以读取")


def _sealed(transactions: Transactions, home: Path, settings: Settings) -> Finding:
    """Without the keys of the personal data no case can be shown or recorded."""
    ring = keyring.Keyring(settings.agency, master_keys(home, settings), transactions.reading)
    try:
        with transactions.reading() as connection:
            count = keyring.open_all(connection, ring)
    except YishenqingError as error:
        return Finding("secrecy", "个人信息的密钥", "fault", str(error), "见 docs/security.md“个人信息的加密”")
    if not count:
        return Finding("secrecy", "个人信息的密钥", "warning", "个人信息尚未加密", "请运行：ysq key init")
    return Finding("secrecy", "个人信息的密钥", "ok", f"在{ring.masters.place}，可以打开")


def _destroyed(transactions: Transactions, home: Path, settings: Settings, *, sweep: bool) -> Iterator[Finding]:
    """Tell of contents of destroyed cases that a kill has left on the disk; with ``sweep`` they go now."""
    from yishenqing.office.destroying import Clearing

    clearing = Clearing(transactions, home, settings.agency, Papers(home / "files"))
    waiting = clearing.waiting()
    if waiting and sweep:
        clearing.clear(now())
        yield Finding("destroyed", "已批准销毁的内容", "ok", f"已从磁盘删去{len(waiting)}处")
    elif waiting:
        text = f"有{len(waiting)}处已批准销毁的内容还在磁盘上（销毁中途断电、被终止所留）"
        yield Finding("destroyed", "已批准销毁的内容", "warning", text, "请运行 ysq doctor --sweep 或者 ysq tick")


def _left(left: list[Path], *, sweep: bool) -> Iterator[Finding]:
    """Tell of contents without a case: they may be letters never issued, which nobody should find by chance."""
    if left and sweep:
        from yishenqing.office.leftovers import swept

        yield Finding("leftovers", "残留文件", "ok", f"已删除{swept(left)}个没有案卷引用的文件")
    elif left:
        text = (
            f"有{len(left)}个没有案卷引用的文件（办理中途断电、被终止所留，没有占用编号，不影响案卷），如 {left[0]}"
        )
        yield Finding("leftovers", "残留文件", "warning", text, "可以运行 ysq doctor --sweep 删除")


def _clock(last: str) -> Finding:
    """A clock that runs behind would write entries before those that are there."""
    now = datetime.now(UTC)
    here = f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}"
    if last and (datetime.fromisoformat(last.rstrip("Z")).replace(tzinfo=UTC) - now).total_seconds() > _SKEW:
        text = f"本机时间是{here}，早于最后一条记录的时间{in_china(last):%Y-%m-%d %H:%M}"
        return Finding("clock", "时钟", "fault", text, "请先校准本机时间（如 timedatectl set-ntp true）再办理案件")
    return Finding("clock", "时钟", "ok", f"{here}，不早于最后一条记录")


def _sight(home: Path) -> list[Finding]:
    read_sight(home)  # or nobody is shown anything
    return []


def _today() -> Iterator[Finding]:
    made_up: Any = os.environ.get(TODAY)
    if not made_up:
        return
    try:
        date.fromisoformat(made_up)
    except ValueError:
        text = f"{TODAY}“{made_up}”不是存在的日期"
        yield Finding("today", "演练日期", "fault", text, f"请写作 2026-03-02，或者运行：unset {TODAY}")
        return
    text = f"今天被设为{made_up}，办理的记录都会标为演练"
    yield Finding("today", "演练日期", "warning", text, f"正式办理前请运行：unset {TODAY}")
