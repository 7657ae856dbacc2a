"""The list of the cases of a volume, one line a case: what vouches for the length and the end of each ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from yishenqing.archive.bag import INFO, PAYLOAD
from yishenqing.archive.payload import AGENCY, HEAD, IDENTIFIER, LENGTH, RULES
from yishenqing.core.errors import Fault
from yishenqing.core.ledger import canonical
from yishenqing.core.merkle import head_leaf, root_of

CATALOGUE = "cases.jsonl"
RULES_FOLDER = "rules"
CASES, ROOT = "Case-Count", "Ledger-Root"
_FIELDS = {IDENTIFIER: "number", AGENCY: "agency", LENGTH: "entries", HEAD: "head", RULES: "rules"}


class Claims(Struct, frozen=True):
    """What is said of a ledger outside of it, and where: whose it is, how long, how it ends, by which rules."""

    number: str
    agency: str
    length: str
    head: str
    rules: tuple[str, ...]
    place: str
    line: int | None = None

    @classmethod
    def of_info(cls, info: Mapping[str, str]) -> Claims:
        """Return what bag-info.txt says of its only case."""
        number, agency, length, head, rules = (info.get(k, "") for k in (IDENTIFIER, AGENCY, LENGTH, HEAD, RULES))
        return cls(number, agency, length, head, (rules,) if rules else (), INFO)

    def field(self, key: str) -> str:
        """Return the name of ``key`` where the claim stands."""
        return key if self.line is None else _FIELDS[key]


def line_of(case: Mapping[str, Any]) -> str:
    """Return a case's line of the catalogue."""
    return f"{canonical(case)}\n"


class Catalogue(Struct):
    """The cases of a volume by their folder (with a slash at its end), and what is wrong with the list itself."""

    cases: dict[str, Claims] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def root(self) -> str:
        """Return the Merkle root over the heads of the cases, in the order of the list."""
        leaves = (
            head_leaf(c.agency, c.number, int(c.length) if c.length.isdecimal() else 0, c.head)
            for c in self.cases.values()
        )
        return root_of(leaves).hex()


def read(package: Path) -> Catalogue | None:
    """Return the catalogue of a volume; None where the package holds a single case."""
    path = package / PAYLOAD / CATALOGUE
    if not path.is_file() and not (package / PAYLOAD / RULES_FOLDER).is_dir():
        return None
    found, place = Catalogue(), f"{PAYLOAD}/{CATALOGUE}"
    if not path.is_file():
        return found
    numbers: dict[str, int] = {}
    with path.open("rb") as lines:
        for line, raw in enumerate(lines, 1):
            try:
                folder, claims = _read_line(raw, place, line)
            except (ValueError, TypeError, KeyError, RecursionError):
                found.faults.append(Fault("目录的这一行无法读取，已被改动", place, line))
                continue
            if claims.number in numbers:
                found.faults.append(Fault(f"与第{numbers[claims.number]}行同为案件{claims.number}", place, line))
            numbers.setdefault(claims.number, line)
            found.cases.setdefault(folder, claims)
    return found


def _read_line(raw: bytes, place: str, line: int) -> tuple[str, Claims]:
    text = raw.decode()
    case = json.loads(text)
    rules = tuple(map(str, case["rules"]))
    if line_of(case) != text or not all(isinstance(case[k], str) for k in ("folder", "number", "agency", "head")):
        raise ValueError(text)
    claims = Claims(case["number"], case["agency"], str(case["entries"]), case["head"], rules, place, line)
    return f"{case['folder']}/", claims
