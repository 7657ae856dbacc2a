"""A checkpoint: one signed line that says how every ledger of an office stood, chained to the one before."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, fields

from yishenqing.core.ledger import canonical, in_china

FORMAT = "ysq-checkpoint1"
FIRST = "0" * 64  # what the first checkpoint chains to


class Checkpoint(Struct, frozen=True):
    """The ``n``-th checkpoint: ``size`` leaves under ``root``; ``key`` is the public key (Ed25519, hexadecimal).

    A leaf is appended whenever the head of a case has moved since the checkpoint before, so the tree holds every head
    that was ever anchored (:func:`yishenqing.core.merkle.head_leaf`). ``rehearsal`` marks a made-up day.
    """

    agency: str
    n: int
    made_at: str
    actor: str
    rehearsal: bool
    cases: int
    size: int
    root: str
    prev: str
    key: str
    signature: str = ""

    def text(self) -> str:
        """Return what is signed: everything but the signature, as canonical JSON."""
        told = asdict(self)
        del told["signature"]
        return canonical({"format": FORMAT, **told})

    def digest(self) -> str:
        """Return the hash that the next checkpoint chains to, and that the minutes of a meeting hold."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def as_line(self) -> str:
        """Return the checkpoint as one line of checkpoints.jsonl."""
        return canonical({"format": FORMAT, **asdict(self)})

    def for_minutes(self, name: str) -> str:
        """Return the one line that is read into the minutes of a meeting or printed in a bulletin."""
        rehearsal = "（演练）" if self.rehearsal else ""
        day = in_china(self.made_at).date()
        return f"{name}第{self.n}号检查点{rehearsal}，{day}，案件{self.cases}件，核对值 {self.digest()}"


def from_json(told: Mapping[str, Any]) -> Checkpoint:
    """Return the checkpoint of a line of checkpoints.jsonl.

    Raises:
        ValueError: it is none, or one of another format.
    """
    names = {f.name for f in fields(Checkpoint)}
    if not isinstance(told, dict) or told.get("format") != FORMAT or told.keys() != {*names, "format"}:
        raise ValueError("no checkpoint")
    return Checkpoint(**{name: told[name] for name in names})


_NUMBER = re.compile(r"第\s*(\d+)\s*号")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


def from_minutes(line: str) -> tuple[int, str] | None:
    """Return number and digest of a checkpoint as minutes have it, however it was spaced; None where it has none."""
    number, found = _NUMBER.search(line), _DIGEST.search(re.sub(r"\s", "", line))
    return (int(number[1]), found[0].lower()) if number and found else None
