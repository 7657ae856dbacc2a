"""Text as it may leave this machine: without names, numbers and addresses of the people of a case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yishenqing import naming
from yishenqing.core import masking

_OF_NUMBER = ("〔", "[", "［")  # 云政土〔2024〕56号 is nobody
_SHORTEST = 2  # characters of a name
_PLACE = re.compile(r"[省市县区镇乡]|街道")
_TELLING = 4  # characters of an end of an address that still say where
_OF_APPLICANT = {
    "name": "申请人",
    "id_number": "证件号码",
    "phone": "电话",
    "email": "邮箱",
    "address": "住址",
    "postcode": "邮编",
    "authority": "委托材料",
}


def masked(text: str, parties: Mapping[str, str] | None = None) -> str:
    """Return ``text`` with what names or reaches people replaced by what it is.

    ``parties`` are the people known of a case: their words, and what stands for them.
    """
    found = unicodedata.normalize("NFKC", text)
    for word in sorted(parties or {}, key=len, reverse=True):
        found = found.replace(unicodedata.normalize("NFKC", word), f"（{(parties or {})[word]}）")
    # Nobody looks at what a machine is sent: what is merely proposed to a person elsewhere is masked here at once.
    names = [span for span in naming.proposed(found) if found[span.end : span.end + 1] not in _OF_NUMBER]
    return masking.masked(found, masking.apart([*masking.numbers(found), *names]), {})


def parties_of(told: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Return the people that the entries of a case name, with their numbers and addresses."""
    found: dict[str, str] = {}
    for _, facts in told:
        found |= dict(_person(facts.get("applicant"), "申请人"))
        for other in facts.get("joint_applicants") or ():
            found |= dict(_person(other, "共同申请人"))
        for name, what in (("party", "第三方"), ("signed_by", "签收人")):
            if isinstance(facts.get(name), str) and len(facts[name]) >= _SHORTEST:
                found[facts[name]] = what
    return found


def _ends(address: str) -> Iterator[str]:
    """Yield the ends of an address, which people write without the county that it lies in."""
    for place in _PLACE.finditer(address):
        if len(address) - place.end() >= _TELLING:
            yield address[place.end() :]


def _person(given: Any, who: str) -> Iterator[tuple[str, str]]:
    if not isinstance(given, Mapping):
        return
    for name, what in _OF_APPLICANT.items():
        value = given.get(name)
        if isinstance(value, str) and len(value) >= _SHORTEST:
            yield value, who if name == "name" else f"{who}{what}"
            if name == "address":
                yield from ((part, f"{who}{what}") for part in _ends(value))
    yield from _person(given.get("agent"), "代理人")
