"""The text of a file that goes out with a letter, as far as a program can read it; bounded, nothing is fetched."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

LARGEST = 50_000_000  # bytes of one file
_MOST = 2_000_000  # characters that are looked through
_UNPACKED = 100_000_000  # bytes that a packed file may come to
_FEWEST = 2  # characters a page of a PDF has at least, unless it is a picture
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def text_of(name: str, content: bytes) -> str | None:
    """Return the text of a file; None where the program cannot read it, or not all of it."""
    if len(content) > LARGEST:
        return None
    reader = _READERS.get(PurePath(name.lower()).suffix)
    if reader is None:
        return None
    try:
        text = reader(content)
    except Exception:  # noqa: BLE001 - a broken file breaks in any way it likes; a person looks at it then
        return None
    return text if text is not None and len(text) <= _MOST else None


def _plain(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _pdf(content: bytes) -> str | None:
    from pypdf import PdfReader

    pages = [page.extract_text() or "" for page in PdfReader(io.BytesIO(content)).pages]
    # A page without text is a scan, of which the program would miss everything.
    return None if any(len(page.strip()) < _FEWEST for page in pages) else "\n".join(pages)


def _docx(content: bytes) -> str | None:
    from defusedxml.ElementTree import fromstring

    parts: list[str] = []
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        names = [n for n in packed.namelist() if n.startswith("word/") and n.endswith(".xml")]
        if sum(packed.getinfo(n).file_size for n in names) > _UNPACKED:
            return None
        if any(n.startswith("word/media/") for n in packed.namelist()):
            return None  # pictures may show what no text says
        for name in names:
            parts += ["".join(_runs(paragraph)) for paragraph in fromstring(packed.read(name)).iter(f"{_WORD}p")]
    return "\n".join(parts)


def _runs(paragraph: Any) -> Iterator[str]:
    yield from (run.text or "" for run in paragraph.iter(f"{_WORD}t"))


def _xlsx(content: bytes) -> str | None:
    from openpyxl import load_workbook

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(info.file_size for info in packed.infolist()) > _UNPACKED:
            return None
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        rows = [row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)]
    finally:
        book.close()
    return "\n".join("\t".join("" if cell is None else str(cell) for cell in row) for row in rows)


_READERS: Mapping[str, Callable[[bytes], str | None]] = {
    ".txt": _plain,
    ".csv": _plain,
    ".tsv": _plain,
    ".md": _plain,
    ".json": _plain,
    ".xml": _plain,
    ".html": _plain,
    ".htm": _plain,
    ".pdf": _pdf,
    ".docx": _docx,
    ".xlsx": _xlsx,
}
