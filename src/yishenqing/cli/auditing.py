"""The commands of audit: checkpoints, verification of the whole office, who saw what, a sample for peer review."""

from __future__ import annotations

from pathlib import Path

import click

from yishenqing.cli.archiving import names_folder, progress, said, said_whole
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command, Group
from yishenqing.core.ledger import in_china

_FILE = click.Path(path_type=Path)
_ACTS = {
    "read": "查看",
    "print": "取文书、打印",
    "export": "导出",
    "search": "检索",
    "sample": "抽样",
    "key": "加密、更换密钥",
}


@click.group(cls=Group, help="审计：检查点、全面核验、谁看过什么、评查抽样。")
@global_options
def audit(_wishes: Wishes) -> None:
    """Group the audit commands."""


@audit.command(
    "checkpoint",
    cls=Command,
    short_help="为全部案卷做一个签名的检查点，打印一行记入会议纪要。",
    help=(
        "为全部案卷和查阅记录做一个检查点：编号、前后相链、用机关的密钥签名（首次运行时自动制作密钥）。"
        "打印出的一行请记入会议纪要或者交上级机关留存，日后可以据此核对。--list 列出已有的检查点。"
    ),
)
@click.option("--new-key", is_flag=True, help="密钥确已丢失的，另制一把")
@click.option("--list", "listed", is_flag=True, help="只列出已有的检查点")
@global_options
def checkpoint(wishes: Wishes, *, new_key: bool, listed: bool) -> None:
    """Make a checkpoint."""
    with wishes.office() as office:
        if listed:
            known = office.checkpoints()
            lines = [row["line"] for row in known["checkpoints"]]
            _show(wishes, known, lines or ["还没有检查点。"])
            return
        found = office.checkpoint(new_key=new_key)
    lines = ["请将下面一行记入会议纪要，或者交上级机关留存：", found["line"], f"签名公钥：{found['key']}"]
    _show(wishes, found, [*lines, f"本次新固定{found['added']}处。"])


@audit.command(
    "verify",
    cls=Command,
    short_help="核验全部案卷，或者一个卷宗文件夹（不需要数据库）。",
    help=(
        "核验本机关的全部案卷：记录链、末条记录、封存值、附件、文书、登记、查阅记录、检查点及其签名。"
        "写卷宗文件夹的，只核验该文件夹，不需要数据库；写案件编号的，只核验该案。"
    ),
)
@click.argument("target", required=False, metavar="[卷宗文件夹或者案件编号]")
@click.option("--minutes", default="", metavar="文字", help="会议纪要等处记载的检查点，一并核对")
@global_options
def verify(wishes: Wishes, target: str | None, minutes: str) -> None:
    """Verify the office, or a package."""
    if target is not None and names_folder(wishes, target):
        from yishenqing.archive import ended_in
        from yishenqing.office.verifying import package_faults

        said_whole(wishes, target, package_faults(Path(target), minutes), lambda: ended_in(Path(target)))
        return
    with wishes.office() as office, progress("正在核验", silent=wishes.as_json) as told:
        if target is not None:
            said_whole(wishes, target, office.verify(target), lambda: office.ended(target))
            return
        found = office.audit(minutes, told)
    counted = {name: found[name] for name in ("cases", "destroyed", "entries", "reads", "checkpoints")}
    ended = f"（其中{found['destroyed']}件已依法销毁，只存台账和销毁证明）" if found["destroyed"] else ""
    text = (
        f"核验通过：案件{found['cases']}件{ended}、记录{found['entries']}条、查阅记录{found['reads']}条、"
        f"检查点{found['checkpoints']}个，没有改动。"
    )
    lines = (
        [text]
        if found["checkpoints"]
        else [text, "还没有检查点，整件删除、截去末尾等改动无从发现；请运行 ysq audit checkpoint。"]
    )
    said(wishes, found["faults"], counted, lines)


