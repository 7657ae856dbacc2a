"""The verbs of Word: a draft with the officer's islands open, and what comes back from it.

Only the islands are taken, and they become facts of the step that the letter is made from: a reply is drafted again
(``returned`` first, where it already lies with somebody else). Nothing else of a file is looked at but to refuse it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import ndiff
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, Moved, NotFound, Refused, why
from yishenqing.office.casework import Casework, Row
from yishenqing.office.desk import Desk
from yishenqing.office.papers import check_lettered
from yishenqing.office.paperwork import Story
from yishenqing.store import issued as issued_store
from yishenqing.store import vault

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.letters.model import LetterKind
    from yishenqing.letters.wordread import Returned
    from yishenqing.letters.wordtext import Paragraph, Stamp
    from yishenqing.office import redrafting
    from yishenqing.office.acting import Act
    from yishenqing.office.paperwork import Story

_SENTENCE = re.compile(r"[^。；\n]*[。；\n]?")


class _Open(Struct, frozen=True):
    """A draft laid open: its paragraphs, its stamp, and what officers call each island."""

    case: Casework
    kind: LetterKind
    story: Story
    paragraphs: Sequence[Paragraph]
    stamp: Stamp
    titles: Mapping[str, str]


class WordVerbs(Desk):
    """What goes to Word and comes back."""

    def letter_docx(self, number: str, kind: str, target: Path | None = None) -> Row:
        """Write the draft of a letter as Word: islands open, all else locked.

        Raises:
            NotFound: no such case, or no such kind.
            Refused: the letter has been issued, and is changed by nobody.
            DataFault: it is a form, or something that the letter must say is missing.
        """
        from yishenqing.letters.word import written

        with self._transactions.reading() as connection:
            found = self._opened_letter(connection, number, kind, self.today)
        path = target or self.home / "previews" / number / f"草稿-{found.kind.title}.docx"
        content = written(found.paragraphs, found.stamp, found.titles, self.settings.name, found.kind.title)
        try:
            vault.write_whole(path, content)
        except OSError as error:
            raise DataFault.of([Fault(f"无法写入（{why(error)}）", str(path))]) from None
        self._saw("export", number, str(path))
        return {
            "kind": kind,
            "title": found.kind.title,
            "number": None,
            "path": str(path),
            "draft": True,
            "islands": [{"island": n, "title": t} for n, t in found.titles.items()],
        }

    def read_docx(
        self,
        number: str,
        kind: str,
        path: Path,
        *,
        take: bool = False,
        on: date | None = None,
        by: str | None = None,
    ) -> Row:
        """Return what a Word file changes on the islands of a draft, and the acts that would record it.

        With ``take`` those acts are taken, all or none: the reply is drafted again, after it was returned where it
        already lay with somebody else.

        Raises:
            NotFound: there is no such case, or no such file.
            DataFault: a locked paragraph was changed (each is named, as it was and as it is); the file is none of
                ours, or harmful; an island cites an article that does not hold.
            Moved: the case has changed since the file was written.
            Refused: the letter has been issued, or the workflow does not allow the acts.
        """
        from yishenqing.letters import wordread
        from yishenqing.office import redrafting

        if not path.exists():
            raise NotFound(f"找不到文件“{path}”。")
        file = wordread.read(path)
        stamp = _stamp(file, path, self.today)
        with (self._transactions.writing if take else self._transactions.reading)() as connection:
            found = self._opened_letter(connection, number, kind, stamp.day)
            _refuse_changed(found, file, stamp, path)
            changes = list(_changes(found, file))
            self._registry.refuse_uncited(found.case, ((c.title, c.new) for c in changes), on or self.today)
            plan = redrafting.planned(found.case, found.kind.kind, found.story, changes)
            case = self._redrafted(connection, found.case, plan, on, by) if take and plan.acts else found.case
        return {
            "number": number,
            "kind": kind,
            "title": found.kind.title,
            "islands": [{**c.as_json(), "diff": _difference(c.old, c.new)} for c in changes],
            **plan.as_json(),
            "taken": take and bool(plan.acts),
            "state": case.standing.state,
            "state_title": case.workflow.states[case.standing.state].title,
        }

    def _opened_letter(self, connection: Connection, number: str, kind: str, day: date) -> _Open:
        from yishenqing.letters.wordtext import Stamp, digest
        from yishenqing.office import drafting, redrafting

        case = self._load(connection, number)
        check_lettered(case)
        letter = self._letters.kind(kind)
        if not letter.goes_out:
            text = f"《{letter.title}》是卷宗用表，没有可以在 Word 中填写的内容"
            raise DataFault.of([Fault(text, str(letter.path))])
        _refuse_issued(case, letter, issued_store.letters_of(connection, self.settings.agency, number))
        open_facts = self._opener(connection, number)

        def act(step: str, facts: Mapping[str, Any]) -> Act:
            return replace(self._draft_act(step, facts), on=day)

        context = drafting.preview(self._registry, case, letter, act, open_facts)
        titles = redrafting.islands(case, letter, context, self._letters)
        told = self._letters.paragraphs(kind, context, titles)
        shown = {p.island for paragraph in told for p in paragraph.pieces}
        stamp = Stamp(day, digest(told, self.settings.agency, number, kind))
        story = Story.of(case.standing, open_facts)
        return _Open(case, letter, story, told, stamp, {n: t for n, t in titles.items() if n in shown})

    def _redrafted(
        self, connection: Connection, case: Casework, plan: redrafting.Plan, on: date | None, by: str | None
    ) -> Casework:
        """Take the acts of ``plan`` in the caller's transaction; none of them prints a letter."""
        if any(case.workflow.steps[act.step].letter for act in plan.acts):
            title = case.workflow.steps[plan.acts[-1].step].title
            text = f"“{title}”当即出具文书，不由 Word 文件办理；请核对所列内容后用 ysq act 办理。"
            raise Refused(text, law=list(case.workflow.steps[plan.acts[-1].step].law))
        case = self._load(connection, case.row.number, lock=True)
        papers = vault.papers_of(connection, self.settings.agency, case.row.number)
        with tempfile.TemporaryDirectory() as folder:
            for act in plan.acts:
                facts = {**act.facts, **self._files(act.files, papers, Path(folder))}
                said = replace(self._act(act.step, on or self.today, by, facts), notes=act.notes)
                planned = self._registry.plan(connection, case, said, self.today)
                case = self._registry.record(connection, planned, None)
        return case

    def _files(
        self, files: Mapping[str, Sequence[Any]], papers: Mapping[str, vault.Paper], folder: Path
    ) -> dict[str, list[str]]:
        """Put the files of the earlier entry where they can be filed again, under their own names."""
        found: dict[str, list[str]] = {}
        for n, (name, kept) in enumerate(files.items()):
            for m, given in enumerate(kept):
                paper = papers[given["file"]]
                place = folder / f"{n}-{m}"
                place.mkdir()
                (place / Path(paper.name).name).write_bytes(self._papers.read(paper.sha256))
                found.setdefault(name, []).append(str(place / Path(paper.name).name))
        return found


