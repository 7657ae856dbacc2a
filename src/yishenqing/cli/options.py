"""The options that every command takes, before or after its name, and how a command gets its office."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

if TYPE_CHECKING:
    from yishenqing.office import Office

_HOME = "YISHENQING_HOME"
_DEFAULT_HOME = "yishenqing-home"


class Wishes(Struct):
    """What the global options say; those after the command win over those before it."""

    home: Path | None = None
    as_json: bool = False
    user: str | None = None
    on: date | None = None
    agency: str = ""
    key: str | None = None
    seen: int | None = None

    @property
    def folder(self) -> Path:
        """Return the folder of the office that is acted upon.

        Raises:
            UsageError: another agency is to be looked at, and the command knows of one's own alone.
        """
        if self.agency:
            raise click.UsageError("这一命令只办理本机关的，不能与 --agency 合用。")
        return self.place

    @property
    def place(self) -> Path:
        """Return the office's folder: --home, else $YISHENQING_HOME, else ./yishenqing-home."""
        return self.home or Path(os.environ.get(_HOME) or _DEFAULT_HOME)

    @contextmanager
    def office(self) -> Iterator[Office]:
        """Open the office for one command."""
        from yishenqing.office import Office  # noqa: PLC0415 - `--help` opens no office

        with Office.open(self.place, user=self._acting(), agency=self.agency) as office:
            self._check_known(office)
            yield office.once(self.key, seen=self.seen)

    @contextmanager
    def office_unattended(self) -> Iterator[Office]:
        """Open the office for the clock's work, which nobody signs in for and which acts in nobody's name."""
        from yishenqing.office import Office  # noqa: PLC0415 - `--help` opens no office

        with Office.open(self.folder, user=self.user) as office:
            yield office

    def _acting(self) -> str | None:
        from yishenqing.settings import read_settings  # noqa: PLC0415 - `--help` opens no office

        if read_settings(self.place).sign_in.by == "system":
            return self.user
        from yishenqing.office.signing import acting

        return acting(self.place, self.user)

    @contextmanager
    def office_as_seen(self) -> Iterator[Office]:
        """Open the office for a command that only looks: ``--on`` is then the day it looks from."""
        from yishenqing.office import Office  # noqa: PLC0415 - `--help` opens no office

        day = self.on
        today = (lambda: day) if day else None
        with Office.open(self.place, user=self._acting(), today=today, agency=self.agency) as office:
            self._check_known(office)
            yield office

    def _check_known(self, office: Office) -> None:
        """Refuse whoever is named and is nobody of the office; one who looks from above is checked there."""
        if self.user is not None and not self.agency:
            office.person(self.user)


class Day(click.ParamType[date]):
    """A legal date, YYYY-MM-DD."""

    name = "日期"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the date, refusing what the calendar does not have."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"“{value}”不是存在的日期，应写作 2026-03-02", param, ctx)


_OPTIONS = (
    click.option(
        "--home", type=click.Path(path_type=Path), metavar="文件夹", help="机关文件夹（默认 ./yishenqing-home）"
    ),
    click.option("--json", "as_json", is_flag=True, help="以 JSON 输出"),
    click.option("--as", "user", metavar="办理人", help="以谁的名义办理（默认为当前登录用户）"),
    click.option("--on", type=Day(), metavar="日期", help="办理日期（默认今天）"),
    click.option("--agency", metavar="机关代码", help="查看哪个下级机关的案件（只能查看，须有监督岗）"),
    click.option("--key", metavar="键", help="重复调用用同一个键：只办一次，再次调用得到第一次的答复"),
    click.option("--seen", type=int, metavar="序号", help="您所见的最后一条记录的序号；其后有变化则不办理"),
)


def global_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the global options; it receives one ``Wishes`` as its first argument."""

    @click.pass_context
    @functools.wraps(command)
    def with_wishes(ctx: click.Context, /, **given: Any) -> Any:
        wishes = ctx.ensure_object(Wishes)
        wishes.home = given.pop("home") or wishes.home
        wishes.as_json = given.pop("as_json") or wishes.as_json
        wishes.user = given.pop("user") or wishes.user
        wishes.on = given.pop("on") or wishes.on
        wishes.agency = given.pop("agency") or wishes.agency
        key = given.pop("key")
        wishes.key = wishes.key if key is None else key
        seen = given.pop("seen")
        wishes.seen = wishes.seen if seen is None else seen
        return command(wishes, **given)

    wrapped: Callable[..., Any] = with_wishes
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
