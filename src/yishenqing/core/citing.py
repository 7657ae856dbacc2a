"""Find the articles cited in an officer's own words, and say which of them the law data do not hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from yishenqing.core.law import Law, Statute

_NUMERAL = "[0-9０-９一二三四五六七八九十百千零〇两]+"
_ARTICLE = re.compile(rf"第\s*({_NUMERAL})\s*条(?!线索|理由|意见|建议|信息|记录|消息|公路|道路|街|路|线)")
_PARAGRAPH = re.compile(rf"^(?:之[一二三四五六七八九十]+)?(?:第?\s*[（(]?{_NUMERAL}[）)]?\s*[款项目])*")
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
_DIGITS, _UNITS = "零一二三四五六七八九", ("", "十", "百", "千")


class Unresolved(Struct, frozen=True):
    """A citation as written, and why it does not hold."""

    citation: str
    text: str


def unresolved(law: Law, text: str, on: date) -> list[Unresolved]:
    """Return every article cited in ``text`` that the law data do not hold, or that is not in force on ``on``.

    What is no law (a contract, a charter) may be cited by its articles; a statute named without an article is left
    to whoever reads.
    """
    return [
        found for name, article, written in _cited(law, text) if (found := _fault(law, name, article, written, on))
    ]


def _fault(law: Law, name: str, article: str, written: str, on: date) -> Unresolved | None:
    if not name:
        return Unresolved(written, f"“{written}”没有写明是哪一部法律、法规的条文")
    known = _named(law, name)
    if not known:
        return Unresolved(written, f"“{written}”所引的“{name}”不在法律数据中")
    current = [s for s in known if s.in_force(on)]
    if not current:
        return Unresolved(written, f"“{written}”：《{known[0].title}》在{on}不是现行有效")
    if not any(article in s.articles for s in current):
        return Unresolved(written, f"“{written}”：《{current[0].title}》中没有收录{article}")
    return None


def _cited(law: Law, text: str) -> Iterator[tuple[str, str, str]]:
    """Yield statute (empty: none named), article, and the citation as written."""
    names = sorted({n for s in law.statutes.values() for n in _names(s)}, key=len, reverse=True)
    read = 0
    last: str | None = ""
    for found in _ARTICLE.finditer(text):
        before = text[read : found.start()]
        read = found.end() + len(_PARAGRAPH.match(text[found.end() :])[0])  # type: ignore[index] # matches nothing too
        name, named = _statute(before.rstrip(), names, last)
        last = name
        if name is not None:
            start = found.start() - named
            yield name, f"第{_in_words(found[1])}条", text[start:read].strip()


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


def _in_words(number: str) -> str:
    """Return an article's number as the law data write it: 36 and ３６ as 三十六."""
    if not number.isdecimal():
        return number
    words, digits = "", str(int(number))
    for place, digit in zip(range(len(digits) - 1, -1, -1), map(int, digits), strict=True):
        if digit:
            words += _DIGITS[digit] + (_UNITS[place] if place < len(_UNITS) else "")
        elif words and not words.endswith("零"):
            words += "零"
    words = words.rstrip("零") or "零"
    return words.removeprefix("一") if words.startswith("一十") else words
