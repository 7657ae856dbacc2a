"""Commands about the machine: is it fit, and the fonts of the letters."""

from __future__ import annotations

from pathlib import Path

import click

from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.printing import show as _show
from yishenqing.cli.speaking import Command, Group
from yishenqing.core.errors import DataFault

_FILE = click.Path(path_type=Path)
_SIGNS = {"ok": "正常", "warning": "提醒", "fault": "故障"}


@click.command(
    cls=Command,
    help="体检：系统库、字体、数据库、工作日安排、磁盘、时钟；故障写明怎样处理（退出码为6）。",
)
@click.option("--sweep", is_flag=True, help="删除没有案卷引用的残留文件（办理中途断电、被终止所留）")
@global_options
def doctor(wishes: Wishes, *, sweep: bool) -> int:
    """Examine the machine and the office."""
    from yishenqing.office.doctor import examine

    found = examine(wishes.folder, sweep=sweep)
    lines = []
    for row in found["findings"]:
        lines.append(f"［{_SIGNS[row['level']]}］{row['title']}　{row['text']}")
        if row["remedy"]:
            lines.append(f"　　　　{row['remedy']}")
    _show(wishes, found, [*lines, "可以正常办理。" if found["sound"] else "请先排除上列故障。"])
    return 0 if found["sound"] else DataFault.exit_code


@click.group(cls=Group, help="公文字体：制作、检查、打包（供不能上网的单位使用）、装入。")
@global_options
def fonts(_wishes: Wishes) -> None:
    """Group the font commands."""


@fonts.command("build", cls=Command, help="制作公文字体（约一分钟，只需一次；已经就绪的不再制作）。")
@click.option("--from", "debs", type=_FILE, metavar="文件夹", help="已经下载好的软件包（*.deb）所在的文件夹")
@global_options
def fonts_build(wishes: Wishes, debs: Path | None) -> None:
    """Build the fonts."""
    from yishenqing.letters import fonts as made

    target = made.build(debs, (lambda _: None) if wishes.as_json else click.echo)
    _show(wishes, {"path": str(target)}, [f"公文字体已经就绪：{target}"])


@fonts.command("check", cls=Command, help="检查字体和印制文书所需的系统库，以及本机关自有的字体。")
@global_options
def fonts_check(wishes: Wishes) -> None:
    """Say what printing lacks."""
    from yishenqing.letters import fonts as made
    from yishenqing.letters import ownfonts
    from yishenqing.office.premises import letter_style  # noqa: PLC0415 - `--help` opens no office
    from yishenqing.settings import FILE, read_settings  # noqa: PLC0415 - `--help` opens no office

    home = wishes.folder
    own = letter_style(home, read_settings(home)).fonts if (home / FILE).is_file() else {}
    if faults := [*made.check(), *ownfonts.faults(own)]:
        raise DataFault.of(faults)
    found = {"path": str(made.folder()), "own": {role: str(path) for role, path in own.items()}}
    _show(wishes, found, [f"公文字体已经就绪：{made.folder()}", *(f"自有字体 {r}：{p}" for r, p in own.items())])


@fonts.command("pack", cls=Command, help="把制作好的字体连同许可证写成一个文件，供不能上网的机器装入。")
@click.option("--to", "target", type=_FILE, metavar="文件", help="写到哪里（默认 ./yishenqing-fonts.tar.gz）")
@global_options
def fonts_pack(wishes: Wishes, target: Path | None) -> None:
    """Write the fonts as one file."""
    from yishenqing.letters import fontpack

    path = fontpack.pack(target or Path(fontpack.FILE))
    size = path.stat().st_size
    text = f"字体包：{path}（{size / 1_000_000:.0f} MB）；在另一台机器上运行：ysq fonts install {path.name}"
    _show(wishes, {"path": str(path), "size": size}, [text])


@fonts.command("install", cls=Command, help="装入字体包（ysq fonts pack 所写的文件）。")
@click.argument("package", type=_FILE, metavar="字体包")
@global_options
def fonts_install(wishes: Wishes, package: Path) -> None:
    """Unpack a font package."""
    from yishenqing.letters import fontpack

    target = fontpack.install(package)
    _show(wishes, {"path": str(target)}, [f"公文字体已经就绪：{target}"])


ALL: tuple[click.Command, ...] = (doctor, fonts)
