"""Earlier requests of the same person and of like text, found by blinded values inside the caller's transaction."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Connection,
    TextClause,
    and_,
    bindparam,
    delete,
    distinct,
    func,
    or_,
    select,
    update,
)
from sqlalchemy import text as literally

from yishenqing.hot import Hot, HotBatch, HotRows, insert_of, reader_of_days
from yishenqing.kinship.identifying import KIND_TITLES, NAME, Identifiers
from yishenqing.kinship.key import Key, Keys
from yishenqing.kinship.sketch import BANDS, bands, likeness, normalised, shingles
from yishenqing.kinship.tables import bands as band_table
from yishenqing.kinship.tables import counters, keys, persons, texts

_AT_ONCE = 10_000
_NEWEST = 200  # requests of one band that are looked at: an office may get the same text thousands of times

Reader = Callable[[Sequence[str]], Mapping[str, Sequence[str]]]
Compared = Mapping[tuple[str, int], tuple[float, bool]]  # by case and item: how like it is, and whether the same


class Kin(Struct, frozen=True):
    """An earlier case of the same person: by which kinds of identifier it is recognised."""

    number: str
    on: date
    kinds: tuple[str, ...]


class Text(Struct, frozen=True):
    """An earlier request like the one asked for: ``score`` from 0 to 1, ``exact`` when only blanks differ at most."""

    number: str
    item: int
    on: date
    score: float
    exact: bool


class _Entered(NamedTuple):
    number: str
    item: int
    on: date


class Index:
    """What an agency's requests are recognised by; nothing is committed here."""

    def __init__(self, connection: Connection, agency: str, office_keys: Keys) -> None:
        """Look up under all of the office's keys, write under the current one."""
        self._connection, self._agency, self._keys = connection, agency, office_keys

    def foreign(self) -> bool:
        """Tell whether rows were written with a key that the office has no more: those meet nothing."""
        query = select(keys.c.key).where(keys.c.agency == self._agency)
        known = {key.id for key in self._keys.keys}
        return bool(set(self._connection.execute(query).scalars()) - known)

    def enter(self, number: str, on: date, who: Identifiers, items: Sequence[str]) -> None:
        """Enter a case: its person and each of its texts, in the transaction that registers it."""
        key = self._keys.current
        first = self._take(len(items)) - len(items) + 1
        self._keep_key(key)
        said = _said(who)
        common: dict[str, Any] = {"agency": self._agency, "number": number, "on": on, "key": key.id}
        rows = [{**common, "kind": kind, "person": key.blinded(kind, value)} for kind, value in said]
        if rows:
            _PERSONS.run(self._connection, rows)
        if not items:
            return
        rows = [{**common, "id": first + n, "item": n + 1} for n in range(len(items))]
        _TEXTS.run(self._connection, rows)
        found = [
            {"agency": self._agency, "band": band, "id": first + n}
            for n, text in enumerate(items)
            for band in bands(text, key.secret)
        ]
        if found:
            _BANDS.run(self._connection, found)

    def has(self, number: str, on: date, who: Identifiers, items: Sequence[str]) -> bool:
        """Tell whether exactly this was entered of a case, under keys that the office has."""
        known = {key.id: key for key in self._keys.keys}
        persons_here = select(persons.c.person, persons.c.kind, persons.c.on, persons.c.key).where(
            persons.c.agency == self._agency, persons.c.number == number
        )
        found = [tuple(row) for row in self._connection.execute(persons_here)]
        texts_here = (
            select(texts.c.item, texts.c.on, texts.c.key, texts.c.id)
            .where(texts.c.agency == self._agency, texts.c.number == number)
            .order_by(texts.c.item)
        )
        rows = self._connection.execute(texts_here).all()
        used = {row[3] for row in found} | {row.key for row in rows}
        if not used <= known.keys() or len({row[3] for row in found}) > 1:
            return False
        wanted = {(known[k].blinded(kind, value), kind, on, k) for k in used for kind, value in _said(who)}
        if len(found) != len(_said(who)) or not set(found) <= wanted:
            return False
        entered = [(n, on) for n in range(1, len(items) + 1)]
        return [(r.item, r.on) for r in rows] == entered and all(
            self._bands_of(row.id, bands(text, known[row.key].secret)) for row, text in zip(rows, items, strict=True)
        )

    def _bands_of(self, identifier: int, wanted: Sequence[int]) -> bool:
        """Tell whether a text is found under all its bands; that there are no others tells their number."""
        query = select(func.count()).where(
            band_table.c.agency == self._agency, band_table.c.id == identifier, band_table.c.band.in_(wanted)
        )
        return self._connection.execute(query).scalar() == len(set(wanted))

    def strangers(self) -> bool:
        """Tell whether there are bands of no text, or more of them than the texts have."""
        of_none = (
            select(band_table.c.id)
            .outerjoin(texts, and_(texts.c.agency == band_table.c.agency, texts.c.id == band_table.c.id))
            .where(band_table.c.agency == self._agency, texts.c.id.is_(None))
        )
        more = (
            select(band_table.c.id)
            .where(band_table.c.agency == self._agency)
            .group_by(band_table.c.id)
            .having(func.count() > BANDS)
        )
        return any(self._connection.execute(query.limit(1)).first() is not None for query in (of_none, more))

    def kin(self, number: str, on: date, since: date, most: int) -> tuple[int, list[Kin]]:
        """Return how many earlier cases the person of case ``number`` had from ``since`` to ``on``, and the newest.

        The count goes back to ``since``, the list as far as there are cases; a name alone recognises nobody.
        """
        mine = select(persons.c.person).where(
            persons.c.agency == self._agency, persons.c.number == number, persons.c.kind != NAME
        )
        known = list(self._connection.execute(mine).scalars())
        size = func.length(persons.c.number)
        before = or_(size < len(number), and_(size == len(number), persons.c.number < number))
        other = and_(
            persons.c.agency == self._agency,
            persons.c.person.in_(known),
            or_(persons.c.on < on, and_(persons.c.on == on, before)),
        )
        count = select(func.count(distinct(persons.c.number))).where(other, persons.c.on >= since)
        newest = (
            select(persons.c.number, persons.c.on)
            .where(other)
            .group_by(persons.c.number, persons.c.on)
            .order_by(persons.c.on.desc(), persons.c.number.desc())
            .limit(most)
        )
        found = self._connection.execute(newest).all()
        kinds: dict[str, list[str]] = defaultdict(list)
        by_kind = select(persons.c.number, persons.c.kind).where(
            other, persons.c.number.in_([row.number for row in found])
        )
        for name, kind in self._connection.execute(by_kind):
            kinds[name].append(kind)
        total = int(self._connection.execute(count).scalar_one())
        why = {name: tuple(k for k in KIND_TITLES if k in known_by) for name, known_by in kinds.items()}
        return total, [Kin(row.number, row.on, why[row.number]) for row in found]

    def compared(self, text: str, read: Reader) -> Compared:
        """Return how like ``text`` the requests entered so far are: most of the work of ``alike``, without a lock."""
        return _compared(text, self._near(text), read)

    def alike(
        self, number: str, on: date, text: str, from_score: float, read: Reader, known: Compared | None = None
    ) -> list[Text]:
        """Return earlier cases' requests whose likeness to ``text``, asked on ``on``, is at least ``from_score``.

        The nearest first, of equals the newest. ``read`` gives the texts of cases by number; what was destroyed is
        not compared any more, what was compared before (``known``) not again.
        """
        here = (on, len(number), number)  # of one day, the cases in the order of their numbers
        near = [n for n in self._near(text) if (n.on, len(n.number), n.number) < here]
        known = known or {}
        scores = {**known, **_compared(text, [n for n in near if (n.number, n.item) not in known], read)}
        found: dict[tuple[str, int], Text] = {}
        for row in near:
            score, same = scores.get((row.number, row.item), (-1.0, False))
            if score >= from_score:
                found[row.number, row.item] = Text(row.number, row.item, row.on, round(score, 4), same)
        return sorted(found.values(), key=lambda t: (t.exact, t.score, t.on, t.number, -t.item), reverse=True)

    def same_person(self, number: str, others: Sequence[str]) -> set[str]:
        """Return which of the other cases come from the person of case ``number``; a name alone tells nothing."""
        known = persons_of(self._connection, self._agency, [number, *others])
        mine = {value for kind, values in known[number].items() if kind != NAME for value in values}
        return {other for other in others if any(mine & values for values in known[other].values())}

    def last(self) -> int:
        """Return the number of the text that was entered last."""
        query = select(counters.c.last_text).where(counters.c.agency == self._agency)
        return int(self._connection.execute(query).scalar() or 0)

    def leave(self, cases: Mapping[str, Sequence[str]]) -> None:
        """Take cases out, given with their texts, to be entered anew; other texts' bands go with ``drop_until``."""
        if not cases:
            return
        here, known = {"a": self._agency}, {key.id: key for key in self._keys.keys}
        _LEAVE_PERSONS.run(self._connection, [*cases], here)
        found = _TEXTS_OF.run(self._connection, [*cases], here).fetchall()
        readable = [
            (i, cases[n][item - 1], known[key]) for i, n, item, key in found if item <= len(cases[n]) and key in known
        ]
        rows = [{**here, "b": band, "i": i} for i, text, key in readable for band in bands(text, key.secret)]
        if rows:
            _LEAVE_BAND.run_many(self._connection, rows)
        if found:
            _LEAVE_TEXTS.run(self._connection, [i for i, *_ in found], here)

    def drop_until(self, last: int) -> None:
        """Drop what is left up to text number ``last``, and all keys but the current one: all was entered anew."""
        for table in (texts, band_table):
            self._connection.execute(delete(table).where(table.c.agency == self._agency, table.c.id <= last))
        current = self._keys.current.id
        for other in (persons, keys):
            self._connection.execute(delete(other).where(other.c.agency == self._agency, other.c.key != current))

    def _near(self, text: str) -> list[_Entered]:
        """Return which requests share bands with ``text``: those that share the most of them, of equals the newest.

        Of each band the newest are counted. The same text has all bands in common, and most of its bands are rare:
        it stands in front however many requests of a like wording came later.
        """
        shared: Counter[int] = Counter()
        for key in self._keys.keys:
            mine = bands(text, key.secret)
            if mine:
                given = {f"b{n}": band for n, band in enumerate(mine)}
                rows = _SAME_BAND.run(self._connection, {"a": self._agency, "most": _NEWEST, **given})
                shared.update(number for (number,) in rows.fetchall())
        nearest = heapq.nlargest(_NEWEST * 2, shared, key=lambda number: (shared[number], number))
        if not nearest:
            return []
        read = reader_of_days(self._connection)
        entered = _ENTERED.run(self._connection, nearest, {"a": self._agency}).fetchall()
        return [_Entered(number, item, read(on)) for number, item, on in entered]

    def _take(self, count: int) -> int:
        given = {"a": self._agency, "more": count}
        taken = _TAKE.run(self._connection, given).fetchone()
        if taken is None:  # the agency's first request
            lock(self._connection, self._agency)
            taken = _TAKE.run(self._connection, given).fetchone()
        return int(taken[0])

    def _keep_key(self, key: Key) -> None:
        _keep(self._connection.dialect.name).run(self._connection, {"a": self._agency, "k": key.id})


