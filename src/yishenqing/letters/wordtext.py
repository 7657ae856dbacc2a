"""A letter as Word shows it: paragraphs of locked pieces and islands, and how a changed file is told from it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from difflib import SequenceMatcher
from itertools import zip_longest

from msgspec import Struct

from yishenqing.core.errors import Fault
from yishenqing.letters.context import cleaned
from yishenqing.letters.markup import Block
from yishenqing.letters.sheet import Head, enclosure_label

HERE = "【可改】"  # how an island is shown where locked text is compared
_TAG = re.compile(r"ysq:([a-z0-9_.]{1,24}):(\d{8}):([0-9a-f]{16})")
_SEAL = re.compile(r"_ysq_(\d{8})_([0-9a-f]{16})")
_MARK = re.compile(r"_ysq_([a-z0-9_]{1,30})")
_DOT = "__"  # a bookmark's name has no dot
_SHOWN = 300
_SPACES = re.compile(r"[ \u3000\u00a0]+")


class Piece(Struct, frozen=True):
    """A stretch of a paragraph; with ``island`` it is the officer's to change, without it is locked."""

    text: str
    island: str = ""


class Paragraph(Struct, frozen=True):
    """A paragraph of the letter; ``role`` names its style."""

    role: str
    pieces: tuple[Piece, ...]

    @property
    def locked(self) -> str:
        """Return the paragraph as it may not be changed, its islands marked."""
        return "".join(HERE if p.island else p.text for p in self.pieces)


class Stamp(Struct, frozen=True):
    """What every island of a file bears: the day for which the letter was written, and the digest of its text."""

    day: date
    digest: str

    def tag(self, island: str) -> str:
        """Return the tag of an island's content control (Word allows 64 characters)."""
        return f"ysq:{island}:{self.day:%Y%m%d}:{self.digest}"

    @property
    def bookmark(self) -> str:
        """Return the bookmark that says the same where tags get lost (40 characters, hidden by the underscore)."""
        return f"_ysq_{self.day:%Y%m%d}_{self.digest}"


def bookmark(island: str) -> str:
    """Return the bookmark around an island: LibreOffice before 7.5 keeps bookmarks and drops tags."""
    return f"_ysq_{island.replace('.', _DOT)}"


def read_tag(tag: str) -> tuple[str, Stamp] | None:
    """Return the island and the stamp of a tag; None when it is none of ours."""
    found = _TAG.fullmatch(tag)
    stamp = _stamp(found[2], found[3]) if found else None
    return (found[1], stamp) if found and stamp else None


def read_bookmark(name: str) -> str | Stamp | None:
    """Return the island or the stamp that a bookmark stands for; None when it is none of ours."""
    if found := _SEAL.fullmatch(name):
        return _stamp(found[1], found[2])
    found = _MARK.fullmatch(name)
    return found[1].replace(_DOT, ".") if found else None


def _stamp(day: str, digest: str) -> Stamp | None:
    try:
        return Stamp(date(int(day[:4]), int(day[4:6]), int(day[6:])), digest)
    except ValueError:
        return None


def paragraphs(head: Head, blocks: Sequence[Block], islands: Collection[str]) -> list[Paragraph]:
    """Return the letter as paragraphs; only the islands named are the officer's to change."""
    number = [Paragraph("number", (Piece(head.number),))] if head.number else []
    top = [Paragraph("mark" if head.letterhead else "organ", (Piece(head.organ),)), *number]
    found = [*top, Paragraph("title", (Piece(head.title),))]
    enclosures = [b for b in blocks if b.kind == "enclosure"]
    for block in blocks:
        pieces = list(_pieces(block, islands))
        if block.kind == "enclosure":
            pieces = [Piece(enclosure_label(block, enclosures)), *pieces]
        if pieces:
            found.append(Paragraph(block.kind, tuple(pieces)))
    return found


def _pieces(block: Block, islands: Collection[str]) -> Iterator[Piece]:
    for passage in block.passages:
        read = 0
        for island in passage.islands:
            if island.name in islands:
                yield from [Piece(passage.text[read : island.start])] if island.start > read else []
                yield Piece(passage.text[island.start : island.end], island.name)
                read = island.end
        yield from [Piece(passage.text[read:])] if passage.text[read:] else []


def words_of(found: Sequence[Paragraph]) -> dict[str, str]:
    """Return what stands on each island."""
    return {p.island: p.text for paragraph in found for p in paragraph.pieces if p.island}


def digest(found: Sequence[Paragraph], *about: str) -> str:
    """Return the digest of locked text and islands alike: whoever changes either has changed the letter."""
    told = [[p.role, [[piece.text, piece.island] for piece in p.pieces]] for p in found]
    return hashlib.sha256(json.dumps([*about, told], ensure_ascii=False).encode()).hexdigest()[:16]


def changed_locks(ours: Sequence[str], theirs: Sequence[str], file: str) -> list[Fault]:
    """Return each locked paragraph that a file tells otherwise than the case: which, as it was, as it is now."""
    before, after = [_plain(t) for t in ours], [_plain(t) for t in theirs if t.strip()]
    faults = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        for n, (old, new) in enumerate(zip_longest(before[a:b], after[c:d]), a + 1):
            where = f"第{n}段" if old is not None else f"第{a}段之后"
            said = f"“{_shown(old)}”" if old is not None else "（没有这一段）"
            now = f"“{_shown(new)}”" if new is not None else "（已删去）"
            faults.append(Fault(f"锁定的内容已被改动：原为{said}，现为{now}", file, field=where))
    return faults


def _shown(text: str) -> str:
    """What somebody else has written is shown without what could deceive the eye, and not without end."""
    clean = str(cleaned(text))
    return clean if len(clean) <= _SHOWN else clean[:_SHOWN] + "…"


def _plain(text: str) -> str:
    """Word processors add and drop blanks at the edges of paragraphs and controls; none of ours means anything."""
    return _SPACES.sub("", text).strip()
