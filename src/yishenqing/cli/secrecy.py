"""The commands of the keys with which personal data are encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from yishenqing.cli.archiving import progress
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command, Group
from yishenqing.core.errors import IntegrityFault
from yishenqing.core.ledger import in_china

_KEEP = "请将密钥另存一份在别处（不要与数据库的备份放在一起）；密钥丢失的，个人信息和附件无法恢复。"
_WHAT = {"values": "封存的个人信息", "papers": "文件登记", "files": "文件", "answers": "带键办理的答复"}


@click.group(cls=Group, help="个人信息的加密：开始加密、更换密钥、查看情况。密钥不在数据库中，请另行备份。")
@global_options
def key(_wishes: Wishes) -> None:
    """Group the commands about keys."""


@key.command("status", cls=Command, help="个人信息用什么加密、密钥在哪里、还有多少没有加密。")
@global_options
def status(wishes: Wishes) -> None:
    """Say what is encrypted."""
    with wishes.office() as office:
        found = office.keys()
    _show(wishes, found, _status(found))


@key.command(
    "init",
    cls=Command,
    short_help="开始加密：没有密钥的，制作密钥，将已有的个人信息和文件加密。",
    help=(
        "开始加密：没有密钥的，制作密钥文件（或者用环境变量中的），将已有的个人信息、文件名和文件内容逐项加密并核对。"
        "案卷记录和散列链不变。中断的，再次运行即接着做。"
    ),
)
@global_options
def start(wishes: Wishes) -> int:
    """Begin to encrypt."""
    with wishes.office() as office, _told(wishes) as told:
        found = office.encrypt(told=told)
    return _done(wishes, found, "已制作密钥并开始加密" if found["new"] else "已按现有的密钥加密")


@key.command(
    "rotate",
    cls=Command,
    short_help="更换密钥，将全部个人信息和文件改用新密钥加密。",
    help=(
        "更换密钥，将全部个人信息和文件改用新密钥加密并逐项核对；案卷记录和散列链不变。中断的，再次运行即接着做。"
        "密钥取自环境变量的，请先把新密钥加在变量的末尾（逗号分开），再运行本命令。以前的备份仍须用以前的密钥打开，"
        "旧密钥保留在密钥文件中。"
    ),
)
@global_options
def rotate(wishes: Wishes) -> int:
    """Exchange the keys."""
    with wishes.office() as office, _told(wishes) as told:
        found = office.rotate_keys(told=told)
    return _done(wishes, found, "已更换密钥" if found["new"] else "上次更换没有做完，这次接着做完了")


def told_at_first(found: Mapping[str, Any]) -> list[str]:
    """Return what whoever makes an office must know of its key."""
    if not found["encrypted"]:
        return ["！已有案件的个人信息尚未加密；请运行 ysq key init。"]
    return [f"个人信息加密保存，密钥在：{found['place']}", f"！{_KEEP}"]


@contextmanager
def _told(wishes: Wishes) -> Iterator[Callable[[str, int, int], None]]:
    with progress("正在加密", silent=wishes.as_json) as bar:
        yield lambda _what, done, count: bar(min(done, count), max(count, 1))


def _status(found: Mapping[str, Any]) -> list[str]:
    if not found["encrypted"]:
        return ["个人信息尚未加密；请运行 ysq key init。"]
    there = "" if found["there"] else "　！没有找到"
    lines = [f"个人信息以 {found['cipher']} 加密，密钥在：{found['place']}{there}"]
    lines += [
        f"  数据密钥{row['id']}　{in_china(row['made_at']):%Y-%m-%d}制作　{'已停用' if row['retired_at'] else '在用'}"
        for row in found["keys"]
    ]
    waiting = [f"{_WHAT[what]}{count}项" for what, count in found["left"].items() if count]
    text = f"还没有用现在的密钥加密的：{'、'.join(waiting)}；请运行 ysq key init。"
    return [*lines, text if waiting else "全部个人信息和文件都已用现在的密钥加密。"]


def _done(wishes: Wishes, found: Mapping[str, Any], head: str) -> int:
    lines = [
        f"{head}（{found['cipher']}，数据密钥{found['key']}）：数据{found['rows']}项、文件{found['files']}个，逐项核对一致。",
        f"密钥在：{found['place']}",
        f"！{_KEEP}",
    ]
    if not found["wiped"]:
        lines.append(
            "！原来的内容在 PostgreSQL 的空页中可能还有残留；请由数据库属主运行 "
            "VACUUM FULL sealed, files, given_keys。"
        )
    lines += [f"  × {fault}" for fault in found["faults"]]
    _show(wishes, found, lines)
    return IntegrityFault.exit_code if found["faults"] else 0


ALL: tuple[click.Command, ...] = (key,)
