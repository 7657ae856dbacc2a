"""The verbs of supervision: a month or any stretch of days, over one agency or all that share the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from yishenqing.agencies import known as known_agencies
from yishenqing.core.counted import REPLY
from yishenqing.core.deadline import clock_of
from yishenqing.core.errors import DataFault, Fault
from yishenqing.office.casework import Row, rules_of
from yishenqing.office.recognising import received_of
from yishenqing.office.reporting import ReportVerbs
from yishenqing.reporting.tables import applications, disputes
from yishenqing.store.tables import cases, deadlines

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.reporting.counting import Span
    from yishenqing.reporting.supervision import Customs

_AT_ONCE = 500
_ORGAN, _ASSIGNMENT, _NAME = "organ", "assignment", "name"
_SURE = ("id", "phone", "address")  # by what a person is told apart, the surest first; a name where there is nothing
_PERCENT = 100


class SupervisionVerbs(ReportVerbs):
    """What those who supervise look at."""

    def month(self, year: int, month: int, *, agencies: Sequence[str] = ()) -> Row:
        """Return the supervision of one month (of the running one, up to today)."""
        first = date(year, month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return self.supervision(first, min(last, max(first, self.today)), agencies=agencies)

    def supervision(self, first: date, last: date, *, agencies: Sequence[str] = ()) -> Row:
        """Return what was received and decided from ``first`` to ``last``, in what time, how well it held, and where
        it comes from; and the lamps of what is open today.

        Raises:
            Refused: it concerns other agencies, and the actor does not supervise.
            DataFault: the days lie ahead, or the last before the first.
        """
        from yishenqing.reporting.counting import Span

        if last < first or first > self.today:
            raise DataFault.of([Fault(f"统计的起止日期有误（{first}至{last}）", field="since")])
        with self._transactions.reading() as connection:
            span = Span(self._whose(connection, agencies), first, min(last, self.today))
            names = {a: agency.name for a, agency in known_agencies(connection).items()}
            rows = [
                self._of_agency(connection, Span((a,), span.first, span.last), names.get(a, a)) for a in span.agencies
            ]
            return {
                "title": self._supervision_customs.title,
                "law": self._supervision_customs.law,
                "name": self.settings.name,
                "since": span.first.isoformat(),
                "until": span.last.isoformat(),
                "as_of": self.today.isoformat(),
                "lamps": dict(self._supervision_customs.lamps),
                "high": self._supervision_customs.high,
                "agencies": rows,
                "outcomes": self._outcomes(connection, span),
                "causes": self._causes(connection, span),
                "topics": self._topics(connection, span),
                "applicants": self._applicants(connection, span),
            }

    def supervision_papers(
        self,
        found: Row,
        *,
        xlsx: Path | None = None,
        pdf: Path | None = None,
        svg: Path | None = None,
        png: Path | None = None,
    ) -> Row:
        """Write a supervision (as ``supervision`` has answered) as a workbook, as PDF, its charts as SVG or PNG."""
        from yishenqing.office import supervisionpapers as papers

        return papers.write_all(found, self.home, xlsx=xlsx, pdf=pdf, svg=svg, png=png)

    @cached_property
    def _supervision_customs(self) -> Customs:
        from yishenqing.reporting.supervision import read_customs

        return read_customs(self.home)

    def _of_agency(self, connection: Connection, span: Span, name: str) -> Row:
        from yishenqing.reporting import counting
        from yishenqing.reporting.supervision import percentile, rate

        three = counting.table3(connection, self._form, span)
        frame = {k: three[self._form.table3.row(k)]["total"] for k in ("new", "carried", "decided", "open")}
        met, missed = self._kept(connection, span)
        days = self._days(connection, span)
        a = applications.c
        within = and_(a.agency.in_(span.agencies), a.decided_on.between(span.first, span.last))
        asked = select(func.count().filter(a.extended.is_(True)), func.count().filter(a.supplements > 0)).where(
            within
        )
        extended, supplemented = connection.execute(asked).one()
        lamps, unassigned = self._lamps(connection, span.agencies[0])
        return {
            "agency": span.agencies[0],
            "name": name,
            **frame,
            "on_time": met,
            "late": missed,
            "on_time_rate": rate(met, met + missed),
            "median_days": percentile(days, _PERCENT // 2),
            "high_days": percentile(days, self._supervision_customs.high),
            "extended": extended,
            "supplemented": supplemented,
            "lamps": lamps,
            "unassigned": unassigned,
        }

    def _kept(self, connection: Connection, span: Span) -> tuple[int, int]:
        """Return how many decided cases kept their last day, and how many did not; others have no last day known."""
        a, d = applications.c, deadlines.c
        joined = applications.join(deadlines, and_(a.agency == d.agency, a.number == d.number))
        query = (
            select(d.state, func.count())
            .select_from(joined)
            .where(a.agency.in_(span.agencies), a.decided_on.between(span.first, span.last), d.clock == REPLY)
            .group_by(d.state)
        )
        found = {row[0]: row[1] for row in connection.execute(query)}
        return found.get("met", 0), found.get("missed", 0)

    def _days(self, connection: Connection, span: Span) -> Counter[int]:
        """Return in how many working days the cases were decided."""
        a = applications.c
        query = (
            select(a.received_on, a.decided_on, func.count())
            .where(a.agency.in_(span.agencies), a.decided_on.between(span.first, span.last))
            .group_by(a.received_on, a.decided_on)
        )
        found: Counter[int] = Counter()
        for received, decided, number in connection.execute(query):
            found[self._workdays.between(received, decided)] += number
        return found

    def _lamps(self, connection: Connection, agency: str) -> tuple[Row, list[str]]:
        """Return the cases by the worst lamp that any of their open deadlines lights; and those not yet assigned."""
        d, c = deadlines.c, cases.c
        joined = deadlines.join(cases, and_(c.agency == d.agency, c.number == d.number))
        query = (
            select(d.number, d.clock, d.due, d.state, c.rulebook)
            .select_from(joined)
            .where(d.agency == agency, d.listed.is_(True), d.owed_by == _ORGAN)
        )
        order = list(self._supervision_customs.lamps)
        worst: dict[str, str] = {}
        unassigned = set()
        for number, key, due, state, digest in connection.execute(query).all():
            clock = clock_of(key)
            if rules_of(connection, digest).workflow.clocks[clock].expires_as == "lapsed":
                continue  # a possibility of the organ's own asks nothing of anybody
            if clock == _ASSIGNMENT:
                unassigned.add(number)
            lamp = "green" if state == "stopped" else self._lamp(due, assigning=clock == _ASSIGNMENT)
            worst[number] = max(worst.get(number, "green"), lamp, key=order.index)
        grouped = {lamp: sorted(n for n, x in worst.items() if x == lamp) for lamp in order if lamp != "green"}
        counts = Counter(worst.values())
        return {lamp: {"count": counts[lamp], "cases": grouped.get(lamp, [])} for lamp in order}, sorted(unassigned)

    def _lamp(self, due: date, *, assigning: bool) -> str:
        customs = self._supervision_customs
        late = (self.today - due).days
        if late > customs.black_after and not assigning:
            return "black"
        if late > 0:
            return "yellow" if assigning else "red"
        return "yellow" if not assigning and self._workdays.left(due) <= customs.yellow_within else "green"

    def _outcomes(self, connection: Connection, span: Span) -> list[Row]:
        from yishenqing.reporting import counting

        three = counting.table3(connection, self._form, span)
        lines = [r for r in self._form.table3.rows if r.counts == "outcome" and three[r.id]["total"]]
        return [{"outcome": r.id, "title": f"{r.under}{r.title}", "cases": three[r.id]["total"]} for r in lines]

    def _causes(self, connection: Connection, span: Span) -> list[Row]:
        """Return how decisions held in reconsideration and litigation, by what had been decided."""
        from yishenqing.reporting.supervision import rate

        a, d = applications.c, disputes.c
        joined = disputes.join(applications, and_(a.agency == d.agency, a.number == d.number))
        kinds = [k.id for k in self._form.table4.kinds]
        query = (
            select(a.outcome, d.kind, d.result, func.count())
            .select_from(joined)
            .where(d.agency.in_(span.agencies), d.kind.in_(kinds), d.decided_on.between(span.first, span.last))
            .group_by(a.outcome, d.kind, d.result)
        )
        found: dict[str, Counter[str]] = {}
        for outcome, kind, result, number in connection.execute(query):
            counts = found.setdefault(outcome or "", Counter())
            counts[result] += number
            counts["reconsideration" if kind == "reconsideration" else "litigation"] += number
        titles = {r.id: f"{r.under}{r.title}" for r in self._form.table3.rows}
        results = [r for r in self._form.table4.results if r not in ("total", "pending")]
        rows = [
            {
                "outcome": outcome or None,
                "title": titles.get(outcome, "尚未答复"),
                **{name: counts[name] for name in ("reconsideration", "litigation", *results)},
                "corrected_rate": rate(counts["corrected"], sum(counts[r] for r in results)),
            }
            for outcome, counts in found.items()
        ]
        return sorted(rows, key=lambda r: (-r["corrected"], -r["reconsideration"] - r["litigation"], r["title"]))

    def _numbers(self, connection: Connection, span: Span) -> Iterator[tuple[str, list[str]]]:
        """Yield the cases received within the span, agency by agency, some at a time."""
        a = applications.c
        for agency in span.agencies:
            query = select(a.number).where(a.agency == agency, a.received_on.between(span.first, span.last))
            numbers = list(connection.execute(query.order_by(a.number)).scalars())
            for start in range(0, len(numbers), _AT_ONCE):
                yield agency, numbers[start : start + _AT_ONCE]

    def _topics(self, connection: Connection, span: Span) -> list[Row]:
        """Return what is asked for, by the topics of the routing table."""
        from yishenqing.routing import read_routing

        routing, counts = read_routing(self.home), Counter[str]()
        for agency, numbers in self._numbers(connection, span):
            said = received_of(connection, agency, numbers, only="items")
            for number in numbers:
                items = said.get(number, {}).get("items")
                proposals = routing.proposals([str(i) for i in items]) if isinstance(items, list) else []
                topics = {p["topic"] for p in proposals} or {self._supervision_customs.unnamed}
                counts.update(topics)
        return [{"topic": topic, "cases": n} for topic, n in counts.most_common(self._supervision_customs.shown)]

    def _applicants(self, connection: Connection, span: Span) -> Row:
        """Return how far applications come from few hands; nobody is named, the cases are."""
        from yishenqing.reporting.supervision import concentration

        by_person: dict[str, list[str]] = {}
        for agency, numbers in self._numbers(connection, span):
            for number, person in self._persons(connection, agency, numbers).items():
                by_person.setdefault(person, []).append(number)
        counts = Counter({person: len(numbers) for person, numbers in by_person.items()})
        customs = self._supervision_customs
        most = [{"cases": by_person[p], "count": n} for p, n in counts.most_common(customs.shown) if n > 1]
        return {**concentration(counts, customs.top), "most": most}

    def _persons(self, connection: Connection, agency: str, numbers: Sequence[str]) -> Mapping[str, str]:
        """Return by what each case's applicant is known: blinded, as recognition keeps it."""
        from yishenqing.kinship.index import persons_of

        found = {}
        for number, known in persons_of(connection, agency, numbers).items():
            kind = next((k for k in (*_SURE, _NAME) if known.get(k)), None)
            if kind is not None:
                found[number] = min(known[kind])
        return found
