"""The commands that concern two cases, and the routing table."""

from __future__ import annotations

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command


@click.command(cls=Command, help="分立申请（一事一申请）：把所列各项分出另立一案，收到之日不变。")
@click.argument("case", metavar="案件编号")
@click.argument("items", nargs=-1, required=True, type=int, metavar="第几项…")
@click.option("--reason", required=True, metavar="理由", help="分立的理由")
@global_options
def split(wishes: Wishes, case: str, items: tuple[int, ...], reason: str) -> None:
    """Move items into a case of their own."""
    with wishes.office() as office:
        found = dict(office.split(case, items, reason, on=wishes.on))
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines([f"已分出案件：{found['split_into']}", *printing.case(found)])


@click.command(cls=Command, help="合并办理：把同一申请人的一件并入另一件，两案的记录都保留。")
@click.argument("case", metavar="案件编号")
@click.argument("into", metavar="并入的案件编号")
@click.option("--reason", required=True, metavar="理由", help="合并的理由")
@global_options
def merge(wishes: Wishes, case: str, into: str, reason: str) -> None:
    """Handle one case within another."""
    with wishes.office() as office:
        found = dict(office.merge(case, into, reason, on=wishes.on))
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(printing.case(found))


@click.command(cls=Command, help="查分办表：所写的申请内容由哪个科室承办、由哪个机关负责公开。")
@click.argument("text", metavar="申请内容")
@global_options
def route(wishes: Wishes, text: str) -> None:
    """Ask the routing table."""
    from yishenqing.routing import read_routing

    rows = read_routing(wishes.folder).proposals([text])
    if wishes.as_json:
        printing.document({"routing": rows})
    else:
        printing.lines(printing.routes(rows) or ["分办表中没有相应的规则；请由负责人指定。"])


ALL: tuple[click.Command, ...] = (split, merge, route)
