"""Filing: the papers of a case in the order of a case file, with cover, contents, note and metadata, sealed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Connection

from yishenqing.archive import CaseFile, FilePaper, Order, PaperRecord
from yishenqing.archive.names import payload_name
from yishenqing.articles import article
from yishenqing.core import destroying, moving
from yishenqing.core.decide import permitted
from yishenqing.core.errors import IntegrityFault, Refused
from yishenqing.core.ledger import Entry, Sealed
from yishenqing.core.workflow import Field
from yishenqing.letters import Letterbook
from yishenqing.office import metadata, paperwork, sheets
from yishenqing.office.casework import Casework
from yishenqing.office.paperwork import Story
from yishenqing.settings import Settings
from yishenqing.store import issued as issued_store
from yishenqing.store import ledger as ledger_store
from yishenqing.store import vault
from yishenqing.store.issued import Issued
from yishenqing.store.vault import Paper, Papers

if TYPE_CHECKING:
    from yishenqing.office.acting import Registry

_LAW = "work_order"


class Filing(Struct, frozen=True):
    """What filing needs of the office."""

    settings: Settings
    letters: Letterbook
    papers: Papers
    today: date
    letter_path: Callable[[Issued], Path]
    registry: Registry
    order: Order


class Gathered(Struct, frozen=True):
    """Everything of one case that the package will hold, as read in one transaction."""

    sealed: Mapping[str, Sealed]
    papers: Mapping[str, Paper]
    letters: tuple[Issued, ...]
    opened: str  # the digest of the rules that the case was opened under
    snapshots: tuple[str, ...]  # their text, then that of the rules it was moved to


class _Listed(Struct, frozen=True):
    """One paper of the file: its line in the table of contents and its content."""

    title: str
    number: str
    author: str
    on: date
    pages: int
    content: bytes
    suffix: str


def gathered(connection: Connection, case: Casework, filing: Filing) -> Gathered:
    """Read what belongs to an archived case that verifies.

    Raises:
        Refused: the case is not archived yet.
        IntegrityFault: the case does not verify; a seal must not cover a break.
    """
    if not case.workflow.states[case.standing.state].final:
        title = case.workflow.states[case.standing.state].title
        offers = permitted(case.standing, filing.today, filing.today)
        raise Refused(
            f"案件{case.row.number}现为“{title}”，归档后才能导出卷宗。", law=[article(_LAW)], permitted=offers
        )
    from yishenqing.office.casefaults import case_faults

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


def case_file(case: Casework, content: Gathered, filing: Filing, anchor: Mapping[str, Any] | None) -> CaseFile:
    """Return the file of a case; cover, contents and note are made from the case each time, alike each time."""
    story = Story.of(case.standing, vault.opener(content.sealed))
    gone = destroying.destroyed(case.entries)
    listed = _certificate(case, content, filing) if gone else _listed(story, case, content, filing)
    block = _file_block(case, story, filing, listed)
    forms = {kind: filing.letters.pdf(kind, block) for kind in ("file_cover", "file_contents", "file_note")}
    papers = [
        FilePaper("00-卷宗封面.pdf", "卷宗封面", forms["file_cover"]),
        FilePaper("00-卷内目录.pdf", "卷内目录", forms["file_contents"]),
        *(FilePaper(_file_name(n, p), p.title, p.content) for n, p in enumerate(listed, 1)),
        FilePaper("99-卷内备考表.pdf", "卷内备考表", forms["file_note"]),
    ]
    names = {user: person.name for user, person in filing.settings.people.items()}
    acts = metadata.acts_of(case.entries, case.workflow, names)
    told = block["file"]
    return CaseFile(
        agency=case.row.agency,
        number=case.row.number,
        title=told["title"],
        rulebook=content.opened,
        snapshot=content.snapshots[0],
        later=content.snapshots[1:],
        entries=case.entries,
        sealed=list(content.sealed.values()),
        papers=[PaperRecord(p.digest, p.salt, p.sha256, p.size, p.name) for p in content.papers.values()],
        deadlines=[d.as_json() for d in case.standing.deadlines(case.entries[-1].on).values()],
        contents=papers,
        info={"Source-Organization": filing.settings.name, "Archive-Code": told["code"]},
        destroyed=sorted(gone),
        metadata=metadata.as_files(metadata.metadata(block, _described(listed, block), acts)),
        anchor=anchor,
    )


def _certificate(case: Casework, content: Gathered, filing: Filing) -> list[_Listed]:
    """Return what is left of the papers of a destroyed case: the certificate that its ledger names."""
    entry = destroying.destruction(case.entries)
    return [_attachment(p, entry, filing) for p in _papers_in(entry, content)] if entry else []


def _file_name(n: int, paper: _Listed) -> str:
    return payload_name(f"{n:02d}-{paper.title}{paper.suffix}", ())


def _described(listed: list[_Listed], block: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {**row, "file": _file_name(n, p), "size": len(p.content), "format": p.suffix.removeprefix(".").upper()}
        for n, (row, p) in enumerate(zip(block["papers"], listed, strict=True), 1)
    ]


def _listed(story: Story, case: Casework, content: Gathered, filing: Filing) -> list[_Listed]:
    """Return the papers in the order of the file; within a group as they came about."""
    order, replies = filing.order, sheets.replies_of(case.workflow)
    placed: list[tuple[int, _Listed]] = [(order.of_application(), _application(story, case))]
    placed += [(order.of_letter(x.kind, is_reply=x.kind in replies), _letter(x, filing)) for x in content.letters]
    if case.workflow.linked is None:
        taken = {entry.step for entry in case.entries}
        placed += [(n, form) for n, kind in order.forms(taken) if (form := _form(kind, story, case, content, filing))]
    letter_hashes = {x.sha256 for x in content.letters}
    for entry in case.entries:
        for paper in _papers_in(entry, content):
            if paper.sha256 not in letter_hashes:
                placed.append((order.of_step(entry.step), _attachment(paper, entry, filing)))
    return [paper for _, paper in sorted(placed, key=lambda x: x[0])]


def _form(kind: str, story: Story, case: Casework, content: Gathered, filing: Filing) -> _Listed | None:
    """Return a form of the file, filled from the case as it was closed; None where nothing was served."""
    letter = filing.letters.kind(kind)
    served = sheets.served(content.letters, story, filing.letters)
    if served is None and any(need.startswith("document.") for need in letter.needs):
        return None
    day = case.entries[-1].on
    context = filing.registry.form_context(case, vault.opener(content.sealed), day)
    made = filing.letters.pdf(kind, {**context, "document": served or {}})
    title = letter.titled(context["case"].get("matter") or "")
    return _Listed(title, "", filing.settings.name, day, _pages(made), made, ".pdf")


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
    from pypdf import PdfReader

    return len(PdfReader(io.BytesIO(pdf)).pages)


def _file_block(case: Casework, story: Story, filing: Filing, listed: list[_Listed]) -> dict[str, Any]:
    workflow = case.workflow
    last = next(e for e in reversed(case.entries) if "retention" in workflow.steps[e.step].needs)  # 归档
    retention = workflow.steps[last.step].fields["retention"].choices[last.facts["retention"]]
    year = case.row.opened_on.year
    item = filing.settings.item_of(year, case.row.number)
    code = filing.settings.coded_file(year, last.facts["retention"], case.row.number, item)
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
            "fonds_code": filing.settings.fonds,
            "item": item,
            "opened_on": case.row.opened_on.isoformat(),
            "closed_on": last.on.isoformat(),
            "title": _title(case, applicant["name"]),
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


def _title(case: Casework, applicant: str) -> str:
    if destroying.destruction(case.entries) is not None:
        return f"{paperwork.matter(case.workflow)}（{case.row.number}，已销毁）"
    return f"{applicant}{paperwork.matter(case.workflow)}（{case.row.number}）"


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
