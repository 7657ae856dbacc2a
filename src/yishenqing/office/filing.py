"""Filing: the papers of a case in the order of a case file, sealed; and every fault of a case in the database."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from yishenqing.archive import CaseFile, FilePaper, PaperRecord
from yishenqing.archive import export as seal_package
from yishenqing.core import moving
from yishenqing.core.deadline import clock_of
from yishenqing.core.decide import permitted
from yishenqing.core.errors import Fault, IntegrityFault, Refused
from yishenqing.core.ledger import Entry, Sealed, chain_faults, placeholders, sm3_digest
from yishenqing.core.workflow import Field
from yishenqing.letters import Letterbook
from yishenqing.office import casework, paperwork
from yishenqing.office.casework import Casework, Row, at
from yishenqing.office.paperwork import Story
from yishenqing.rulebook import snapshot_digest
from yishenqing.settings import Settings
from yishenqing.store import due as due_store
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault
from yishenqing.store.issued import Issued
from yishenqing.store.ledger import CaseRow
from yishenqing.store.vault import Paper, Papers

_LAW = "条例第四十五条"


@dataclass(frozen=True)
class Filing:
    """What filing needs of the office."""

    settings: Settings
    letters: Letterbook
    papers: Papers
    today: date
    letter_path: Callable[[Issued], Path]


@dataclass(frozen=True)
class Gathered:
    """Everything of one case that the package will hold, as read in one transaction."""

    sealed: Mapping[str, Sealed]
    papers: Mapping[str, Paper]
    letters: tuple[Issued, ...]
    opened: str  # the digest of the rules that the case was opened under
    snapshots: tuple[str, ...]  # their text, then that of the rules it was moved to


@dataclass(frozen=True)
class _Listed:
    """One paper of the file: its line in the table of contents and its content."""

    title: str
    number: str
    author: str
    on: date
    pages: int
    content: bytes
    suffix: str


def gathered(connection: Connection, case: Casework, filing: Filing) -> Gathered:
    """Read what belongs to the case.

    Raises:
        Refused: the case is not archived yet.
        IntegrityFault: the case does not verify; a seal must not cover a break.
    """
    if not case.workflow.states[case.standing.state].final:
        title = case.workflow.states[case.standing.state].title
        offers = permitted(case.standing, filing.today, filing.today)
        raise Refused(f"案件{case.row.number}现为“{title}”，归档后才能导出卷宗。", law=[_LAW], permitted=offers)
    if faults := case_faults(connection, case, filing):
        raise IntegrityFault.of(faults)
    agency, number = case.row.agency, case.row.number
    opened = moving.opened_under(case.entries, case.row.rulebook)
    digests = [opened, *(after for _, _, after in moving.moves(case.entries))]
    return Gathered(
        vault.sealed_of(connection, agency, number),
        vault.papers_of(connection, agency, number),
        tuple(issued_store.letters_of(connection, agency, number)),
        opened,
        tuple(ledger_store.rulebook_text(connection, digest) for digest in digests),
    )


def export(target: Path, case: Casework, content: Gathered, filing: Filing) -> Row:
    """Write the package; cover, contents and note are made from the case each time, alike each time."""
    story = Story.of(case.standing, vault.opener(content.sealed))
    listed = _listed(story, case, content, filing)
    block = _file_block(case, story, filing, listed)
    forms = {kind: filing.letters.pdf(kind, block) for kind in ("file_cover", "file_contents", "file_note")}
    papers = [
        FilePaper("00-卷宗封面.pdf", "卷宗封面", forms["file_cover"]),
        FilePaper("00-卷内目录.pdf", "卷内目录", forms["file_contents"]),
        *(FilePaper(f"{n:02d}-{p.title}{p.suffix}", p.title, p.content) for n, p in enumerate(listed, 1)),
        FilePaper("99-卷内备考表.pdf", "卷内备考表", forms["file_note"]),
    ]
    package = seal_package(
        target,
        CaseFile(
            agency=case.row.agency,
            number=case.row.number,
            title=block["file"]["title"],
            rulebook=content.opened,
            snapshot=content.snapshots[0],
            later=content.snapshots[1:],
            entries=case.entries,
            sealed=list(content.sealed.values()),
            papers=[PaperRecord(p.digest, p.salt, p.sha256, p.size, p.name) for p in content.papers.values()],
            deadlines=[d.as_json() for d in case.standing.deadlines(case.entries[-1].on).values()],
            contents=papers,
            info={"Source-Organization": filing.settings.name, "Archive-Code": block["file"]["code"]},
        ),
    )
    return {"path": str(package.path), "cases": list(package.cases), "files": list(package.files)}


def _listed(story: Story, case: Casework, content: Gathered, filing: Filing) -> list[_Listed]:
    """Return the papers: the reply first, then the application, then the rest in the order they came about."""
    reply_kinds = {case.workflow.itemised} | {k for o in case.workflow.outcomes.values() for k in o.letters}
    letters = [_letter(x, filing) for x in content.letters]
    replies = [p for x, p in zip(content.letters, letters, strict=True) if x.kind in reply_kinds]
    others = [p for x, p in zip(content.letters, letters, strict=True) if x.kind not in reply_kinds]
    letter_hashes = {x.sha256 for x in content.letters}
    attached = [
        _attachment(p, e, filing)
        for e in case.entries
        for p in _papers_in(e, content)
        if p.sha256 not in letter_hashes
    ]
    return [*replies, _application(story, case), *others, *attached]


def _letter(letter: Issued, filing: Filing) -> _Listed:
    content = filing.papers.read(letter.sha256)
    return _Listed(
        letter.title, letter.letter_number, filing.settings.name, letter.issued_on, _pages(content), content, ".pdf"
    )


def _papers_in(entry: Entry, content: Gathered) -> Iterator[Paper]:
    for told in mentions(entry.facts):
        yield content.papers[told["file"]]


def _attachment(paper: Paper, entry: Entry, filing: Filing) -> _Listed:
    content = filing.papers.read(paper.sha256)
    name = Path(paper.name)
    pages = _pages(content) if name.suffix.lower() == ".pdf" else 1
    return _Listed(name.stem, "", "", entry.on, pages, content, name.suffix)


def _application(story: Story, case: Casework) -> _Listed:
    """The application as registered, readable without any program."""
    if not case.workflow.channels:  # a linked case, or one of an older ledger
        return _notice(story, case)
    received, block = story.received, paperwork.case_block(story, case.row.number)
    applicant = paperwork.applicant_block(story)
    matter = paperwork.matter(case.workflow).removesuffix("案")
    asked = case.workflow.steps[case.workflow.opening].fields["items"].title
    lines = [
        f"{matter}（登记内容）",
        f"登记编号：{case.row.number}",
        f"申请人：{applicant['name']}（{applicant['kind_title']}）",
        f"申请渠道：{block['channel_title']}",
        f"到达日期：{block['arrived_on']}　收到申请之日：{block['received_on']}",
        *(f"{asked}（{n}）：{item}" for n, item in enumerate(received["items"], 1)),
        *(f"线索：{lead}" for lead in received.get("leads") or []),
        f"要求的提供形式：{block['form_title']}　获取信息的方式：{block['delivery_title']}",
    ]
    text = "\n".join(lines) + "\n"
    return _Listed(matter, "", applicant["name"], block["arrived_on"], 1, text.encode(), ".txt")


def _notice(story: Story, case: Casework) -> _Listed:
    """What a linked case began with, as registered."""
    opening = case.workflow.steps[case.workflow.opening]
    lines = [f"{opening.title}（登记内容）", f"编号：{case.row.number}"]
    for name, known in opening.fields.items():
        value = story.received.get(name)
        if value not in (None, "", []) and known.type != "file":
            lines.append(f"{known.title}：{_in_words(known, value)}")
    return _Listed(opening.title, "", "", case.entries[0].on, 1, ("\n".join(lines) + "\n").encode(), ".txt")


def _in_words(known: Field, value: Any) -> str:
    if isinstance(value, dict | list):
        return "；".join(map(str, value.values() if isinstance(value, dict) else value))
    return str(known.choices.get(str(value), value))


def _pages(pdf: bytes) -> int:
    from pypdf import PdfReader  # noqa: PLC0415 - only filing counts pages

    return len(PdfReader(io.BytesIO(pdf)).pages)


def _file_block(case: Casework, story: Story, filing: Filing, listed: list[_Listed]) -> dict[str, Any]:
    workflow = case.workflow
    last = next(e for e in reversed(case.entries) if "retention" in workflow.steps[e.step].needs)  # 归档
    retention = workflow.steps[last.step].fields["retention"].choices[last.facts["retention"]]
    year = case.row.opened_on.year
    code = f"{filing.settings.fonds}-XXGK·{year}-{last.facts['retention']}-{case.row.number}"
    applicant = paperwork.applicant_block(story)
    return {
        "organ": paperwork.organ(filing.settings),
        "case": paperwork.case_block(story, case.row.number),
        "applicant": applicant,
        "letter": {"number": None, "date": last.on, "draft": False},
        "file": {
            "fonds": filing.settings.name,
            "year": year,
            "retention": retention,
            "code": code,
            "title": f"{applicant['name']}{paperwork.matter(workflow)}（{case.row.number}）",
            "pages": sum(p.pages for p in listed),
            "count": len(listed),
        },
        "papers": [
            {
                "no": n,
                "title": p.title,
                "number": p.number,
                "author": p.author,
                "date": p.on,
                "pages": p.pages,
                "note": "",
            }
            for n, p in enumerate(listed, 1)
        ],
        "note": {
            "text": (story.latest(last.step) or {}).get("note") or "",
            "filed_by": last.actor,
            "filed_on": last.on,
            "checked_by": "",
        },
    }


def mentions(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what facts say of each paper they mention: its digest and its size."""
    if isinstance(value, Mapping):
        if isinstance(value.get("file"), str) and "size" in value:
            yield value
        for item in value.values():  # a letter's signed copy stands within the letter
            yield from mentions(item)
    elif isinstance(value, list):
        for item in value:
            yield from mentions(item)


