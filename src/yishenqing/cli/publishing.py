"""The commands by which a closed case becomes a precedent, and by which the library is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.commands import read_facts
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command
from yishenqing.core.ledger import in_china

_FILE = click.Path(path_type=Path)
Row = Mapping[str, Any]


@click.command(
    "publish", cls=Command, help="把办结的案件做成案例：遮盖个人信息，提交法制人员审核；不写案号则列出待审核的。"
)
@click.argument("case", required=False, metavar="[案件编号]")
@click.argument("texts", nargs=-1, metavar="[项目=内容]…")
@global_options
def publish(wishes: Wishes, case: str | None, texts: tuple[str, ...]) -> None:
    """Propose a precedent."""
    with wishes.office() as office:
        if case is None:
            found = office.proposed_precedents()
            _show(wishes, found, _waiting(found))
        else:
            found = office.propose_precedent(case, read_facts(texts), on=wishes.on)
            _show(wishes, found, _proposed(found))


@click.command(
    "review", cls=Command, help="审核案例文稿：--approve 审核通过并发布，--return 退回；不写结论则查看文稿。"
)
@click.argument("case", metavar="案件编号")
@click.option("--approve", "approve", flag_value=True, default=None, help="审核通过，即行发布")
@click.option("--return", "approve", flag_value=False, help="退回（须写理由）")
@click.option("--mask", multiple=True, metavar="原文", help="另行遮盖的姓名、号码等，可以写几次")
@click.option("--keep", multiple=True, metavar="原文", help="认定不是个人信息的，可以写几次")
@click.option("--reason", default="", metavar="理由", help="审核意见；退回的必须写")
@global_options
def review(
    wishes: Wishes, case: str, mask: tuple[str, ...], keep: tuple[str, ...], reason: str, *, approve: bool | None
) -> None:
    """Review a proposed precedent."""
    if approve is None and (mask or keep or reason):
        raise click.UsageError("请写明结论：--approve（审核通过并发布）或者 --return（退回）。")
    with wishes.office() as office:
        if approve is None:
            (waiting,) = office.proposed_precedents(case)["proposals"]
            _show(wishes, waiting, _proposed(waiting))
            return
        found = office.review_precedent(case, approve=approve, reason=reason, mask=mask, keep=keep, on=wishes.on)
    _show(wishes, found, _reviewed(found))


@click.command("withdraw", cls=Command, help="撤下一个案例；--erase 连同历次版本的文字一并销毁（遮盖有遗漏时用）。")
@click.argument("name", metavar="案例编号")
@click.option("--reason", required=True, metavar="理由", help="撤下的理由")
@click.option("--erase", is_flag=True, help="销毁历次版本的文字，只留摘要值和办理记录")
@global_options
def withdraw(wishes: Wishes, name: str, reason: str, *, erase: bool) -> None:
    """Take a precedent out of the library."""
    with wishes.office() as office:
        found = office.withdraw_precedent(name, reason, erase=erase, on=wishes.on)
    said = "，历次版本的文字已销毁" if found["erased"] else "，历次版本仍可用 ysq precedent history 查看"
    _show(wishes, found, iter([f"已撤下案例{name}{said}。"]))


@click.command("history", cls=Command, help="查看一个案例的历次版本和办理记录：谁提出、谁审核、结局何时变化。")
@click.argument("name", metavar="案例编号")
@global_options
def history(wishes: Wishes, name: str) -> None:
    """Show the versions of a precedent."""
    with wishes.office() as office:
        found = office.precedent_history(name)
    _show(wishes, found, _history(found))


@click.command("use", cls=Command, help="记下某件的答复稿采用了哪些案例，供统计案例是否有用。")
@click.argument("case", metavar="案件编号")
@click.argument("names", nargs=-1, required=True, metavar="案例编号…")
@global_options
def use(wishes: Wishes, case: str, names: tuple[str, ...]) -> None:
    """Note which precedents a draft used."""
    with wishes.office() as office:
        found = office.use_precedents(case, names)
    _show(wishes, found, iter([f"已记下：{case}的答复稿采用了案例{'、'.join(found['used'])}。"]))


@click.command("export", cls=Command, help="把案例写成 JSONL 文件，供其他机关导入，如：--level city")
@click.argument("file", type=_FILE, metavar="文件")
@click.option("--level", default="", metavar="层级", help="只写这一层级：own 本机关，city 市级（省级）共享")
@global_options
def export(wishes: Wishes, file: Path, level: str) -> None:
    """Write precedents to a file."""
    with wishes.office() as office:
        found = office.export_precedents(file, level)
    _show(wishes, found, iter([f"已写出{found['precedents']}个案例：{found['path']}"]))


@click.command(
    "report",
    cls=Command,
    help="分析一年的申请和案例库：热点领域、相近申请（转主动公开、培训的线索）、案例的使用情况。",
)
@click.option("--year", type=click.IntRange(2008, 2100), metavar="年份", help="哪一年收到的申请（默认今年）")
@global_options
def report(wishes: Wishes, year: int | None) -> None:
    """Survey a year."""
    with wishes.office() as office:
        found = office.precedent_report(year)
    _show(wishes, found, _report(found))


def _waiting(found: Row) -> Iterator[str]:
    if not found["proposals"]:
        yield "没有待审核的案例。"
    for one in found["proposals"]:
        doubts = f"，{len(one['doubts'])}处待认定" if one["doubts"] else ""
        yield f"{one['number']}　{one['record']['title']}　{one['proposed_by']} {one['on']} 提出{doubts}"


def _proposed(found: Row) -> Iterator[str]:
    record = found["record"]
    yield f"案例文稿{found['id']}（来自{found['number']}，尚未发布）"
    for name, key in (("标题", "title"), ("案情", "facts"), ("申请内容", "request"), ("要旨", "holding")):
        yield f"  {name}：{record[key]}"
    yield f"  依据：{'、'.join(record['legal_basis'])}"
    counts = "、".join(f"{kind}{n}处" for kind, n in found["counts"].items())
    yield f"已遮盖：{counts}" if counts else "没有需要遮盖的内容。"
    yield from (f"  {place['kind']}：{place['text']} → {place['by']}" for place in found.get("masked", ()))
    if found["doubts"]:
        yield "仍像个人信息，由审核人逐一认定（--mask 遮盖，--keep 保留）"
        yield from (f"  {d['text']}（{d['kind']}）：…{d['around']}…" for d in found["doubts"])
    yield f"下一步：法制人员审核，ysq precedent review {found['number']} --approve（或者 --return --reason 理由）"


def _reviewed(found: Row) -> Iterator[str]:
    if found["state"] == "returned":
        yield f"已退回，理由：{found['reason']}。修改后再用 ysq precedent publish {found['number']} 提出。"
        return
    yield f"已发布案例{found['id']}（{'新案例' if found['new'] else '更新原案例'}）。"
    yield from printing.precedent_lines(found["record"])


_ACTS = {
    "proposed": "提出",
    "returned": "退回",
    "published": "审核通过并发布",
    "withdrawn": "撤下",
    "fate": "案件结果写入",
}


def _history(found: Row) -> Iterator[str]:

    yield f"{found['id']}　共{len(found['versions'])}个版本"
    for one in found["versions"]:
        text = one["record"]["title"] if one["record"] else "（文字已销毁）"
        # Whatever day a rehearsal plays, its version was written down on this one.
        written = in_china(one["recorded_at"]).date()
        yield f"  第{one['version']}版　录入于{written}{_rehearsed(one)}　{one['source']}　{one['actor']}　{text}"
    for one in found["acts"]:
        reason = one["detail"].get("reason") or one["detail"].get("fate") or ""
        same = "（与提出人为同一人）" if one["detail"].get("same_person") else ""
        said = f"{_ACTS.get(one['act'], one['act'])}　{one['actor']}{same}"
        yield f"  {one['on']}{_rehearsed(one)}　{said}　{reason}".rstrip()


def _rehearsed(one: Row) -> str:
    return "【演练】" if one["rehearsal"] else ""


def _report(found: Row) -> Iterator[str]:
    yield f"{found['year']}年收到申请{found['cases']}件，申请内容{found['requests']}项"
    yield ""
    yield "热点领域（一项可以归入几个领域）"
    yield from (f"  {f['field']}　{f['requests']}项{_answers(f)}" for f in found["fields"])
    yield ""
    yield "相近的申请"
    for n, topic in enumerate(found["topics"], start=1):
        yield f"  {n}. {topic['topic']}　{topic['requests']}项，{topic['applicants']}个申请人{_answers(topic)}"
        yield f"      例：{topic['example']}"
        yield from (f"      ★ {advice}" for advice in topic["advice"])
    if not found["topics"]:
        yield "  没有内容相近的申请。"
    yield ""
    yield from _library(found["library"], found["uses"])


def _answers(found: Row) -> str:
    outcomes = "、".join(f"{title}{n}" for title, n in found["outcomes"].items())
    said = f"（{outcomes}）" if outcomes else ""
    return f"{said}　被纠正{found['overturned']}件" if found["overturned"] else said


def _library(library: Row, uses: list[Row]) -> Iterator[str]:
    yield (
        f"案例库　{library['precedents']}个案例：被纠正{library['overturned']}，维持{library['maintained']}，"
        f"依旧法裁判{library['old_law']}"
    )
    yield "案例的使用（检索到、打开、拟稿采用；采用后答复的结局）"
    for one in uses:
        lasted = f"，其中未被纠正{one['survived']}、被纠正{one['overturned']}" if one["cases"] else ""
        used = f"{one['shown']}、{one['opened']}、{one['drafted']}"
        yield f"  {one['id']}　{one['title']}　{used}{lasted}"
    if not uses:
        yield "  本年还没有使用过案例。"


ALL: tuple[click.Command, ...] = (publish, review, withdraw, history, use, export, report)
