"""What proves an issued letter: its two digests, by what it was made, and the signed copy where the office signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from yishenqing.core.ledger import sm3_digest
from yishenqing.store.issued import file_name, signed_name
from yishenqing.store.vault import Paper, Papers

if TYPE_CHECKING:
    from yishenqing.letters.model import LetterKind
    from yishenqing.letters.signing import Signing
    from yishenqing.office.acting import Printed

_REHEARSED = "演"


def series_of(kind: LetterKind, *, rehearsal: bool) -> str:
    """Return the series that numbers a letter; rehearsals have their own, so that they take no real number."""
    series = kind.series or ""
    return f"{_REHEARSED}{series}" if rehearsal and series else series


def signed(content: bytes, kind: LetterKind, how: Signing | None, *, rehearsal: bool) -> bytes:
    """Sign what is sent out of the office, empty where it does not sign; the key is never lent to a rehearsal."""
    if how is None or rehearsal or not (kind.goes_out and kind.mailed):
        return b""
    from yishenqing.letters import signing

    return signing.signed(content, how)


def kept(papers: Papers, printed: Printed, made_by: Mapping[str, str]) -> tuple[list[Paper], dict[str, Any]]:
    """Keep a letter and its signed copy; return the papers, and what the entry says of the letter.

    SM3 stands beside SHA-256, and by what the letter was made, for whoever makes it again.
    """
    plan, title = printed.plan, printed.title
    letter = papers.keep(printed.content, file_name(plan.letter_number, title))
    second = sm3_digest(letter.salt, printed.content, letter.name)
    told: dict[str, Any] = {
        "kind": plan.letter,
        "number": plan.letter_number,
        "series": plan.series,
        "n": plan.letter_n,
        **letter.in_entry(),
        **({"sm3": second} if second else {}),
        "made": dict(made_by),
    }
    if not printed.signed:
        return [letter], told
    copy = papers.keep(printed.signed, signed_name(plan.letter_number, title))
    return [letter, copy], {**told, "signature": copy.in_entry()}
