"""The commands of the dispatcher's desk: a day's letters in one go, and the mail numbers read back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.archiving import progress
from yishenqing.cli.options import Day, Wishes, global_options
from yishenqing.cli.speaking import Command, Group

_FILE = click.Path(path_type=Path)


@click.group(cls=Group, help="成批办理：打印当日文书连同信封和寄递单，读回邮件号。")
@global_options
def batch(_wishes: Wishes) -> None:
    """Group the commands for many letters."""


@batch.command(
    "print",
    cls=Command,
    short_help="打印一日出具的文书，连同信封和寄递单。",
    help=(
        "打印一日（--on，默认今天）或者一段时间（--since 起）出具的文书，交邮的连同信封和寄递单："
        "逐件存放，另合成一个打印件。"
    ),
)
@click.option("--since", type=Day(), metavar="日期", help="从哪一日起（默认与 --on 同一日）")
@click.option("--kind", "kinds", multiple=True, metavar="文书种类", help="只打印这一种，可以写几次")
@click.option("--to", "folder", type=_FILE, required=True, metavar="文件夹", help="存放到哪个文件夹")
@click.option("--duplex", is_flag=True, help="双面打印：每件都从新的一张纸开始")
@global_options
def print_letters(wishes: Wishes, since: date | None, kinds: tuple[str, ...], folder: Path, *, duplex: bool) -> None:
    """Print the letters of a day."""
    with wishes.office() as office, progress("正在打印", silent=wishes.as_json) as told:
        found = office.print_batch(folder, since=since, on=wishes.on, kinds=kinds, duplex=duplex, told=told)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(_printed(found))


def _printed(found: dict[str, Any]) -> list[str]:
    days = found["on"] if found["since"] == found["on"] else f"{found['since']}至{found['on']}"
    lines = [f"  {number}　已随案卷依法销毁，没有打印" for number in found["destroyed"]]
    if not found["letters"]:
        return [
            f"{days}没有可以打印的这样的文书，没有写入任何文件。"
            if lines
            else f"{days}没有出具这样的文书，没有写入任何文件。",
            *lines,
        ]
    for row in found["letters"]:
        more = "　附信封、寄递单" if row["envelope"] else ""
        lines.append(f"  {row['letter']}　{row['title']}（案件{row['number']}）{more}")
    posted = sum(1 for row in found["letters"] if row["envelope"])
    return [
        f"{days}出具的文书{len(found['letters'])}件，其中交邮{posted}件：",
        *lines,
        f"打印件（{found['pages']}页，仅供打印，不是文书原件）：{found['printed']}",
        "单件文书与签发时出具的文件完全相同，存放在同一文件夹。",
    ]


@batch.command(
    "track",
    cls=Command,
    short_help="读回邮件号（CSV、XLSX），先试算，再登记。",
    help=(
        "读回邮件号（CSV、XLSX；列：案件编号、文号、邮件号、交邮日期，次序不限，案件编号和文号有一即可），"
        "以交邮日期为办理日期登记发出答复。先只试算；加 --record 才登记。有一处错误就全部不登记；"
        "重复读入不会重复登记。"
    ),
)
@click.argument("file", type=_FILE, metavar="文件")
@click.option("--record", is_flag=True, help="登记入案卷（不加则只试算，什么也不写入）")
@global_options
def track(wishes: Wishes, file: Path, *, record: bool) -> None:
    """Read mail numbers back."""
    if wishes.on is not None:
        raise click.UsageError("--on 在这里不适用：每一行以其交邮日期为办理日期。")
    with wishes.office() as office:
        found = office.track_batch(file, record=record)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(_tracked(found))


_DOING = {"record": "登记", "already": "已有", "skipped": "不登记"}


def _tracked(found: dict[str, Any]) -> list[str]:
    counts = {doing: sum(1 for r in found["rows"] if r["doing"] == doing) for doing in _DOING}
    lines = [
        f"  第{r['line']}行　{_DOING[r['doing']]}　案件{r['number']}　{r['letter'] or '答复'}　"
        f"邮件号{r['tracking']}　{r['posted_on']}交邮" + (f"（{r['why']}）" if r["why"] else "")
        for r in found["rows"]
    ]
    rest = f"；已有{counts['already']}件，不登记{counts['skipped']}件"
    if found["recorded"]:
        return [*lines, f"已登记{counts['record']}件{rest}。"]
    return [*lines, f"试算：将登记{counts['record']}件{rest}。没有写入任何内容；核对无误后加 --record 登记。"]


ALL: tuple[click.Command, ...] = (batch,)
