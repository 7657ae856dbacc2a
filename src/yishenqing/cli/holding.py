"""The commands of the register of holdings, of proposals to disclose, and of recognition."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import click

from yishenqing.cli.known import (
    assessment_line,
    due_lines,
    history_lines,
    holding_line,
    imported_lines,
    proposal_lines,
)
from yishenqing.cli.options import Day, Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command, Group

_FILE = click.Path(path_type=Path)


@click.group(cls=Group, help="公文公开属性登记簿：导入、检索、评估审查（条例第十八条）。")
@global_options
def holdings(_wishes: Wishes) -> None:
    """Group the register's commands."""


@holdings.command("import", cls=Command, help="导入公文清单（CSV、JSON Lines、XLSX；有一处错误就全部不导入）。")
@click.argument("file", type=_FILE, metavar="文件")
@global_options
def import_file(wishes: Wishes, file: Path) -> None:
    """Take a list into the register."""
    from yishenqing.holdings import read_customs

    with wishes.office() as office:
        found = office.import_holdings(file)
        headings = {name: known[0] for name, known in read_customs(office.home).headings.items()}
    _show(wishes, found, imported_lines(found, headings))


@holdings.command("search", cls=Command, help="按文号、标题检索登记簿。")
@click.argument("text", metavar="检索词")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, metavar="条数", help="最多几条")
@global_options
def search(wishes: Wishes, text: str, limit: int) -> None:
    """Search the register."""
    with wishes.office() as office:
        found = office.search_holdings(text, limit)
    lines = [f"{holding_line(h)}　［{h['how']}］" for h in found["holdings"]]
    _show(wishes, found, lines or ["登记簿中没有；这不等于信息不存在。"])


@holdings.command("list", cls=Command, help="列出登记簿的全部公文，或者某一种公开属性的。")
@click.option("--attribute", metavar="公开属性", help="只列这一种：主动公开、依申请公开、不予公开")
@global_options
def list_holdings(wishes: Wishes, attribute: str | None) -> None:
    """List the register."""
    with wishes.office() as office:
        found = office.holdings(attribute)
    _show(wishes, found, [holding_line(h) for h in found["holdings"]] or ["登记簿中没有这样的公文。"])


@holdings.command("show", cls=Command, help="查看登记簿的一件公文：历次登记和评估审查。")
@click.argument("identifier", type=click.IntRange(min=1), metavar="登记簿号")
@global_options
def show(wishes: Wishes, identifier: int) -> None:
    """Show one document."""
    with wishes.office() as office:
        found = office.holding(identifier)
    _show(wishes, found, history_lines(found))


@holdings.command("due", cls=Command, help="列出到了评估审查之日的不予公开信息：登记簿的公文和已办结的案件。")
@click.option("--all", "everything", is_flag=True, help="连同尚未到期的")
@global_options
def due(wishes: Wishes, *, everything: bool) -> None:
    """Show what is to be assessed again."""
    with wishes.office_as_seen() as office:
        found = office.holdings_due(everything=everything)
    _show(wishes, found, due_lines(found))


@holdings.command(
    "assess", cls=Command, help="记录评估审查的结论，如：ysq holdings assess 12 --kept --reason 情形未变"
)
@click.argument("subject", metavar="登记簿号或者案件编号")
@click.option("--kept", "decision", flag_value="kept", help="维持不予公开")
@click.option("--opened", "decision", flag_value="opened", help="予以公开")
@click.option("--attribute", metavar="公开属性", help="登记簿的公文予以公开的，改为主动公开还是依申请公开")
@click.option("--reason", required=True, metavar="理由", help="结论的理由")
@click.option("--next", "next_on", type=Day(), metavar="日期", help="下一次评估审查之日（默认按机关的间隔）")
@global_options
def assess(
    wishes: Wishes,
    subject: str,
    decision: Literal["kept", "opened"] | None,
    attribute: str | None,
    reason: str,
    next_on: date | None,
) -> None:
    """Record a re-assessment."""
    if decision is None:
        raise click.UsageError("请写明结论：--kept（维持不予公开）或者 --opened（予以公开）。")
    what: int | str = int(subject) if subject.isascii() and subject.isdecimal() else subject
    with wishes.office() as office:
        found = office.assess(what, decision, reason, attribute=attribute, next_on=next_on, on=wishes.on)
    _show(wishes, found, [f"已记录第{found['n']}次评估审查：{assessment_line(found)}"])


@click.group(
    cls=Group,
    invoke_without_command=True,
    help="列出待决定的转主动公开建议及其案件（条例第四十四条）；decide 决定一项。",
)
@click.option("--all", "everything", is_flag=True, help="连同已经决定的")
@global_options
def proposals(wishes: Wishes, *, everything: bool) -> None:
    """List proposals; a command of the group does something about one."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    with wishes.office() as office:
        found = office.proposals(everything=everything)
    _show(wishes, found, proposal_lines(found))


@proposals.command(
    "decide", cls=Command, help="决定一项建议，如：ysq proposals decide 1 --decline --reason 涉及个人隐私"
)
@click.argument("identifier", type=click.IntRange(min=1), metavar="建议号")
@click.option("--open", "decision", flag_value="open", help="转为主动公开（须写公开范围）")
@click.option("--decline", "decision", flag_value="decline", help="不转为主动公开")
@click.option("--scope", default="", metavar="范围", help="公开范围，如：全文在门户网站公开")
@click.option("--reason", required=True, metavar="理由", help="决定的理由")
@global_options
def decide(
    wishes: Wishes, identifier: int, decision: Literal["open", "decline"] | None, scope: str, reason: str
) -> None:
    """Decide a proposal."""
    if decision is None:
        raise click.UsageError("请写明决定：--open（转为主动公开）或者 --decline（不转为主动公开）。")
    with wishes.office() as office:
        found = office.decide_proposal(identifier, decision, reason, scope=scope, on=wishes.on)
    _show(wishes, found, proposal_lines({"proposals": [found]}))


@click.group(cls=Group, help="登记时的识别：重建索引、更换密钥。")
@global_options
def recognition(_wishes: Wishes) -> None:
    """Group the commands of recognition."""


@recognition.command("rebuild", cls=Command, help="重建识别索引（全部案件重新录入索引，不改动任何记录）。")
@click.option("--new-key", is_flag=True, help="换用新的密钥，旧密钥在完成后删除")
@global_options
def rebuild(wishes: Wishes, *, new_key: bool) -> None:
    """Enter all cases anew."""
    with wishes.office() as office:
        found = office.rebuild_recognition(new_key=new_key)
    _show(wishes, found, [f"已重建识别索引：{found['cases']}件案件。"])


ALL: tuple[click.Command, ...] = (holdings, proposals, recognition)
