"""The commands that reckon without a case: the clock, the calendar, the fee."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command, Group

_FILE = click.Path(path_type=Path)


@click.command(cls=Command, help="只凭事实计算期限，不需要机关文件夹；文件为 JSON，也可每行一个（JSONL）。")
@click.argument("file", type=_FILE, metavar="事实文件")
@click.option("--calendar", "drawn", is_flag=True, help="另画出逐周日历，标明计入、扣除和休息的日子，便于数日子")
@global_options
def clock(wishes: Wishes, file: Path, *, drawn: bool) -> int:
    """Compute deadlines from facts alone."""
    from yishenqing.office.premises import system_today  # noqa: PLC0415 - `--help` opens no office
    from yishenqing.office.reckoning import clock_file

    home = wishes.folder if (wishes.folder / "office.yaml").is_file() else None
    answers, code = clock_file(file, home, wishes.on or system_today())
    for n, answer in enumerate(answers, 1):
        if wishes.as_json:
            (printing.line if len(answers) > 1 else printing.document)(answer)
        else:
            which = [f"第{n}件（共{len(answers)}件）"] if len(answers) > 1 else []
            printing.lines([*which, *answer_lines(answer), *(_drawn(answer, home) if drawn else [])])
    return code


def _drawn(answer: dict[str, Any], home: Path | None) -> list[str]:
    from yishenqing.cli.weeks import drawings

    return drawings(answer["deadlines"], home) if "error" not in answer else []


def answer_lines(answer: dict[str, Any]) -> list[str]:
    """Return one history's answer as an officer reads it."""
    if "error" in answer:
        return [str(answer["error"]["text"])]
    out = [text for deadline in answer["deadlines"] for text in printing.deadline_lines(deadline)]
    for refused in answer["refused"]:
        out.append(f"  × {refused['on']}　{refused['fact']}　不予计算")
        out += [f"    · {r['text']}" + (f"（{r['law']}）" if r["law"] else "") for r in refused["reasons"]]
    return out or ["没有可以计算的期限。"]


@click.command(cls=Command, help="计算信息处理费：--items 一个自然月内的件数，或者 --pages 一件申请的页数。")
@click.option(
    "--items", type=click.IntRange(0, 1_000_000), metavar="件数", help="同一申请人一个自然月内的件数（按件计收）"
)
@click.option("--pages", type=click.IntRange(0, 10_000_000), metavar="页数", help="一件申请的页数（按量计收）")
@global_options
def fee(wishes: Wishes, items: int | None, pages: int | None) -> None:
    """Compute the processing fee, with the computation shown."""
    if (items is None) == (pages is None):
        raise click.UsageError("请用 --items 或者 --pages 之一（一件申请只能选择一种计收办法）。")
    from yishenqing import rulebook  # noqa: PLC0415 - `fee` alone
    from yishenqing.core.fees import parts, total  # noqa: PLC0415 - `fee` alone

    law = rulebook.read_rulebook(wishes.folder).law
    scale, units = (law.fees["by_item"], items) if items is not None else (law.fees["by_page"], pages or 0)
    found = parts(scale, units or 0)
    amount = total(scale, units or 0)
    if wishes.as_json:
        rows = [{"first": p.first, "last": p.last, "price": p.price, "amount": p.amount} for p in found]
        printing.document({"scale": scale.title, "units": units, "total": amount, "parts": rows, "law": scale.law})
        return
    printing.lines(
        [
            f"{scale.title}：{units}{scale.unit}，共{amount}元（{scale.law}）",
            *(f"  第{p.first}至{p.last}{scale.unit}：每{scale.unit}{p.price}元，计{p.amount}元" for p in found),
        ]
    )


@click.group(cls=Group, help="工作日安排：载入国务院办公厅的放假通知。")
@global_options
def calendar(_wishes: Wishes) -> None:
    """Group the calendar's commands."""


_NOTICE = """载入一年的放假通知（YAML 或 holiday-cn 的 JSON），重算受影响的案件。

YAML 的写法与本程序 workflows/calendar 中各年的文件相同：

\b
year: 年份
notices:
  - {number: 通知文号, issued_on: 发文日期, title: 通知名称}
source: 依据
off:
  元旦: [放假的每一天，含其中的双休日]
worked: [调休上班的星期六、星期日]
"""


@calendar.command("import", cls=Command, help=_NOTICE)
@click.argument("file", type=_FILE, metavar="通知文件")
@global_options
def calendar_import(wishes: Wishes, file: Path) -> None:
    """Load a year's notice."""
    with wishes.office() as office:
        found = office.import_calendar(file)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(calendar_lines(found))


def calendar_lines(found: dict[str, Any]) -> list[str]:
    """Return what a newly loaded notice changes."""
    out = [f"已载入{found['year']}年放假调休安排：{found['path']}"]
    for works, title in ((False, "放假（原按工作日计）"), (True, "上班（原按休息日计）")):
        days = [c["date"] for c in found["changes"] if c["works"] is works]
        out.append(f"{title}：{'、'.join(days) or '无'}")
    out.append(f"重新计算后有变化的期限：{len(found['moved'])}项" if found["moved"] else "没有期限因此变化。")
    for moved in found["moved"]:
        was = moved["was"] + ("（暂定）" if moved["was_provisional"] else "")
        now = moved["now"] + ("（暂定）" if moved["provisional"] else "")
        out.append(f"  {moved['number']}　{moved['title']}：{was} → {now}")
    return out


ALL: tuple[click.Command, ...] = (clock, calendar, fee)
