"""What happens in a case, noted for the receivers of the exchange in the transaction that records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from yishenqing.core.ledger import canonical
from yishenqing.exchange import queue
from yishenqing.exchange.model import Mapped, Vocabulary, read_mapping, read_vocabulary

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.core.ledger import Entry
    from yishenqing.core.standing import Standing
    from yishenqing.office.casework import Casework
    from yishenqing.settings import Settings


class Departures(Struct, frozen=True, dict=True):
    """The exchange of one office: its receivers, and what they are told."""

    settings: Settings
    home: Path

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Return the kinds of events."""
        return read_vocabulary(self.home)

    @cached_property
    def mappings(self) -> Mapping[str, Mapped | None]:
        """Return how each receiver names things; None where it gets the events alone."""
        return {
            name: read_mapping(receiver.mapping, self.home) if receiver.mapping else None
            for name, receiver in self.settings.exchange.receivers.items()
        }

    def note(self, connection: Connection, before: Standing, after: Casework) -> None:
        """Note the latest entry of a case for whoever is told of such."""
        entry = after.entries[-1]
        kinds = self.kinds(before, after.standing, entry)
        receivers = [name for name in self.mappings if self._tells(name, after, kinds)]
        if receivers:
            content = self.content(after.standing, entry, kinds)
            queue.put(connection, entry.agency, receivers, entry.number, entry.seq, content, entry.recorded_at)

    def all_of(self, case: Casework, receiver: str) -> list[tuple[int, str]]:
        """Return every event of a case as noted for a receiver: the number of the entry, its content."""
        found = []
        for n, entry in enumerate(case.entries):
            before = case.practice.standing(case.rules, case.entries[:n])
            after = case.practice.standing(case.rules, case.entries[: n + 1])
            kinds = self.kinds(before, after, entry)
            if self._tells(receiver, case, kinds):
                found.append((entry.seq, self.content(after, entry, kinds)))
        return found

    def kinds(self, before: Standing, after: Standing, entry: Entry) -> list[str]:
        """Return what kinds of event an entry is."""
        workflow = after.workflow
        states = workflow.states
        stages = states[before.state].stage, states[after.state].stage
        marks = {
            "opening": entry.step == workflow.opening,
            "correcting": entry.step == workflow.correcting,
            "moving": entry.step == workflow.moving,
            "stage": stages[0] != stages[1],
            "final": before.state != after.state and states[after.state].final,
        }
        return self.vocabulary.kinds(entry.step, frozenset(name for name, true in marks.items() if true))

    def _tells(self, receiver: str, case: Casework, kinds: Sequence[str]) -> bool:
        mapping = self.mappings[receiver]
        if mapping is None:
            return bool(kinds)
        return told_of(mapping, case) and bool(set(kinds) & set(mapping.events or kinds))

    def content(self, after: Standing, entry: Entry, kinds: Sequence[str]) -> str:
        """Return what an entry means for others: no fact of it, nobody's name."""
        workflow = after.workflow
        state = workflow.states[after.state]
        told: dict[str, Any] = {
            "agency": entry.agency,
            "number": entry.number,
            "seq": entry.seq,
            "events": list(kinds),
            "titles": [self.vocabulary.events[kind].title for kind in kinds],
            "on": entry.on.isoformat(),
            "recorded_at": entry.recorded_at,
            "rehearsal": entry.rehearsal,
            "workflow": workflow.id,
            "step": entry.step,
            "step_title": workflow.steps[entry.step].title,
            "stage": state.stage,
            "stage_title": workflow.stages[state.stage],
            "state": after.state,
            "state_title": state.title,
            "hash": entry.hash,
        }
        return canonical(told)


def told_of(mapping: Mapped, case: Casework) -> bool:
    """Tell whether a receiver is told of a case at all."""
    return mapping.linked or case.workflow.linked is None
