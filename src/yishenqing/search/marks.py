"""What this field writes in many ways and means as one: document, case and plot numbers, dates, articles of law.

Each is found in folded text (see ``folding``) and gets keys in one form, under which it is entered and looked up.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

from msgspec import Struct

from yishenqing.core.numerals import LARGEST, NUMERAL, numeral, value

_YEAR = r"((?:19|20)\d{2})"
_OPEN, _CLOSE = r"[〔\[(【〈<]\s*", r"\s*[〕\])】〉>]"
_DOCUMENT = re.compile(rf"{_OPEN}{_YEAR}年?{_CLOSE}\s*第?\s*0*(\d{{1,6}})\s*号")
_BEFORE = re.compile(r"[一-鿿a-z]{0,2}$")  # the end of an organ's mark: 政发
_CASE = re.compile(rf"{_OPEN}{_YEAR}{_CLOSE}\s*([一-鿿]{{1,4}}\d{{0,6}}[一-鿿]{{1,6}}?)\s*第?\s*0*(\d{{1,6}})\s*号")
_ORDER = re.compile(rf"令\s*第?\s*({NUMERAL}{{1,8}})\s*号|第\s*({NUMERAL}{{1,8}})\s*号令")
_DAY = re.compile(rf"{_YEAR}\s*[年./-]\s*(\d{{1,2}})\s*[月./-]\s*(\d{{1,2}})(?!\d)\s*日?")
_DAY_IN_WORDS = re.compile(
    r"([一二][〇零一二三四五六七八九]{3})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
_MONTH = re.compile(rf"{_YEAR}\s*年\s*(\d{{1,2}})\s*月(?!\d)")
_CODE = re.compile(
    r"(?<![a-z0-9])(?=[a-z0-9\s_/–—·-]{0,120}?\d)[a-z]{0,8}\d{0,12}(?:\s*[-_/–—·]\s*[a-z0-9]{1,12}){1,5}(?![a-z0-9])"
)
_SPLIT = re.compile(r"\s*[-_/–—·]\s*")
# 第36条（五）, 第三十六条第（五）项, 条例36条第二款; without 第 only where a law or a part of it stands beside.
_ARTICLE = re.compile(
    rf"(?:第\s*|(?<=[例法定据照则见依按])\s*(?=\d)|(?<![\d第一-鿿])(?={NUMERAL}{{1,6}}\s*条\s*(?:$|[(第])))"
    rf"({NUMERAL}{{1,6}})\s*条(之[一二三四五六七八九十])?"
    rf"(?:\s*第?\s*\(?\s*({NUMERAL}{{1,3}})\s*\)?\s*款)?"
    rf"(?:\s*第?\s*\(?\s*({NUMERAL}{{1,3}})\s*\)?\s*项|\s*\(\s*({NUMERAL}{{1,3}})\s*\))?"
)
_NAMED_WITHIN = 100  # characters before an article: no statute's name is longer
_HINT = re.compile(r"\d|[条令月]")  # without one of these there is no mark
_MONTHS, _DAYS = range(1, 13), range(1, 32)


class Mark(Struct, frozen=True):
    """One such thing: what it is, the keys it is found under (most exact first), how it is told, where it stands."""

    kind: str
    keys: tuple[str, ...]
    said: str
    start: int
    end: int


def marks(folded: str) -> list[Mark]:
    """Return what stands in a folded text, in its order; what one kind has taken is no other's."""
    if not _HINT.search(folded):
        return []
    found: list[Mark] = []
    starts, ends = [], []  # type: list[int], list[int]  # of what is taken, in order: nothing overlaps
    for pattern, read in _KINDS:
        for match in pattern.finditer(folded):
            start, end = match.span()
            place = bisect_right(starts, start)
            if (place and ends[place - 1] > start) or (place < len(starts) and starts[place] < end):
                continue
            mark = read(match)
            if mark is not None:
                found.append(mark)
                starts.insert(place, start)
                ends.insert(place, end)
    return sorted(found, key=lambda m: m.start)


def articles(folded: str) -> Iterator[tuple[Mark, str]]:
    """Yield each article of law in a folded text, with what stands between it and the one before, or its end."""
    last = 0
    for match in _ARTICLE.finditer(folded):
        if (mark := _article(match)) is not None:
            yield mark, folded[max(last, match.start() - _NAMED_WITHIN) : match.start()]
            last = mark.end


def rewritten(folded: str) -> str:
    """Return ``folded`` with every article in one spelling: 36条(五) as 第三十六条第五项."""

    def spelled(match: re.Match[str]) -> str:
        mark = _article(match)
        return match[0] if mark is None else mark.said

    return _ARTICLE.sub(spelled, folded) if "条" in folded else folded


def _document(match: re.Match[str]) -> Mark:
    start, end = match.span()
    before = _BEFORE.search(match.string[max(start - 2, 0) : start].rstrip())
    organ = before[0] if before else ""
    number = f"〔{match[1]}〕{int(match[2])}号"
    keys = (f"号:{organ}{number}", f"号:{number}") if organ else (f"号:{number}",)
    return Mark("文号", keys, f"{organ}{number}", start - len(organ), end)


def _case(match: re.Match[str]) -> Mark:
    said = f"（{match[1]}）{match[2]}{int(match[3])}号"
    return Mark("案号", (f"案:{said}",), said, *match.span())


def _order(match: re.Match[str]) -> Mark:
    number = value(match[1] or match[2])
    return Mark("令号", (f"令:{number}",), f"令第{number}号", *match.span())


def _day(match: re.Match[str]) -> Mark | None:
    year, month, day = (value(part) for part in match.groups())
    if month not in _MONTHS or day not in _DAYS:
        return None
    return Mark(
        "日期", (f"日:{year}-{month}-{day}", f"月:{year}-{month}"), f"{year}年{month}月{day}日", *match.span()
    )


def _month(match: re.Match[str]) -> Mark | None:
    year, month = int(match[1]), int(match[2])
    return Mark("日期", (f"月:{year}-{month}",), f"{year}年{month}月", *match.span()) if month in _MONTHS else None


def _article(match: re.Match[str]) -> Mark | None:
    numbers = [value(n) if n else 0 for n in (match[1], match[3], match[4] or match[5])]
    if max(numbers) > LARGEST:
        return None  # 第12345条 counts records; no law has so many articles
    article, paragraph, item = map(numeral, numbers)
    said = key = f"第{article}条{match[2] or ''}"
    keys = [f"条:{key}"]
    if match[3]:
        said += f"第{paragraph}款"
    if match[4] or match[5]:
        said += f"第{item}项"
        keys.insert(0, f"条:{key}第{item}项")
    return Mark("条款", tuple(keys), said, *match.span())


def _code(match: re.Match[str]) -> Mark | None:
    parts = [p.lstrip("0") or "0" for p in _SPLIT.split(match[0].strip())]
    said = "-".join(parts)
    return Mark("编号", (f"码:{said}",), said, *match.span()) if any(c.isdecimal() for c in said) else None


_KINDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Mark | None]], ...] = (
    (_DOCUMENT, _document),
    (_CASE, _case),
    (_ORDER, _order),
    (_ARTICLE, _article),
    (_DAY, _day),
    (_DAY_IN_WORDS, _day),
    (_MONTH, _month),
    (_CODE, _code),
)
