"""The command for monitors, and what ``run`` leaves for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command

if TYPE_CHECKING:
    from yishenqing.office import Office


@click.command(
    cls=Command, help="监控指标（Prometheus 文本格式）：案件、亮灯、逾期、待发、定时检查的心跳；不含个人信息。"
)
@click.option(
    "--to", "target", type=click.Path(path_type=Path), metavar="文件", help="写到文件（node_exporter 的 *.prom）"
)
@global_options
def metrics(wishes: Wishes, target: Path | None) -> None:
    """Print the figures."""
    with wishes.office_unattended() as office:
        text = office.metrics()["text"]
    if target is not None:
        write(target, text)
    if wishes.as_json:
        printing.document({"text": text, "path": str(target) if target else None})
    elif target is None:
        click.echo(text, nl=False)


def write(target: Path, text: str) -> None:
    """Write the figures whole, readable by the monitor: it may read at any moment."""
    unfinished = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(0o644)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def leave(office: Office, every: int) -> None:
    """Leave what a tick leaves for monitors: the heartbeat, and the figures where the office wants them."""
    office.beat(every)
    if name := office.settings.metrics_file:
        write((office.home / Path(name).expanduser()).resolve(), office.metrics()["text"])


ALL: tuple[click.Command, ...] = (metrics,)
