"""The survey of a year: hot fields, groups of like requests, and what precedents were of use for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from yishenqing.articles import article
from yishenqing.office import casework, fates
from yishenqing.office.casework import Casework, Row
from yishenqing.office.publishing import PublishVerbs
from yishenqing.office.recognising import RecognitionVerbs, received_of
from yishenqing.store import ledger as ledger_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.precedents.customs import Customs

_AT_ONCE = 500
_RELEASED = ("granted", "partial")
_USED = 20  # precedents that the table of uses lists


class SurveyVerbs(PublishVerbs, RecognitionVerbs):
    """What is told of many cases at once."""

    def precedent_report(self, year: int | None = None) -> Row:
        """Return hot fields and topics of the year's requests, and what the library was of use for.

        Each topic says how many different applicants asked, how they were answered, how many replies were set aside,
        and what follows: 转主动公开 (条例第四十四条) or training. Names and numbers are masked in what is quoted.
        """
        wanted = year or self.today.year
        since, until = date(wanted, 1, 1), date(wanted, 12, 31)
        with self._transactions.reading() as connection:
            survey = Survey(self._gathered(connection, since, until), self._library_customs)
            needed = self.settings.propose_applicants or self._recognition_customs.propose_applicants
            topics = [self._topic(connection, survey, group, needed) for group in survey.groups()]
            return {
                "year": wanted,
                "requests": len(survey.requests),
                "cases": len({r.number for r in survey.requests}),
                "fields": survey.fields(),
                "topics": topics,
                "library": self._library_told(connection),
                "uses": self._uses(connection, since, until),
            }

    def _gathered(self, connection: Connection, since: date, until: date) -> list[Request]:
        rows = ledger_store.case_rows(connection, self.settings.agency)
        numbers = [r.number for r in rows if since <= r.opened_on <= until]
        found: list[Request] = []
        for start in range(0, len(numbers), _AT_ONCE):
            batch = numbers[start : start + _AT_ONCE]
            received = received_of(connection, self.settings.agency, batch, only="items")
            for case in casework.load_many(connection, self._practice, batch):
                items = received.get(case.row.number, {}).get("items")
                if case.workflow.linked is None and isinstance(items, list):
                    found += [_request(case, n, text) for n, text in enumerate(items, start=1)]
        return found

    def _topic(self, connection: Connection, survey: Survey, group: Sequence[Request], needed: int) -> Row:
        from yishenqing.kinship import different, persons_of

        told = survey.told(group)
        numbers = sorted({r.number for r in group})
        applicants = different(list(persons_of(connection, self.settings.agency, numbers).values()))
        advice = []
        if applicants >= needed and any(r.outcome in _RELEASED for r in group):
            law = article("proactive", self.today)
            advice.append(f"{applicants}个不同申请人要同类信息，已有予以公开的，建议评估转为主动公开（{law}）")
        if told["overturned"]:
            advice.append(f"{told['overturned']}件答复被纠正，建议列入培训，并核对同类在办案件")
        return {**told, "applicants": applicants, "cases": numbers, "advice": advice}

    def _library_told(self, connection: Connection) -> Row:
        records = list(self._shelf(connection).library.all())
        return {
            "precedents": len(records),
            "levels": dict(Counter(r.level for r in records)),
            "overturned": sum(r.overturned is True for r in records),
            "maintained": sum(r.overturned is False for r in records),
            "old_law": sum(bool(r.marks or r.law_note) for r in records),
        }

    def _uses(self, connection: Connection, since: date, until: date) -> list[Row]:
        """Return what each precedent was of use for, the most used first."""
        from yishenqing.precedents.uses import DRAFTED, OPENED, SHOWN, Uses

        uses = Uses(connection, self.settings.agency)
        totals, drafts = uses.totals(since, until), uses.drafts(since, until)
        numbers = sorted({n for found in drafts.values() for n in found})
        cases = {c.row.number: c for c in casework.load_many(connection, self._practice, numbers)} if numbers else {}
        titles = {p.id: p.title for p in self._shelf(connection).library.all() if p.id in totals}
        order = sorted(totals, key=lambda i: (-totals[i][DRAFTED], -totals[i][OPENED], -totals[i][SHOWN], i))
        return [
            {
                "id": i,
                "title": titles.get(i, "（已撤下）"),
                **totals[i],
                **fates.lasting([cases[n] for n in drafts.get(i, ()) if n in cases]),
            }
            for i in order[:_USED]
        ]


class Request(Struct, frozen=True):
    """One requested item: of which case, how that was answered, and whether the reply was set aside."""

    number: str
    item: int
    text: str
    outcome: str
    outcome_title: str
    overturned: bool


def _request(case: Casework, item: int, text: str) -> Request:
    outcome = case.outcome or ""
    known = case.workflow.outcomes.get(outcome)
    overturned = fates.of(case, fates.EVER)[0] is True
    return Request(case.row.number, item, text, outcome, known.title if known else "", overturned)


class Survey(Struct, frozen=True):
    """The requests of a period, looked at together."""

    requests: Sequence[Request]
    customs: Customs

    def groups(self) -> list[list[Request]]:
        """Return the groups of like requests, the largest first."""
        from yishenqing.kinship import topics

        texts = [r.text for r in self.requests]
        found = topics.grouped(texts, self.customs.cluster_from / 100, self.customs.common)
        large = [g for g in found if len(g) >= self.customs.smallest]
        return [[self.requests[n] for n in g] for g in large[: self.customs.shown]]

    def told(self, group: Sequence[Request]) -> Row:
        """Return what a group is about, and how its requests were answered; persons masked."""
        from yishenqing.kinship import topics

        texts = [r.text for r in group]
        example = texts[topics.middle(texts)]
        hidden, names = anonymous(example)
        words = [w for w in topics.words(texts, self.customs.common) if not any(n in w or w in n for n in names)]
        return {"topic": "、".join(words) or hidden, "example": hidden, **_counted(group)}

    def fields(self) -> list[Row]:
        """Return the fields that are asked about most."""
        found: dict[str, list[Request]] = defaultdict(list)
        for request in self.requests:
            known = [f for f, words in self.customs.fields.items() if any(w in request.text for w in words)]
            for name in known or ["其他"]:
                found[name].append(request)
        ordered = sorted(found.items(), key=lambda f: (-len(f[1]), f[0]))
        return [{"field": name, **_counted(group)} for name, group in ordered]


def _counted(group: Iterable[Request]) -> dict[str, Any]:
    requests = list(group)
    outcomes = Counter(r.outcome_title for r in requests if r.outcome_title)
    return {
        "requests": len(requests),
        "outcomes": dict(outcomes.most_common()),
        "overturned": len({r.number for r in requests if r.overturned}),
    }


def anonymous(text: str) -> tuple[str, list[str]]:
    """Return a text with whatever looks personal masked, and the names that were taken for such."""
    from yishenqing import naming
    from yishenqing.core import masking  # noqa: PLC0415 - its patterns are many

    spans = masking.apart([*masking.numbers(text), *naming.proposed(text)])
    names = [s.text for s in spans if s.kind == "name"]
    return masking.masked(text, spans, masking.aliases(names)), names
