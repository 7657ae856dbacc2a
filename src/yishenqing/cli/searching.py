"""The one box: search the law, precedents, cases and the register; narrowed alike everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from yishenqing.cli import printing
from yishenqing.cli.options import Wishes, global_options
from yishenqing.cli.speaking import Command

if TYPE_CHECKING:
    from yishenqing.search import Wanted

_YEARS = re.compile(r"(\d{4})(?:\s*[-—–~至]\s*(\d{4}))?")
_KINDS = {"法律": "law", "案例": "precedent", "案件": "case", "登记簿": "holding"}


class Years(click.ParamType[Any]):
    """A year, or the first and the last of several."""

    name = "year"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read 2023 or 2019-2024."""
        if isinstance(value, tuple) or value is None:
            return value
        match = _YEARS.fullmatch(str(value).strip())
        if match is None or int(match[1]) > int(match[2] or match[1]):
            self.fail(f"“{value}”不是年份，应写作 2023 或者 2019-2024", param, ctx)
        return int(match[1]), int(match[2] or match[1])


_FILTERS = (
    click.option(
        "--outcome", metavar="结果", default="", help="只看这种办理结果：代码或者其中的词，如 不予公开、过程性信息"
    ),
    click.option(
        "--article",
        metavar="条文",
        default="",
        help="只看援引这一条的，如 16、条例第36条（五）、行政复议法第二十三条",
    ),
    click.option("--topic", metavar="主题", default="", help="只看这个主题的，如 会议纪要"),
    click.option("--organ", metavar="机关", default="", help="只看名称中有这些字的机关"),
    click.option("--year", metavar="年份", type=Years(), help="只看这一年或者这几年的，如 2023、2019-2024"),
    click.option("--survived/--overturned", default=None, help="只看经复议诉讼维持的；只看已被撤销或者纠正的"),
)


# An option on the command line, and what the search calls it (--agency is whose cases are looked at).
_NAMED = {"article": "article", "topic": "topic", "organ": "agency"}


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options by which a search is narrowed."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def wanted(given: Mapping[str, Any]) -> Wanted:
    """Return what the options narrow a search to.

    Raises:
        DataFault: an outcome, an article or a name cannot be read.
    """
    from yishenqing.precedents.model import outcome_code
    from yishenqing.search import Wanted

    said = {name: str(given[word]).strip() for word, name in _NAMED.items()}
    outcome = outcome_code(given["outcome"].strip()) if given["outcome"] else ""
    return Wanted(outcome=outcome, years=given["year"], survived=given["survived"], **said)


@click.command(
    "search",
    cls=Command,
    help="一次检索法律依据、案例、本机关案件和登记簿，如：ysq search 会议纪要 --outcome 过程性信息 --overturned。"
    "文号、案号、日期、地块编号、条文号怎样写都可以。",
)
@click.argument("text", required=False, default="", metavar="[检索词]")
@click.option(
    "--in", "kinds", multiple=True, type=click.Choice(list(_KINDS)), metavar="范围",
    help=f"只检索：{'、'.join(_KINDS)}（可写几次）",
)  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=5, show_default=True, metavar="条数", help="每类最多几条"
)
@click.option("--rebuild", is_flag=True, help="不检索，由案卷和案例重做检索索引（不改动任何记录）")
@filters
@global_options
def search(wishes: Wishes, text: str, kinds: tuple[str, ...], limit: int, *, rebuild: bool, **given: Any) -> None:
    """Search everything, or enter everything anew."""
    if rebuild and (text or kinds or any(value not in ("", None) for value in given.values())):
        raise click.UsageError("--rebuild 不检索，不能与检索词、范围和筛选同写")
    with wishes.office() as office:
        if rebuild:
            told = office.rebuild_search(everything=True)
            said = [f"检索索引已重做：案件{told['cases']}件、案例{told['precedents']}件。"]
            printing.document(told) if wishes.as_json else printing.lines(said)
            return
        found = office.search(text, limit, kinds=[_KINDS[k] for k in kinds], wanted=wanted(given))
    if wishes.as_json:
        printing.document(found)
    else:
        printing.lines(lines(found["matches"]) or ["没有找到。"])


def lines(matches: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return hits under the names of their kinds."""
    out: list[str] = []
    kind = ""
    for match in matches:
        if match["kind"] != kind:
            kind = match["kind"]
            out += [*([""] if out else []), f"── {match['kind_title']} ──"]
        out += printing.match_lines([match])
    return out


ALL: tuple[click.Command, ...] = (search,)
