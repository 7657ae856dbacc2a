"""The command line: the verbs of ``Office`` with dashes. It parses, calls once, prints; it knows no rule."""

from __future__ import annotations

from collections.abc import Sequence

import click

from yishenqing.cli import (
    advising,
    archiving,
    auditing,
    batching,
    commands,
    exchanging,
    holding,
    importing,
    inspecting,
    joining,
    keeping,
    library,
    linking,
    machine,
    platform,
    reckoning,
    reporting,
    retaining,
    searching,
    secrecy,
    signing,
    timing,
    watching,
)
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Group, speak
from yishenqing.core.version import __version__

_HELP = """依申请公开办理引擎：登记、审核、办理、答复、送达、归档。

第一次使用：ysq init，然后 ysq register 申请文件，再用 ysq act 逐步办理。想先看一遍全过程：ysq demo。

退出码：0 完成；1 其他错误；2 用法错误；3 法律或者流程不允许；4 缺少过去年份的工作日安排；5 没有找到，或者他人先写入；
6 流程、法律、文书或者输入数据有错误；7 完整性核验未通过。
"""


@click.group(cls=Group, help=_HELP, invoke_without_command=False)
@click.version_option(__version__, "--version", message="依申请 yishenqing %(version)s", help="显示版本")
@global_options
def cli(_wishes: Wishes) -> None:
    """Gather the global options; the command does the rest."""


for command in (
    *commands.ALL,
    *advising.ALL,
    *inspecting.ALL,
    *archiving.ALL,
    *auditing.ALL,
    *retaining.ALL,
    *batching.ALL,
    *joining.ALL,
    *linking.ALL,
    *timing.ALL,
    *exchanging.ALL,
    *reckoning.ALL,
    *searching.ALL,
    *library.ALL,
    *holding.ALL,
    *importing.ALL,
    *reporting.ALL,
    *machine.ALL,
    *platform.ALL,
    *keeping.ALL,
    *watching.ALL,
    *signing.ALL,
    *secrecy.ALL,
):
    cli.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    return speak(cli, arguments)
