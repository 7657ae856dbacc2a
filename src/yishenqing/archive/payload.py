"""The payload of a package: the papers, and the ledger in a form that plain tools can recompute."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yishenqing.archive.bag import PAYLOAD, content_of
from yishenqing.archive.model import CaseFile
from yishenqing.archive.names import payload_name
from yishenqing.archive.notice import NOTICE, notice
from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.ledger import ALGORITHM, Entry, canonical, placeholders

LEDGER, SEALED, PAPERS = "ledger.jsonl", "sealed.jsonl", "papers.jsonl"
DEADLINES, RULEBOOK = "deadlines.json", "rulebook.json"
ANCHOR = "anchor.json"
RECORDS = (LEDGER, SEALED, PAPERS, DEADLINES, RULEBOOK, NOTICE)
IDENTIFIER, BAGGED_ON = "External-Identifier", "Bagging-Date"
FORMAT, FORMAT_NUMBER = "Package-Format", 2  # a reader of an older format says so instead of guessing
AGENCY, LENGTH, HEAD, RULES = "Ledger-Agency", "Ledger-Entries", "Ledger-Head", "Rulebook-Digest"
_REPLACEABLE = ("Source-Organization", "External-Description", BAGGED_ON)


def payload(case: CaseFile, *, alone: bool = True) -> dict[str, bytes]:
    """Return the payload files of ``case`` by their names; one that is not ``alone`` shares rules and notice."""
    papers = _named(case)
    where = {content_of(content).sha256: name for name, content in reversed(papers.items())}
    records = {
        LEDGER: _lines(entry.as_json() for entry in case.entries),
        SEALED: _lines(_sealed(case)),
        PAPERS: _lines(_papers(case, where)),
        DEADLINES: _document(case.deadlines),
        **({ANCHOR: _document(case.anchor)} if case.anchor else {}),
        **{name: text.encode() for name, text in case.metadata.items()},
    }
    if not alone:
        return {**papers, **records}
    # Nothing added to the rules: their digest is over the very text.
    rules = {later_rules(n) if n else RULEBOOK: text.encode() for n, text in enumerate((case.snapshot, *case.later))}
    rows = [(paper.title, name) for paper, name in zip(case.contents, papers, strict=True)]
    return {**papers, **records, **rules, NOTICE: notice(case, rows).encode()}


def _document(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def later_rules(move: int) -> str:
    """Return the name of the file with the rules that the ``move``-th move led to."""
    return f"rulebook-{move + 1}.json"


def _named(case: CaseFile) -> dict[str, bytes]:
    papers: dict[str, bytes] = {}
    for paper in case.contents:
        later = [later_rules(n) for n in range(1, len(case.later) + 1)]
        taken = [*RECORDS, ANCHOR, *case.metadata, *later, *papers]
        papers[payload_name(paper.name, taken)] = paper.content
    return papers


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(f"{canonical(record)}\n" for record in records).encode()


def _sealed(case: CaseFile) -> Iterator[dict[str, Any]]:
    for value in case.sealed:
        yield {"digest": value.digest, "salt": value.salt, "value": value.value}
    mentioned = {name for entry in case.entries for name in placeholders(entry.facts)}
    yield from _destroyed(case, mentioned)


def _papers(case: CaseFile, where: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for paper in case.papers:
        yield {
            "digest": paper.digest,
            "salt": paper.salt,
            "sha256": paper.sha256,
            "size": paper.size,
            "name": paper.name,
            "path": where.get(paper.sha256),
        }
    yield from _destroyed(case, {name for entry in case.entries for name, _ in file_mentions(entry.facts)})


def _destroyed(case: CaseFile, mentioned: set[str]) -> Iterator[dict[str, Any]]:
    yield from ({"digest": name, "destroyed": True} for name in sorted(mentioned & set(case.destroyed)))


def file_mentions(value: Any) -> Iterator[tuple[str, object]]:
    """Yield digest and size (in bytes) of every file that the facts ``value`` mention."""
    if isinstance(value, dict):
        if value.keys() == {"file", "size"} and isinstance(value["file"], str):
            yield value["file"], value["size"]
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from file_mentions(item)


def info(case: CaseFile, oxum: str, today: str) -> dict[str, str]:
    """Return the fields of bag-info.txt; ``today`` (ISO) is when the package is made, unless the case says.

    Raises:
        DataFault: ``case.info`` has a key that BagIt cannot carry or that the package fixes itself.
    """
    fields = {
        "Source-Organization": case.agency,
        "External-Description": case.title,
        IDENTIFIER: case.number,
        BAGGED_ON: today,
        "Payload-Oxum": oxum,
        FORMAT: str(FORMAT_NUMBER),
        AGENCY: case.agency,
        LENGTH: str(len(case.entries)),
        HEAD: head(case.entries),
        RULES: case.rulebook,
        "Ledger-Algorithm": ALGORITHM,
    }
    return completed(fields, case.info)


def completed(fields: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return ``fields`` with the office's ``own`` of bag-info.txt.

    Raises:
        DataFault: one of them is a name that BagIt cannot carry, or that the package fills itself.
    """
    faults = []
    for key in own:
        if not key or ":" in key or not key.isprintable() or any(c.isspace() for c in key):
            faults.append(Fault("不能作为 bag-info.txt 的字段名", field=key))
        elif key in fields and key not in _REPLACEABLE:
            faults.append(Fault("是封存包自行填写的字段，不能另行指定", field=key))
    if faults:
        raise DataFault.of(faults)
    return {**fields, **own}


def head(entries: Iterable[Entry]) -> str:
    """Return the hash of the last entry, which stands for the whole ledger (empty for an empty one)."""
    return next((entry.hash for entry in reversed(list(entries))), "")


def in_bag(name: str) -> str:
    """Return the path inside the package of the payload file ``name``."""
    return f"{PAYLOAD}/{name}"
