"""Bind the pages of many PDF files into one, for the printer; what was issued stays as it is, beside it.

pypdf reads the pages and writes their objects. Its own writer keeps every object until the end (measured: 68 MB
more for each hundred letters with their envelopes and waybills); here each file is written as soon as it is read,
and forgotten.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdf import PdfReader
    from pypdf.generic import DictionaryObject

_PRINTED = ("/Type", "/MediaBox", "/Resources", "/Contents", "/Rotate")  # of a page; its tags and links are not
_CATALOG, _PAGES = 1, 2


class Binder:
    """One PDF file in the making; ``pages`` counts what it holds."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Begin the file."""
        self._stream = stream
        self._offsets = {_CATALOG: 0, _PAGES: 0}
        self._kids: list[int] = []
        stream.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    @property
    def pages(self) -> int:
        """Return how many pages have been bound."""
        return len(self._kids)

    def add(self, content: bytes, *, duplex: bool = False) -> None:
        """Write the pages of a PDF file; with ``duplex`` the next file begins on a sheet of its own."""
        from pypdf import PdfReader

        count = len(self._kids)
        moving = _Moving(PdfReader(io.BytesIO(content)), self._reserved)
        for page in moving.reader.pages:
            self._page(moving.page(page))
            for number, found in moving.pending():
                self._write(number, found)
        if duplex and (len(self._kids) - count) % 2:
            box = moving.reader.pages[0].mediabox
            self._page(_blank(box))
        moving.reader.resolved_objects.clear()  # objects and reader hold each other; do not wait for the collector

    def _page(self, page: DictionaryObject) -> None:
        from pypdf.generic import IndirectObject, NameObject

        number = self._reserved()
        page[NameObject("/Parent")] = IndirectObject(_PAGES, 0, None)
        self._write(number, page)
        self._kids.append(number)

    def _reserved(self) -> int:
        number = len(self._offsets) + 1
        self._offsets[number] = 0
        return number

    def _write(self, number: int, found: Any) -> None:
        self._offsets[number] = self._stream.tell()
        self._stream.write(b"%d 0 obj\n" % number)
        found.write_to_stream(self._stream)
        self._stream.write(b"\nendobj\n")

    def finish(self) -> None:
        """Write what holds the pages together; nothing can be added afterwards."""
        kids = b" ".join(b"%d 0 R" % n for n in self._kids)
        self._close(_PAGES, b"<< /Type /Pages /Count %d /Kids [ %s ] >>" % (len(self._kids), kids))
        self._close(_CATALOG, b"<< /Type /Catalog /Pages %d 0 R >>" % _PAGES)
        start, size = self._stream.tell(), len(self._offsets) + 1
        self._stream.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
        for number in range(1, size):
            self._stream.write(b"%010d 00000 n \n" % self._offsets[number])
        trailer = b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        self._stream.write(trailer % (size, _CATALOG, start))

    def _close(self, number: int, text: bytes) -> None:
        self._offsets[number] = self._stream.tell()
        self._stream.write(b"%d 0 obj\n%s\nendobj\n" % (number, text))


class _Moving:
    """The objects of one file on their way into another: each gets a new number the first time it is named."""

    def __init__(self, reader: PdfReader, reserved: Any) -> None:
        self.reader, self._reserved = reader, reserved
        self._numbers: dict[int, int] = {}
        self._waiting: list[tuple[int, Any]] = []

    def page(self, page: Any) -> DictionaryObject:
        """Return what is printed of a page, with its references moved."""
        from pypdf.generic import DictionaryObject, NameObject

        kept = {NameObject(k): self._moved(page.raw_get(k)) for k in _PRINTED if k in page}
        return DictionaryObject(kept)

    def pending(self) -> Iterator[tuple[int, Any]]:
        """Yield what was named and is not written yet, each with its new number."""
        while self._waiting:
            number, reference = self._waiting.pop()
            yield number, self._moved(self.reader.get_object(reference))

    def _moved(self, found: Any) -> Any:
        from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

        if isinstance(found, IndirectObject):
            if found.idnum not in self._numbers:
                self._numbers[found.idnum] = self._reserved()
                self._waiting.append((self._numbers[found.idnum], found))
            return IndirectObject(self._numbers[found.idnum], 0, None)
        if isinstance(found, DictionaryObject):
            for key, value in [*found.items()]:
                found[key] = self._moved(value)
        elif isinstance(found, ArrayObject):
            found[:] = [self._moved(value) for value in found]
        return found


def _blank(box: Any) -> DictionaryObject:
    from pypdf.generic import DictionaryObject, NameObject

    return DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Page"),
            NameObject("/MediaBox"): box,
            NameObject("/Resources"): DictionaryObject(),
        }
    )


@contextmanager
def bound(path: Path) -> Iterator[Binder]:
    """Give a binder whose file stands at ``path`` when all went well; otherwise nothing new stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            binder = Binder(stream)
            yield binder
            binder.finish()
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
