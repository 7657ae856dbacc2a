"""For how long (data) an office keeps its case files, and what it proposes when one is filed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from msgspec import Struct

from yishenqing.core.deadline import months_later
from yishenqing.core.errors import DataFault
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

_FILE = "retention.yaml"
_MONTHS = 12


class Period(Written, frozen=True):
    """One period of retention; no ``years``: for ever."""

    title: str
    years: int | None = None


class Told(Struct, frozen=True):
    """What is known of a case when it is filed."""

    workflow: str
    outcome: str
    steps: Collection[str]
    precedent: bool


class Proposal(Written, frozen=True):
    """A period that is proposed for cases which meet every condition that stands here."""

    period: str
    why: str
    source: str
    workflows: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()  # any of them was taken
    precedent: bool = False

    def fits(self, case: Told) -> bool:
        """Tell whether the case meets the conditions."""
        return (
            (not self.workflows or case.workflow in self.workflows)
            and (not self.outcomes or case.outcome in self.outcomes)
            and (not self.steps or any(step in case.steps for step in self.steps))
            and (case.precedent or not self.precedent)
        )


class Customs(Written, frozen=True):
    """How long an office keeps case files. Every figure of it is data."""

    title: str
    law: tuple[str, ...]
    periods: Mapping[str, Period]
    counted_from: Literal["next_year", "filing"]
    counted_why: str
    proposals: tuple[Proposal, ...]
    propose_by: tuple[str, ...]
    hold_by: tuple[str, ...]
    most_cases: int  # of one list

    def proposed(self, case: Told) -> Proposal | None:
        """Return what is proposed for a case; None where nothing fits."""
        return next((p for p in self.proposals if p.fits(case)), None)

    def last_day(self, period: str, filed_on: date) -> date | None:
        """Return the last day on which a file of ``filed_on`` must be kept; None: for ever."""
        known = self.periods.get(period)
        if known is None or known.years is None:
            return None
        if self.counted_from == "next_year":
            return date(filed_on.year + known.years, 12, 31)
        return months_later(filed_on, known.years * _MONTHS)

    @property
    def shortest(self) -> int:
        """Return the years of the shortest period: no younger file can fall due."""
        return min((p.years for p in self.periods.values() if p.years is not None), default=0)


def read_customs(home: Path | None) -> Customs:
    """Return the office's customs, or those that ship with the program.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    path = next(p for folder in layered("workflows", home) if (p := folder / _FILE).is_file())
    return remembered(Customs, path, home, _read)


def _read(path: Path) -> Customs:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    customs = validated(TypeAdapter(Customs), document)
    faults = [
        document.fault(f"没有这样的保管期限；现有：{'、'.join(customs.periods)}", ("proposals", n, "period"))
        for n, proposal in enumerate(customs.proposals)
        if proposal.period not in customs.periods
    ]
    faults += [
        document.fault("不能小于1年", ("periods", name, "years"))
        for name, period in customs.periods.items()
        if period.years is not None and period.years < 1
    ]
    if customs.most_cases < 1:
        faults.append(document.fault("不能小于1", ("most_cases",)))
    if faults:
        raise DataFault.of(faults)
    return customs