def _compared(text: str, near: Sequence[_Entered], read: Reader) -> dict[tuple[str, int], tuple[float, bool]]:
    said = read(sorted({n.number for n in near}))
    asked, exact = shingles(text), normalised(text)
    there = [(row, items[row.item - 1]) for row in near if row.item <= len(items := said.get(row.number, ()))]
    return {(r.number, r.item): (likeness(asked, shingles(said)), normalised(said) == exact) for r, said in there}


def _said(who: Identifiers) -> list[tuple[str, str]]:
    """Return what a person is entered under: kind and value."""
    return [*who.values, *([(NAME, who.name)] if who.name else [])]


def forget(connection: Connection, agency: str, numbers: Sequence[str]) -> None:
    """Take everything of destroyed cases out: their persons, their texts and what they are recognised by.

    All of a list at once: nothing but their texts, which are gone, would tell by which bands they are found.
    """
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        known = select(texts.c.id).where(texts.c.agency == agency, texts.c.number.in_(some))
        connection.execute(delete(band_table).where(band_table.c.agency == agency, band_table.c.id.in_(known)))
        for table in (texts, persons):
            connection.execute(delete(table).where(table.c.agency == agency, table.c.number.in_(some)))


def lock(connection: Connection, agency: str) -> None:
    """Let one registration of an agency at a time look for kin and be entered: two at once would not meet."""
    first = insert_of(connection.dialect.name)(counters).values(agency=agency, last_text=0, last_proposal=0)
    connection.execute(first.on_conflict_do_nothing())
    connection.execute(select(counters.c.agency).where(counters.c.agency == agency).with_for_update())


