"""The commands of the annual report and of supervision."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import click

from yishenqing.cli.options import Day, Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command, Group

_FILE = click.Path(path_type=Path)
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
_AGENCY = click.option(
    "--of",
    "agencies",
    multiple=True,
    metavar="机关代码",
    help="统计哪个机关（可以写几次；all 为本机关和全部下级机关），默认本机关",
)
_XLSX = click.option("--xlsx", type=_FILE, metavar="文件", help="写成 XLSX 工作簿")
_PDF = click.option("--pdf", type=_FILE, metavar="文件", help="写成 PDF")


@click.group(cls=Group, help="年度报告和监督统计：由台账统计，不必手填。")
@global_options
def report(_wishes: Wishes) -> None:
    """Group the report's commands."""


@report.command(
    "annual",
    cls=Command,
    help="年度报告表二、表三、表四，勾稽关系，正文数字，如：ysq report annual 2025 --xlsx 年报.xlsx；"
    "--cell granted.natural 列出一格背后的案件。",
)
@click.argument("year", type=click.IntRange(2008, 2999), metavar="年份")
@click.option("--as-of", type=Day(), metavar="日期", help="统计到哪一日（默认年末，当年为今天）")
@click.option("--cell", metavar="行.栏", help="列出这一格的案件，如 granted.natural、reconsideration.corrected")
@_AGENCY
@_XLSX
@_PDF
@global_options
def annual(
    wishes: Wishes,
    year: int,
    as_of: date | None,
    cell: str | None,
    agencies: tuple[str, ...],
    xlsx: Path | None,
    pdf: Path | None,
) -> None:
    """Report a year."""
    from yishenqing.cli.figures import annual_lines, cell_lines

    with wishes.office() as office:
        if cell is not None:
            found = office.report_cell(year, cell, as_of=as_of, agencies=agencies)
            _show(wishes, found, cell_lines(found))
            return
        found = office.report(year, as_of=as_of, agencies=agencies)
        found["papers"] = office.report_papers(found, xlsx=xlsx, pdf=pdf)
        titles = office.report_titles()
    _show(wishes, found, annual_lines(found, titles))


@report.command(
    "enter",
    cls=Command,
    help="填报表二，如：ysq report enter 2025 normative.made=3 charges.amount=12.5；以前填的留存。",
)
@click.argument("year", type=click.IntRange(2008, 2999), metavar="年份")
@click.argument("values", nargs=-1, required=True, metavar="格=数…")
@global_options
def enter(wishes: Wishes, year: int, values: tuple[str, ...]) -> None:
    """Enter table two."""
    pairs = [text.partition("=") for text in values]
    if bad := [name for name, sign, _ in pairs if not sign]:
        raise click.UsageError(f"“{bad[0]}”应写作 格=数，如 normative.made=3")
    with wishes.office() as office:
        found = office.report_enter(year, {name.strip(): value.strip() for name, _, value in pairs})
    _show(wishes, found, [f"已保存。还有{len(found['missing'])}格待填报。", *_asked(found["missing"])])


@report.command("publish", cls=Command, help="定稿：把一年的各表存为已公布的数，下一年度据以核对“上年结转”。")
@click.argument("year", type=click.IntRange(2008, 2999), metavar="年份")
@global_options
def publish(wishes: Wishes, year: int) -> None:
    """Keep a year's tables as published."""
    with wishes.office() as office:
        found = office.report_publish(year)
    lines = [f"{year}年的各表已存为定稿（第{found['version']}次）。", *_asked(found["missing"])]
    _show(wishes, found, lines)


@report.command("rebuild", cls=Command, help="由案卷记录重新生成统计行（不改动任何记录）。")
@global_options
def rebuild(wishes: Wishes) -> None:
    """Count every case anew."""
    with wishes.office() as office:
        found = office.report_rebuild()
    lines = [f"已重新统计{found['cases']}件。"]
    if found["unreadable"]:
        lines.append(f"{found['unreadable']}件的记录已损坏，没有统计；请用 ysq archive verify 核验。")
    _show(wishes, found, lines)


_SVG = click.option("--svg", type=_FILE, metavar="文件夹", help="把图表写成 SVG")
_PNG = click.option("--png", type=_FILE, metavar="文件夹", help="把图表写成 PNG 图片")


@report.command("month", cls=Command, help="一个月的监督统计，如：ysq report month 2026-03（默认本月）。")
@click.argument("month", default="", metavar="[年-月]")
@_AGENCY
@_XLSX
@_PDF
@_SVG
@_PNG
@global_options
def month_of(
    wishes: Wishes,
    month: str,
    agencies: tuple[str, ...],
    xlsx: Path | None,
    pdf: Path | None,
    svg: Path | None,
    png: Path | None,
) -> None:
    """Supervise a month."""
    match = _MONTH.fullmatch(month)
    if month and match is None:
        raise click.UsageError(f"“{month}”应写作 2026-03")
    with wishes.office_as_seen() as office:
        year, number = (int(match[1]), int(match[2])) if match else (office.today.year, office.today.month)
        found = office.month(year, number, agencies=agencies)
        found["papers"] = office.supervision_papers(found, xlsx=xlsx, pdf=pdf, svg=svg, png=png)
    _supervised(wishes, found)


@report.command(
    "supervision",
    cls=Command,
    help="监督统计：灯、按期率、办理天数、延期和补正、复议诉讼纠正率、主题和申请人的集中情况。",
)
@click.option("--since", type=Day(), metavar="日期", help="自哪一日（默认今年1月1日）")
@click.option("--until", type=Day(), metavar="日期", help="到哪一日（默认今天）")
@_AGENCY
@_XLSX
@_PDF
@_SVG
@_PNG
@global_options
def supervision(
    wishes: Wishes,
    since: date | None,
    until: date | None,
    agencies: tuple[str, ...],
    xlsx: Path | None,
    pdf: Path | None,
    svg: Path | None,
    png: Path | None,
) -> None:
    """Supervise a stretch of days."""
    with wishes.office_as_seen() as office:
        first = since or date(office.today.year, 1, 1)
        found = office.supervision(first, until or office.today, agencies=agencies)
        found["papers"] = office.supervision_papers(found, xlsx=xlsx, pdf=pdf, svg=svg, png=png)
    _supervised(wishes, found)


def _supervised(wishes: Wishes, found: Any) -> None:
    from yishenqing.cli.figures import supervision_lines

    _show(wishes, found, supervision_lines(found))


def _asked(missing: list[dict[str, str]]) -> list[str]:
    return [f"  待填报 {m['cell']}　{m['title']}" for m in missing]


ALL: tuple[click.Command, ...] = (report,)
