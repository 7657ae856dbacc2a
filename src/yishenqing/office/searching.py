"""One box for what an office knows: the law, precedents, its own cases, the register of holdings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from yishenqing import rulebook
from yishenqing.core.errors import DataFault, Fault
from yishenqing.office import casework, linking
from yishenqing.office.casework import Row
from yishenqing.office.drafts import DraftVerbs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.core.law import Statute
    from yishenqing.holdings import Holding
    from yishenqing.office.casework import Casework
    from yishenqing.search import Asked, Document, Hit, Passage, Properties, Wanted

# In what order they are told, and how an officer calls them.
KINDS: Mapping[str, str] = {"law": "法律依据", "precedent": "案例", "case": "本机关案件", "holding": "登记簿"}
_AT_ONCE = 100  # cases that a rebuilding enters in one transaction
_LOOKED_THROUGH = 200  # entries of the register among which a narrowed search chooses
_NEAR_ENOUGH = 0.3  # of the best article's score: every article says 信息 and 公开
_TITLE = 60  # characters of an item that stand for a case


class Search(Struct, frozen=True):
    """One search: what is asked (None: only narrowed), how many of each kind, narrowed to what."""

    asked: Asked | None
    limit: int
    wanted: Wanted


class SearchVerbs(DraftVerbs):
    """What is looked for."""

    def search(
        self, text: str = "", limit: int = 5, *, kinds: Sequence[str] = (), wanted: Wanted | None = None
    ) -> Row:
        """Search everything that the office knows; ``limit`` hits of each of ``kinds`` (all of them unless named).

        Each hit has its kind, why it was found, and the passage that says most of what was asked. Kinds that do not
        have what the search is narrowed to (a law has no outcome) are left out.

        Raises:
            DataFault: there is nothing to search for, or there is no such kind.
        """
        from yishenqing.search import Wanted, asked

        if unknown := [k for k in kinds if k not in KINDS]:
            raise DataFault.of([Fault(f"没有“{unknown[0]}”这一类，可用：{'、'.join(KINDS)}", field="kinds")])
        wanted = wanted or Wanted()
        question = None if wanted and not text.strip() else asked(text, limit)
        search = Search(question, limit, wanted)
        ways: dict[str, Callable[[Connection, Search], Iterator[Row]]] = {
            "law": self._laws,
            "precedent": self._precedents,
            "case": self._cases,
            "holding": self._holdings,
        }
        with self._transactions.reading() as connection:
            found = [
                {"kind": kind, "kind_title": KINDS[kind], **row}
                for kind, way in ways.items()
                if not kinds or kind in kinds
                for row in way(connection, search)
            ]
        self._saw("search", "", text)
        return {"matches": found}

    def precedents(self, text: str, limit: int = 10, wanted: Wanted | None = None) -> Row:
        """Search the library; each hit with its score, why it was found, and its passage.

        ``notes`` says what did not help (the office's own embedding model, where it has one).
        """
        with self._transactions.reading() as connection:
            nearest = self._nearest(connection, ())
            matches = nearest.search(text, limit, wanted)
        from yishenqing.precedents.uses import SHOWN

        self._saw("search", "", text)
        self._count(SHOWN, [m.id for m in matches])
        return {"matches": [m.as_json() for m in matches], **({"notes": nearest.notes} if nearest.notes else {})}

    def precedent_batch(self, queries: Path, limit: int = 10) -> Row:
        """Search for every line of a file (``{"id", "text"}``)."""
        from yishenqing.precedents import Library, batch, read_queries

        questions = read_queries(queries)
        with self._transactions.reading() as connection:
            return batch(Library(connection, self.settings.agency), questions, limit)

    def precedent_evaluation(self, queries: Path, qrels: Path) -> Row:
        """Measure the search against known answers; ``unknown`` judgments name a query or a precedent not there.

        Raises:
            DataFault: a file has a fault, or no judgment calls an answer to one of the queries relevant.
        """
        from yishenqing.precedents import Library, evaluate, read_qrels, read_queries

        questions, answers = read_queries(queries), read_qrels(qrels)
        asked = {q.id for q in questions}
        if not any(grade for query, known in answers.items() if query in asked for grade in known.values()):
            text = f"没有一项判断说明“{queries}”中的哪个检索应当找到什么，无从评测"
            raise DataFault.of([Fault(text, str(qrels))])
        with self._transactions.reading() as connection:
            library = Library(connection, self.settings.agency)
            known = library.known({name for judged in answers.values() for name in judged})
            judged = [(query, name) for query, grades in answers.items() for name in grades]
            unknown = sum(query not in asked or name not in known for query, name in judged)
            return {**evaluate(library, questions, answers), "unknown": unknown}

    def rebuild_search(self, *, everything: bool = False) -> Row:
        """Enter into the index what is missing there, or (``everything``) all; return how much was entered.

        Batch by batch: work goes on meanwhile, and after a kill it is simply run again.
        """
        from yishenqing.office import findable
        from yishenqing.precedents import Library

        agency = self.settings.agency
        with self._transactions.writing() as connection:
            precedents = Library(connection, agency).enter_anew(everything=everything)
            if everything:
                findable.begin_anew(connection, agency)
        with self._transactions.reading() as connection:
            numbers = findable.missing(connection, agency)
        cases = 0
        for start in range(0, len(numbers), _AT_ONCE):
            with self._transactions.writing() as connection:
                cases += findable.enter_many(connection, self._practice, numbers[start : start + _AT_ONCE])
        return {"precedents": precedents, "cases": cases}

    # ---- what each kind finds

    def _laws(self, _connection: Connection, search: Search) -> Iterator[Row]:
        from yishenqing.search.memory import nearest

        if search.wanted.but_article():
            return  # an article has no outcome, no topic, no year of decision
        statutes = rulebook.statutes(self.home)
        known = {f"{s.cite}{name}": (s, text) for s in statutes.values() for name, text in s.articles.items()}
        documents = {cite: _law_document(cite, text, s) for cite, (s, text) in known.items()}
        hits = nearest(documents, search.asked, search.limit, search.wanted)
        for hit in (h for h in hits if h.score >= hits[0].score * _NEAR_ENOUGH):
            statute, text = known[hit.ref]
            title = f"{statute.title} {hit.ref.removeprefix(statute.cite)}"
            force = "现行有效" if statute.in_force(self.today) else f"已于{statute.until}失效，不得作为现行依据"
            if not (why := _common(search.asked, hit, [hit.ref])) and search.asked is not None:
                continue  # single characters alone: every article has some
            yield _row(hit, hit.ref, title, [*why, force], _shown("条文（简要重述）", text, hit))

    def _precedents(self, connection: Connection, search: Search) -> Iterator[Row]:
        from yishenqing.precedents import Library

        text = search.asked.text if search.asked else ""
        for match in Library(connection, self.settings.agency).search(text, search.limit, search.wanted):
            yield match.as_json()

    def _cases(self, connection: Connection, search: Search) -> Iterator[Row]:
        from yishenqing.office import findable
        from yishenqing.search import Collection

        agency = self.settings.agency
        hits = Collection(connection, agency, findable.COLLECTION).find(search.asked, search.limit, search.wanted)
        cases = {c.row.number: c for c in casework.load_many(connection, self._practice, [h.ref for h in hits])}
        for hit in hits:
            if hit.ref in cases:  # a damaged case is left out; verify names it
                yield self._case(connection, cases[hit.ref], hit, search.asked)

    def _case(self, connection: Connection, case: Casework, hit: Hit, asked: Asked | None) -> Row:
        from yishenqing.office import findable
        from yishenqing.search import passage

        texts = findable.texts(connection, case, self._opener(connection, case.row.number))
        known = case.workflow.outcomes.get(case.outcome or "")
        state = case.workflow.states[case.standing.state].title
        why = _common(asked, hit, known.law if known else ())
        why.append(f"办理结果：{known.title}" if known else f"未答复，{state}")
        linked = linking.linked_rows(connection, case)
        why += [f"{row['title']}：{row['result_title']}" for row in linked if row["result_title"]]
        if findable.survived(linked) is False:
            why.append("原答复已被纠正，不得照搬")
        places = [(what, passage(text, hit.parts)) for what, text, _ in texts] or [("案件", passage(state, {}))]
        place, best = max(places, key=lambda p: p[1].weight)
        title = texts[0][1][:_TITLE] if texts else case.workflow.title
        row = _row(hit, case.row.number, title, why, {"field": place, **best.as_json()})
        return {**row, "state": case.standing.state, "outcome": case.outcome}

    def _holdings(self, connection: Connection, search: Search) -> Iterator[Row]:
        wanted = search.wanted
        if search.asked is None or wanted != type(wanted)(
            article=wanted.article, agency=wanted.agency, years=wanted.years
        ):
            return  # the register knows no outcomes and no topics
        most = _LOOKED_THROUGH if wanted else search.limit
        found = self._register(connection).search(search.asked.text, most)
        fitting = (f for f in found if wanted.fits(_holding_properties(f.holding)))
        for entry in islice(fitting, search.limit):
            yield _holding_row(self._found(entry), entry.holding, search.asked)


def _law_document(cite: str, text: str, statute: Statute) -> Document:
    from yishenqing.search import Document, Properties

    return Document([(cite, 3), (text, 1), (statute.title, 1)], Properties(articles=(cite,)))


def _holding_properties(holding: Holding) -> Properties:
    from yishenqing.search import Properties

    year = holding.made_on.year if holding.made_on else None
    return Properties(articles=holding.ground, agency=f"{holding.unit} {holding.number}", year=year)


def _holding_row(line: Row, holding: Holding, asked: Asked) -> Row:
    from yishenqing.search import Document, Hit
    from yishenqing.search.memory import matched

    parts = matched(Document([(holding.title, 1), (holding.number, 1)]), asked)
    hit = Hit(str(line["id"]), line["score"], parts)
    said = (line["number"], line["made_on"], line["attribute_title"], *line["ground"], line["place"])
    why = [line["how"], *_common(asked, hit, holding.ground), "　".join(s for s in said if s)]
    return _row(hit, hit.ref, holding.title, why, _shown("题名", holding.title, hit))


def _common(asked: Asked | None, hit: Hit, citations: Sequence[str]) -> list[str]:
    from yishenqing.search.explaining import in_common

    return in_common(asked, hit.parts, citations)


def _shown(place: str, text: str, hit: Hit) -> Row:
    from yishenqing.search import passage

    found: Passage = passage(text, hit.parts)
    return {"field": place, **found.as_json()}


def _row(hit: Hit, name: str, title: str, why: Sequence[str], shown: Row) -> Row:
    return {"id": name, "score": hit.score, "title": title, "why": list(why), "passage": shown}
