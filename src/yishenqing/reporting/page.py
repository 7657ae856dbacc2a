"""The report as markup for print: the same tables as in the workbook, the rules, the sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from yishenqing.reporting.grid import Cell, Grid


def annual(grids: Sequence[Grid], found: Mapping[str, Any]) -> str:
    """Return the body of the report."""
    parts = [
        f"<h1>{escape(found['name'])}<br>{found['year']}年{escape(found['title'])}</h1>",
        f'<p class="asof">统计截至{found["as_of"]}</p>',
        *(f'<section class="whole"><h2>{escape(g.title)}</h2>{table(g)}</section>' for g in grids),
        "<section><h2>正文中的数字</h2>",
        *(f"<p>{escape(s)}</p>" for s in found["sentences"]),
        "</section><section><h2>勾稽关系</h2><ul>",
        *(_rule(c) for c in found["checks"]),
        *(f"<li>请核对：{escape(w['text'])}：{escape('、'.join(w['cases']))}</li>" for w in found["warnings"]),
        "</ul></section>",
    ]
    return "".join(parts)


def table(grid: Grid) -> str:
    """Return one table."""
    total = sum(grid.widths)
    columns = "".join(f'<col style="width: {w / total:.2%}">' for w in grid.widths)
    rows = "".join(f"<tr>{''.join(_cells(grid, row))}</tr>" for row in range(grid.height))
    return f"<table><colgroup>{columns}</colgroup><tbody>{rows}</tbody></table>"


def _cells(grid: Grid, row: int) -> Iterator[str]:
    for cell in sorted((c for c in grid.cells if c.row == row), key=lambda c: c.column):
        yield _cell(cell)


def _cell(cell: Cell) -> str:
    spans = (f' rowspan="{cell.rows}"' if cell.rows > 1 else "") + (
        f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    )
    name = "th" if cell.head else "td"
    kind = ' class="left"' if cell.left else ""
    return f"<{name}{spans}{kind}>{escape(str(cell.value))}</{name}>"


def _rule(check: Mapping[str, Any]) -> str:
    mark = "未填" if not check["entered"] else "成立" if check["holds"] else f"不成立：{'；'.join(check['where'])}"
    return f"<li>{escape(check['rule'])}　<b>{escape(mark)}</b></li>"
