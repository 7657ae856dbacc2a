"""Find and mask what tells who a person is. Rules alone, without a dictionary and without guessing at names.

``numbers`` finds what has a form of its own; ``said`` finds what is known of a party, wherever and however it is
spaced. Each span says whether it is sure (masked at once) or only looks like it (put to a person).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from yishenqing.core.identity import luhn, resident_id_fault
from yishenqing.core.surnames import surname

KINDS: Mapping[str, str] = {
    "id": "证件号码",
    "phone": "电话",
    "bank": "银行账号",
    "plate": "车牌号",
    "email": "电子邮箱",
    "account": "社交账号",
    "address": "住址",
    "letter": "文号",
    "mail": "邮件号",
    "case": "案号",
    "name": "姓名",
    "organisation": "单位名称",
}
_FULL = {**{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}, 0x3000: 0x20}  # one width, the same length
_FAR = 14  # characters before a number that say what it is


class Span(Struct, frozen=True, order=True):
    """A stretch of a text that tells who somebody is; ``sure``: no person need be asked."""

    start: int
    end: int
    kind: str
    text: str
    sure: bool = True


def folded(text: str) -> str:
    """Return ``text`` in one width; every character stays in its place."""
    return text.translate(_FULL)


def numbers(text: str, allowed: Collection[str] = ()) -> list[Span]:
    """Return the numbers and addresses of persons in ``text``, in order; ``allowed`` (the organ's own) are left."""
    plain = folded(text)
    fine = {_bare(value) for value in allowed}
    found = [
        Span(a, b, kind, text[a:b], sure)
        for kind, find in _FINDERS.items()
        for a, b, sure in find(plain)
        if _bare(plain[a:b]) not in fine
    ]
    return apart(found)


def said(text: str, kind: str, value: str) -> list[Span]:
    """Return every place where ``value`` stands in ``text``, in any width and with blanks or dashes within."""
    wanted = _bare(value)
    if not wanted:
        return []
    pattern = r"[\s\-—]*".join(re.escape(c) for c in wanted)
    if wanted[0].isdigit():
        pattern = rf"(?<!\d){pattern}(?!\d)"
    return [
        Span(m.start(), m.end(), kind, text[m.start() : m.end()]) for m in _spaced(pattern).finditer(folded(text))
    ]


def apart(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order; of those that overlap the surer, then the longer one stays."""
    kept: list[Span] = []
    ordered = sorted(spans, key=lambda s: (not s.sure, s.start - s.end, s.start))
    taken = bytearray(max((s.end for s in ordered), default=0))
    for span in ordered:
        if not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept)


def masked(text: str, spans: Sequence[Span], aliases: Mapping[str, str]) -> str:
    """Return ``text`` with every span replaced: names by their alias, the rest by what was left out."""
    out, at = [], 0
    for span in sorted(spans):
        alias = aliases.get(_bare(span.text)) or f"（{KINDS[span.kind]}略）"
        out += [text[at : span.start], alias]
        at = span.end
    return "".join([*out, text[at:]])


def aliases(people: Iterable[str], organisations: Iterable[str] = ()) -> dict[str, str]:
    """Return by what each name is replaced: 姓+某, numbered where several share it; organisations by their kind."""
    given: dict[str, str] = {}
    wanted = {_bare(n): _person(_bare(n)) for n in people} | {_bare(n): _body(n) for n in organisations}
    for name, alias in wanted.items():
        same = [n for n, other in wanted.items() if other == alias]
        given[name] = alias if len(same) == 1 else f"{alias}{same.index(name) + 1}"
    return {name: alias for name, alias in given.items() if name}


def _person(name: str) -> str:
    """A name of a people without family names keeps its first character (最高人民法院裁判文书公开规定第九条)."""
    family = surname(name) if "·" not in name and "•" not in name else ""
    return f"{family or name[:1]}某"


_BODIES = (
    "有限责任公司",
    "股份有限公司",
    "有限公司",
    "公司",
    "合作社",
    "事务所",
    "委员会",
    "医院",
    "学校",
    "中心",
    "厂",
)


def _body(name: str) -> str:
    return "某" + next((_SHORT.get(b, b) for b in _BODIES if _bare(name).endswith(b)), "单位")


_SHORT = {"有限责任公司": "公司", "股份有限公司": "公司", "有限公司": "公司"}


def _bare(value: str) -> str:
    return "".join(c for c in folded(value) if not c.isspace() and c not in "-—")


def _spaced(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# ---- numbers

Found = Iterator[tuple[int, int, bool]]
_RESIDENT = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}[ -]?\d{8}[ -]?\d{3}[0-9Xx](?![0-9A-Za-z])")
_OLD_RESIDENT = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{14}(?![0-9A-Za-z])")
_PAPER = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{1,2}\d{6,9}(?![0-9A-Za-z])")
_IDENTITY = re.compile(r"身份证|证件|公民身份|居住证|护照|通行证|军官证|士官证|证号")
_NO_IDENTITY = re.compile(r"项目|信用|合同|订单|备案|宗地|图号|受理|流水|编号|代码|邮件|快递")


def _ids(text: str) -> Found:
    for match in _RESIDENT.finditer(text):
        said_so = bool(_before(text, match, _IDENTITY))
        passes = resident_id_fault(_bare(match[0]).upper()) is None
        if said_so or (passes and not _before(text, match, _NO_IDENTITY)):
            yield match.start(), match.end(), True
        elif passes:  # a project's number passes now and then
            yield match.start(), match.end(), False
    for pattern in (_OLD_RESIDENT, _PAPER):
        for match in pattern.finditer(text):
            if _before(text, match, _IDENTITY):
                yield match.start(), match.end(), True


_MOBILE = re.compile(r"(?<![0-9A-Za-z.])(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z])(?:\(0\d{2,3}\) ?|0\d{2,3}[-— ])[2-8]\d{6,7}(?:(?:-|转|分机)\d{1,6})?(?![0-9A-Za-z])"
)
_LOCAL = re.compile(r"(?<![0-9A-Za-z〔-])(?:0\d{2,3})?[2-8]\d{6,7}(?![0-9A-Za-z])")
_CALLED = re.compile(r"电话|座机|手机|联系方式|传真|致电|号码")


def _phones(text: str) -> Found:
    for pattern in (_MOBILE, _LANDLINE):
        for match in pattern.finditer(text):
            yield match.start(), match.end(), True
    for match in _LOCAL.finditer(text):
        if _before(text, match, _CALLED):
            yield match.start(), match.end(), True


_CARD = re.compile(r"(?<![0-9A-Za-z])\d{4}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,3})?(?![0-9A-Za-z])")
_UNIONPAY = "62"
_ISSUERS = (_UNIONPAY, "4", "5", "35", "37")
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{9,30}(?![0-9A-Za-z])")
_BANK = re.compile(r"银行卡|卡号|账号|帐号|账户|帐户|存折|开户|户名|储蓄|社保卡")


def _banks(text: str) -> Found:
    for match in _CARD.finditer(text):
        digits = _bare(match[0])
        if digits.startswith(_ISSUERS) and luhn(digits):  # UnionPay's numbers are long enough to be sure
            yield match.start(), match.end(), digits.startswith(_UNIONPAY)
    for pattern in (_CARD, _ACCOUNT):
        for match in pattern.finditer(text):
            if _before(text, match, _BANK):
                yield match.start(), match.end(), True


_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Za-hj-np-z][·.・• ]?"
    r"(?=[A-Za-z]*\d)(?:[0-9A-HJ-NP-Za-hj-np-z]{5,6}|[0-9A-HJ-NP-Za-hj-np-z]{4}[挂学警港澳])(?![0-9A-Za-z])"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,63}\.){1,6}[A-Za-z]{2,20}"
)
_SOCIAL = re.compile(
    r"(?:QQ号?码?|微信号?|支付宝(?:账号)?)[为是:：\s]{0,3}([A-Za-z0-9][A-Za-z0-9_-]{4,19})", re.IGNORECASE
)


def _plates(text: str) -> Found:
    return ((m.start(), m.end(), True) for m in _PLATE.finditer(text))


def _emails(text: str) -> Found:
    return ((m.start(), m.end(), True) for m in _EMAIL.finditer(text))


def _social(text: str) -> Found:
    return ((m.start(1), m.end(1), True) for m in _SOCIAL.finditer(text))


def _before(text: str, match: re.Match[str], words: re.Pattern[str]) -> re.Match[str] | None:
    """Return the word that says what the number is: within the same clause, not far before it."""
    near = text[max(0, match.start() - _FAR) : match.start()]
    return words.search(re.split(r"[。；;！？\n]", near)[-1])


# ---- addresses

_DIGITS = r"[0-9一二三四五六七八九十百零〇甲乙丙丁A-Za-z]"
_HOUSE = rf"{_DIGITS}{{1,6}}(?:[-—]{_DIGITS}{{1,5}})*(?:号(?:院|楼|大院)?|栋|幢|座|单元|室|户|组|队|层|楼|弄|巷|社)"
_PLACED = (
    r"(?:大道|大街|路|街|巷|弄|胡同|里|村|社区|小区|花园|家园|苑|府|城|湾|公寓|大厦|"
    r"坊|坪|屯|庄|寨|沟|组|队|委|镇|乡|街道)"
)
_TAIL = re.compile(rf"{_PLACED}(?:附近|旁|内)?附?{_HOUSE}(?:[、,，]?附?{_HOUSE})*(?:\({_DIGITS}{{1,6}}\))?")
_NOT_HOME = re.compile(r"^(?:地块|宗地|文件|文|令|公告|通知|线|桥|井|矿|标段|函|批复|公路|国道|省道|项目)")
_LIVES = re.compile(
    r"(?:户籍所在地|户籍地址|户籍地|家庭住址|通信地址|通讯地址|联系地址|送达地址|收件地址|住所地|住址|住所|地址|现住|家住|"
    r"居住于|居住在|住在|住于|寄往|寄至|邮寄至|邮寄到|送达至|户籍|住)(?:为|是|在|于|:)?\s*"
)
_WIDE = 45  # characters before a house in which its address begins
_PLACE = re.compile(r"[0-9A-Za-z一-鿿·()—-]*$")
_ADMIN = re.compile(r"[一-鿿]{2,4}(?:省|自治区|自治州|市|县|旗|区|镇|乡|街道|村)")
_HAN_STOP = re.compile(
    r".*(?:申请人|当事人|原告|第三人|本人|位于|坐落于|坐落在|拥有|的|系|在|于|为|是|对|将|向|至|到|由)"
)
_INSIDE = re.compile(r"单元|室|户|栋|幢|组|队")


def _addresses(text: str) -> Found:
    """Addresses as far as a house; sure where somebody lives there, or where it goes into the house."""
    for match in _TAIL.finditer(text):
        if _NOT_HOME.match(text[match.end() :]):
            continue
        words = _PLACE.findall(text[max(0, match.start() - _WIDE) : match.start()])[0]
        start = match.start() - len(words)
        lives = list(_LIVES.finditer(words))
        if lives:
            start += lives[-1].end()
        elif admin := _ADMIN.search(words, _after_stop(words)):
            start += admin.start()
        else:
            start += _after_stop(words)
        yield start, match.end(), bool(lives or _INSIDE.search(match[0]))


def _after_stop(words: str) -> int:
    match = _HAN_STOP.match(words)
    return match.end() if match else 0


_FINDERS = {
    "id": _ids,
    "bank": _banks,
    "phone": _phones,
    "plate": _plates,
    "email": _emails,
    "account": _social,
    "address": _addresses,
}
