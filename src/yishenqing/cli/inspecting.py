"""The command inspect: what the inspection before issue finds, faults first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command

_REFUSED = 3


@click.command(
    cls=Command,
    help="发出前的检查：尚未签发的查拟好的答复，已经发出的查发出的文书；每一处写明位置、条文和办法。"
    "有错误的退出码为3（不能出具），只有提示或者没有问题的为0。",
)
@click.argument("case", metavar="案件编号")
@global_options
def inspect(wishes: Wishes, case: str) -> int:
    """Inspect a letter."""
    with wishes.office_as_seen() as office:
        found = office.inspect(case)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(_lines(found))
    return _REFUSED if found["faults"] else 0


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    letter, faults, warnings = found["letter"], found["faults"], found["warnings"]
    status = "草稿，尚未签发" if letter["draft"] else f"已出具　{letter['number']}"
    yield f"案件 {found['number']}　《{letter['title']}》（{status}）"
    if faults:
        yield f"错误{len(faults)}处（改正以前不能出具）"
        yield from (line for fault in faults for line in _one("×", fault))
    if warnings:
        yield f"提示{len(warnings)}处（写明处理理由才能出具）"
        yield from (line for warning in warnings for line in _one("！", warning))
        open_ones = list(dict.fromkeys(w["check"] for w in warnings if not w["accepted"]))
        if open_ones and letter["draft"]:
            said = "；".join(f"{name}：理由" for name in open_ones)
            yield f'出具时写明理由：warnings_accepted="{said}"'
    for name, taken in found["taken_as"].items():
        how = {"warning": "只作提示", "skip": "不检查"}[taken["take_as"]]
        yield f"本机关另定：{name}　{how}　理由：{taken['reason']}"
    if not faults and not warnings:
        yield "检查通过：没有发现错误和需要说明的问题。"


def _one(mark: str, found: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {mark} {found['title']}（{found['check']}）：{found['text']}"
    yield f"      位置：{found['place']}"
    yield f"      依据：{found['law']}"
    yield f"      办法：{found['advice']}"
    if found.get("accepted"):
        yield f"      已写明的理由：{found['accepted']}"


ALL: tuple[click.Command, ...] = (inspect,)
