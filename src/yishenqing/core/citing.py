"""Find the articles cited in an officer's own words, and say which of them, or of their parts, do not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct

from yishenqing.core.law import Law, Statute
from yishenqing.core.numerals import LARGEST, numeral, value

_NUMERAL = r"(?:[0-9０-９一二三四五六七八九十百千零〇两]\s*){1,12}"
_JOIN = r"\s*(?:[、，,~—-]|和|及|与|或者|或|以及|至|到)\s*"
_ENCLOSED = rf"[（(]\s*{_NUMERAL}[）)]"
_NOT_AN_ARTICLE = (
    "线索|理由|意见|建议|信息|记录|消息|措施|要求|标准|途径|渠道|原则|内容|新闻|公路|道路|河|街|路|线|款项|件"
)
# 第三十六条, 第 36 条, 第三十六、三十七条; without 第 behind what names a law (条例36条, 《条例》三十六条), or where
# a part of the article or 规定 follows (依照36条第二款).
_ARTICLE = re.compile(
    rf"(?:第\s*|(?<=[例法定则释》])\s*(?={_NUMERAL}条)|(?<=[照据按依])\s*(?={_NUMERAL}条\s*(?:第|[（(]|的?规定)))"
    rf"(?P<numbers>{_NUMERAL}(?:{_JOIN}(?:第\s*)?{_NUMERAL})*)条(?!\s*(?:{_NOT_AN_ARTICLE}))"
    rf"(?P<more>之[一二三四五六七八九十]+)?"
    rf"|(?P<same>(?:该|本|同|上述|前述)条)(?=\s*(?:第\s*)?[（(]?\s*{_NUMERAL}[）)]?\s*[款项目])"
)
# 第二款第（三）项, （三）, 第（五）、（六）项
_PARTS = re.compile(
    rf"\s*(?P<numbers>(?:第\s*)?(?:{_ENCLOSED}|{_NUMERAL})(?:{_JOIN}(?:第\s*)?(?:{_ENCLOSED}|{_NUMERAL}))*)"
    rf"\s*(?P<unit>[款项目])"
    rf"|\s*(?P<bare>{_ENCLOSED}(?:{_JOIN}{_ENCLOSED})*)"
)
_MORE_PARTS = re.compile(rf"{_JOIN}(?=第|[（(])")
_EACH, _BLANK = re.compile(_NUMERAL), re.compile(r"\s+")
# In capitals, as on bank notes, each character for one: nothing moves its place.
_CAPITALS = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_ASIDE = re.compile(r"[（(][^（）()]*[）)]$")  # 《某法》（2019年修订）第三条
_JOINED = re.compile(r"^[\s、，,]*(?:和|及|与|或|或者|以及|至|到|并)?[\s、，,]*$")
_QUOTED = re.compile(r"《([^《》]+)》$")
_SAME = re.compile(r"(?:该|同|前述|上述|本)(?:法|条例|办法|规定|规则|细则)$")
_NO_LAW = re.compile(r"(?:合同|协议|协议书|章程|公约|方案|招标文件|说明书|细目)$")
_LIKE_A_LAW = re.compile(r"[\u4e00-\u9fff]{0,20}(?:法|条例|办法|规定|规则|细则|解释|决定|通知|意见|法典)$")
_BEGUN = re.compile(
    r"(?:^|[^\u4e00-\u9fff]|依照|依据|根据|按照|遵照|违反|适用|符合|属于|该|本|见|如|即|于|依|按|照|与|和|及|或|在|由|对|是|的|以|据)$"
)
_TOLD_APART = 4  # characters; a shorter name may be the end of another statute's (土地管理法实施条例)
_LEADING = re.compile(r"^.*(?:依照|依据|根据|按照|遵照|违反|适用|符合|属于)(?=.{2})")
_PREFIX = "中华人民共和国"


class Unresolved(Struct, frozen=True):
    """A citation as written, and why it does not hold."""

    citation: str
    text: str


class _Cited(Struct, frozen=True):
    """An article of ``statute`` (empty: none is named) as written, with its parts: paragraph and item, 0 for none."""

    statute: str
    article: str  # empty: of an article that is not named either
    parts: Sequence[tuple[int, int]]
    written: str


def unresolved(law: Law, text: str, on: date) -> list[Unresolved]:
    """Return what is cited in ``text`` and does not hold: an article, a paragraph or an item that was none on ``on``.

    What is no law (a contract, a charter) may be cited by its articles; a statute named without an article is left
    to whoever reads. Width and traditional characters are the caller's to fold.
    """
    return [found for cited in _cited(law, text) if (found := _fault(law, cited, on))]


def _fault(law: Law, cited: _Cited, on: date) -> Unresolved | None:
    name, article, written = cited.statute, cited.article, cited.written
    if not name or not article:
        return Unresolved(written, f"“{written}”没有写明是哪一部法律、法规的条文")
    known = _named(law, name)
    if not known:
        return Unresolved(written, f"“{written}”所引的“{name}”不在法律数据中")
    current = [s for s in known if s.in_force(on)]
    if not current:
        return Unresolved(written, f"“{written}”：《{known[0].title}》在{on}不是现行有效")
    having = [s for s in current if article in s.articles]
    if not having:
        return Unresolved(written, f"“{written}”：《{current[0].title}》中没有收录{article}")
    lacking = next((p for p in cited.parts if not any(s.has_part(article, *p) for s in having)), None)
    if lacking:
        return Unresolved(written, f"“{written}”：《{having[0].title}》{article}没有{_part(*lacking)}")
    return None


def _part(paragraph: int, item: int) -> str:
    return (f"第{numeral(paragraph)}款" if paragraph else "") + (f"第（{numeral(item)}）项" if item else "")


def _cited(law: Law, text: str) -> Iterator[_Cited]:
    names = sorted({n for s in law.statutes.values() for n in _names(s)}, key=len, reverse=True)
    text = _BLANK.sub(" ", text)
    plain = text.translate(_CAPITALS)
    read, article = 0, ""
    last: str | None = ""
    for found in _ARTICLE.finditer(plain):
        if found.start() < read:  # within the parts of the one before
            continue
        before = plain[read : found.start()]
        parts, read = _parts(plain, found.end())
        named = 0
        if not found["same"]:
            last, named = _statute(before.rstrip(), names, last)
        if last is None:
            continue
        written = text[found.start() - named : read].strip()
        if found["same"]:
            yield _Cited(last, article, parts, written)
            continue
        *others, article = (_article(n) + (found["more"] or "") for n in _EACH.findall(found["numbers"]))
        yield from (_Cited(last, other, (), written) for other in others)
        yield _Cited(last, article, parts, written)


def _article(number: str) -> str:
    known = _number(number)
    return f"第{numeral(known) if known <= LARGEST else known}条"


def _parts(text: str, start: int) -> tuple[list[tuple[int, int]], int]:
    """Return paragraphs and items that stand from ``start`` on, and where they end."""
    parts: list[tuple[int, int]] = []
    paragraph, end = 0, start
    while found := _PARTS.match(text, start):
        numbers = [min(_number(n), LARGEST) for n in _EACH.findall(found["numbers"] or found["bare"])]
        if found["unit"] == "款":
            paragraph = numbers[-1]
            parts += [(n, 0) for n in numbers]
        elif found["unit"] != "目":  # points within an item are not counted
            parts += [(paragraph, n) for n in numbers]
        end = start = found.end()
        if joined := _MORE_PARTS.match(text, start):
            start = joined.end()
    return parts, end


def _number(written: str) -> int:
    return value("".join(written.split()))


def _statute(before: str, names: list[str], last: str | None) -> tuple[str | None, int]:
    """Return whose article it is (None: of no law), and how many characters before it name that."""
    if not before or _JOINED.match(before):
        return last, 0
    plain = _ASIDE.sub("", before).rstrip()
    aside = len(before) - len(plain)
    if quoted := _QUOTED.search(plain):
        return (None if _NO_LAW.search(quoted[1]) else quoted[1]), len(quoted[0]) + aside
    if last and _SAME.search(plain):
        return last, 0
    if name := next((n for n in names if _ends_with(plain, n)), None):
        return name, len(name) + aside
    like = _LIKE_A_LAW.search(plain)
    unknown = _LEADING.sub("", like[0]) if like else last or ""
    return (None, 0) if _NO_LAW.search(plain) else (unknown, len(unknown) + aside if like else 0)


def _ends_with(text: str, name: str) -> bool:
    """Tell whether ``text`` ends by naming the statute, and not another one whose name ends alike."""
    if not text.endswith(name):
        return False
    return len(name) >= _TOLD_APART or bool(_BEGUN.search(text.removesuffix(name)))


def _names(statute: Statute) -> set[str]:
    return {statute.title, statute.title.removeprefix(_PREFIX), statute.cite}


def _named(law: Law, name: str) -> list[Statute]:
    wanted = {name, name.removeprefix(_PREFIX)}
    return [s for s in law.statutes.values() if _names(s) & wanted]