def persons_of(connection: Connection, agency: str, numbers: Sequence[str]) -> dict[str, dict[str, set[str]]]:
    """Return the blinded identifiers of these cases: case, kind, values."""
    found: dict[str, dict[str, set[str]]] = {n: defaultdict(set) for n in numbers}
    rows = _PERSONS_OF.run(connection, sorted(found), {"a": agency}).fetchall() if found else []
    for number, kind, person in rows:
        found[number][kind].add(person)
    return found


@lru_cache(maxsize=2)
def _keep(dialect: str) -> Hot:
    row = insert_of(dialect)(keys).values(agency=bindparam("a"), key=bindparam("k"))
    return Hot(row.on_conflict_do_nothing())


def _same_band() -> TextClause:
    """Return the newest requests of each of the bands; written out, since composing it cost more than running it."""
    newest = f"FROM {band_table.name} WHERE agency = :a AND band = :b"
    parts = [
        f"SELECT id FROM (SELECT id {newest}{n} ORDER BY id DESC LIMIT :most) AS b{n}"  # noqa: S608 - names of our own
        for n in range(BANDS)
    ]
    return literally(" UNION ALL ".join(parts))


_SAME_BAND = Hot(_same_band())
_ENTERED = HotBatch(
    lambda among: select(texts.c.number, texts.c.item, texts.c.on).where(
        texts.c.agency == bindparam("a"), among(texts.c.id)
    ),
    BigInteger,
)
_PERSONS_OF = HotBatch(
    lambda among: select(persons.c.number, persons.c.kind, persons.c.person).where(
        persons.c.agency == bindparam("a"), among(persons.c.number)
    )
)
_LEAVE_PERSONS = HotBatch(
    lambda among: delete(persons).where(persons.c.agency == bindparam("a"), among(persons.c.number))
)
_TEXTS_OF = HotBatch(
    lambda among: select(texts.c.id, texts.c.number, texts.c.item, texts.c.key).where(
        texts.c.agency == bindparam("a"), among(texts.c.number)
    )
)
_LEAVE_TEXTS = HotBatch(
    lambda among: delete(texts).where(texts.c.agency == bindparam("a"), among(texts.c.id)), BigInteger
)
_LEAVE_BAND = Hot(
    delete(band_table).where(
        band_table.c.agency == bindparam("a"), band_table.c.band == bindparam("b"), band_table.c.id == bindparam("i")
    )
)
_PERSONS, _TEXTS, _BANDS = HotRows(persons), HotRows(texts), HotRows(band_table)
_TAKE = Hot(
    update(counters)
    .where(counters.c.agency == bindparam("a"))
    .values(last_text=counters.c.last_text + bindparam("more"))
    .returning(counters.c.last_text)
)