def _refuse_issued(case: Casework, letter: LetterKind, issued: Sequence[issued_store.Issued]) -> None:
    """A letter that went out is changed by nobody; a new one may be drafted once it was set aside."""
    last = next((x for x in reversed(issued) if x.kind == letter.kind), None)
    if last is None or any(case.workflow.steps[e.step].overturns for e in case.entries[last.seq :]):
        return
    text = f"《{letter.title}》（{last.letter_number}）已经出具，不能再改；需要更正的，请依法另行作出。"
    raise Refused(text, law=[article("work_order")])


def _stamp(file: Returned, path: Path, today: date) -> Stamp:
    if not file.stamps:
        text = "没有可改的内容：不是由 ysq letter --docx 导出的文件，或者可改的位置已被删去"
        raise DataFault.of([Fault(text, str(path))])
    stamp = next(iter(file.stamps))
    if len(file.stamps) > 1 or stamp.day > today:
        raise DataFault.of([Fault("可改位置的标记已被改动；请重新导出后填写", str(path))])
    return stamp


def _refuse_changed(found: _Open, file: Returned, stamp: Stamp, path: Path) -> None:
    from yishenqing.letters.wordtext import changed_locks

    faults = changed_locks([p.locked for p in found.paragraphs], file.locked, str(path))
    if stamp.digest != found.stamp.digest:
        said = "".join(f"\n{f}" for f in faults)
        text = (
            f"这份文件不是案件{found.case.row.number}现在的《{found.kind.title}》：导出以后案件已有变化，或者导自其他案件、"
            f"其他文书。没有采用任何内容；请重新导出（ysq letter … --docx）后填写。{said}"
        )
        raise Moved(text)
    if not faults and file.islands.keys() != found.titles.keys():
        lost = "、".join(t for n, t in found.titles.items() if n not in file.islands)
        faults = [Fault(f"缺少可改的位置：{lost or '标记不符'}；请重新导出后填写", str(path))]
    if faults:
        raise DataFault.of(faults)


def _changes(found: _Open, file: Returned) -> Iterator[redrafting.Change]:
    """Yield each island whose words are others than those of the case; blanks and hints are no words."""
    from yishenqing.letters.context import cleaned, is_blank
    from yishenqing.letters.template import bare
    from yishenqing.letters.word import hint
    from yishenqing.letters.wordtext import words_of
    from yishenqing.office.redrafting import Change

    for name, before in words_of(found.paragraphs).items():
        old = "" if is_blank(before) else before
        new = str(cleaned(file.islands[name].replace(hint(found.titles[name]), "")))
        new = "" if is_blank(new) else new
        if bare(old) != bare(new):
            yield Change(name, found.titles[name], old, new)


def _difference(old: str, new: str) -> list[str]:
    """Return the sentences that went and came, as difflib tells them: ``- `` before, ``+ `` now, ``  `` the same."""
    before, after = (_SENTENCE.findall(text)[:-1] for text in (old, new))
    return [line.rstrip("\n") for line in ndiff(before, after) if not line.startswith("?")]
