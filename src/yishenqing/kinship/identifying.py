"""What a person is recognised by, each in one form, so that two ways of writing it meet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from yishenqing.core.identity import resident_check

NAME = "name"
KIND_TITLES = {"id": "证件号码相同", "phone": "联系电话相同", "address": "通信地址相同"}
_SHORTEST = 6  # characters of a number or an address that tell one person from another
_OLD_RESIDENT = re.compile(r"\d{15}")  # before 1999: two digits for the year of birth, no check character
_DIGITS = "零一二三四五六七八九"
_NUMERAL = re.compile(r"[〇零一二三四五六七八九十百]+")


class Identifiers(Struct, frozen=True):
    """A person's identifiers in one form each: kind and value. ``name`` alone recognises nobody."""

    values: tuple[tuple[str, str], ...]
    name: str


def identifiers(applicant: Mapping[str, Any]) -> Identifiers:
    """Return what the applicant of an application is recognised by: number, telephones, address."""
    values = [("id", number) for number in _number(applicant.get("id_number"))]
    values += [("phone", phone) for phone in _phones(applicant.get("phone"))]
    values += [("address", address) for address in _address(applicant.get("address"))]
    return Identifiers(tuple(dict.fromkeys(values)), _plain(str(applicant.get("name") or "")))


def different(people: Sequence[Mapping[str, Collection[str]]]) -> int:
    """Return how many different persons stand behind these sets of identifiers (kind to values).

    Who shows a number of identity is who that number names: a family at one address is several applicants. Only
    where a number is missing do telephone and address speak, and the name where there is nothing else.
    """
    groups: list[list[Mapping[str, Collection[str]]]] = []
    for person in people:
        kin = [g for g in groups if any(_same(person, other) for other in g)]
        groups = [g for g in groups if all(g is not k for k in kin)]
        groups.append([person, *(other for g in kin for other in g)])
    return len(groups)


def _same(one: Mapping[str, Collection[str]], other: Mapping[str, Collection[str]]) -> bool:
    def share(kind: str) -> bool:
        return bool(set(one.get(kind, ())) & set(other.get(kind, ())))

    if one.get("id") and other.get("id"):
        return share("id")
    if share("phone") or share("address"):
        return True
    reachable = any(one.get(k) for k in KIND_TITLES), any(other.get(k) for k in KIND_TITLES)
    return not all(reachable) and share(NAME)


def _number(text: Any) -> Iterator[str]:
    found = _plain(str(text or "")).upper()
    if _OLD_RESIDENT.fullmatch(found):
        body = f"{found[:6]}19{found[6:]}"
        found = body + resident_check(body)
    if len(found) >= _SHORTEST and any(c.isdecimal() for c in found):
        yield found


_PHONE = re.compile(r"(?:\+|00)?(?:86)?(1[3-9]\d{9})|(0\d{2,3})?(\d{7,8})|([48]00\d{7})")
_EXTENSION = re.compile(r"(?:转|ext\.?|分机|#).*$")


def _phones(text: Any) -> Iterator[str]:
    for part in re.split(r"[/、,;，；\n]|或", unicodedata.normalize("NFKC", str(text or "")).lower()):
        digits = "".join(c for c in _EXTENSION.sub("", part) if c.isdecimal() or c == "+")
        match = _PHONE.fullmatch(digits)
        if match is not None:
            yield match[1] or match[4] or f"{match[2] or ''}{match[3]}"


def _address(text: Any) -> Iterator[str]:
    """An address without a house number is shared by a whole village and recognises nobody."""
    found = _NUMERAL.sub(lambda m: _arabic(m[0]), _plain(str(text or "")))
    if len(found) >= _SHORTEST and any(c.isdecimal() for c in found):
        yield found


def _arabic(numeral: str) -> str:
    """Return 十七 as 17, 一〇二 as 102."""
    text = numeral.replace("〇", "零")
    if not set(text) & set("十百"):
        return "".join(str(_DIGITS.index(c)) for c in text)
    total, digit = 0, 0
    for character in text:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS.index(character)
    return str(total + digit)


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
