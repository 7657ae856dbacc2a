"""Look through a released text for what tells who a person is, and show it so that the list itself leaks nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator

from msgspec import Struct

from yishenqing.core import masking

_AROUND = 12  # characters shown on either side of a find
_HEAD, _TAIL = 3, 2  # characters of the find itself that are shown
_BROKEN = re.compile(r"(?<=\d)[ \t]*\r?\n[ \t]*(?=[\dXx])")  # a number that goes on in the next line


class Seen(Struct, frozen=True):
    """Something personal in a text: its kind, its masked excerpt, and where it begins."""

    kind: str
    start: int
    excerpt: str


def pdf_text(content: bytes) -> str | None:
    """Return the text of a PDF; None where it cannot be read, or a page of it is only a picture."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(io.BytesIO(content))
    except pdfium.PdfiumError:
        return None
    try:
        pages = [page.get_textpage().get_text_range() for page in document]
    except pdfium.PdfiumError:
        return None
    finally:
        document.close()
    return "\n".join(pages) if all(page.strip() for page in pages) else None


def seen(text: str, kinds: Collection[str], allowed: Collection[str]) -> Iterator[Seen]:
    """Yield what is personal in ``text``; numbers that a line break cuts are put together, too."""
    known: set[str] = set()
    for form in dict.fromkeys((text, _BROKEN.sub("", text))):
        found = [span for span in masking.numbers(form, allowed) if span.kind in kinds]
        for span in found:
            if span.text not in known:
                known.add(span.text)
                yield Seen(span.kind, span.start, _excerpt(form, span, found))


def _excerpt(text: str, span: masking.Span, spans: Collection[masking.Span]) -> str:
    """Return the words around a find; the find, and every other one near it, masked."""
    begin, end = max(0, span.start - _AROUND), min(len(text), span.end + _AROUND)
    out, at = [], begin
    for other in sorted(spans):
        if other.end <= begin or other.start >= end:
            continue
        out += [text[at : max(at, other.start)], masked(other.text)]
        at = other.end
    return " ".join("".join([*out, text[at : max(at, end)]]).split())


def masked(number: str) -> str:
    """Return a number of which only the ends show."""
    hidden = len(number) - _HEAD - _TAIL
    return f"{number[:_HEAD]}{'*' * hidden}{number[-_TAIL:]}" if hidden > 0 else "*" * len(number)
