"""The command line: the verbs of ``Office`` with dashes. It parses, calls once, prints; it knows no rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module

import click

from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Group, speak
from yishenqing.core.version import __version__

# Which module offers which commands, in the order of the help page: whoever types one imports that module alone.
_OFFERED: Mapping[str, tuple[str, ...]] = {
    "commands": ("init", "demo", "register", "list", "show", "due", "act", "letter", "check", "diagram", "upgrade"),
    "advising": ("draft", "advise"),
    "inspecting": ("inspect",),
    "archiving": ("archive",),
    "auditing": ("audit",),
    "retaining": ("retention",),
    "batching": ("batch",),
    "joining": ("split", "merge", "route"),
    "linking": ("link", "move"),
    "timing": ("tick", "run"),
    "exchanging": ("exchange",),
    "reckoning": ("clock", "calendar", "fee"),
    "searching": ("search",),
    "library": ("precedent",),
    "holding": ("holdings", "proposals", "recognition"),
    "importing": ("import", "export"),
    "reporting": ("report",),
    "machine": ("doctor", "fonts"),
    "platform": ("agency", "failures", "move-database"),
    "keeping": ("backup", "restore"),
    "watching": ("metrics",),
    "signing": ("login", "logout", "user"),
    "secrecy": ("key",),
}

_HELP = """依申请公开办理引擎：登记、审核、办理、答复、送达、归档。

第一次使用：ysq init，然后 ysq register 申请文件，再用 ysq act 逐步办理。想先看一遍全过程：ysq demo。

退出码：0 完成；1 其他错误；2 用法错误；3 法律或者流程不允许；4 缺少过去年份的工作日安排；5 没有找到，或者他人先写入；
6 流程、法律、文书或者输入数据有错误；7 完整性核验未通过。
"""


class _Commands(MutableMapping[str, click.Command]):
    """The commands by name; a module is imported when one of its commands is asked for."""

    def __init__(self, offered: Mapping[str, Sequence[str]]) -> None:
        self._places = {name: module for module, names in offered.items() for name in names}
        self._known: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._known:
            for command in import_module(f"yishenqing.cli.{self._places[name]}").ALL:
                self._known[command.name] = command
        return self._known[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._places[name], self._known[name] = "", command

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._known.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@click.group(cls=Group, help=_HELP, invoke_without_command=False, commands=_Commands(_OFFERED))
@click.version_option(__version__, "--version", message="依申请 yishenqing %(version)s", help="显示版本")
@global_options
def cli(_wishes: Wishes) -> None:
    """Gather the global options; the command does the rest."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    return speak(cli, arguments)
