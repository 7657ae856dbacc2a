"""Numbers and names of other people, in the letter and in what is attached to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from yishenqing.core.identity import luhn, resident_id_fault
from yishenqing.inspection.model import Check, Found, Subject
from yishenqing.inspection.places import in_letter

_ID = re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])")
# What is called an identity number is taken for one, be it mistyped or of the old 15 digits.
_CALLED_ID = re.compile(r"身份(?:证件?|号码)(?:号码|编号|号)?(?:为|是)?[:\s]*(\d{17}[0-9Xx]|\d{15})(?![0-9A-Za-z])")
_CARD = re.compile(r"(?<!\d)(?:62|4|5|3[57])\d{13,17}(?!\d)")
_CARD_LENGTHS = range(15, 20)
_MOBILE = re.compile(r"(?<!\d)(?:86)?(1[3-9]\d{9})(?!\d)")
_PLATE = r"[{}][A-HJ-NP-Z][·•]?(?=[A-HJ-NP-Z]*\d)[A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9挂学警港澳]"
_GAPS = re.compile(r"(?<=\d)[ \t\-－—·]+(?=[\dXx])")
_SHOWN = 4  # characters of a number that a finding itself shows at either end
# What an office tells on purpose: how to reach whoever is responsible, where to pay, where to look.
_TOLD_ON_PURPOSE = (
    "other_organ", "other_contact", "special_office", "channel_told", "payment", "where_public", "publication_access",
)  # fmt: skip
_NAMES_OF_OTHERS = "party"
Scan = Callable[[str], Iterator[tuple[str, str]]]


def identities(text: str) -> Iterator[tuple[str, str]]:
    """Yield identity numbers (by their check digit, or by name) and bank cards (by Luhn), each with what it is."""
    known: set[str] = set()
    for form in _forms(text):
        called = set(_CALLED_ID.findall(form))
        for found in (*_ID.findall(form), *sorted(called)):
            if found not in known and (found in called or resident_id_fault(found.upper()) is None):
                known.add(found)
                yield "身份证号码", found
        for found in _CARD.findall(form):
            if len(found) in _CARD_LENGTHS and luhn(found) and found not in known:
                known.add(found)
                yield "银行卡号", found


def contacts(plates: str) -> Scan:
    """Return what yields mobile numbers and number plates, each with what it is."""
    plate = re.compile(_PLATE.format(plates)) if plates else None

    def scan(text: str) -> Iterator[tuple[str, str]]:
        found = {n: "手机号码" for form in _forms(text) for n in _MOBILE.findall(form)}
        if plate is not None:
            compact = unicodedata.normalize("NFKC", text).replace(" ", "").upper()
            found |= dict.fromkeys(plate.findall(compact), "车牌号")
        yield from ((what, number) for number, what in found.items())

    return scan


def _forms(text: str) -> tuple[str, str]:
    """Return the text half-width, as written and with the gaps inside long numbers closed."""
    half = unicodedata.normalize("NFKC", text)
    return half, _GAPS.sub("", half)


def masked(number: str) -> str:
    """Return a number so that the finding does not leak what it warns of."""
    return f"{number[:_SHOWN]}{'*' * max(len(number) - 2 * _SHOWN, 1)}{number[-_SHOWN:]}"


def leak_identity(subject: Subject, _check: Check) -> Iterator[Found]:
    """Identity numbers and bank cards of others; in a letter to others, the applicant too."""
    yield from _leaks(subject, identities)
    yield from _applicant_told(subject)


def leak_contact(subject: Subject, check: Check) -> Iterator[Found]:
    """Mobile numbers and number plates of others; the name of a third party who was asked."""
    yield from _leaks(subject, contacts("".join(check.words.get("plates", ()))))
    if not subject.letter.to_applicant:
        return
    allowed = _own_words(subject)
    parties = {str(t.facts.get(_NAMES_OF_OTHERS) or "") for t in subject.told} - {""}
    for party in sorted(parties):
        if party in allowed:
            continue
        for sentence in subject.letter.sentences:
            if party in sentence.text:
                yield Found(f"写有第三方的姓名或者名称“{party}”", in_letter(subject, sentence))


def _leaks(subject: Subject, scan: Scan) -> Iterator[Found]:
    allowed = {number for _, number in scan(_own_words(subject))}
    for sentence in subject.letter.sentences:
        for what, number in scan(sentence.text):
            if number not in allowed:
                yield Found(f"含有{what}{masked(number)}", in_letter(subject, sentence))
    for paper in subject.papers:
        seen = [(what, number) for what, number in scan(paper.text or "") if number not in allowed]
        if seen:
            what, number = seen[0]
            more = f"等{len(seen)}处" if len(seen) > 1 else ""
            yield Found(f"含有{what}{masked(number)}{more}", f"附件“{paper.name}”")


def _own_words(subject: Subject) -> str:
    """What may stand in the letter: the office's own particulars, and to the applicant his own words and numbers."""
    told = [str(f[name]) for f in (subject.act.facts, *(t.facts for t in subject.tellings))
            for name in _TOLD_ON_PURPOSE if f.get(name)]  # fmt: skip
    organ = [str(v) for v in (subject.context.get("organ") or {}).values()]
    own = []
    if subject.letter.to_applicant:
        own = [str(t.facts) for t in subject.told if t.step in (subject.told[0].step, "supplement_received")]
        own += subject.items
    return "\n".join((*told, *organ, *own))


def _applicant_told(subject: Subject) -> Iterator[Found]:
    """A letter to anybody else says nothing of who applied (个人信息保护法第六条)."""
    applicant = subject.received.get("applicant")
    if subject.letter.to_applicant or not isinstance(applicant, dict):
        return
    known = [str(applicant[k]) for k in ("name", "id_number", "phone", "email", "address") if applicant.get(k)]
    for sentence in subject.letter.sentences:
        if any(value in sentence.text for value in known):
            yield Found("写给他人的文书中写有申请人的姓名或者身份、联系方式", in_letter(subject, sentence))


def attachment_unread(subject: Subject, _check: Check) -> Iterator[Found]:
    """Files in which the program can read nothing: pictures, scans, sealed files."""
    for paper in subject.papers:
        if paper.text is None:
            yield Found("程序读不出其中的文字（图片、扫描件或者加密的文件）", f"附件“{paper.name}”")
