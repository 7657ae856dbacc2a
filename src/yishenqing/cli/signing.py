"""The commands of signing in: passwords are asked for, or read from a file or the environment, never an argument."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.platform import minute
from yishenqing.cli.printing import show
from yishenqing.cli.speaking import Command, Group
from yishenqing.core.errors import DataFault, Fault, why

_PASSWORD = "YISHENQING_PASSWORD"  # noqa: S105 - the name of a variable
_STATES = {"open": "可以登录", "locked": "锁定", "closed": "已停用"}

_from_file = click.option(
    "--password-file",
    "file",
    type=click.Path(path_type=Path),
    metavar="文件",
    help=f"从文件读取口令（- 为标准输入）；不写则询问，或者取环境变量 {_PASSWORD}",
)


def _password(file: Path | None, title: str, *, twice: bool = False) -> str:
    if file is not None:
        return read_password(file)
    return os.environ.get(_PASSWORD) or asked(title, twice=twice)


def asked(title: str, *, twice: bool = False) -> str:
    """Return a secret that is typed in unseen.

    Raises:
        UsageError: nobody sits at a terminal.
    """
    if not sys.stdin.isatty():  # getpass would read on with the echo turned on, after a warning in English
        raise click.UsageError(f"没有终端，不能询问{title}；请用 --password-file 从文件读取，或者放在环境变量中。")
    return str(click.prompt(title, hide_input=True, confirmation_prompt="再输入一次" if twice else False, err=True))


def read_password(file: Path) -> str:
    """Return the secret in a file; ``-`` is the standard input.

    Raises:
        DataFault: it cannot be read.
    """
    if str(file) == "-":
        return sys.stdin.readline().rstrip("\r\n")
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFault.of([Fault(f"无法读取口令（{why(error)}）", str(file))]) from None


@click.command(cls=Command, help="登录（office.yaml 的 sign_in.by 为 password 的机关，办理前须登录）。")
@click.argument("name", metavar="[用户]", required=False)
@_from_file
@global_options
def login(wishes: Wishes, name: str | None, file: Path | None) -> None:
    """Sign in."""
    from yishenqing.office.premises import system_user  # noqa: PLC0415 - `--help` opens no office
    from yishenqing.office.signing import SignInDesk

    who = name or wishes.user or system_user()
    with SignInDesk(wishes.folder) as desk:
        found = desk.sign_in(who, _password(file, f"{who}的口令"))
    show(wishes, found, [f"已登录：{who}；{found['idle_minutes']}分钟不用即退出。"])


@click.command(cls=Command, help="退出登录。")
@global_options
def logout(wishes: Wishes) -> None:
    """Sign out."""
    from yishenqing.office.signing import SignInDesk

    with SignInDesk(wishes.folder) as desk:
        ended = desk.sign_out()
    show(wishes, {"signed_out": ended}, ["已退出。" if ended else "没有登录。"])


@click.group(cls=Group, help="用户和口令：设置、修改、停用、登录记录。")
@global_options
def user(_wishes: Wishes) -> None:
    """Group the commands about users."""


@user.command("add", cls=Command, help="为 office.yaml 中的人员设置口令（第一名之后，须由监督岗登录后办理）。")
@click.argument("name", metavar="用户")
@_from_file
@global_options
def user_add(wishes: Wishes, name: str, file: Path | None) -> None:
    """Give a person a password."""
    from yishenqing.office.signing import SignInDesk

    with SignInDesk(wishes.folder) as desk:
        desk.set_password(name, _password(file, f"{name}的口令", twice=True), new_user=True)
        by = desk.settings.sign_in.by
    hint = [] if by == "password" else ["office.yaml 的 sign_in 改为 {by: password} 后，办理前须登录。"]
    show(wishes, {"user": name}, [f"已设置{name}的口令。", *hint])


@user.command("passwd", cls=Command, help="修改口令（本人凭原口令；监督岗登录后可以重设他人的）。")
@click.argument("name", metavar="用户")
@click.option("--old-file", type=click.Path(path_type=Path), metavar="文件", help="从文件读取原口令")
@_from_file
@global_options
def user_passwd(wishes: Wishes, name: str, old_file: Path | None, file: Path | None) -> None:
    """Change a password."""
    from yishenqing.office.signing import SignInDesk

    with SignInDesk(wishes.folder) as desk:
        reset = desk.may_reset(name)
        old = None if reset else (read_password(old_file) if old_file else asked("原口令"))
        desk.set_password(name, _password(file, "新口令", twice=True), old=old)
    show(wishes, {"user": name}, [f"已修改{name}的口令；其已有的登录全部失效。"])


@user.command("close", cls=Command, help="停用一名用户的口令和登录。")
@click.argument("name", metavar="用户")
@global_options
def user_close(wishes: Wishes, name: str) -> None:
    """Let a user sign in no more."""
    from yishenqing.office.signing import SignInDesk

    with SignInDesk(wishes.folder) as desk:
        desk.close_user(name)
    show(wishes, {"user": name}, [f"已停用{name}。"])


@user.command("list", cls=Command, help="列出设有口令的用户。")
@global_options
def user_list(wishes: Wishes) -> None:
    """List who signs in."""
    from yishenqing.office.signing import SignInDesk

    with SignInDesk(wishes.folder) as desk:
        found = desk.users()
    lines = [f"{row['user']}　{_STATES[row['state']]}" for row in found["users"]]
    show(wishes, found, lines or ["还没有用户设置口令。"])


@user.command("log", cls=Command, help="登录、被拒绝、查看下级机关案件的记录，最近的在前。")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True, metavar="条", help="条数")
@global_options
def user_log(wishes: Wishes, limit: int) -> None:
    """Show who signed in."""
    with wishes.office() as office:
        found = office.access_log(limit)
    show(wishes, found, [_log_line(row) for row in found["events"]] or ["没有记录。"])


def _log_line(row: dict[str, Any]) -> str:
    return f"{minute(row['at'])}　{row['login']}　{row['event_title']}　{row['detail']}".rstrip()


ALL: tuple[click.Command, ...] = (login, logout, user)
