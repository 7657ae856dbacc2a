"""An issued letter made again from its entry: the case as it stood then, the facts as recorded, compared."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from yishenqing import almanac
from yishenqing.core.ledger import Entry, in_china
from yishenqing.office.acting import Act, Registry
from yishenqing.office.casework import Casework, Practice, Row
from yishenqing.office.paperwork import Opener, dated
from yishenqing.store.issued import Issued

if TYPE_CHECKING:
    from yishenqing.letters import Letterbook
    from yishenqing.letters.press import Enclosed
    from yishenqing.letters.signing import Signing

_PAGE_NUMBER = re.compile("—[0-9]+—")
_CLAUSE_END = re.compile("(?<=[。；：，])")
_HEADER = 2  # the two lines with which a difference begins


def practice_of(practice: Practice, entry: Entry, home: Path) -> Practice:
    """Return the practice that knows what was known when ``entry`` was written: earlier acts, notices of that day."""
    day = in_china(entry.recorded_at).date()
    return replace(practice, known_until=entry.recorded_at, workdays=almanac.workdays(day, home, day))


def again(
    registry: Registry,
    letters: Letterbook,
    before: Casework,
    entry: Entry,
    letter: Issued,
    open_facts: Opener,
    files: Sequence[Enclosed],
) -> bytes:
    """Return the letter of ``entry`` printed anew; ``before`` is the case as it stood without that entry."""
    step = before.workflow.steps[entry.step]
    recorded = {name: value for name, value in entry.facts.items() if name != "letter"}
    facts = dated(step, open_facts(recorded))
    act = Act(entry.step, entry.on, entry.actor, None, facts, entry.recorded_at, entry.rehearsal)
    kind = letters.kind(letter.kind)
    context = registry.context_of(kind, before, act, facts, open_facts, letter.letter_number)
    return letters.pdf(letter.kind, context, files)


def compared(letter: Issued, entry: Entry, issued: bytes, made: bytes, made_by: Mapping[str, str]) -> Row:
    """Return whether the two are the same bytes, and where not, what changed and which lines differ."""
    then = entry.facts["letter"].get("made") or {}
    same = issued == made
    return {
        "kind": letter.kind,
        "title": letter.title,
        "number": letter.letter_number,
        "identical": same,
        "sha256": letter.sha256,
        "sha256_again": hashlib.sha256(made).hexdigest(),
        "made": dict(then),
        "changed": [name for name, value in made_by.items() if name in then and then[name] != value],
        "lines": [] if same else _differences(_text(issued), _text(made)),
    }


def signature(content: bytes, issued: bytes, how: Signing | None) -> Row:
    """Return what the signed file is: its SHA-256, whether it begins with the letter, what its signatures are.

    ``holds`` is False only where something was changed; what this machine cannot examine it does not judge.
    """
    from yishenqing.letters import signing

    found = signing.examined(content, how.trust if how else None)
    begins = content.startswith(issued)
    broken = [one for one in found or () if one.readable and not (one.intact and one.whole)]
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "begins_with_letter": begins,
        "holds": begins and not broken,
        "examined": found is not None,
        "signatures": [one.as_json() for one in found or ()],
    }


def _text(pdf: bytes) -> list[str]:
    """Return what the letter says, clause by clause: where its lines end is layout, and so are page numbers."""
    from pypdf import PdfReader

    lines = [line for page in PdfReader(io.BytesIO(pdf)).pages for line in page.extract_text().splitlines()]
    whole = "".join("".join(line.split()) for line in lines if not _PAGE_NUMBER.fullmatch(line.strip()))
    return [clause for clause in _CLAUSE_END.split(whole) if clause]


def _differences(then: list[str], now: list[str]) -> list[str]:
    found = list(unified_diff(then, now, lineterm="", n=0))[_HEADER:]
    return [line for line in found if not line.startswith("@@")]
