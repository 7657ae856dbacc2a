"""The sheet as SVG 1.1: no scripts, no style sheets from elsewhere, every text escaped."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from yishenqing.diagram.layout import MARGIN, Box, Label, Path, Sheet
from yishenqing.diagram.wording import SIZES, Block

_FONTS = (
    "'Source Han Sans SC', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'Hiragino Sans GB', "
    "'WenQuanYi Micro Hei', SimHei, sans-serif"
)
_STYLE = f"""
text {{ font-family: {_FONTS}; fill: #1f2937 }}
.title {{ font-weight: bold }}
.law, .owner, .legend {{ fill: #5b6675 }}
.clock {{ fill: #a3400a }}
.state {{ font-weight: bold }}
.stage, text.panel {{ font-weight: bold; fill: #1d4f91 }}
.heading {{ font-weight: bold; fill: #14396b }}
"""
_LINES = {
    "main": ("#1d4f91", 4, ""),
    "link": ("#64748b", 1.6, ""),
    "back": ("#b45309", 1.6, ""),
    "note": ("#94a3b8", 1.4, "4 3"),
}
_BOXES = {
    "main": ("#ffffff", "#1d4f91", 2.2, 8),
    "final": ("#1d4f91", "#14396b", 2.2, 29),
    "side": ("#ffffff", "#64748b", 1.6, 8),
    "note": ("#ffffff", "#94a3b8", 1.2, 4),
    "panel": ("#fbfcfe", "#7c93b2", 1.2, 6),
}
_GROUNDS = ("#eef4fb", "#f8fafc")


def draw(sheet: Sheet) -> str:
    """Return the SVG text."""
    return "\n".join(_parts(sheet)) + "\n"


def _parts(sheet: Sheet) -> Iterator[str]:
    title = "".join(line.text for line in sheet.heading.lines)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{sheet.width}" height="{sheet.height}" '
        f'viewBox="0 0 {sheet.width} {sheet.height}">'
    )
    yield f"<title>{escape(title)}</title>"
    yield f'<style type="text/css">{_STYLE}</style>'
    yield f'<rect width="{sheet.width}" height="{sheet.height}" fill="#ffffff"/>'
    yield from _band_parts(sheet)
    for path in sorted(sheet.paths, key=lambda p: p.kind == "main"):  # the main road lies on top
        yield from _path(path)
    for box in sheet.boxes:
        yield from _box(box)
    for label in sheet.labels:
        yield from _label(label)
    middle = sheet.width // 2
    yield from _text(sheet.heading, middle, MARGIN, "middle")
    yield from _text(sheet.legend, middle, sheet.height - MARGIN - sheet.legend.height, "middle")
    yield "</svg>"


def _band_parts(sheet: Sheet) -> Iterator[str]:
    for n, band in enumerate(sheet.bands):
        yield _rect(MARGIN, band.y, sheet.band_width, band.height, "band", _GROUNDS[n % 2], "none", 0, 0)
        yield _rect(MARGIN, band.y, 44, band.height, "strip", "#d5e3f4", "#ffffff", 2, 0)
        top = band.y + (band.height - band.text.height) // 2
        yield from _text(band.text, MARGIN + 22, top, "middle")


def _path(path: Path) -> Iterator[str]:
    colour, width, dashes = _LINES[path.kind]
    points = list(path.points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    if path.arrow:
        yield _head(points, colour, round(width * 1.2 + 6))
        points[-1] = _shortened(points, 6)
    shown = " ".join(f"{x},{y}" for x, y in points)
    yield (
        f'<polyline class="line {path.kind}" points="{shown}" fill="none" stroke="{colour}" '
        f'stroke-width="{width}" stroke-linejoin="round"{dashed}/>'
    )


def _direction(points: list[tuple[int, int]]) -> tuple[int, int]:
    (x0, y0), (x1, y1) = points[-2], points[-1]
    return (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)


def _shortened(points: list[tuple[int, int]], by: int) -> tuple[int, int]:
    """End the line inside its head, or its blunt end would show at the tip."""
    dx, dy = _direction(points)
    return points[-1][0] - dx * by, points[-1][1] - dy * by


def _head(points: list[tuple[int, int]], colour: str, size: int) -> str:
    (x, y), (dx, dy) = points[-1], _direction(points)
    half = size * 0.55
    back = (x - dx * size, y - dy * size)
    corners = [(x, y), (back[0] - dy * half, back[1] + dx * half), (back[0] + dy * half, back[1] - dx * half)]
    return f'<polygon points="{" ".join(f"{a:g},{b:g}" for a, b in corners)}" fill="{colour}"/>'


def _box(box: Box) -> Iterator[str]:
    fill, stroke, width, radius = _BOXES[box.kind]
    dashed = ' stroke-dasharray="5 3"' if box.kind == "note" else ""
    yield _rect(box.x, box.y, box.width, box.height, f"box {box.kind}", fill, stroke, width, radius, dashed)
    y = box.y + (box.height - box.text.height) // 2
    colour = ' fill="#ffffff" style="fill: #ffffff"' if box.kind == "final" else ""
    if box.kind in ("note", "panel"):
        yield from _text(box.text, box.x + 12, y, "start")
        if box.corner:
            lower = (box.text.lines[0].height - box.corner.height) // 2
            yield from _text(box.corner, box.right - 12, y + lower, "end")
    else:
        yield from _text(box.text, box.x + box.width // 2, y, "middle", colour)


def _label(label: Label) -> Iterator[str]:
    if label.chip:
        width, height = label.text.width + 8, label.text.height + 6
        yield _rect(label.x - 4, label.y - 3, width, height, "chip", "#ffffff", "#d8dee7", 1, 4)
        yield from _text(label.text, label.x + label.text.width // 2, label.y, "middle")
    else:
        yield from _text(label.text, label.x, label.y, "start")


def _rect(
    x: int,
    y: int,
    width: int,
    height: int,
    name: str,
    fill: str,
    stroke: str,
    line: float,
    radius: int,
    more: str = "",
) -> str:
    return (
        f'<rect class="{name}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="{line}"{more}/>'
    )


def _text(block: Block, x: int, y: int, anchor: str, more: str = "") -> Iterator[str]:
    """Yield the lines of ``block`` below ``y``, each on its baseline."""
    for line in block.lines:
        size = SIZES[line.kind]
        yield _line(x, y + round(line.height * 0.5 + size * 0.36), line.kind, size, anchor, line.text, more)
        y += line.height


def _line(x: int, y: int, kind: str, size: int, anchor: str, text: str, more: str) -> str:
    return (
        f'<text class="{kind}" x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}"{more}>{escape(text)}</text>'
    )
