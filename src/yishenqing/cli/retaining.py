"""The commands of retention: what falls due, holds, lists of destruction and their approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command, Group

Row = Mapping[str, Any]


@click.group(
    cls=Group,
    help=(
        "保管期限与销毁：归档时由档案员确定保管期限（程序给出建议）；期满的列出清册，由另一人批准后销毁。"
        "关联的复议、诉讼、投诉未办结的，或者设定了暂缓的，不得销毁。各期限见 workflows/retention.yaml。"
    ),
)
@global_options
def retention(_wishes: Wishes) -> None:
    """Group the commands of retention."""


@retention.command(cls=Command, help="哪些案卷的保管期限已经届满（--on 写到哪一日）。")
@global_options
def due(wishes: Wishes) -> None:
    """List what falls due."""
    with wishes.office() as office:
        found = office.retention_due(wishes.on)
    lines = [f"{found['on']}保管期限届满的案卷：{len(found['cases'])}件"] if found["cases"] else []
    for row in found["cases"]:
        lines.append("　".join((row["number"], row["code"], row["period_title"], f"保管至{row['kept_until']}")))
        lines += [f"    暂缓：{why}" for why in row["held"]]
        lines += [f"    已列入销毁清册{row['list']}，尚待批准"] if row["list"] else []
    _show(wishes, found, lines or [f"{found['on']}没有保管期限届满的案卷。"])


@retention.command(cls=Command, help="一件案件的保管期限：建议、所定、保管至哪一日、有无暂缓、是否已经销毁。")
@click.argument("case", metavar="案件编号")
@global_options
def show(wishes: Wishes, case: str) -> None:
    """Show one case."""
    with wishes.office() as office:
        found = office.retention(case)
    _show(wishes, found, _told(found))


def _told(found: Row) -> list[str]:
    lines = [f"案件{found['number']}"]
    if found["destroyed"]:
        told = found["destroyed"]
        lines.append(f"  已于{told['on']}依法销毁（销毁清册{told['list']}）")
    elif found["period"]:
        until = f"保管至{found['kept_until']}" if found["kept_until"] else "永久保管，不得销毁"
        lines.append(f"  {found['filed_on']}归档，{found['period_title']}，{until}　档号{found['code']}")
    else:
        lines.append("  尚未归档")
    if (told := found["proposed"]) and not found["destroyed"]:
        lines.append(f"  建议：{told['title']}（{told['why']}；{told['source']}）")
    lines += [f"  暂缓销毁：{why}" for why in found["held"]]
    for hold in found["holds"]:
        done = "设定" if hold["placed"] else "解除"
        lines.append(f"    {hold['on']}　{hold['actor']}{done}暂缓：{hold['reason']}")
    return lines


@retention.command(cls=Command, help="设定暂缓销毁（涉及诉讼、检查、信访等）：保管期满也不得销毁，直到解除。")
@click.argument("case", metavar="案件编号")
@click.option("--reason", required=True, metavar="理由", help="为何暂缓")
@global_options
def hold(wishes: Wishes, case: str, reason: str) -> None:
    """Place a hold."""
    with wishes.office() as office:
        found = office.hold(case, reason, on=wishes.on)
    _show(wishes, found, _told(found))


@retention.command(cls=Command, help="解除暂缓销毁。")
@click.argument("case", metavar="案件编号")
@click.option("--reason", required=True, metavar="理由", help="为何解除")
@global_options
def release(wishes: Wishes, case: str, reason: str) -> None:
    """Lift a hold."""
    with wishes.office() as office:
        found = office.lift_hold(case, reason, on=wishes.on)
    _show(wishes, found, _told(found))


@retention.command(
    cls=Command,
    short_help="提出销毁：列出销毁清册，印出 PDF，等待另一人批准。",
    help=(
        "提出销毁（档案员）：写明案件编号的只列这些，不写的列全部期满、没有暂缓的。"
        "印出销毁清册（PDF，在机关文件夹的 retention 之下）。提出人不能批准。"
    ),
)
@click.argument("cases", nargs=-1, metavar="[案件编号 …]")
@click.option("--opinion", required=True, metavar="鉴定意见", help="为何可以销毁，记入清册和案卷")
@global_options
def propose(wishes: Wishes, cases: tuple[str, ...], opinion: str) -> None:
    """Propose a list."""
    with wishes.office() as office:
        found = office.propose_destruction(opinion, cases, on=wishes.on)
    lines = []
    for listed in found["lists"]:
        lines += [*_list_lines(listed), f"  请由另一人批准：ysq retention approve {listed['list']}"]
    _show(wishes, found, lines)


@retention.command("list", cls=Command, help="列出销毁清册：待批准的、已经销毁的、退回的；写编号的只列一份。")
@click.argument("listed", required=False, default="", metavar="[清册编号]")
@global_options
def lists(wishes: Wishes, listed: str) -> None:
    """Show the lists."""
    with wishes.office() as office:
        found = office.destructions(listed)
    lines = [line for one in found["lists"] for line in _list_lines(one)]
    _show(wishes, found, lines or ["还没有销毁清册。"])


def _list_lines(listed: Row) -> list[str]:
    decision = listed["decision"]
    state = "待批准"
    if decision:
        done = "批准，已经销毁" if decision["approved"] else f"退回：{decision['reason']}"
        state = f"{decision['on']}由{decision['actor']}{done}"
    lines = [f"销毁清册{listed['list']}　{listed['on']}由{listed['proposed_by']}提出　{state}"]
    lines.append(f"  鉴定意见：{listed['opinion']}")
    lines += [
        f"  {row['number']}　{row['code']}　{row['period_title']}　保管至{row['kept_until']}"
        for row in listed["cases"]
    ]
    return [*lines, *(f"  {path}" for path in listed["papers"])]


@retention.command(
    cls=Command,
    short_help="批准销毁清册，随即销毁；批准人不能是提出人。",
    help=(
        "批准销毁清册（签发人，不能是提出人），随即销毁：封存的个人信息，申请材料、文书、附件的内容和副本全部删去，"
        "不能恢复；台账、哈希值和销毁证明永久保存，仍可核验。一件不能销毁的，全部不销毁。"
    ),
)
@click.argument("listed", metavar="清册编号")
@click.option("--yes", is_flag=True, help="不再询问")
@global_options
def approve(wishes: Wishes, listed: str, *, yes: bool) -> None:
    """Approve a list and destroy its cases."""
    with wishes.office() as office:
        if not (yes or wishes.as_json):
            printing.lines(_list_lines(office.destructions(listed)["lists"][0]))
            click.confirm("销毁后不能恢复。确定批准并销毁以上案卷吗？", abort=True)
        found = office.approve_destruction(listed, on=wishes.on)
    lines = [*_list_lines(found), f"已经销毁{len(found['cases'])}件；台账和销毁证明永久保存。"]
    if found["exported"]:
        lines.append("这些案件曾经导出到下列各处，其中的副本请一并销毁：")
        lines += [f"  {place}" for place in found["exported"]]
    lines.append("数据库和文件夹的备份中仍有这些内容的，也请一并处理。")
    _show(wishes, found, lines)


@retention.command(cls=Command, help="退回销毁清册：所列案件照旧保管，可以另行提出。")
@click.argument("listed", metavar="清册编号")
@click.option("--reason", required=True, metavar="理由", help="为何退回")
@global_options
def refuse(wishes: Wishes, listed: str, reason: str) -> None:
    """Send a list back."""
    with wishes.office() as office:
        found = office.refuse_destruction(listed, reason, on=wishes.on)
    _show(wishes, found, [line for one in found["lists"] for line in _list_lines(one)])


ALL: tuple[click.Command, ...] = (retention,)
