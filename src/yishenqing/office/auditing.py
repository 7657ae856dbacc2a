"""The verbs of audit: anchor all ledgers, verify the whole office, say who saw what, draw a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.articles import article
from yishenqing.core.errors import NotFound, Refused, YishenqingError
from yishenqing.office.casework import Row
from yishenqing.office.papers import PaperVerbs
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy import Connection

    from yishenqing.checkpoints.log import Head
    from yishenqing.core.checkpoint import Checkpoint

Told = Callable[[int, int], None]
_DETAILS = {"inspect": "发出前检查", "draft": "起草"}
_LAW = "work_order"


class AuditVerbs(PaperVerbs):
    """What auditors ask, and what lets them rely on the answer."""

    def checkpoint(self, *, new_key: bool = False) -> Row:
        """Anchor the head of every ledger (and of the journal of reads) in a new signed checkpoint.

        The signing key is made when the first checkpoint is; ``new_key`` makes another one where it is lost.

        Raises:
            Refused: the key is gone, or another one than signed the last checkpoint.
            IntegrityFault: what earlier checkpoints hold is not what lies here any more; nothing is signed.
        """
        self._transactions.permit()
        self._enter_looks()
        with self._transactions.writing() as connection:
            return self._anchored(connection, new_key=new_key)

    def _enter_looks(self) -> None:
        """Let a checkpoint hold the looks that still wait to be entered, too."""
        if not self._transactions.hosted and self._journal.waiting():
            self._journal.enter_waiting()

    def _anchored(self, connection: Connection, *, new_key: bool) -> Row:
        from yishenqing.checkpoints.keys import signed
        from yishenqing.checkpoints.log import Head, make_checkpoint, read_log
        from yishenqing.office import anchoring

        agency = self.settings.agency
        log = read_log(connection, agency)
        key = self._signing_key(log.points, new_key=new_key)
        told = {"made_at": self._moments.now(), "actor": self._user, "rehearsal": self._rehearsal}
        rows = anchoring.examined(connection, agency, log)
        log.faults += rows.broken
        heads, new = self._heads(connection), [Head(*row) for row in rows.new]
        point, added = make_checkpoint(connection, agency, log, heads, new, lambda p: signed(p, key), told)
        self._moments.passed(point.made_at)
        return {**self._told(point), "added": added}

    def _signing_key(self, known: Sequence[Checkpoint], *, new_key: bool) -> Ed25519PrivateKey:
        from yishenqing.checkpoints.keys import (
            make_key,
            public_of,
            read_key,
        )

        path = self._key_path()
        if new_key and path.exists():
            raise Refused(
                f"签名密钥“{path}”还在；确要更换的，请先将其移走封存，再运行本命令。", law=[article(_LAW, self.today)]
            )
        if not path.exists():
            if known and not new_key:
                raise Refused(
                    f"签过前{len(known)}号检查点的密钥“{path}”不见了；请找回，确已丢失的用 --new-key 另制一把。",
                    law=[article(_LAW, self.today)],
                )
            make_key(path)
        key = read_key(path)
        used = {point.key for point in known[:-1]}
        if known and public_of(key) != known[-1].key and public_of(key) in used:
            raise Refused(f"密钥“{path}”是已经更换掉的旧密钥，不能再用来签名。", law=[article(_LAW, self.today)])
        return key

    def _key_path(self) -> Path:
        return (self.home / Path(self.settings.checkpoint_key).expanduser()).resolve()

    def _heads(self, connection: Connection) -> Iterator[Head]:
        from yishenqing.checkpoints import journal_head
        from yishenqing.checkpoints.log import Head

        for row in ledger_store.case_rows(connection, self.settings.agency):
            yield Head(row.number, row.head_seq, row.head_hash)
        n, last = journal_head(connection, self.settings.agency)
        if n:
            yield Head("", n, last)

    def _told(self, point: Checkpoint) -> Row:
        return {
            "n": point.n,
            "made_at": point.made_at,
            "actor": point.actor,
            "cases": point.cases,
            "leaves": point.size,
            "root": point.root,
            "digest": point.digest(),
            "key": point.key,
            "line": point.for_minutes(self.settings.name),
        }

    def checkpoints(self) -> Row:
        """Return every checkpoint, the first one first, each with the line for the minutes."""
        from yishenqing.checkpoints.log import checkpoints_of

        with self._transactions.reading() as connection:
            found = checkpoints_of(connection, self.settings.agency)
        return {"checkpoints": [self._told(point) for point in found]}

    def audit(self, minutes: str = "", told: Told = lambda _done, _all: None) -> Row:
        """Verify the whole office: every ledger, side store, paper, letter and row, the journal, the checkpoints.

        ``minutes`` is the line of a checkpoint as it was printed or minuted. Answers ``faults`` (each naming the case
        and entry), and how much was found: ``cases``, ``entries``, ``checkpoints``, ``reads``.

        Raises:
            NotFound: ``minutes`` names no checkpoint that there is.
        """
        from yishenqing.office.verifying import Audit

        return Audit(self, self._transactions, self.settings.agency, self._known_keys()).whole(minutes, told)

    def reads(self, number: str = "") -> Row:
        """Return who looked at a case (or at anything), when, and what for.

        Raises:
            NotFound: there is no such case, and nobody ever looked at one.
        """
        from yishenqing.checkpoints import reads_of

        if not self._transactions.hosted and self._journal.waiting():
            with suppress(YishenqingError):  # they still wait then, and the answer says so
                self._journal.enter_waiting()
        agency = self.settings.agency
        with self._transactions.reading() as connection:
            found = reads_of(connection, agency, number)
            if number and not found:
                ledger_store.case_row(connection, agency, number)
        rows = [{**row, "detail_title": self._said(row["detail"])} for row in found]
        return {"number": number or None, "reads": rows, "waiting": self._journal.waiting()}

    def _said(self, detail: str) -> str:
        """Return in words what a look was for: the codes of the program as what they are called."""
        if detail in _DETAILS or not detail.isidentifier() or not detail.isascii():
            return _DETAILS.get(detail, detail)
        try:
            return f"《{self._letters.kind(detail).title}》"
        except NotFound:  # a kind that the office has given up since
            return detail

    def sample(self, year: int, n: int, seed: str, target: Path | None = None) -> Row:
        """Draw ``n`` cases of a year for peer review, and write the score sheet.

        The draw follows from the seed and the list of cases alone: whoever has both draws the same.

        Raises:
            NotFound: no case was opened in that year.
        """
        from yishenqing.office import sampling

        with self._transactions.reading() as connection:
            rows = [r for r in ledger_store.case_rows(connection, self.settings.agency) if r.opened_on.year == year]
            if not rows:
                raise NotFound(f"{year}年没有立案的案件，无从抽取。")
            drawn = sampling.drawn([r.number for r in rows], n, seed)
            cases = [self._load(connection, number) for number in drawn]
        path = target or self.home / "audit" / f"{year}年评查抽样-{n}件-{sampling.safe(seed)}.xlsx"
        sheet = sampling.Sheet(self.settings, year, seed, len(rows), self.home)
        sheet.write(path, cases)
        self._saw("sample", "", f"{year}年 种子{seed}：{'、'.join(drawn)}")
        return {"year": year, "seed": seed, "of": len(rows), "cases": drawn, "path": str(path)}
