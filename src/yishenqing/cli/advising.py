"""The commands that help to answer: draft and advise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from yishenqing.articles import article
from yishenqing.cli import printing
from yishenqing.cli.commands import read_facts
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command

Row = Mapping[str, Any]
_FILE = click.Path(path_type=Path)
_WRITTEN = (".json", ".yaml", ".yml")  # what applications are written in; a case's number ends otherwise


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
@click.option(
    "--take", is_flag=True, help="将拟稿记入案卷（逐项认定、拟制答复），连同各句的来源；办理结果须由承办人指明"
)
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
        how = "指明办理结果后加" if found["chosen_by"]["by"] == "proposed" else "在同一命令后加"
        yield from _section(f"记入案卷的办法（或者{how} --take）", iter(found["acts"]))
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
        way = f" way={one['way']}" if one["way"] else ""
        yield f"{'→' if one['chosen'] else '·'} {place}{one['outcome']}{way}　{one['title']}"
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


@click.command(
    cls=Command,
    help="办理参考：案件编号——七步法，列出已知、尚缺和下一步；申请文件（登记之前）——像是申请、咨询、信访还是业务查询。",
)
@click.argument("target", metavar="案件编号或者申请文件")
@global_options
def advise(wishes: Wishes, target: str) -> None:
    """Advise on a case, or sort a new application."""
    new = Path(target).is_file() or Path(target).suffix in _WRITTEN
    with wishes.office_as_seen() as office:
        found = office.triage(Path(target)) if new else office.advise(target)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(_triage(found) if new else _advice(found))


def _triage(found: Row) -> Iterator[str]:
    mixed = "（各项不同，请分别处理）" if found["mixed"] else ""
    yield f"像是{found['title']}{mixed}（仅供参考，由办理的人认定）"
    for item in found["items"]:
        yield f"  第{item['item']}项　{item['title']}（{item['law']}）：{item['advice']}"
        for kind in item["kinds"]:
            yield f"      {kind['title']} {kind['score']}分　{'、'.join(kind['matched']) or '（没有相应的字样）'}"
        if item["vague"]:
            yield f"      用词可能不明确：{'、'.join(item['vague'])}（{article('clear_content')}）"
    yield from _section("登记时会提示", (f"{w['text']}（{w['law']}）" for w in found["warnings"]))
    yield from _section("分办参考", (t.strip() for t in printing.routes(found["routing"])))
    near = (f"第{p['item']}项　{p['id']}　{p['title']}" for p in found["precedents"])
    yield from _section("相近案例（ysq precedent show 编号）", near)
    yield from _section("说明", iter(found["notes"]))


def _advice(found: Row) -> Iterator[str]:
    yield f"案件 {found['number']}　{found['state_title']}　办理参考（由办理的人决定）"
    for n, step in enumerate(found["steps"], 1):
        yield ""
        yield f"{n}. {step['title']}　【{step['state_title']}】　{step['asks']}（{step['law']}）"
        yield from (f"   · {text}" for text in step["known"])
        yield from (f"   ？{text}" for text in step["missing"])
        yield from (f"   → {text}" for text in step["next"])
    yield from _section("已经不成立（拟稿之后案件有变化）", _stale(found))
    yield from _section("说明", iter(found["notes"]))


ALL: tuple[click.Command, ...] = (draft, advise)
