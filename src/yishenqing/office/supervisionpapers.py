"""Supervision as papers: a workbook with lists and charts, PDF, the charts as SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from yishenqing.office.reportpapers import printed, write
from yishenqing.reporting.supervision import LAMP_COLOURS, bars

_SIZE = re.compile(r' width="(\d+)" height="(\d+)"')
_SHARP = 2.67  # dots for each point of the page: two for each pixel of the chart
AGENCY_HEADINGS = {
    "name": "机关",
    "new": "新收",
    "carried": "期初在办",
    "decided": "办结",
    "open": "期末在办",
    "on_time_rate": "按期率",
    "late": "逾期办结",
    "median_days": "办理工作日（中位）",
    "high_days": "办理工作日（{high}%以内）",
    "extended": "延期",
    "supplemented": "补正",
}
CAUSE_HEADINGS = {
    "title": "原办理结果",
    "reconsideration": "复议审结",
    "litigation": "诉讼审结",
    "maintained": "维持",
    "corrected": "纠正",
    "other": "其他",
    "corrected_rate": "纠正率",
}


def said(value: Any, name: str) -> Any:
    """Return a figure as people read it: a rate in per cent, a dash where there is none."""
    if value is None:
        return "—"
    return f"{value:.1%}" if name.endswith("rate") else value


def tables(found: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[Any]]]]:
    """Return every list of a supervision: title, headings, rows."""
    lamps = found["lamps"]
    agencies = [
        [
            *(said(row[name], name) for name in AGENCY_HEADINGS),
            *(row["lamps"][lamp]["count"] for lamp in lamps),
            len(row["unassigned"]),
        ]
        for row in found["agencies"]
    ]
    people = found["applicants"]
    headings = [title.format(high=found["high"]) for title in AGENCY_HEADINGS.values()]
    return [
        ("各机关办理情况", [*headings, *lamps.values(), "未分办"], agencies),
        ("办理结果", ["办理结果", "件数"], [[o["title"], o["cases"]] for o in found["outcomes"]]),
        (
            "复议诉讼纠正率",
            list(CAUSE_HEADINGS.values()),
            [[said(c[name], name) for name in CAUSE_HEADINGS] for c in found["causes"]],
        ),
        ("申请的主题", ["主题", "件数"], [[t["topic"], t["cases"]] for t in found["topics"]]),
        (
            "申请人集中情况",
            ["项目", "数"],
            [
                ["可以识别的申请人", people["applicants"]],
                [f"申请最多的{people['top']}人合计件数", people["top_cases"]],
                ["占", said(people["share"], "rate")],
                *([f"同一申请人（{'、'.join(m['cases'][:5])}等）", m["count"]] for m in people["most"]),
            ],
        ),
    ]


def charts(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the charts as SVG, by their names."""
    titles = found["lamps"]
    lamps = [(title, sum(r["lamps"][lamp]["count"] for r in found["agencies"])) for lamp, title in titles.items()]
    colours = {title: LAMP_COLOURS.get(lamp, "#2f6db5") for lamp, title in titles.items()}
    span = f"{found['since']}至{found['until']}"
    return {
        "在办案件的灯": bars(f"在办案件（{found['as_of']}）", lamps, colours),
        "办理结果": bars(f"办理结果（{span}）", [(o["title"], o["cases"]) for o in found["outcomes"]]),
        "申请的主题": bars(f"申请的主题（{span}）", [(t["topic"], t["cases"]) for t in found["topics"]]),
        "按期率": bars(
            f"按期率（{span}，%）",
            [
                (r["name"], round(r["on_time_rate"] * 100, 1))
                for r in found["agencies"]
                if r["on_time_rate"] is not None
            ],
        ),
    }


def write_all(
    found: Mapping[str, Any], home: Path, *, xlsx: Path | None, pdf: Path | None, svg: Path | None, png: Path | None
) -> dict[str, Any]:
    """Write what is wished; return where it lies."""
    written: dict[str, Any] = {}
    if xlsx is not None:
        written["xlsx"] = write(xlsx, _workbook(found))
    if pdf is not None:
        written["pdf"] = write(pdf, printed(_page(found), str(found["title"]), found, home))
    if svg is not None:
        written["svg"] = [write(svg / f"{name}.svg", text.encode()) for name, text in charts(found).items()]
    if png is not None:
        pictures = {name: picture(text, name, found, home) for name, text in charts(found).items()}
        written["png"] = [write(png / f"{name}.png", content) for name, content in pictures.items()]
    return written


def picture(svg: str, title: str, found: Mapping[str, Any], home: Path) -> bytes:
    """Return a chart as PNG, in the fonts of the reports: printed on a page of its size, and that page drawn."""
    import pypdfium2

    wide, high = _SIZE.findall(svg)[0]
    size = f"size: {wide}px {high}px; margin: 0; @bottom-center {{ content: none }}"
    page = f"@page {{ {size} }} body {{ margin: 0 }} svg {{ display: block }}"
    document = pypdfium2.PdfDocument(printed(f"<style>{page}</style>{svg}", title, found, home))
    try:
        drawn = document[0].render(scale=_SHARP).to_pil()
    finally:
        document.close()
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()


def _workbook(found: Mapping[str, Any]) -> bytes:
    from openpyxl.chart import BarChart, Reference

    from yishenqing.reporting.workbook import for_lists, listed, saved

    book = for_lists()
    for title, headings, rows in tables(found):
        sheet = listed(book, title, headings, rows)
        if title in ("办理结果", "申请的主题") and rows:
            chart = BarChart()
            chart.type, chart.title, chart.legend = "bar", title, None
            chart.add_data(Reference(sheet, min_col=2, min_row=2, max_row=len(rows) + 1))
            chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=len(rows) + 1))
            sheet.add_chart(chart, "D2")
    return saved(book)


def _page(found: Mapping[str, Any]) -> str:
    parts = [
        f"<h1>{escape(found['name'])}<br>{escape(found['title'])}</h1>",
        f'<p class="asof">{found["since"]}至{found["until"]}（在办案件截至{found["as_of"]}）</p>',
    ]
    drawn = charts(found)
    for title, headings, rows in tables(found):
        parts.append(f'<section class="whole"><h2>{escape(title)}</h2>{_table(headings, rows)}</section>')
    parts += [f'<section class="whole">{svg}</section>' for svg in drawn.values()]
    return "".join(parts)


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(h)}</th>" for h in headings)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(v))}</td>' for v in row)}</tr>" for row in rows)
    body = body or f'<tr><td colspan="{len(headings)}">（无）</td></tr>'
    return f"<table><tbody><tr>{head}</tr>{body}</tbody></table>"
