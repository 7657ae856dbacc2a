"""The commands of the precedent library (案例库)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yishenqing.cli import printing, publishing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.searching import filters, wanted
from yishenqing.cli.speaking import Command, Group
from yishenqing.core.plain import plain_of

_FILE = click.Path(path_type=Path)
_HOW_MANY = click.option(
    "--limit", type=click.IntRange(1, 1000), default=10, show_default=True, metavar="条数", help="最多几条"
)


@click.group(cls=Group, help="案例库：检索、查看、导入、发布本机关案例、分析、评测。")
@global_options
def precedent(_wishes: Wishes) -> None:
    """Group the library's commands."""


@precedent.command("search", cls=Command, help="检索案例，如：ysq precedent search 会议纪要能否以过程性信息拒绝")
@click.argument("text", required=False, metavar="[检索词]")
@click.option("--queries", type=_FILE, metavar="文件", help="JSONL 文件，每行一个检索（id、text）")
@_HOW_MANY
@filters
@global_options
def search(wishes: Wishes, text: str | None, queries: Path | None, limit: int, **given: Any) -> None:
    """Search the library."""
    narrowed = wanted(given)
    if (text is None and not narrowed) == (queries is None):
        raise click.UsageError("请给出检索词，或者用 --queries 指定检索文件（二者择一）。")
    if queries is not None and narrowed:
        raise click.UsageError("用 --queries 检索时不能再限定结果、条文、主题、机关、年份。")
    with wishes.office() as office:
        if queries is not None:
            found = office.precedent_batch(queries, limit)
        else:
            found = office.precedents(text or "", limit, narrowed)
    if wishes.as_json or queries is not None:
        printing.document(found)
    else:
        printing.lines(printing.match_lines(found["matches"]) or ["没有找到相近的案例。"])
        printing.lines(found.get("notes", ()))


@precedent.command("show", cls=Command, help="查看一个案例。")
@click.argument("name", metavar="案例编号")
@global_options
def show(wishes: Wishes, name: str) -> None:
    """Show one precedent."""
    with wishes.office() as office:
        found = office.precedent(name)
    if wishes.as_json:
        printing.document(plain_of(found))
    else:
        printing.lines(printing.precedent_lines(found.as_json()))


@precedent.command(
    "import", cls=Command, help="导入案例：JSONL、CSV、XLSX、Word（有一处错误就全部不导入，再次导入不会重复）。"
)
@click.argument("file", type=_FILE, metavar="文件")
@click.option("--level", default="", metavar="层级", help="没有写明层级的，按 own（本机关）或者 city（市级共享）")
@global_options
def import_file(wishes: Wishes, file: Path, level: str) -> None:
    """Import precedents."""
    with wishes.office() as office:
        found = office.import_precedents(file, level=level)
    if wishes.as_json:
        printing.document(found)
        return
    changed = f"，其中更新{len(found['changed'])}个" if found["changed"] else ""
    same = f"；{found['unchanged']}个与库中相同，没有重复导入" if found["unchanged"] else ""
    click.echo(f"已导入{found['imported']}个案例{changed}{same}。")
    for one in found["personal"]:
        kinds = "、".join(f"{kind}{n}处" for kind, n in one["kinds"].items())
        click.echo(f"  注意：{one['id']} 中像有个人信息（{kinds}），请遮盖后重新导入。")


@precedent.command("evaluate", cls=Command, help="用已知答案评测检索：NDCG@10、MAP、P@5、召回率、耗时。")
@click.option("--queries", type=_FILE, required=True, metavar="文件", help="JSONL：id、text")
@click.option("--qrels", type=_FILE, required=True, metavar="文件", help="JSONL：query、precedent、grade")
@global_options
def evaluate(wishes: Wishes, queries: Path, qrels: Path) -> None:
    """Measure the search."""
    with wishes.office() as office:
        found = office.precedent_evaluation(queries, qrels)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(f"{_MEASURED.get(name, name)}　{value}" for name, value in found.items() if name != "unknown")
        if found["unknown"]:
            printing.lines([f"有{found['unknown']}项判断所说的检索或者案例不存在，没有计入或者算作没有找到。"])


_MEASURED = {
    "queries": "检索数",
    "judged": "有相关判断的检索数",
    "ndcg@10": "前十条的排序质量（NDCG@10）",
    "map": "平均准确率（MAP）",
    "p@5": "前五条的准确率（P@5）",
    "recall@100": "前一百条的召回率（R@100）",
    "p50_ms": "耗时中位数（毫秒）",
    "p95_ms": "百分之九十五不超过（毫秒）",
}


for command in publishing.ALL:
    precedent.add_command(command)

ALL: tuple[click.Command, ...] = (precedent,)
