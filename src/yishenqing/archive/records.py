"""Hold the records of one case in a package against each other: ledger, side store, papers, rules, deadlines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from yishenqing.archive import bag
from yishenqing.archive.anchor import anchor_faults
from yishenqing.archive.catalogue import RULES_FOLDER, Claims
from yishenqing.archive.model import PaperRecord
from yishenqing.archive.notice import NOTICE
from yishenqing.archive.payload import (
    AGENCY,
    ANCHOR,
    DEADLINES,
    HEAD,
    IDENTIFIER,
    LEDGER,
    LENGTH,
    PAPERS,
    RECORDS,
    RULEBOOK,
    RULES,
    SEALED,
    file_mentions,
    in_bag,
    later_rules,
)
from yishenqing.core import destroying
from yishenqing.core.checkpoint import Checkpoint
from yishenqing.core.errors import Fault
from yishenqing.core.ledger import Entry, Sealed, canonical, chain_faults, digest, genesis, placeholders, sm3_digest
from yishenqing.core.moving import breaks, moves

Shape = Mapping[str, type | tuple[type, ...]]
# Digest of every line of sealed.jsonl or papers.jsonl, with the size in bytes where one is known.
Index = dict[str, int | None]
_ENTRY: Shape = {
    **dict.fromkeys(("agency", "number", "on", "recorded_at", "actor", "step", "payload", "prev", "hash"), str),
    "seq": int,
    "rehearsal": bool,
}
_SEALED: Shape = {"digest": str, "salt": str, "value": str}
_PAPER: Shape = {"digest": str, "salt": str, "sha256": str, "size": int, "name": str, "path": (str, type(None))}
_DESTROYED: Shape = {"digest": str, "destroyed": bool}


class CaseCheck(Struct):
    """The records of one case, held against each other."""

    root: Path
    where: str  # its folder below the payload, with a slash at its end; empty where it is the only case
    files: dict[str, bag.Content]
    claims: Claims
    rules_text: Callable[[str], str | None]
    points: Mapping[int, Checkpoint]
    found: list[Fault] = field(default_factory=list)
    missing: list[Fault] = field(default_factory=list)
    claimed: list[Fault] = field(default_factory=list)
    kept: dict[str, tuple[PaperRecord, str]] = field(default_factory=dict)  # papers that lie here, and where
    # What is listed as destroyed, by digest, with its line: of sealed.jsonl, of papers.jsonl.
    gone: tuple[dict[str, int], dict[str, int]] = field(default_factory=lambda: ({}, {}))

    def check(self) -> None:
        """Gather what the records of the case say against each other."""
        records = [name for name in RECORDS if not self.where or name not in (RULEBOOK, NOTICE)]
        for name in map(self._at, records):
            if name not in self.files:
                self.missing.append(Fault("封存包缺少该文件", name))
        entries = self._entries()
        sealed, papers = self._sealed(), self._papers()
        self._check_ledger(entries)
        self._check_destroyed(list(entries.values()), sealed, papers)
        self._check_mentions(entries, sealed, papers)
        self._check_letters(entries)
        self._check_deadlines()
        self._check_anchor(list(entries.values()))
        self._check_claims(list(entries.values()))

    def _at(self, name: str) -> str:
        return in_bag(self.where + name)

    def _rules_at(self, move: int) -> str:
        """Return where the rules lie that the case was opened under (0), or that a move led to."""
        if self.where:
            digests = self.claims.rules
            return in_bag(f"{RULES_FOLDER}/{digests[move] if move < len(digests) else '?'}.json")
        return in_bag(later_rules(move) if move else RULEBOOK)

    def _fault(self, name: str, text: str, line: int | None = None) -> None:
        self.found.append(Fault(text, self._at(name), line))

    def _lines(self, name: str) -> Iterator[tuple[int, str]]:
        """Yield number and text of every line that is UTF-8 and ends as a line."""
        if self._at(name) not in self.files:
            return
        with (self.root / self._at(name)).open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                if not raw.endswith(b"\n"):
                    self._fault(name, "末行不完整，缺少换行", number)
                try:
                    yield number, raw.removesuffix(b"\n").decode()
                except UnicodeDecodeError:
                    self._fault(name, "不是 UTF-8 编码的文本", number)

    def _records(self, name: str, *shapes: Shape) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield number and content of every line that has one of the shapes, written as we write it."""
        for number, text in self._lines(name):
            try:
                record = json.loads(text)
                exact = canonical(record) == text
            except (ValueError, RecursionError):
                self._fault(name, "不是合法的 JSON", number)
                continue
            if not any(_has_shape(record, shape) for shape in shapes):
                self._fault(name, "缺少应有的项，或者项的类型不对", number)
            elif not exact:
                self._fault(name, "JSON 的写法不规范（键重复、顺序或者空格被改动）", number)
            else:
                yield number, record

    def _entries(self) -> dict[int, Entry]:
        """Return the entries by their line."""
        entries: dict[int, Entry] = {}
        for number, record in self._records(LEDGER, _ENTRY):
            try:
                entry = Entry(**{**record, "on": date.fromisoformat(record["on"])})
                sound = entry.as_json() == record and canonical(dict(entry.facts)) == entry.payload
            except (ValueError, TypeError, RecursionError):
                sound = False
            if sound:
                entries[number] = entry
            else:
                self._fault(LEDGER, "日期或者 payload 不规范", number)
        return entries

    def _sealed(self) -> Index:
        index: Index = {}
        for number, record in self._records(SEALED, _SEALED, _DESTROYED):
            if "destroyed" in record:
                self.gone[0].setdefault(record["digest"], number)
            elif not Sealed(**record).holds():
                self._fault(SEALED, "封存值与其哈希值不符，已被改动", number)
            self._enter(index, SEALED, number, record["digest"], None)
        return index

    def _papers(self) -> Index:
        index: Index = {}
        for number, record in self._records(PAPERS, _PAPER, _DESTROYED):
            if "destroyed" in record:
                self.gone[1].setdefault(record["digest"], number)
            else:
                path = record.pop("path")
                paper = PaperRecord(**record)
                if not paper.holds():
                    self._fault(PAPERS, "文件登记与其哈希值不符，已被改动", number)
                elif path is not None:
                    self._check_paper(paper, path, number)
                    self.kept[paper.digest] = (paper, path)
            self._enter(index, PAPERS, number, record["digest"], record.get("size"))
        return index

    def _enter(self, index: Index, name: str, number: int, key: str, size: int | None) -> None:
        if key in index:
            self._fault(name, "与前面的某一行重复", number)
        index[key] = size

    def _check_paper(self, paper: PaperRecord, path: str, number: int) -> None:
        content = self.files.get(self._at(path))
        if content is None:
            self._fault(PAPERS, f"所指的文件“{path}”不在封存包中", number)
        elif content.sha256 == paper.sha256 and content.size != paper.size:
            self._fault(PAPERS, "字节数与文件的实际大小不符", number)  # no digest covers the size
        elif content.sha256 != paper.sha256:
            self._fault(path, f"内容与 {PAPERS} 第{number}行登记的不符")

    def _check_ledger(self, entries: dict[int, Entry]) -> None:
        if not entries:
            if self._at(LEDGER) in self.files:
                self._fault(LEDGER, "没有可读的记录")
            return
        listed = list(entries.values())
        first = listed[0]
        rules = self._rules(first)
        places = {entry.seq: line for line, entry in reversed(list(entries.items()))}
        for fault in chain_faults(listed, first.agency, first.number, rules) if rules else ():
            seq = int(fault.field.rpartition(".")[2])
            self.found.append(replace(fault, file=self._at(LEDGER), line=places[seq], field=""))
        self._check_moves(listed)
        for line, entry in entries.items():
            if (entry.agency, entry.number) != (first.agency, first.number):
                self._fault(LEDGER, "不是同一案件的记录", line)

    def _check_moves(self, entries: list[Entry]) -> None:
        """The rules that the case was moved to lie in the package, and are those that its entries name."""
        found = moves(entries)
        for seq, text in breaks(entries, found[-1][2]) if found else ():
            self._fault(LEDGER, f"第{seq}条记录：{text}")
        for n, (entry, _, after) in enumerate(found, 1):
            name = self._rules_at(n)
            if not (self.root / name).is_file():
                self.found.append(Fault(f"缺少第{entry.seq}条记录所转用的规则", name))
            elif (rules := self.rules_text(name)) is not None and digest("rulebook", rules) != after:
                self.found.append(Fault(f"规则文本与第{entry.seq}条记录所写的不符，已被改动", name))

    def _rules(self, first: Entry) -> str:
        """Return the digest of the rules that the ledger chains to, or nothing where none fits (reported)."""
        name, claimed = self._rules_at(0), (self.claims.rules or ("",))[0]
        if not (self.root / name).is_file():
            if self.where:  # where it is the only case, the list of its records tells
                self.missing.append(Fault("封存包缺少该文件", name))
            return claimed
        if (text := self.rules_text(name)) is None:
            return claimed
        computed = digest("rulebook", text)
        if computed == claimed or genesis(first.agency, first.number, computed) == first.prev:
            return computed
        self.found.append(Fault("规则文本与立案时的不符，已被改动", name))
        return claimed

    def _check_claims(self, entries: list[Entry]) -> None:
        """The ledger could lose its last entries and still be a chain; what vouches for it says where it ended."""
        if not entries:
            return  # a fault of its own, told already
        claims, last = self.claims, entries[-1]
        rules = genesis(last.agency, last.number, (claims.rules or ("",))[0])
        for key, claimed, right in (
            (IDENTIFIER, claims.number, " ".join(last.number.split())),
            (AGENCY, claims.agency, " ".join(last.agency.split())),
            (LENGTH, claims.length, str(len(entries))),
            (HEAD, claims.head, last.hash),
        ):
            if claimed != right:
                self.claimed.append(
                    Fault(f"与封存包的实际内容（{right}）不符", claims.place, claims.line, claims.field(key))
                )
        if rules != entries[0].prev:
            text = "与台账第一条记录所依据的规则不符"
            self.claimed.append(Fault(text, claims.place, claims.line, claims.field(RULES)))

    def _check_mentions(self, entries: Mapping[int, Entry], sealed: Index, papers: Index) -> None:
        for entry in entries.values():
            if entry.computed_hash() != entry.hash:
                continue  # reported; what a changed entry mentions says nothing of the other files
            for name in placeholders(entry.facts):
                if name not in sealed:
                    self._fault(SEALED, f"缺少第{entry.seq}条记录所指的封存值（{name}），也未列为已销毁")
            for name, size in file_mentions(entry.facts):
                if name not in papers:
                    self._fault(PAPERS, f"缺少第{entry.seq}条记录所指的文件（{name}），也未列为已销毁")
                elif papers[name] not in (None, size):
                    self._fault(PAPERS, f"第{entry.seq}条记录所指文件的字节数不符（{name}）")

    def _check_destroyed(self, entries: list[Entry], sealed: Index, papers: Index) -> None:
        """What is listed as destroyed must be named by the entry of a destruction, and nothing else may be gone."""
        if not entries or any(fault.file == self._at(LEDGER) for fault in self.found):
            return  # what a changed ledger says of a destruction is no news of the other files
        lawful = destroying.destroyed(entries)
        for name, index, missing in ((SEALED, sealed, self.gone[0]), (PAPERS, papers, self.gone[1])):
            for digest_, line in missing.items():
                if digest_ not in lawful:
                    self._fault(name, "列为已销毁，台账中却没有销毁它的记录", line)
            for digest_ in sorted(lawful & (index.keys() - missing.keys())):
                self._fault(name, f"台账记载已经销毁的内容（{digest_}）仍在封存包中")

    def _check_letters(self, entries: Mapping[int, Entry]) -> None:
        """Hold the SM3 of a letter against its content, where the entry has one and this system can compute it."""
        for entry in entries.values():
            told = entry.facts.get("letter")
            if not isinstance(told, dict) or not isinstance(told.get("sm3"), str):
                continue
            paper, path = self.kept.get(str(told.get("file")), (None, ""))
            if paper is None or self._at(path) not in self.files or entry.computed_hash() != entry.hash:
                continue  # not in the package, or told already
            computed = sm3_digest(paper.salt, (self.root / self._at(path)).read_bytes(), paper.name)
            if computed not in ("", told["sm3"]):
                self._fault(path, f"SM3 值与第{entry.seq}条记录不符")

    def _check_anchor(self, entries: list[Entry]) -> None:
        if self._at(ANCHOR) in self.files:
            content = (self.root / self._at(ANCHOR)).read_bytes()
            for text in anchor_faults(content, entries, self.points):
                self._fault(ANCHOR, text)

    def _check_deadlines(self) -> None:
        if self._at(DEADLINES) not in self.files:
            return
        try:
            document = json.loads((self.root / self._at(DEADLINES)).read_bytes().decode())
        except (ValueError, RecursionError):
            self._fault(DEADLINES, "不是合法的 JSON")
            return
        if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
            self._fault(DEADLINES, "应为期限的列表")


def _has_shape(record: object, shape: Shape) -> bool:
    if not isinstance(record, dict) or record.keys() != shape.keys():
        return False
    # bool counts as int in Python, but true is no number in a ledger
    return all(
        isinstance(record[key], kind) and (kind is not int or not isinstance(record[key], bool))
        for key, kind in shape.items()
    )
