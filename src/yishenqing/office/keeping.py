"""For how long one case must be kept, and what forbids destroying it: read from its ledger and from the holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Connection

from yishenqing.core import destroying
from yishenqing.core.decide import permitted
from yishenqing.core.links import KIND, NUMBER
from yishenqing.office import casework
from yishenqing.office.casework import Casework, Row
from yishenqing.retention import Customs, Told, read_customs
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from yishenqing.retention import Hold, Proposal
    from yishenqing.settings import Settings

RETENTION = "retention"  # the fact by which a step files a case


class Kept(Struct, frozen=True):
    """How a filed case is kept; ``until`` is the last day, None for ever."""

    case: Casework
    period: str
    title: str
    filed_on: date
    until: date | None

    def over(self, day: date) -> bool:
        """Tell whether the file need not be kept on ``day`` any more."""
        return self.until is not None and self.until < day

    def code(self, settings: Settings) -> str:
        """Return the 档号."""
        year, number = self.case.row.opened_on.year, self.case.row.number
        return settings.coded_file(year, self.period, number, settings.item_of(year, number))

    def as_json(self, settings: Settings) -> Row:
        """Return the case as it stands in a list of what falls due."""
        return {
            "number": self.case.row.number,
            "code": self.code(settings),
            "period": self.period,
            "period_title": self.title,
            "filed_on": self.filed_on.isoformat(),
            "kept_until": self.until.isoformat() if self.until else None,
        }


def kept(case: Casework, customs: Customs) -> Kept | None:
    """Return how the case is kept, by the filing that counts; None where it lies filed no more, or not yet."""
    state = case.workflow.states[case.standing.state]
    if not state.final or case.standing.state == destroying.STATE:
        return None
    for fact in reversed(case.standing.facts):
        if RETENTION in case.workflow.steps[fact.step].needs:
            period = str(fact.facts[RETENTION])
            known = customs.periods.get(period)
            title = known.title if known else case.workflow.steps[fact.step].fields[RETENTION].choices[period]
            return Kept(case, period, title, fact.on, customs.last_day(period, fact.on))
    return None


def proposed(case: Casework, customs: Customs, *, precedent: bool) -> Proposal | None:
    """Return the period that is proposed when the case is filed."""
    steps = {fact.step for fact in case.standing.facts}
    return customs.proposed(Told(case.workflow.id, case.outcome or "", steps, precedent))


def linked(case: Casework) -> list[tuple[str, str]]:
    """Return the cases that hang on this one (复议、诉讼、投诉), each with what it is."""
    flow = case.workflow
    if not flow.linking:
        return []
    titles = flow.steps[flow.linking].fields[KIND].choices
    return [
        (str(f.facts[NUMBER]), titles.get(str(f.facts[KIND]), ""))
        for f in case.standing.facts
        if f.step == flow.linking
    ]


def open_links(connection: Connection, case: Casework) -> Iterator[str]:
    """Yield why the cases that hang on this one forbid its destruction: they are not at rest yet."""
    for number, title in linked(case):
        row = ledger_store.case_row(connection, case.row.agency, number)
        state = casework.rules_of(connection, row.rulebook).workflow.states[row.state]
        if not state.final:
            yield f"{title}案件{number}尚未办结（{state.title}）"


def held(connection: Connection, case: Casework, holds: Mapping[str, Hold]) -> list[str]:
    """Return everything that forbids destroying the case."""
    hold = holds.get(case.row.number)
    by_hand = [f"{hold.on}由{case.standing.called(hold.actor)}设定暂缓销毁：{hold.reason}"] if hold else []
    sides = case.workflow.sides
    beside = [
        f"{sides[one.kind].title}尚未了结" for one in case.standing.beside if _remedy_open(one, sides[one.kind])
    ]
    return [*by_hand, *open_links(connection, case), *beside]


def _remedy_open(one: Any, side: Any) -> bool:
    """A remedy that an older ledger tells of holds the case as a linked case does."""
    return one.kind == "remedy" and not side.states[one.state].final


def over(cases: Iterable[Casework], customs: Customs, day: date) -> Iterator[Kept]:
    """Yield the cases whose retention has ended before ``day``."""
    for case in cases:
        found = kept(case, customs)
        if found is not None and found.over(day):
            yield found


def at_filing(connection: Connection, case: Casework, home: Path, today: date) -> Row | None:
    """Return the period that is proposed where the case may be filed now; None where it may not."""
    offers = permitted(case.standing, today, today)
    if not any(RETENTION in case.workflow.steps[offer.step].needs for offer in offers):
        return None
    return proposal_of(connection, case, read_customs(home))


def proposal_of(connection: Connection, case: Casework, customs: Customs) -> Row | None:
    """Return the period that is proposed for a case, why, and whose words that is."""
    from yishenqing.precedents import Shelf

    shelf = Shelf(connection, case.row.agency)
    proposal = proposed(case, customs, precedent=shelf.of_case(case.row.number) is not None)
    if proposal is None:
        return None
    title = customs.periods[proposal.period].title
    return {"period": proposal.period, "title": title, "why": proposal.why, "source": proposal.source}
