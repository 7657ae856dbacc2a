"""What an applicant's own words lead to: document numbers, names of projects, plots of land."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_LONGEST = 20_000  # characters of a request that are looked through
_NUMBER = re.compile(r"[\u4e00-\u9fff]{1,12}[〔\[(【﹝]((?:19|20)\d{2})[〕\])】﹞]\s*第?\s*(\d{1,5})\s*号")
_NAME = r"[\u4e00-\u9fffA-Za-z0-9\-]{{1,24}}(?:{})"
_PLOT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,4}-?\d{1,6}(?:-\d{1,4})*号?(?:地块|宗地)")


def plain(text: str) -> str:
    """Return ``text`` as it is compared: half-width, without blanks, brackets and marks."""
    kept = unicodedata.normalize("NFKC", text)
    return "".join(c for c in kept if c.isalnum())


def leads(text: str, suffixes: Sequence[str], before: Sequence[str]) -> list[str]:
    """Return the document numbers, plots and names of projects in ``text``, each once, in order.

    ``suffixes`` end a name (项目); ``before`` are words that a name does not reach over (关于, 的).
    """
    text = unicodedata.normalize("NFKC", text[:_LONGEST])
    parted = re.sub("|".join(map(re.escape, sorted(before, key=len, reverse=True))), "，", text) if before else text
    found = [m.group() for m in _NUMBER.finditer(parted)]
    found += [m.group() for m in _PLOT.finditer(text)]
    if suffixes:
        found += re.findall(_NAME.format("|".join(map(re.escape, suffixes))), parted)
    unique = [lead for lead in dict.fromkeys(found) if lead not in suffixes]
    return [x for x in unique if not any(x != y and x in y for y in unique)]


def covered(lead: str, searched: str, keywords: Iterable[str], shortest: int) -> bool:
    """Tell whether a search went after the lead: it names it, or a keyword (not too short) is a part of it."""
    wanted = plain(lead)
    return wanted in searched or any(len(k) >= shortest and k in wanted for k in map(plain, keywords))
