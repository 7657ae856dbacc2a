"""What a receiver may be told of a case: the values of its fields, persons masked unless both sides name them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from yishenqing.core import masking
from yishenqing.core.receipt import received_on
from yishenqing.exchange import PERSONAL, Column
from yishenqing.office import paperwork, telling
from yishenqing.office.concealing import Parties
from yishenqing.store import issued, vault

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.casework import Casework
    from yishenqing.settings import Receiver, Settings
    from yishenqing.store.issued import Issued
    from yishenqing.store.vault import Papers

_DESTROYED = "（已销毁）"
_REPLYING = ("replied", "answered_on_spot")


class Outward(Struct, frozen=True, dict=True):
    """A case up to one of its entries, as a receiver is told of it."""

    case: Casework
    story: paperwork.Story
    letters: tuple[Issued, ...]
    settings: Settings
    papers: Papers
    may: frozenset[str]

    @classmethod
    def of(
        cls, connection: Connection, case: Casework, seq: int, settings: Settings, papers: Papers, receiver: Receiver
    ) -> Outward:
        """Read what may be told of ``case`` after its entry ``seq``."""
        agency, number = case.row.agency, case.row.number
        open_facts = vault.opener(vault.sealed_of(connection, agency, number))
        then = replace(case.row, head_seq=seq)
        part = case.practice.casework(then, case.entries[:seq], case.rules)
        letters = tuple(x for x in issued.letters_of(connection, agency, number) if x.seq <= seq)
        story = paperwork.Story.of(part.standing, open_facts)
        return cls(part, story, letters, settings, papers, frozenset(receiver.personal))

    def value(self, column: Column) -> str:
        """Return what stands in a field."""
        head, _, tail = column.of.partition(".")
        if head == "applicant":
            return self._of_applicant(tail, open_=self._may(column))
        text = str(getattr(self, f"_{column.of}"))
        return text if column.of not in PERSONAL or self._may(column) else self._without_people(text)

    def _may(self, column: Column) -> bool:
        return column.personal and column.of in self.may

    def _of_applicant(self, name: str, *, open_: bool) -> str:
        received = self.story.received
        if name == "kind":
            return str(received.get("applicant_kind") or "")
        given = received.get("applicant")
        value = given.get(name) if isinstance(given, Mapping) else _DESTROYED
        text = str(value or "")
        if open_ or not text or text == _DESTROYED:
            return text
        return self._without_people(text) if name == "name" else ""

    def _without_people(self, text: str) -> str:
        spans = self._parties.spans(text)
        return masking.masked(text, spans, masking.aliases(self._parties.people, self._parties.bodies))

    @cached_property
    def _parties(self) -> Parties:
        return Parties.of(self.story, self.settings, "", ())

    @property
    def _number(self) -> str:
        return self.case.row.number

    @property
    def _agency(self) -> str:
        return self.case.row.agency

    @property
    def _agency_name(self) -> str:
        return self.settings.name

    @property
    def _workflow(self) -> str:
        return self.case.workflow.id

    @property
    def _received_on(self) -> str:
        known = self.case.standing
        return received_on(known.workflow, known.facts, known.workdays, known.readings).isoformat()

    @property
    def _channel(self) -> str:
        return str(self.story.received.get("channel") or "")

    @property
    def _request(self) -> str:
        return "；".join(self.story.items)

    @property
    def _state(self) -> str:
        return self.case.standing.state

    @property
    def _stage(self) -> str:
        return self.case.workflow.states[self.case.standing.state].stage

    @property
    def _outcome(self) -> str:
        """Return the outcome once the reply has gone out, or that of a step that means one: a draft is nobody's."""
        if self._replied_on:
            return self.case.outcome or ""
        steps = self.case.workflow.steps
        meant = [steps[step].outcome for step, _, _ in self.story.facts if steps[step].outcome]
        return meant[-1] if meant else ""

    @property
    def _replied_on(self) -> str:
        return self._day_of(*_REPLYING)

    @property
    def _delivered_on(self) -> str:
        return self._day_of("delivered", "left_at_place", "answered_on_spot")

    @property
    def _archived_on(self) -> str:
        return self._day_of("archived")

    def _day_of(self, *steps: str) -> str:
        days = [on for step, on, _ in self.story.facts if step in steps]
        return days[-1].isoformat() if days else ""

    @property
    def _due(self) -> str:
        found = self.case.standing.deadlines(self.case.practice.workdays.today).get("reply")
        return found.due.isoformat() if found is not None else ""

    @cached_property
    def _reply(self) -> Issued | None:
        """Return the letter that tells the outcome, once it has gone out."""
        steps = self.case.workflow.steps
        telling_ = {e.seq for e in self.case.entries if telling.is_reply(steps[e.step])}
        return next((x for x in reversed(self.letters) if x.seq in telling_), None) if self._replied_on else None

    @property
    def _reply_number(self) -> str:
        return self._reply.letter_number if self._reply else ""

    @property
    def _reply_title(self) -> str:
        return self._reply.title if self._reply else ""

    @property
    def _reply_sha256(self) -> str:
        return self._reply.sha256 if self._reply else ""

    @property
    def _reply_text(self) -> str:
        if self._reply is None:
            return ""
        import io

        from pypdf import PdfReader

        reader = PdfReader(io.BytesIO(self.papers.read(self._reply.sha256)))
        return "".join("".join((page.extract_text() or "").split()) for page in reader.pages)
