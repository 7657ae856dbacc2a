"""Check a package: first that no byte was changed, then that what it says holds together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from yishenqing.archive import bag
from yishenqing.archive.model import PaperRecord
from yishenqing.archive.payload import (
    AGENCY,
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
from yishenqing.core.errors import DataFault, Fault, NotFound
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


def verify(package: Path) -> list[Fault]:
    """Return every fault of the package, each naming the file inside it (and the line, where there is one).

    An empty list says: every byte is as its own manifests and ledger require. Files are hashed in blocks. What
    no check of a package alone can say is whether all of it was forged together; for that, compare the
    Ledger-Head in bag-info.txt with a record kept elsewhere.

    Raises:
        NotFound: there is nothing at ``package``.
        DataFault: what lies there is no package at all, or cannot be listed.
    """
    if not package.exists():
        raise NotFound(f"找不到封存包“{package}”。")
    marks = (*bag.TAG_FILES, in_bag(LEDGER))
    if not package.is_dir() or not any((package / mark).exists() for mark in marks):
        raise DataFault.of([Fault("不是封存包：应为含有 bagit.txt 和 data 的文件夹", str(package))])
    try:
        tree = bag.read_tree(package)
        broken = bag.seal_faults(tree)
        return [*broken, *_Contents(tree, broken).faults()]
    except OSError as error:
        raise DataFault.of([Fault(f"无法读取封存包（{error.strerror}）", str(package))]) from error


def ledger_hashes(package: Path) -> list[str]:
    """Return the hashes of the entries of a package that ``verify`` found sound, in order."""
    with (package / in_bag(LEDGER)).open(encoding="utf-8", newline="\n") as lines:
        return [json.loads(line)["hash"] for line in lines]


@dataclass(slots=True)
class _Contents:
    tree: bag.Tree
    broken: list[Fault]  # what the manifests say already
    found: list[Fault] = field(default_factory=list)
    kept: dict[str, tuple[PaperRecord, str]] = field(default_factory=dict)  # papers that lie here, and where

    def faults(self) -> list[Fault]:
        """Return what the records of the package say against each other."""
        known = {fault.file for fault in self.broken}
        for name in map(in_bag, RECORDS):
            if name not in self.tree.files and name not in known:
                self.found.append(Fault("封存包缺少该文件", name))
        entries = self._entries()
        sealed, papers = self._sealed(), self._papers()
        info = bag.read_info(self.tree.tag(bag.INFO) or b"")
        self._check_ledger(entries, info)
        self._check_mentions(entries, sealed, papers)
        self._check_letters(entries)
        self._check_deadlines()
        # Where anything else is broken, bag-info.txt differing from it is no news of bag-info.txt.
        if all(fault.file in (bag.INFO, bag.TAG_MANIFEST) for fault in (*self.broken, *self.found)):
            self._check_info(info, list(entries.values()))
        return self.found

    def _fault(self, name: str, text: str, line: int | None = None) -> None:
        self.found.append(Fault(text, in_bag(name), line))

    def _lines(self, name: str) -> Iterator[tuple[int, str]]:
        """Yield number and text of every line that is UTF-8 and ends as a line."""
        if in_bag(name) not in self.tree.files:
            return
        with (self.tree.root / in_bag(name)).open("rb") as stream:
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
            if "destroyed" not in record and not Sealed(**record).holds():
                self._fault(SEALED, "封存值与其哈希值不符，已被改动", number)
            self._enter(index, SEALED, number, record["digest"], None)
        return index

    def _papers(self) -> Index:
        index: Index = {}
        for number, record in self._records(PAPERS, _PAPER, _DESTROYED):
            if "destroyed" not in record:
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
        content = self.tree.files.get(in_bag(path))
        if content is None:
            self._fault(PAPERS, f"所指的文件“{path}”不在封存包中", number)
        elif content.sha256 == paper.sha256 and content.size != paper.size:
            self._fault(PAPERS, "字节数与文件的实际大小不符", number)  # no digest covers the size
        elif content.sha256 != paper.sha256:
            self._fault(path, f"内容与 {PAPERS} 第{number}行登记的不符")

    def _check_ledger(self, entries: dict[int, Entry], info: Mapping[str, str]) -> None:
        if not entries:
            if in_bag(LEDGER) in self.tree.files:
                self._fault(LEDGER, "没有可读的记录")
            return
        listed = list(entries.values())
        first = listed[0]
        rules = self._rules(first, info)
        places = {entry.seq: line for line, entry in reversed(list(entries.items()))}
        for fault in chain_faults(listed, first.agency, first.number, rules) if rules else ():
            seq = int(fault.field.rpartition(".")[2])
            self.found.append(replace(fault, file=in_bag(LEDGER), line=places[seq], field=""))
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
            name = later_rules(n)
            if in_bag(name) not in self.tree.files:
                self._fault(name, f"缺少第{entry.seq}条记录所转用的规则")
                continue
            try:
                text = (self.tree.root / in_bag(name)).read_bytes().decode()
            except UnicodeDecodeError:
                self._fault(name, "不是 UTF-8 编码的文本")
                continue
            if digest("rulebook", text) != after:
                self._fault(name, f"规则文本与第{entry.seq}条记录所写的不符，已被改动")

    def _rules(self, first: Entry, info: Mapping[str, str]) -> str:
        """Return the digest of the rules that the ledger chains to, or nothing where none fits (reported)."""
        if in_bag(RULEBOOK) not in self.tree.files:
            return info.get(RULES, "")
        try:
            text = (self.tree.root / in_bag(RULEBOOK)).read_bytes().decode()
        except UnicodeDecodeError:
            self._fault(RULEBOOK, "不是 UTF-8 编码的文本")
            return info.get(RULES, "")
        computed = digest("rulebook", text)
        if computed == info.get(RULES) or genesis(first.agency, first.number, computed) == first.prev:
            return computed
        self._fault(RULEBOOK, "规则文本与立案时的不符，已被改动")
        return info.get(RULES, "")

    def _check_info(self, info: Mapping[str, str], entries: list[Entry]) -> None:
        """The ledger could lose its last entries and still be a chain; bag-info.txt says where it ended."""
        last = entries[-1]  # an empty ledger is a fault of its own and does not come here
        rules = genesis(last.agency, last.number, info.get(RULES, ""))
        for key, right in (
            (IDENTIFIER, " ".join(last.number.split())),
            (AGENCY, " ".join(last.agency.split())),
            (LENGTH, str(len(entries))),
            (HEAD, last.hash),
            ("Payload-Oxum", bag.oxum(self.tree.payload())),
        ):
            if info.get(key) != right:
                self.found.append(Fault(f"与封存包的实际内容（{right}）不符", bag.INFO, field=key))
        if rules != entries[0].prev:
            self.found.append(Fault("与台账第一条记录所依据的规则不符", bag.INFO, field=RULES))

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

    def _check_letters(self, entries: Mapping[int, Entry]) -> None:
        """Hold the SM3 of a letter against its content, where the entry has one and this system can compute it."""
        for entry in entries.values():
            told = entry.facts.get("letter")
            if not isinstance(told, dict) or not isinstance(told.get("sm3"), str):
                continue
            paper, path = self.kept.get(str(told.get("file")), (None, ""))
            if paper is None or in_bag(path) not in self.tree.files or entry.computed_hash() != entry.hash:
                continue  # not in the package, or told already
            computed = sm3_digest(paper.salt, (self.tree.root / in_bag(path)).read_bytes(), paper.name)
            if computed not in ("", told["sm3"]):
                self._fault(path, f"SM3 值与第{entry.seq}条记录不符")

    def _check_deadlines(self) -> None:
        if in_bag(DEADLINES) not in self.tree.files:
            return
        try:
            document = json.loads((self.tree.root / in_bag(DEADLINES)).read_bytes().decode())
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
