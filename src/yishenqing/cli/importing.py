"""The commands that take an older ledger over, and give the ledger out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Day, Wishes, global_options
from yishenqing.cli.speaking import Command, Group

_FILE = click.Path(path_type=Path)


@click.command(
    "import",
    cls=Command,
    help="接收旧台账（JSON Lines、CSV、XLSX）：先试算全部各行，有一处错误就全部不导入；再导入一次不会重复。"
    "--dry-run 只试算。",
)
@click.argument("file", type=_FILE, metavar="文件")
@click.option("--dry-run", is_flag=True, help="只试算，不写入")
@global_options
def import_file(wishes: Wishes, file: Path, *, dry_run: bool) -> None:
    """Take an older ledger over."""
    from yishenqing.cli.figures import imported_lines

    with wishes.office() as office:
        found = office.import_ledger(file, dry_run=dry_run)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(imported_lines(found))


@click.group(cls=Group, help="导出清单：台账。")
@global_options
def export(_wishes: Wishes) -> None:
    """Group what is given out as lists."""


@export.command(
    "ledger",
    cls=Command,
    help="导出台账（.xlsx 或者 .csv），表头可以再由 ysq import 读入；自然人写作“姓某”，--names 写全名。",
)
@click.argument("file", type=_FILE, metavar="文件")
@click.option("--since", type=Day(), metavar="日期", help="自哪一日收到的（默认全部）")
@click.option("--until", type=Day(), metavar="日期", help="到哪一日收到的")
@click.option("--names", is_flag=True, help="写自然人的全名")
@click.option("--masked", is_flag=True, help="脱敏：申请内容中的姓名、证件号码、电话、地址等也遮盖，并在表上标明")
@global_options
def export_ledger(
    wishes: Wishes, file: Path, since: date | None, until: date | None, *, names: bool, masked: bool
) -> None:
    """Write the ledger as a list."""
    if names and masked:
        raise click.UsageError("--names 和 --masked 不能合用")
    with wishes.office() as office:
        found = office.export_ledger(file, since=since, until=until, names=names, masked=masked)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines([f"台账{found['cases']}件{'（脱敏）' if masked else ''}，已写入 {found['path']}"])


ALL: tuple[click.Command, ...] = (import_file, export)