@audit.command(cls=Command, help="谁看过什么：一件案件的，或者全部的查看、检索、打印、导出。")
@click.argument("case", required=False, default="", metavar="[案件编号]")
@global_options
def reads(wishes: Wishes, case: str) -> None:
    """Say who saw what."""
    with wishes.office() as office:
        found = office.reads(case)
    lines = []
    for row in found["reads"]:
        rehearsal = "　【演练】" if row["rehearsal"] else ""
        act = _ACTS.get(row["act"], row["act"])
        parts = [f"{in_china(row['at']):%Y-%m-%d %H:%M:%S}", row["actor"], act, row["number"], row["detail_title"]]
        lines.append("　".join(part for part in parts if part) + rehearsal)
    if found["waiting"]:
        lines.append("另有查阅记录尚待记入数据库（数据库暂时不能写入）。")
    _show(wishes, found, lines or ["没有查阅记录。"])


@audit.command(
    cls=Command, help="评查抽样：从一年立案的案件中随机抽取，写出评分表（XLSX）；同一种子、同样的案件，抽取结果相同。"
)
@click.option("--year", type=int, required=True, metavar="年份", help="抽哪一年立案的")
@click.option("--n", "count", type=click.IntRange(1, 10000), required=True, metavar="件数", help="抽几件")
@click.option("--seed", required=True, metavar="种子", help="抽样的种子，如评查当日公布的号码")
@click.option("--to", "target", type=_FILE, metavar="文件", help="评分表写到哪里（默认机关文件夹的 audit 之下）")
@global_options
def sample(wishes: Wishes, year: int, count: int, seed: str, target: Path | None) -> None:
    """Draw a sample."""
    with wishes.office() as office:
        found = office.sample(year, count, seed, target)
    lines = [f"从{year}年的{found['of']}件中抽取{len(found['cases'])}件（种子“{seed}”）：", *found["cases"]]
    _show(wishes, found, [*lines, f"评分表：{found['path']}"])


@audit.command(
    cls=Command,
    short_help="已公开文书的复查：列出疑似的个人信息。",
    help=(
        "已公开文书的复查：已经发出的文书、提供的文件、案例库，每季度重新扫描有无证件号码、电话、银行账号、车牌号，"
        "由 ysq run（或者 ysq tick）分批自动做；--scan 立即做完本季度的。列出尚待处理的所见，--all 列出全部。"
    ),
)
@click.option("--scan", is_flag=True, help="立即做完本季度的复查")
@click.option("--all", "everything", is_flag=True, help="连同已经处理的一并列出")
@global_options
def released(wishes: Wishes, *, scan: bool, everything: bool) -> None:
    """List what was found in released papers."""
    with wishes.office() as office:
        if scan:
            office.scan_released()
        found = office.released(everything=everything)
    turn = found["scan"]
    if turn is None:
        lines = [f"{found['turn']}季度的复查还没有开始；由 ysq run 自动做，或者运行 ysq audit released --scan。"]
    else:
        done = "已经完成" if turn["finished_at"] else "正在进行"
        unread = f"，其中{turn['unread']}份读不出文字（图片、扫描件），请人工查看" if turn["unread"] else ""
        lines = [f"{turn['turn']}季度的复查{done}：已查{turn['papers']}份{unread}。"]
    for row in found["finds"]:
        lines.append(f"  {row['find']}　{row['source_title']}　{row['ref']}　{row['title']}")
        lines.append(f"      {row['kind_title']}：{row['excerpt']}")
        if row["decision"]:
            lines.append(f"      {row['decided_on']}　{row['decided_by']}　{row['decision_title']}：{row['reason']}")
    if not found["finds"]:
        lines.append("没有尚待处理的所见。" if not everything else "没有所见。")
    elif not everything:
        lines.append("逐处处理：ysq audit settle 编号 已处理|误报 --reason 理由")
    _show(wishes, found, lines)


@audit.command(cls=Command, help="处理复查所见：已处理（更正、收回、遮盖）或者误报，写明理由。")
@click.argument("find", type=click.IntRange(min=1), metavar="编号")
@click.argument("decision", metavar="已处理|误报")
@click.option("--reason", required=True, metavar="理由", help="怎样处理的，或者为何是误报")
@global_options
def settle(wishes: Wishes, find: int, decision: str, reason: str) -> None:
    """Decide of a find."""
    with wishes.office() as office:
        found = office.settle_find(find, decision, reason, on=wishes.on)
    _show(wishes, found, [f"第{find}处：{found['decision_title']}（{found['reason']}）"])


ALL: tuple[click.Command, ...] = (audit,)
