"""The commands that join cases to cases (复议、诉讼、投诉), and a case to other rules."""

from __future__ import annotations

import click

from yishenqing.cli import printing
from yishenqing.cli.commands import read_facts
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command


@click.command(
    cls=Command,
    help="立关联案件：reconsideration 行政复议、litigation 行政诉讼、complaint 投诉举报，"
    "如：ysq link 2026-0001 reconsideration received_on=2026-05-06 accepted_on=2026-05-04 organ=云溪县人民政府",
)
@click.argument("case", metavar="案件编号")
@click.argument("procedure", metavar="流程")
@click.argument("facts", nargs=-1, metavar="[事实=内容]…")
@global_options
def link(wishes: Wishes, case: str, procedure: str, facts: tuple[str, ...]) -> None:
    """Open a linked case."""
    with wishes.office() as office:
        found = dict(office.link(case, procedure, read_facts(facts), on=wishes.on))
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(printing.case(found))


@click.command(cls=Command, help="将案件转用另一流程（或者同一流程的现行内容）：记入案卷，此后按新的规则办理。")
@click.argument("case", metavar="案件编号")
@click.option("--to", "target", default="", metavar="流程", help="转用哪个流程（默认为本机关 office.yaml 所写的）")
@click.option("--reason", required=True, metavar="理由", help="转用的理由，记入案卷")
@click.option("--expect", type=int, metavar="序号", help="您所见的最后一条记录的序号；其后有变化则不办理")
@global_options
def move(wishes: Wishes, case: str, target: str, reason: str, expect: int | None) -> None:
    """Move a case to other rules."""
    with wishes.office() as office:
        found = dict(office.move(case, reason, target, on=wishes.on, expect=expect))
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(printing.case(found))


ALL: tuple[click.Command, ...] = (link, move)
