"""The commands of the sealed archive: a case, a year, a selection; and whether what lies somewhere is still whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command, Group, fault_lines
from yishenqing.core.errors import DataFault, Fault, IntegrityFault, why

_FILE = click.Path(path_type=Path)


@click.group(cls=Group, help="卷宗：导出与核验。")
@global_options
def archive(_wishes: Wishes) -> None:
    """Group the archive commands."""


@archive.command(
    "export",
    cls=Command,
    short_help="导出已归档案件的密封卷宗（BagIt）：一件、一年或者选集。",
    help=(
        "导出已归档案件的密封卷宗（BagIt 1.0）：写一个案件编号的导出一件；--year 导出一年立案的；"
        "--select 导出选集（文件：每行一个编号；或者条件：outcome=granted、since=日期、until=日期等，可写几次）。"
        "导出中断的，再次运行同一命令即接着做。"
    ),
)
@click.argument("case", required=False, metavar="[案件编号]")
@click.option("--year", type=int, metavar="年份", help="导出这一年立案的全部已归档案件")
@click.option("--select", "selected", multiple=True, metavar="文件或者条件", help="导出所选的已归档案件，可以写几次")
@click.option("--masked", is_flag=True, help="不导出密封卷宗，另作一份脱敏副本（遮盖个人信息；只用于一件案件）")
@click.option("--skip-damaged", is_flag=True, help="核验未通过的案件不收入（在说明中列明），其余照常导出")
@click.option("--to", "target", type=_FILE, metavar="文件夹", help="导出到哪里（默认机关文件夹的 archive 之下）")
@global_options
def archive_export(
    wishes: Wishes,
    case: str | None,
    year: int | None,
    selected: tuple[str, ...],
    target: Path | None,
    *,
    skip_damaged: bool,
    masked: bool,
) -> None:
    """Write the sealed package, or a masked copy."""
    if skip_damaged and (masked or case is not None):
        raise click.UsageError("--skip-damaged 只用于一次导出多件（--year、--select）")
    if masked:
        _masked_copy(wishes, case, target, many=bool(year or selected))
        return
    if (case is None) == (year is None and not selected):
        raise click.UsageError("请写一个案件编号，或者写 --year、--select，二者选一")
    numbers, filters = _selection(selected)
    with wishes.office() as office, progress("正在导出", silent=wishes.as_json) as told:
        if case is not None:
            found = office.archive(case, target)
        else:
            found = office.archive_many(
                target, year=year, numbers=numbers, filters=filters, skip_damaged=skip_damaged, told=told
            )
    if wishes.as_json:
        printing.document(found)
        return
    if case is not None:
        printing.lines([f"卷宗已导出：{found['path']}", f"共{len(found['files'])}个文件"])
        return
    lines = [f"卷宗已导出：{found['path']}", f"共{len(found['cases'])}件案件"]
    if found["left_out"]:
        lines.append(f"没有收入的{len(found['left_out'])}件（在包内 data/说明.txt 中列明）：")
        lines += [f"  {row['number']}　{row['why']}" for row in found["left_out"]]
    printing.lines(lines)


def _masked_copy(wishes: Wishes, case: str | None, target: Path | None, *, many: bool) -> None:
    if case is None or many:
        raise click.UsageError("--masked 只用于一件案件，请写一个案件编号")
    with wishes.office() as office:
        found = office.masked_copy(case, target)
    lines = [f"脱敏副本已导出：{found['path']}（不是密封卷宗）", f"共{len(found['files'])}个文件"]
    if found["doubts"]:
        lines.append(f"请人工核对，以下文字像姓名而没有遮盖：{'、'.join(found['doubts'])}")
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(lines)


def _selection(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return case numbers out of files, and conditions."""
    numbers: list[str] = []
    filters: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and not Path(word).is_file():
            filters[name.strip()] = value.strip()
            continue
        try:
            text = Path(word).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DataFault.of([Fault(f"无法读取（{why(error)}）；条件应写作 outcome=granted", word)]) from None
        listed = [line.strip() for line in text.splitlines()]
        if not any(listed):
            raise DataFault.of([Fault("没有写任何案件编号", word)])
        numbers += [line for line in listed if line]
    return numbers, filters


@archive.command(
    "verify",
    cls=Command,
    help="核验卷宗（写文件夹）或者数据库中的案件（写编号）；两者同名的，写编号指案件，文件夹请写成 ./名称。",
)
@click.argument("target", metavar="卷宗文件夹或者案件编号")
@click.option("--minutes", default="", metavar="文字", help="会议纪要等处记载的检查点，一并核对（仅用于文件夹）")
@global_options
def archive_verify(wishes: Wishes, target: str, minutes: str) -> None:
    """Verify a package or a case."""
    if names_folder(wishes, target):
        from yishenqing.archive import ended_in
        from yishenqing.office.verifying import package_faults

        said_whole(wishes, target, package_faults(Path(target), minutes), lambda: ended_in(Path(target)))
        return
    with wishes.office() as office:
        said_whole(wishes, target, office.verify(target), lambda: office.ended(target))


def said_whole(
    wishes: Wishes, target: str, faults: Sequence[Fault], asked: Callable[[], Sequence[Mapping[str, Any]]]
) -> None:
    """Say that a package or a case is whole, and which cases of it were destroyed lawfully; or raise what is not.

    ``asked`` for those only where all is whole: from what is damaged nothing more is read.
    """
    ended = () if faults else asked()
    lines = [f"核验通过：{target} 完整，没有改动。"]
    lines += [f"  {e['number']}：{e['on']}依法销毁，只存台账和销毁证明（销毁清册{e['list']}）" for e in ended]
    said(wishes, faults, {"target": target, "destroyed": list(ended)}, lines)


def names_folder(wishes: Wishes, target: str) -> bool:
    """Tell whether ``target`` is a place: it is written as one, or it is one and no case has this number."""
    if "/" in target or "\\" in target or target in (".", ".."):
        return True
    if not Path(target).exists():
        return False
    from yishenqing.office import Office  # noqa: PLC0415 - `--help` opens no office

    if not (wishes.folder / "office.yaml").is_file():
        return True
    with Office.open(wishes.folder, user=wishes.user) as office:
        return not office.has_case(target)


def said(wishes: Wishes, faults: Sequence[Fault], found: Mapping[str, Any], lines: list[str]) -> None:
    """Say that all is whole, or raise what is not."""
    if faults:
        problem = IntegrityFault.of(faults)
        problem.text = "\n".join(["核验未通过：", *fault_lines(faults)])
        raise problem
    if wishes.as_json:
        printing.document({**found, "intact": True, "faults": []})
    else:
        printing.lines(lines)


@contextmanager
def progress(label: str, *, silent: bool) -> Iterator[Callable[[int, int], None]]:
    """Give what shows on a terminal how far the work is; nothing elsewhere, nothing with --json."""
    if silent or not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    bars: list[Any] = []

    def told(done: int, total: int) -> None:
        if not bars:
            bars.append(click.progressbar(length=total, label=label, file=sys.stderr).__enter__())
        bars[0].update(done - bars[0].pos)

    try:
        yield told
    finally:
        for bar in bars:
            bar.render_finish()


ALL: tuple[click.Command, ...] = (archive,)
