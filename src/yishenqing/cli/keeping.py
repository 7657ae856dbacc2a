"""The commands that keep an office safe: its backup, and its return."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.platform import minute
from yishenqing.cli.printing import show
from yishenqing.cli.signing import asked, read_password
from yishenqing.cli.speaking import Command
from yishenqing.core.errors import IntegrityFault

if TYPE_CHECKING:
    from yishenqing.backup import Secret

_FILE = click.Path(path_type=Path)
_PASSWORD = "YISHENQING_BACKUP_PASSWORD"  # noqa: S105 - the name of a variable

_key_file = click.option("--key-file", type=_FILE, metavar="密钥文件", help="用密钥文件加密、解密（代替口令）")
_password_file = click.option(
    "--password-file",
    type=_FILE,
    metavar="文件",
    help=f"从文件读取口令（- 为标准输入）；不写则询问，或者取环境变量 {_PASSWORD}",
)


def _secret(key_file: Path | None, password_file: Path | None, *, fresh: bool = False) -> Secret:
    from yishenqing.backup import from_file, from_password  # noqa: PLC0415 - help pages need none

    if key_file is not None and password_file is not None:
        raise click.UsageError("--key-file 和 --password-file 只能写一项")
    if key_file is not None:
        return from_file(key_file)
    if password_file is not None:
        return from_password(read_password(password_file), fresh=fresh)
    text = os.environ.get(_PASSWORD) or asked("备份的口令", twice=fresh)
    return from_password(text, fresh=fresh)


@click.command(
    cls=Command,
    help="把本机关加密备份成一个文件（办理可以照常进行），写完读回核验；--check 核验已有的备份。",
)
@click.argument("file", type=_FILE, metavar="备份文件", required=False)
@_key_file
@_password_file
@click.option("--check", is_flag=True, help="核验备份文件：能否解密、有无改动和缺失（不需要机关文件夹）")
@click.option("--with-keys", is_flag=True, help="连同机关文件夹内的密钥（*.key、证书等）一并备份；默认不包括")
@click.option("--new-key", type=_FILE, metavar="密钥文件", help="制作一个备份密钥文件，然后结束")
@global_options
def backup(
    wishes: Wishes,
    file: Path | None,
    key_file: Path | None,
    password_file: Path | None,
    new_key: Path | None,
    *,
    check: bool,
    with_keys: bool,
) -> int:
    """Back the office up, or look whether a backup holds."""
    from yishenqing.backup import make_key  # noqa: PLC0415 - help pages need none
    from yishenqing.office.safekeeping import back_up, inspected

    if new_key is not None:
        if file or key_file or password_file or check or with_keys:
            raise click.UsageError("--new-key 只制作密钥文件，不能与备份文件和其他选项同写")
        make_key(new_key)
        show(wishes, {"path": str(new_key)}, [f"备份密钥：{new_key}；请与备份分开保管，丢失后备份无法恢复。"])
        return 0
    if file is None:
        raise click.UsageError("缺少参数“备份文件”。")
    if check:
        if with_keys:
            raise click.UsageError("--with-keys 只用于制作备份，不能与 --check 同写")
        found = inspected(file, _secret(key_file, password_file))
        show(wishes, {"path": str(file), **found}, [f"备份完整：{file}", *_about(found)])
        return 0
    found = back_up(wishes.folder, file, _secret(key_file, password_file, fresh=True), with_keys=with_keys)
    show(wishes, found, _made(found))
    return IntegrityFault.exit_code if found["missing"] else 0


def _about(found: dict[str, Any]) -> list[str]:
    return [
        f"{found['name']}（{found['agency']}），{minute(found['made_at'])}备份",
        f"程序{found['program']}，数据库结构{found['structure']}",
        f"共{found['rows']}行记录、{found['contents']}个文件内容；{'包括' if found['keys'] else '不包括'}密钥",
    ]


def _made(found: dict[str, Any]) -> list[str]:
    size = f"{found['size'] / 1_000_000:.1f} MB"
    lines = [
        f"已备份并读回核验：{found['path']}（{size}，{found['rows']}行记录、{found['contents']}个文件内容）",
        "不包括可以重新生成的 issued、archive、previews、forms。口令或者密钥请与备份分开保管，丢失后无法恢复。",
    ]
    if found["keys_left_out"]:
        lines.append(f"未包括密钥，请另行保管：{'、'.join(found['keys_left_out'])}（要一并备份，请加 --with-keys）")
    return lines + _lost(found)


def _lost(found: dict[str, Any]) -> list[str]:
    missing = found["missing"]
    return [f"　提示：备份时即已缺失的文件内容{len(missing)}个，如 {missing[0]}"] if missing else []


@click.command(
    cls=Command,
    help="把备份恢复到 --home 指定的新文件夹：逐条核对、核验全部案卷以后才算完成；不覆盖已有的机关。",
)
@click.argument("file", type=_FILE, metavar="备份文件")
@_key_file
@_password_file
@click.option("--db", default="", metavar="地址", help="恢复以后迁到此 PostgreSQL；不写则为文件夹内的 office.db")
@click.option("--keys", type=_FILE, metavar="文件夹", help="另行保管的机关密钥所在的文件夹，恢复时一并放回")
@global_options
def restore(
    wishes: Wishes, file: Path, key_file: Path | None, password_file: Path | None, db: str, keys: Path | None
) -> int:
    """Bring an office back from its backup."""
    from yishenqing.office.restoring import restore as bring_back

    def told(done: int, count: int) -> None:
        if not wishes.as_json and sys.stderr.isatty():
            click.echo(f"\r核验案卷 {done}/{count}", nl=done == count, err=True)

    found = bring_back(file, wishes.folder, _secret(key_file, password_file), db, keys=keys, told=told)
    show(wishes, found, _restored(found))
    return IntegrityFault.exit_code if found["faults"] or found["missing"] else 0


def _restored(found: dict[str, Any]) -> list[str]:
    lies_in = found["database"] or "文件夹内的 office.db"
    was_in = f"（原在 {found['was_in']}）" if found["was_in"] and not found["database"] else ""
    lines = [
        f"已恢复到 {found['home']}：{found['name']}，{minute(found['made_at'])}的备份。",
        f"{found['rows']}行记录逐行核对一致；{found['cases']}件案件、{found['entries']}条记录逐条核验。",
        f"数据库：{lies_in}{was_in}。",
        *(f"　提示：备份时即已不符　{fault}" for fault in found["faults"]),
        *_lost(found),
    ]
    if found["missing_keys"]:
        lines.append(f"备份不包括密钥，请将另行保管的放回文件夹：{'、'.join(found['missing_keys'])}")
    return lines


ALL: tuple[click.Command, ...] = (backup, restore)
