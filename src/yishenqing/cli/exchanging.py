"""The commands of the exchange with other systems."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click

from yishenqing.cli.options import Day, Wishes, global_options
from yishenqing.cli.platform import unsent_line
from yishenqing.cli.printing import show
from yishenqing.cli.speaking import Command, Group
from yishenqing.core.errors import DataFault

_TO = click.option("--to", default="", metavar="接收方", help="office.yaml 的 exchange 中的名称（默认第一个）")

_SINCE = click.option("--since", type=Day(), metavar="日期", help="只看这一天以后登记的案件")


@click.group(cls=Group, help="与其他系统交换：发送案件的事项、发送前检查、与对方核对、重发（docs/exchange.md）。")
@global_options
def exchange(_wishes: Wishes) -> None:
    """Group the commands of the exchange."""


@exchange.command("send", cls=Command, help="立即发送待发的事项（ysq run 和 ysq tick 也会发送）。")
@click.option("--to", default="", metavar="接收方", help="只发给这一个接收方")
@global_options
def send(wishes: Wishes, to: str) -> int:
    """Send what waits."""
    with wishes.office_unattended() as office:
        found = office.exchange_send(to)
    show(wishes, found, list(_status_lines(found)))
    return 1 if found["failed"] else 0


@exchange.command("status", cls=Command, help="查看已发、待发的事项，以及未能发出的案件和原因。")
@global_options
def status(wishes: Wishes) -> None:
    """Show what has gone and what has not."""
    with wishes.office() as office:
        found = office.exchange_status()
    show(wishes, found, list(_status_lines(found)))


def _status_lines(found: dict[str, Any]) -> Iterator[str]:
    for row in found["receivers"]:
        stopped = f"，其中{row['given_up']}件案件已停止" if row["given_up"] else ""
        yield (
            f"“{row['receiver']}”：本次发出{row['now']}件，累计{row['sent']}件，待发{row['waiting']}件事项{stopped}。"
        )
    yield from (f"　{unsent_line(row)}" for row in found["failed"])


@exchange.command(
    "check", cls=Command, help="发送前检查：哪件案件的哪一栏超过对方的长度上限、缺必填项或者没有对应的词。"
)
@click.argument("cases", nargs=-1, metavar="[案件编号]…")
@_TO
@_SINCE
@global_options
def check(wishes: Wishes, cases: tuple[str, ...], to: str, since: date | None) -> int:
    """List what a receiver would not take."""
    with wishes.office() as office:
        found = office.exchange_check(cases, to=to, since=since)
    lines = [f"案件{f['number']}　“{f['title']}”（{f['field']}）{f['text']}" for f in found["faults"]]
    sum_up = f"检查了{found['checked']}件案件，" + (f"有{len(lines)}处须处理：" if lines else "都可以发送。")
    show(wishes, found, [sum_up, *lines])
    return DataFault.exit_code if lines else 0


@exchange.command("reconcile", cls=Command, help="核对：对方没有的、本机关没有的、内容不同的案件。")
@click.argument("file", type=click.Path(path_type=Path), required=False, metavar="[清单文件]")
@click.option("--remote", is_flag=True, help="不用文件，直接向对方取清单（list_url）")
@_TO
@_SINCE
@global_options
def reconcile(wishes: Wishes, file: Path | None, to: str, since: date | None, *, remote: bool) -> int:
    """Compare with what a receiver has."""
    if (file is None) is not remote:
        raise click.UsageError("请写明对方的清单文件（CSV、XLSX、JSON 行），或者 --remote 直接向对方取。")
    with wishes.office() as office:
        found = office.exchange_reconcile(file, to=to, since=since)
    lines = [f"相同{found['same']}件。"]
    lines += [f"对方没有：{number}" for number in found["missing_there"]]
    lines += [f"本机关没有：{number}" for number in found["missing_here"]]
    lines += [
        f"不同：{row['number']}　“{row['title']}”（{row['field']}）本机关“{row['here']}”，对方“{row['there']}”"
        for row in found["differing"]
    ]
    if again := [*found["missing_there"], *dict.fromkeys(row["number"] for row in found["differing"])]:
        lines.append(f"重发：ysq exchange resend {' '.join(again[:5])}{' …' if len(again) > 5 else ''}")  # noqa: PLR2004 - as an example
    show(wishes, found, lines)
    return 1 if len(lines) > 1 else 0


@exchange.command("resend", cls=Command, help="重发：把案件的全部事项按现在的记录重新排队（对方以新的覆盖旧的）。")
@click.argument("cases", nargs=-1, metavar="案件编号…")
@click.option("--stopped", is_flag=True, help="全部已停止发送的案件")
@_TO
@global_options
def resend(wishes: Wishes, cases: tuple[str, ...], to: str, *, stopped: bool) -> None:
    """Queue cases anew."""
    if not cases and not stopped:
        raise click.UsageError("请写明案件编号，或者 --stopped 重发全部已停止的案件。")
    with wishes.office() as office:
        found = office.exchange_resend(cases, to=to, stopped=stopped)
    lines = [
        f"案件{number}：{n}件事项已重新排队。" if n else f"案件{number}：没有要发的事项。"
        for number, n in found["cases"].items()
    ]
    show(wishes, found, lines or ["没有已停止的案件。"])


ALL: tuple[click.Command, ...] = (exchange,)
