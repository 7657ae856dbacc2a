"""Reports as papers: workbooks in the official form, PDF; written whole, where the officer wants them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing.core.errors import DataFault, Fault, why
from yishenqing.shipped import layered
from yishenqing.store.vault import write_whole

if TYPE_CHECKING:
    from yishenqing.reporting.form import Form

_STYLE = "report.css"


def annual_workbook(form: Form, found: Mapping[str, Any]) -> bytes:
    """Return the annual report as a workbook."""
    from yishenqing.reporting import grid, workbook

    return workbook.annual(grid.grids(form, found), found)


def annual_pdf(form: Form, found: Mapping[str, Any], home: Path) -> bytes:
    """Return the annual report as PDF/A, laid out like the workbook."""
    from yishenqing.reporting import grid, page

    title = f"{found['name']}{found['year']}年{found['title']}"
    return printed(page.annual(grid.grids(form, found), found), title, found, home)


def printed(body: str, title: str, found: Mapping[str, Any], home: Path) -> bytes:
    """Print markup in the style of reports."""
    from yishenqing.letters import printer

    day = date.fromisoformat(found["as_of"])
    html = printer.document(body, title=title, author=found["name"], day=day)
    css = next(path for folder in layered("letters", home) if (path := folder / _STYLE).is_file())
    return printer.to_pdf(html, css)


def write(path: Path, content: bytes) -> str:
    """Write a paper whole; return where it lies.

    Raises:
        DataFault: it cannot be written there.
    """
    try:
        if path.is_dir():
            raise DataFault.of([Fault("这是一个文件夹，请写明文件名", str(path))])
        write_whole(path, content)
    except OSError as error:
        raise DataFault.of([Fault(f"无法写入（{why(error)}）", str(path))]) from None
    return str(path)
