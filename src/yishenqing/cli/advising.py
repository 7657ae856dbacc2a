"""The commands that help to answer: draft and advise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.commands import read_facts
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command

Row = Mapping[str, Any]
_FILE = click.Path(path_type=Path)


@click.command(
    cls=Command,
    help="拟制答复：列出可能的办理结果及其支持、反对的案例，写出答复，每句注明来源；不写入案卷（--take 除外）。",
)
@click.argument("case", metavar="案件编号")
@click.argument("facts", nargs=-1, metavar="[事实=内容]…")
@click.option("--outcome", metavar="办理结果", help="按哪种办理结果拟稿（如 granted）；逐项指定的写作 1.outcome=…")
@click.option("--use", multiple=True, metavar="案例编号", help="核实后采用该案例的说理（可以写几次）")
@click.option(
    "--write", is_flag=True, help="请本机关设置的模型试写说理（office.yaml 的 models.writing），须由承办人核实"
)
@click.option("--take", is_flag=True, help="将拟稿记入案卷（逐项认定、拟制答复），连同各句的来源")
@click.option("--html", "target", type=_FILE, metavar="文件", help="另存为网页：左为文书，右为各句的来源")
@global_options
def draft(
    wishes: Wishes,
    case: str,
    facts: tuple[str, ...],
    outcome: str | None,
    use: tuple[str, ...],
    target: Path | None,
    *,
    write: bool,
    take: bool,
) -> None:
    """Draft the reply."""
    with wishes.office() as office:
        found = office.draft(case, outcome, read_facts(facts), use=use, write=write, take=take, on=wishes.on)
        if target is not None:
            found = office.draft_page(found, target)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(_draft(found))


def _draft(found: Row) -> Iterator[str]:
    yield f"《{found['title']}》（草稿）　办理结果：{found['outcome_title']}（{found['chosen_by']['title']}）"
    yield ""
    for sentence in found["sentences"]:
        yield f"  {sentence['text']}"
        yield f"      —— {'；'.join([sentence['from'], *sentence.get('basis', [])])}"
    yield from _section("已经不成立（拟稿之后案件有变化）", _stale(found))
    yield from _section("与此前答复不同，请核对", _differing(found))
    yield from _section("还需由承办人填写", (f"{m['field']}　{m['title']}" for m in found["missing"]))
    yield from _section("须先办理", _unmet(found))
    yield from _section("划去的话（不写入文书）", (f"{s['text']}　×{s['why']}" for s in found["struck"]))
    yield from _inspection(found)
    yield from _section("可能的办理结果（由承办人决定）", _candidates(found))
    yield from _section("案例中可参考的表述（采用前须核实）", _suggestions(found))
    yield from _section("相近案例", _precedents(found))
    yield from _section("说明", iter(found["notes"]))
    if found["taken"]:
        yield from ("", "已记入案卷。")
    elif found["acts"]:
        yield from _section("记入案卷的办法（或者在同一命令后加 --take）", iter(found["acts"]))
    if "path" in found:
        yield from ("", f"网页：{found['path']}")


def _section(head: str, texts: Iterator[str]) -> Iterator[str]:
    known = list(texts)
    if known:
        yield from ("", head, *(f"  {t}" for t in known))


def _stale(found: Row) -> Iterator[str]:
    for one in found["stale"]:
        if one["was"]:
            yield f"× {one['was']}"
            yield f"　现为：{one['text'] or '（不再写明）'}　因为：{'、'.join(one['because'])}"
        else:
            yield f"× {one['text']}（{'、'.join(one['because'])}）"


def _differing(found: Row) -> Iterator[str]:
    for one in found["differing"]:
        yield f"！{one['text']}（{one['law']}）"
        yield f"　{one['advice']}"


def _unmet(found: Row) -> Iterator[str]:
    for one in found["unmet"]:
        yield f"{one['text']}（{one['law']}）"
        if one["command"]:
            yield f"　{one['command']}"


def _inspection(found: Row) -> Iterator[str]:
    if found["faults"] is None:
        return
    for title, mark, findings in (("错误", "×", found["faults"]), ("提示", "！", found["warnings"])):
        texts = (
            f"{mark} {f['title']}（{f['check']}）：{f['text']}（{f['law']}）。办法：{f['advice']}" for f in findings
        )
        yield from _section(f"发出前的检查：{len(findings)}处{title}", texts)
    if not found["faults"] and not found["warnings"]:
        yield from ("", "发出前的检查：没有发现问题")


def _candidates(found: Row) -> Iterator[str]:
    for one in found["candidates"]:
        place = f"第{one['item']}项　" if one["item"] else ""
        yield f"{'→' if one['chosen'] else '·'} {place}{one['outcome']}{' way=' + one['way'] if one['way'] else ''}　{one['title']}"
        for hint in one["hints"]:
            words = f"：{'、'.join(hint['matched'])}" if hint["matched"] else ""
            yield f"　　{hint['why']}（{hint['law']}）{words}"
        for how in ("for", "against"):
            yield from (f"　　［{p['bearing']}］{p['id']}　{p['title']}（{p['fate']}）" for p in one[how])
        if one["risk"]["corrected"]:
            yield f"　　！{one['risk']['text']}"


def _suggestions(found: Row) -> Iterator[str]:
    for one in found["suggestions"]:
        name = one["source"].partition(":")[2]
        asks = (
            f"　采用前核实：{one['asks']}；核实后加 --use {name}" if one.get("asks") else "　采用的写入 reasoning=…"
        )
        yield f"{one['text']}（案例 {name}）{asks}"
        yield from (f"　×{doubt}，不能照搬" for doubt in one.get("doubts") or ())


def _precedents(found: Row) -> Iterator[str]:
    for one in found["precedents"]:
        place = f"（第{one['item']}项）" if one["item"] else ""
        yield f"［{one['bearing']}］{one['id']}　{one['title']}（{one['fate']}）{place}"
        yield f"　　{one['holding']}"
        if one["law_note"]:
            yield f"　　{one['law_note']}"


ALL: tuple[click.Command, ...] = (draft,)