def case_faults(connection: Connection, case: Casework, filing: Filing) -> list[Fault]:
    """Return every fault of the case in the database, each naming its entry."""
    agency, number = case.row.agency, case.row.number
    sealed = vault.sealed_of(connection, agency, number)
    papers = vault.papers_of(connection, agency, number)
    faults = raw_faults(connection, case.row, case.entries)
    broken = bool(faults)
    for entry in case.entries:
        faults += _sealed_faults(entry, sealed)
        faults += _paper_faults(entry, papers, filing.papers)
    if broken:  # from changed entries nothing can be derived
        return faults
    if (case.row.state, case.row.outcome, case.row.opened_on) != (
        case.standing.state,
        case.outcome,
        case.entries[0].on,
    ):
        faults.append(at(number, case.row.head_seq, "案件的状态、办理结果或者立案日期与记录推出的不符"))
    faults += _letter_faults(case, issued_store.letters_of(connection, agency, number), papers, filing)
    return [*faults, *_derived_faults(connection, case)]


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


def _sealed_faults(entry: Entry, sealed: Mapping[str, Sealed]) -> Iterator[Fault]:
    for digest in placeholders(entry.facts):
        value = sealed.get(digest)
        if value is None:
            yield at(entry.number, entry.seq, "个人信息缺失")
        elif not value.holds():
            yield at(entry.number, entry.seq, "个人信息已被改动")


