"""The commands of the platform: agencies, failures, the move to PostgreSQL."""

from __future__ import annotations

from typing import Any

import click

from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.printing import show
from yishenqing.cli.speaking import Command, Group
from yishenqing.core.errors import IntegrityFault
from yishenqing.core.ledger import in_china


@click.group(cls=Group, help="同一数据库中的机关：登记、查看上下级。")
@global_options
def agency(_wishes: Wishes) -> None:
    """Group the commands about agencies."""


@agency.command("add", cls=Command, help="登记本机关的下级机关，或者确定机关的上级（须有监督岗）。")
@click.argument("code", metavar="机关代码")
@click.option("--name", default="", metavar="名称", help="机关名称（新登记的必填）")
@click.option("--superior", default="", metavar="机关代码", help="上级机关（默认本机关）")
@global_options
def agency_add(wishes: Wishes, code: str, name: str, superior: str) -> None:
    """Enter an agency."""
    with wishes.office() as office:
        found = office.add_agency(code, name, superior)
    changed = [f"　{text}" for text in found["changed"]]
    show(wishes, found, ["有改动：" if changed else "没有改动。", *changed, *_agency_lines(found)])


@agency.command("list", cls=Command, help="列出本机关、上级机关和全部下级机关。")
@global_options
def agency_list(wishes: Wishes) -> None:
    """List the agencies below this one."""
    with wishes.office() as office:
        found = office.agencies()
    show(wishes, found, _agency_lines(found))


def _agency_lines(found: dict[str, Any]) -> list[str]:
    above = found["superior"]
    depth: dict[str | None, int] = {}
    lines = [f"上级机关：{above['name']}（{above['agency']}）"] if above else []
    for row in found["agencies"]:
        depth[row["agency"]] = depth.get(row["superior"], -1) + 1
        lines.append(f"{'　' * depth[row['agency']]}{row['name']}（{row['agency']}）")
    return lines


@click.command(cls=Command, help="列出未能办成的事项和原因：检查不了的案件、送不到的提醒、发不出的事项；从不删除。")
@click.option("--all", "over", is_flag=True, help="包括已经恢复的")
@global_options
def failures(wishes: Wishes, *, over: bool) -> None:
    """List what failed and why."""
    with wishes.office() as office:
        found = office.failures(over=over)
    lines = [_case_line(row) for row in found["cases"]]
    lines += [
        f"给{row['to']}的{row['channel_title']}未能送达，已试{row['attempts']}次：{row['error']}"
        f"（{minute(row['next_try'])}后再试）"
        for row in found["messages"]
    ]
    lines += [unsent_line(row) for row in found["exchange"]]
    show(wishes, found, lines or ["没有未办成的事项。"])


def unsent_line(row: dict[str, Any]) -> str:
    """Return on one line what of a case could not be sent to a receiver, and what happens next."""
    text = f"案件{row['number']}的事项未能发给“{row['receiver']}”，已试{row['attempts']}次：{row['last_error']}"
    if row["given_up_at"] is None:
        return f"{text}（{minute(row['next_try'])}后再试）"
    return f"{text}（{minute(row['given_up_at'])}停止；排除后运行 ysq exchange resend {row['number']}）"


def _case_line(row: dict[str, Any]) -> str:
    over = f"，{minute(row['over_at'])}已恢复" if row["over_at"] else ""
    since = f"自{minute(row['first_at'])}起，共{row['times']}次{over}"
    return f"案件{row['number']}：{row['text']}（{since}）"


def minute(instant: str) -> str:
    """Return an instant as an office reads it, in China's time."""
    return f"{in_china(instant):%Y-%m-%d %H:%M}"


@click.command(
    "move-database",
    cls=Command,
    help="把本机关的数据库（SQLite）迁到 PostgreSQL：逐条核对后切换；中断的，再次运行即可接着迁。",
)
@click.option("--to", required=True, metavar="地址", help="postgresql+psycopg://用户@主机/库名（不含口令）")
@global_options
def move_database(wishes: Wishes, to: str) -> int:
    """Move the database to PostgreSQL."""
    from yishenqing.office.relocating import move_database as move

    said: set[str] = set()

    def told(table: str, done: int, count: int) -> None:
        if done == count and table not in said and not wishes.as_json:
            said.add(table)
            click.echo(f"　{table}　{count}行", err=True)

    found = move(wishes.folder, to, told)
    if not found["moved"]:
        show(wishes, found, [f"此前已迁到 {found['database']}；尚未编完的检索索引已经编完。"])
        return 0
    others = ["　提示：库中的其他机关各运行一次 ysq upgrade，检索索引才会编入。"] * (len(found["agencies"]) > 1)
    lines = [
        f"已迁到 {found['database']}：{len(found['agencies'])}个机关，{found['rows']}行逐条核对一致。",
        *others,
        f"原数据库未作改动，已停用：{found['source']}（标记：{found['mark']}）",
        *(f"　提示：迁移前即已不符　{fault}" for fault in found["faults"]),
    ]
    show(wishes, found, lines)
    return IntegrityFault.exit_code if found["faults"] else 0


ALL: tuple[click.Command, ...] = (agency, failures, move_database)
