"""Tables of figures on the terminal, where a Chinese character is two columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
_SHOWN = 60  # columns of a row's title
_MARKS = {True: "✓", False: "×"}


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, to: int, *, left: bool = False) -> str:
    """Return a text filled with blanks to ``to`` columns."""
    blanks = " " * max(0, to - width(text))
    return text + blanks if left else blanks + text


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Yield the lines of a table, the first column from the left."""
    texts = [list(headings), *([_cut(str(cell)) for cell in row] for row in rows)]
    widths = [max(width(row[n]) for row in texts) for n in range(len(headings))]
    for row in texts:
        yield "  " + "  ".join(padded(cell, widths[n], left=n == 0) for n, cell in enumerate(row)).rstrip()


def _cut(text: str) -> str:
    while width(text) > _SHOWN:
        text = text[:-2] + "…"
    return text


def annual_lines(found: Row, titles: Row) -> list[str]:
    """Return the annual report as an officer reads it."""
    whose = "" if len(found["agencies"]) == 1 else f"（{len(found['agencies'])}个机关）"
    out = [f"{found['year']}年{found['title']}{whose}　统计截至{found['as_of']}", "", titles["table2"]["title"]]
    for cell, value in found["table2"].items():
        said = "（待填报）" if value is None else f"{value:g}"
        out.append(f"  {titles['table2']['cells'][cell]}　{said}")
    out += ["", titles["table3"]["title"]]
    columns = titles["table3"]["columns"]
    rows = [[titles["table3"]["rows"][r], *cells.values()] for r, cells in found["table3"].items()]
    out += table(["", *columns.values()], rows)
    out += ["", titles["table4"]["title"]]
    rows = [[titles["table4"]["rows"][r], *cells.values()] for r, cells in found["table4"].items()]
    out += table(["", *titles["table4"]["columns"].values()], rows)
    out += ["", "勾稽关系"]
    for check in found["checks"]:
        mark = _MARKS[check["holds"]] if check["entered"] else "未填"
        out.append(f"  {mark} {check['rule']}")
        out += [f"      {where}" for where in check["where"]]
    out += [f"  ！{w['text']}：{'、'.join(w['cases'])}" for w in found["warnings"]]
    if found["missing"]:
        out.append(f"  ！表二还有{len(found['missing'])}格待填报：ysq report enter {found['year']} 格=数")
    out += ["", "正文数字", *(f"  {s}" for s in found["sentences"])]
    return [*out, *(f"已写入 {path}" for path in found["papers"].values())]


def cell_lines(found: Row) -> list[str]:
    """Return the cases behind a cell."""
    out = [f"{found['year']}年 {found['title']}：{found['count']}件（统计截至{found['as_of']}）"]
    for case in found["cases"]:
        if "filed_on" in case:
            ended = f"{case['decided_on']} {case['result_title']}" if case["decided_on"] else "尚未审结"
            linked = f"（{case['linked']}）" if case["linked"] else ""
            out.append(f"  {case['number']}{linked}　提起 {case['filed_on']}　{ended}")
        else:
            ended = f"{case['decided_on']} {case['outcome_title']}" if case["decided_on"] else "未办结"
            out.append(f"  {case['number']}　收到 {case['received_on']}　{ended}")
    return out


def imported_lines(found: Row) -> list[str]:
    """Return what an import has found, and done."""
    done = "试算" if found["dry_run"] else "导入"
    head = (
        f"{done}：共{found['lines']}件，其中新的{found['imported']}件，续记的{found['continued']}件，"
        f"已有的{found['unchanged']}件；已办结{found['closed']}件，在办{found['open']}件；复议、诉讼{found['remedies']}件。"
    )
    out = [head]
    out += [f"  {y['year']}年　收到{y['received']}　办结{y['decided']}" for y in found["years"]]
    if found["unknown"]:
        out.append(f"  没有使用的列：{'、'.join(found['unknown'])}")
    if found["dry_run"]:
        out.append("没有写入任何内容；核对无误后去掉 --dry-run 再运行。")
    elif found["imported"]:
        out.append("  旧案尚未建立同一申请人、相同申请的识别索引；需要时运行 ysq recognition rebuild。")
    return out


def supervision_lines(found: Row) -> list[str]:
    """Return a supervision as those who supervise read it."""
    from yishenqing.office.supervisionpapers import tables

    out = [f"{found['title']}　{found['since']}至{found['until']}（在办案件截至{found['as_of']}）"]
    for title, headings, rows in tables(found):
        out += ["", title, *(table(headings, rows) if rows else ["  （无）"])]
    for row in found["agencies"]:
        for lamp, title in found["lamps"].items():
            if row["lamps"][lamp]["cases"]:
                out.append(f"  ［{title}］{row['name']}：{'、'.join(row['lamps'][lamp]['cases'])}")
        if row["unassigned"]:
            out.append(f"  ［未分办］{row['name']}：{'、'.join(row['unassigned'])}")
    papers = found["papers"]
    written = (
        [papers[kind] for kind in ("xlsx", "pdf") if kind in papers] + papers.get("svg", []) + papers.get("png", [])
    )
    return [*out, *(f"已写入 {path}" for path in written)]
