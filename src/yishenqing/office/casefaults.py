"""Every fault of a case in the database: chain, side store, papers, letters, derived rows; each names its entry."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from yishenqing.core import destroying, moving
from yishenqing.core.errors import Fault
from yishenqing.core.ledger import Entry, Sealed, chain_faults, placeholders, sm3_digest
from yishenqing.office import derived
from yishenqing.office.casework import Casework, at
from yishenqing.office.filing import Filing, mentions
from yishenqing.rulebook import snapshot_digest
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault
from yishenqing.store.issued import Issued
from yishenqing.store.ledger import CaseRow
from yishenqing.store.vault import Paper, Papers


def case_faults(connection: Connection, case: Casework, filing: Filing) -> list[Fault]:
    """Return every fault of the case in the database, each naming its entry."""
    agency, number = case.row.agency, case.row.number
    sealed = vault.sealed_of(connection, agency, number)
    papers = vault.papers_of(connection, agency, number)
    faults = raw_faults(connection, case.row, case.entries)
    broken = bool(faults)
    gone = destroying.destroyed(case.entries)
    for entry in case.entries:
        faults += _sealed_faults(entry, sealed, gone)
        faults += _paper_faults(entry, papers, filing.papers, gone)
    faults += _strangers(case, sealed, papers)
    if broken:  # from changed entries nothing can be derived
        return faults
    if (case.row.state, case.row.outcome, case.row.opened_on) != (
        case.standing.state,
        case.outcome,
        case.entries[0].on,
    ):
        faults.append(at(number, case.row.head_seq, "案件的状态、办理结果或者立案日期与记录推出的不符"))
    letters = issued_store.letters_of(connection, agency, number)
    faults += _letter_faults(case, letters, papers, filing, gone)
    return [*faults, *derived.faults(connection, case)]


def raw_faults(connection: Connection, row: CaseRow, entries: Sequence[Entry]) -> list[Fault]:
    """Return the faults that can be seen without understanding the case: chain, head, stored rules."""
    opened = moving.opened_under(entries, row.rulebook)
    faults = chain_faults(entries, row.agency, row.number, opened)
    faults += [at(row.number, seq, text) for seq, text in moving.breaks(entries, row.rulebook)]
    head = entries[-1] if entries else None
    if head is None or (head.seq, head.hash) != (row.head_seq, row.head_hash):
        faults.append(at(row.number, row.head_seq, "案件的最后一条记录与登记的不符（可能被删除、改动或者插入）"))
    if snapshot_digest(ledger_store.rulebook_text(connection, opened)) != opened:
        faults.append(at(row.number, 1, "立案时的流程与法律数据已被改动"))
    for entry, _, after in moving.moves(entries):
        if snapshot_digest(ledger_store.rulebook_text(connection, after)) != after:
            faults.append(at(row.number, entry.seq, "所转用的流程与法律数据已被改动"))
    return faults


def _strangers(case: Casework, sealed: Mapping[str, Sealed], papers: Mapping[str, Paper]) -> Iterator[Fault]:
    """What lies in the side store and no entry mentions was put there by another hand."""
    values = {digest for entry in case.entries for digest in placeholders(entry.facts)}
    known = {told["file"] for entry in case.entries for told in mentions(entry.facts)}
    for _ in sealed.keys() - values:
        yield at(case.row.number, case.row.head_seq, "有不为任何一条记录所提及的封存值，系另行插入")
    for digest in papers.keys() - known:
        yield at(
            case.row.number, case.row.head_seq, f"“{papers[digest].name}”的登记不为任何一条记录所提及，系另行插入"
        )


_STILL_THERE = "已列入销毁，却仍在数据库中，系另行插入"


def _sealed_faults(entry: Entry, sealed: Mapping[str, Sealed], gone: Collection[str]) -> Iterator[Fault]:
    for digest in placeholders(entry.facts):
        value = sealed.get(digest)
        if digest in gone:
            if value is not None:
                yield at(entry.number, entry.seq, f"个人信息{_STILL_THERE}")
        elif value is None:
            yield at(entry.number, entry.seq, "个人信息缺失")
        elif not value.holds():
            yield at(entry.number, entry.seq, "个人信息已被改动")


def _paper_faults(
    entry: Entry, papers: Mapping[str, Paper], contents: Papers, gone: Collection[str]
) -> Iterator[Fault]:
    for told in mentions(entry.facts):
        paper = papers.get(told["file"])
        if told["file"] in gone:
            if paper is not None:
                yield at(entry.number, entry.seq, f"附件或者文书的登记{_STILL_THERE}")
        elif paper is None or not paper.holds() or paper.size != told["size"]:
            yield at(entry.number, entry.seq, "附件或者文书的登记缺失、已被改动")
        elif problem := contents.fault(paper.sha256):
            yield at(entry.number, entry.seq, f"“{paper.name}”{problem}")


def _letter_faults(
    case: Casework, letters: list[Issued], papers: Mapping[str, Paper], filing: Filing, gone: Collection[str]
) -> Iterator[Fault]:
    issued = {x.seq: x for x in letters}
    for entry in case.entries:
        told = entry.facts.get("letter")
        row = issued.pop(entry.seq, None)
        if told is None and row is None:
            continue
        if told is not None and row is not None and told["file"] in gone:
            if not _same_number(row, entry, told):
                yield at(entry.number, entry.seq, "发文登记与记录不符")
            continue
        paper = papers.get(told["file"]) if told else None
        if told is None or row is None or paper is None or not _same_letter(row, entry, told, paper):
            yield at(entry.number, entry.seq, "发文登记与记录不符")
        elif not _same_sm3(told, paper, filing.papers):
            yield at(entry.number, entry.seq, "文书的 SM3 值与记录不符")
        elif (copy := filing.letter_path(row)).exists() and not vault.is_content(copy, row.sha256):
            yield at(entry.number, entry.seq, f"文书副本“{copy.name}”已被改动")
    for seq in issued:
        yield at(case.row.number, seq, "发文登记没有对应的记录")


def _same_sm3(told: Mapping[str, Any], paper: Paper, contents: Papers) -> bool:
    """Letters of before it was recorded have no SM3, and a system may lack it: SHA-256 is checked in any case."""
    if not told.get("sm3") or contents.fault(paper.sha256):
        return True  # what is missing or changed has been told of the paper already
    return sm3_digest(paper.salt, contents.read(paper.sha256), paper.name) in ("", told["sm3"])


def _same_letter(row: Issued, entry: Entry, told: Mapping[str, Any], paper: Paper) -> bool:
    return (
        _same_number(row, entry, told)
        and row.sha256 == paper.sha256
        and paper.name == issued_store.file_name(row.letter_number, row.title)
    )


def _same_number(row: Issued, entry: Entry, told: Mapping[str, Any]) -> bool:
    said = (told["kind"], told["number"], told["series"], told["n"], entry.on, entry.on.year)
    return (row.kind, row.letter_number, row.series, row.n, row.issued_on, row.year) == said
