"""A masked copy (脱敏副本) of a case: its ledger and the text of its letters, without who anybody is.

It is for training, peer review and research, and proves nothing: the sealed package alone can be verified.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing.core.errors import DataFault, Fault, YishenqingError, why
from yishenqing.core.stars import KINDS
from yishenqing.office.casework import Casework, Row
from yishenqing.office.desk import Desk
from yishenqing.store import issued as issued_store
from yishenqing.store import vault

if TYPE_CHECKING:
    from yishenqing.office.seeing import Hiding
    from yishenqing.store.issued import Issued

_MARK = "脱敏副本"
_NOTE = """{mark}：不是密封卷宗，没有证明力，不能用来核验。

机关：{organ}
案件：第{number}号，{state}
案卷记录{entries}条，末条记录的散列值 {head}
制作日期：{today}

申请人、第三方、签收人的姓名写作“某某”或者“姓某”，证件号码、电话、地址、电子邮箱、银行账号、车牌号和邮件号中间部分写作星号。
文书只收入文字；附件、签名和版式没有收入（附件{attached}个）。{unread}
对外提供以前，请人工通读一遍：程序不认得的姓名不会遮盖。
"""


class UnnamedVerbs(Desk):
    """What is given out without who anybody is."""

    def masked_copy(self, number: str, target: Path | None = None) -> Row:
        """Write a masked copy of a case into a folder; ``doubts`` are words that may still be names.

        Raises:
            NotFound: there is no such case.
            DataFault: the folder is there already.
        """
        from yishenqing.office.concealing import Parties
        from yishenqing.office.paperwork import Story  # noqa: PLC0415 - beside the parties, which are gathered from it
        from yishenqing.office.seeing import Hiding

        folder = target or self.home / "archive" / f"{number}-{_MARK}"
        if folder.exists():
            raise DataFault.of([Fault("已经存在，请另写一个文件夹或者先移走", str(folder))])
        with self._transactions.reading() as connection:
            case = self._load(connection, number)
            open_facts = self._opener(connection, number)
            letters = issued_store.letters_of(connection, self.settings.agency, number)
            attached = len(vault.papers_of(connection, self.settings.agency, number)) - len(letters)
            parties = Parties.of(Story.of(case.standing, open_facts), self.settings, number, letters)
        hide = Hiding(parties.people_alone(KINDS), KINDS)
        told = {"mark": _MARK, **_told(case, open_facts, hide)}
        texts = dict(self._letter_texts(letters, hide))
        unread = [name for name, text in texts.items() if text is None]
        note = _NOTE.format(
            mark=_MARK,
            organ=self.settings.name,
            number=number,
            state=case.workflow.states[case.standing.state].title,
            entries=len(case.entries),
            head=case.row.head_hash,
            today=self.today,
            attached=max(attached, 0),
            unread=f"读不出文字而没有收入的文书：{'、'.join(unread)}。" if unread else "",
        )
        files = {"说明.txt": note, "案卷.json": json.dumps(told, ensure_ascii=False, indent=2) + "\n"}
        files |= {f"文书/{name}.txt": f"【{_MARK}】\n{text}" for name, text in texts.items() if text is not None}
        _write(folder, files)
        self._saw("export", number, f"{_MARK}：{folder}")
        return {"path": str(folder), "files": sorted(files), "doubts": _doubts(files)}

    def _letter_texts(self, letters: Sequence[Issued], hide: Hiding) -> Iterator[tuple[str, str | None]]:
        from yishenqing.inspection import text_of

        for n, letter in enumerate(letters, 1):
            text = text_of("letter.pdf", self._papers.read(letter.sha256))
            yield f"{n:02d}-{letter.title}", hide.text(text) if text is not None else None


def _told(case: Casework, open_facts: Any, hide: Hiding) -> Row:
    steps = case.workflow.steps
    return {
        "number": case.row.number,
        "state": case.standing.state,
        "state_title": case.workflow.states[case.standing.state].title,
        "outcome": case.outcome,
        "entries": [
            {
                "seq": e.seq,
                "on": e.on.isoformat(),
                "step": e.step,
                "title": steps[e.step].title,
                "facts": hide.within(open_facts(e.facts)),
                "hash": e.hash,
            }
            for e in case.entries
        ],
    }


def _doubts(files: dict[str, str]) -> list[str]:
    """Return the words that still look like somebody's name: a person decides."""
    from yishenqing import naming
    from yishenqing.core import masking  # noqa: PLC0415 - its patterns are many

    found: dict[str, None] = {}
    for name, text in files.items():
        if name.startswith("文书/"):
            found |= dict.fromkeys(span.text for span in masking.apart(naming.proposed(text)))
    return list(found)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write the folder whole, then name it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".writing-") as place:
            whole = Path(place) / folder.name
            for name, text in files.items():
                (whole / name).parent.mkdir(parents=True, exist_ok=True)
                (whole / name).write_text(text, encoding="utf-8")
            whole.rename(folder)
    except OSError as error:
        raise YishenqingError(f"{_MARK}写不到“{folder}”（{why(error)}）。") from error
