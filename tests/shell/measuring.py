"""Measure letters of 1 to 60 lines and every letter in prose against GB/T 9704-2012: ``make measure``.

Each is printed in both formats, with and without a seal, and left in the folder, one folder for each format, so that
another measure can be laid on the same files.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import gallery
import gbt9704
from letters_sample import context

from yishenqing.letters import Letterbook, compose, fonts
from yishenqing.letters.style import Style
from yishenqing.shipped import shipped

Layout = tuple[Literal["letter", "plain"], bool]
LAYOUTS: tuple[Layout, ...] = (("letter", True), ("letter", False), ("plain", True), ("plain", False))
LENGTHS = range(1, 61)
_TRIAL = """---
kind: trial
title: 试验告知书
when: 试验
law: [条例第三十六条第二项]
needs: [facts.reason]
remedy: none
series: 告
format: letter
---
<p><s src="officer">{{ facts.reason }}</s></p>
"""
_CLAUSES = (
    "经查，《关于2025年老旧小区改造项目的批复》（清政发〔2025〕12号）形成于2025年11月3日，投资1,234.5万元，占37.5%；"
    "联系电话0517-80001234，“竣工验收备案”材料见GB/T 9704-2012；"
) * 60


@cache
def text_of(lines: int) -> str:
    """Return a paragraph of so many lines, ended like a sentence; how full its last line is differs."""
    after = bisect_right(range(40 * lines), lines, key=lambda end: _count(_sentence(end)))
    shorter = (_sentence(after - 1 - back) for back in range(lines * 5 % 9, -1, -1))
    return next(text for text in shorter if _count(text) == lines)


def _sentence(end: int) -> str:
    return _CLAUSES[:end].rstrip("（〔《“，；") + "。"


def _count(text: str) -> int:
    return len(compose.compose(text, fonts.metrics().width))


def letters(layout: Layout, lengths: Iterable[int] = LENGTHS) -> Iterator[tuple[str, bytes]]:
    """Yield a letter of each length in this layout, and what it is called."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "trial.html").write_text(_TRIAL, encoding="utf-8")
        book = Letterbook([Path(folder), shipped("letters")], Style(*layout))
        for lines in lengths:
            given: dict[str, Any] = context() | {"remedy": None}
            given["facts"]["reason"] = text_of(lines)
            yield f"{lines:02d}行", book.pdf("trial", given)


def prose(layout: Layout) -> Iterator[tuple[str, bytes]]:
    """Yield every sample of every kind in prose in this layout, and what it is called."""
    book = Letterbook([shipped("letters")], Style(*layout))
    for number, (kind, _, given) in enumerate(gallery.samples(book)):
        if book.kind(kind).goes_out:
            yield f"{kind}-{number}", book.pdf(kind, given)


def measure(folder: Path) -> list[str]:
    """Print all letters into ``folder``; return every departure, each with its file."""
    found = []
    count = 0
    for form, seal in LAYOUTS:
        place = folder / form
        place.mkdir(parents=True, exist_ok=True)
        for make in (letters, prose):
            for name, pdf in make((form, seal)):
                path = place / f"{name}-{'盖章' if seal else '不盖章'}.pdf"
                path.write_bytes(pdf)
                departures = gbt9704.check(pdf, letterhead=form == "letter", fonts=fonts.folder(), seal=seal)
                found += [f"{path}：{departure}" for departure in departures]
                count += 1
    print(f"量了{count}件，不合之处{len(found)}处。")  # noqa: T201 - a script that a person runs
    return found


if __name__ == "__main__":
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    departures = measure(Path(sys.argv[1] if len(sys.argv) > 1 else "measure-output"))
    print(*departures, sep="\n", end="")  # noqa: T201 - as above
    sys.exit(bool(departures))
