"""Print forms as tagged PDF/A-2a: no network, no system fonts, the same bytes every time."""

from __future__ import annotations

import logging
import os
import re
from datetime import date
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any

from yishenqing.core.errors import DataFault, Fault
from yishenqing.letters import fonts
from yishenqing.letters.compose import NO_END, NO_START, units

VARIANT = "pdf/a-2a"  # tagged; no attachments: the archive embeds data elsewhere
_PARTS = re.compile(r"<style\b.*?</style|<[^>]*>|([^<]+)", re.DOTALL | re.IGNORECASE)  # what is text is a group
_OPENING, _CLOSING = "".join(NO_END), "".join(NO_START)
# What stands on one line where it fits; one too long for its cell is still broken inside.
_WHOLE = "<style>data { display: inline-block; max-width: 100% }</style>"


def document(body: str, *, title: str, author: str, day: date | None, paper: tuple[int, int] | None = None) -> str:
    """Wrap ``body`` (safe markup) with the metadata that PDF/A wants; ``day`` is the only date in the file.

    ``paper`` is the width and height in mm where they are not those of the style sheet.
    """
    size = f"<style>@page {{ size: {paper[0]}mm {paper[1]}mm }}</style>" if paper else ""
    dates = (
        ""
        if day is None
        else "".join(f'<meta name="dcterms.{name}" content="{day.isoformat()}">' for name in ("created", "modified"))
    )
    return (
        f'<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="author" content="{escape(author)}">'
        f"{dates}{size}{_WHOLE}</head><body>{_PARTS.sub(_held, body)}</body></html>"
    )


def _held(found: re.Match[str]) -> str:
    """Mark the numbers, dates and codes of a text, with the punctuation that may not leave them."""
    text = found[1]
    if text is None:
        return found[0]
    held, at = "", 0
    for start, end in units(text):
        if text[:start].endswith(("&", "#")):  # a character reference
            continue
        first = at + len(text[at:start].rstrip(_OPENING))
        last = len(text) - len(text[end:].lstrip(_CLOSING))
        held += f"{text[at:first]}<data>{text[first:last]}</data>"
        at = last
    return held + text[at:]


def to_pdf(html: str, css: Path) -> bytes:
    """Return ``html`` as PDF/A-2a with the style sheet ``css``.

    Raises:
        DataFault: the machine lacks fonts or libraries, or the template asks for a file or an address.
    """
    configuration = _configuration(fonts.require())
    from weasyprint import HTML

    fetcher = _fetcher()
    from weasyprint.urls import FatalURLFetchingError

    try:
        printed = HTML(string=html, url_fetcher=fetcher).write_pdf(
            stylesheets=[_sheet(css.read_text(encoding="utf-8"), fonts.folder())],
            font_config=configuration,
            pdf_variant=VARIANT,
        )
    except FatalURLFetchingError as error:
        text = "文书模板和样式不得引用外部文件或者网址"
        raise DataFault.of([Fault(f"{text}（{error}）", str(css))]) from None
    return bytes(printed)


@lru_cache(maxsize=8)
def _sheet(css: str, folder: Path) -> Any:
    """Parse a style sheet once; it has a fetcher of its own, which must be closed too."""
    from weasyprint import CSS

    return CSS(string=css, font_config=_configuration(folder), url_fetcher=_fetcher())


@cache
def _configuration(folder: Path) -> Any:
    """Point fontconfig at the private fonts before the renderer loads it."""
    os.environ["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


@cache
def _fetcher() -> Any:
    from weasyprint.urls import URLFetcher

    class Nothing(URLFetcher):  # type: ignore[misc]  # the package has no types
        """Fetch nothing: a letter has no pictures, links or imports; asking for one refuses the letter."""

        def fetch(self, url: str, _headers: Any = None) -> Any:
            raise ValueError(f"不得引用“{url[:200]}”")

    return Nothing(fail_on_errors=True)
