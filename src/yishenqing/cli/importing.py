"""The commands that take an older ledger over, and give the ledger out."""

from __future__ import annotations

from pathlib import Path

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command

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
    from yishenqing.cli.figures import imported_lines  # noqa: PLC0415

    with wishes.office() as office:
        found = office.import_ledger(file, dry_run=dry_run)
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(imported_lines(found))


ALL: tuple[click.Command, ...] = (import_file,)