def _paper_faults(entry: Entry, papers: Mapping[str, Paper], contents: Papers) -> Iterator[Fault]:
    for told in mentions(entry.facts):
        paper = papers.get(told["file"])
        if paper is None or not paper.holds() or paper.size != told["size"]:
            yield at(entry.number, entry.seq, "附件或者文书的登记缺失、已被改动")
        elif problem := contents.fault(paper.sha256):
            yield at(entry.number, entry.seq, f"“{paper.name}”{problem}")


def _letter_faults(
    case: Casework, letters: list[Issued], papers: Mapping[str, Paper], filing: Filing
) -> Iterator[Fault]:
    issued = {x.seq: x for x in letters}
    for entry in case.entries:
        told = entry.facts.get("letter")
        row = issued.pop(entry.seq, None)
        if told is None and row is None:
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
        (row.kind, row.letter_number, row.series, row.n) == (told["kind"], told["number"], told["series"], told["n"])
        and (row.sha256, row.issued_on, row.year) == (paper.sha256, entry.on, entry.on.year)
        and paper.name == issued_store.file_name(row.letter_number, row.title)
    )


def _derived_faults(connection: Connection, case: Casework) -> Iterator[Fault]:
    """The deadlines in the database are derived; they must be what the ledger gives on the day they were written."""
    workdays = case.standing.workdays
    found = case.standing.deadlines(max(workdays.today, case.entries[-1].on)) if case.entries else {}
    wanted = {r["clock"]: r for r in casework.deadline_rows(case, found)}
    stored = {r.clock: r for r in due_store.deadlines_of(connection, case.row.agency, case.row.number)}
    # The office's own limits follow its settings of the day, not the ledger.
    for clock in (wanted.keys() | stored.keys()) - {case.workflow.limiting}:
        row, want = stored.get(clock), wanted.get(clock)
        if row is None or want is None or not _same_deadline(row, want):
            known = case.workflow.clocks.get(clock_of(clock))
            title = known.title if known else clock
            yield at(case.row.number, case.row.head_seq, f"“{title}”的期限数据与记录推出的不符")


def _same_deadline(row: due_store.DueRow, want: Row) -> bool:
    """Days of a stopped clock, and of a year not announced when they were written, may move without any act."""
    moving = "stopped" in (row.state, want["state"]) or row.provisional
    if (row.owed_by, row.title, row.listed) != (want["owed_by"], want["title"], want["listed"]):
        return False
    if not want["listed"] and (row.state, row.provisional) != (want["state"], want["provisional"]):
        return want["state"] not in ("met", "missed")  # what is done stands still
    return moving or (row.due == want["due"] and not want["provisional"])
