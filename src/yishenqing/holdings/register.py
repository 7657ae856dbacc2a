"""The register of one agency: lists taken in, documents found again by number and by title."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from yishenqing.core.deadline import months_later
from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.holdings.model import Customs, Holding, number_key, numbers_in, plain
from yishenqing.holdings.reviews import Reviews
from yishenqing.holdings.tables import holdings, totals, versions
from yishenqing.holdings.titles import Sums, Titles, pairs
from yishenqing.hot import insert_of

_AT_ONCE = 400  # values that one statement names


class By(Struct, frozen=True):
    """Who writes, when, from where."""

    actor: str
    recorded_at: str
    rehearsal: bool
    source: str
    on: date


class Found(Struct, frozen=True):
    """A document with how it was found: ``how`` in words, ``score`` from 0 to 1."""

    id: int
    holding: Holding
    how: str
    score: float


class Imported(Struct):
    """What a list changed: new and changed documents by id; ``kept`` documents whose re-assessment it would undo."""

    new: list[tuple[int, Holding]] = field(default_factory=list)
    changed: list[tuple[int, Holding, tuple[str, ...]]] = field(default_factory=list)
    unchanged: int = 0
    kept: list[tuple[int, Holding]] = field(default_factory=list)


class _Row(Struct, frozen=True):
    id: int
    number_key: str
    title_key: str
    attribute: str
    version: int
    record: str
    imported: str


class Register:
    """The register of ``agency`` inside the caller's transaction; nothing is committed here."""

    def __init__(self, connection: Connection, agency: str, customs: Customs) -> None:
        """Open the register."""
        self._connection, self._agency, self._customs = connection, agency, customs
        self._titles = Titles(connection, agency)

    def count(self) -> int:
        """Return how many documents the register has."""
        query = select(totals.c.documents).where(totals.c.agency == self._agency)
        return int(self._connection.execute(query).scalar() or 0)

    def get(self, identifier: int) -> Holding:
        """Return one document.

        Raises:
            NotFound: the register has none of that id.
        """
        (row,) = self._rows(holdings.c.id, [identifier]) or (None,)
        if row is None:
            raise NotFound(f"登记簿中没有第{identifier}号；请用 ysq holdings list 查看。")
        return Holding.loaded(row.record)

    def all(self, attribute: str | None = None) -> Iterator[tuple[int, Holding]]:
        """Yield every document, or those of one attribute, in the order of their ids."""
        query = select(holdings.c.id, holdings.c.record).where(holdings.c.agency == self._agency)
        if attribute is not None:
            query = query.where(holdings.c.attribute == attribute)
        for identifier, record in self._connection.execute(query.order_by(holdings.c.id)):
            yield identifier, Holding.loaded(record)

    def history(self, identifier: int) -> list[dict[str, Any]]:
        """Return every state that the register ever held of a document, the first one first."""
        columns = [c for c in versions.c if c.name != "agency"]
        query = select(*columns).where(versions.c.agency == self._agency, versions.c.id == identifier)
        return [dict(row._mapping) for row in self._connection.execute(query.order_by(versions.c.version))]  # noqa: SLF001 - SQLAlchemy's public name

    def look_up(self, text: str) -> list[Found]:
        """Return what the register knows of a requested item: its exact number first, then close titles."""
        keys = numbers_in(text)
        place = {key: n for n, key in enumerate(keys)}
        exact = sorted(self._rows(holdings.c.number_key, keys), key=lambda r: (place[r.number_key], r.id))
        found = [Found(r.id, Holding.loaded(r.record), "文号相同", 1.0) for r in exact]
        known = {f.id for f in found}
        return [*found, *(f for f in self.search(text) if f.id not in known)][: self._customs.shown]

    def search(self, text: str, limit: int | None = None) -> list[Found]:
        """Return the documents whose number is ``text`` or whose titles are close to it, the closest first."""
        asked = pairs(text)
        number = self._rows(holdings.c.number_key, [number_key(text)])
        found = {r.id: Found(r.id, Holding.loaded(r.record), "文号相同", 1.0) for r in number}
        near = [(r, Holding.loaded(r.record)) for r in self._rows(holdings.c.id, self._titles.near(asked))]
        weights = self._titles.weights(asked.union(*(pairs(h.title) for _, h in near)), self.count())
        ranked: list[tuple[float, float, Found]] = []
        for row, holding in near:
            score, whole = weights.compare(asked, pairs(holding.title))
            if score * 100 >= self._customs.close_from and row.id not in found:
                one, other = plain(text), plain(holding.title)
                said = "标题相符" if one in other or other in one else f"标题相近（{score:.0%}）"
                ranked.append((score, whole, Found(row.id, holding, said, round(score, 4))))
        ranked.sort(key=lambda r: (-r[0], -r[1], r[2].id))
        return [*found.values(), *(f for _, _, f in ranked)][: limit or self._customs.shown]

    def take_in(self, lines: Sequence[tuple[int, Holding]], by: By, months: int) -> Imported:
        """Enter a list: documents met by number (else title and date) are brought up to date. All or nothing.

        ``months`` after ``by.on`` a document that must be assessed again falls due, unless the list names the day.

        Raises:
            DataFault: two rows mean the same document, or a row may mean several; with lines.
        """
        self._lock()
        matched = self._matched(lines, by.source)
        done = Imported()
        new: list[Holding] = []
        for (_, holding), row in zip(lines, matched, strict=True):
            if row is None:
                new.append(holding)
            else:
                self._bring_up_to_date(row, holding, by, months, done)
        done.new = self._enter(new, by, months)
        return done

    def change(self, identifier: int, by: By, **values: Any) -> Holding:
        """Change a document otherwise than by a list; its history keeps what it was."""
        self._lock()
        (row,) = self._rows(holdings.c.id, [identifier])
        changed = replace(Holding.loaded(row.record), **values)
        self._write(row, changed, row.imported, by)
        return changed

    # ---- taking in

    def _matched(self, lines: Sequence[tuple[int, Holding]], file: str) -> list[_Row | None]:
        """Return for each row the document it means, before anything is written."""
        numbers = [h.number_key for _, h in lines if h.number_key]
        by_number = {r.number_key: r for r in self._rows(holdings.c.number_key, numbers)}
        by_title: dict[str, list[_Row]] = defaultdict(list)
        for row in self._rows(holdings.c.title_key, [h.title_key for _, h in lines]):
            by_title[row.title_key].append(row)
        faults: list[Fault] = []
        taken: dict[int, int] = {}
        found: list[_Row | None] = []
        for line, holding in lines:
            alike = by_title[holding.title_key]
            if holding.number_key:
                nameless = next((r for r in alike if not r.number_key), None)
                meant = by_number.get(holding.number_key, nameless)
            else:
                meant = next(iter(alike), None)
                if len(alike) > 1:
                    text = f"登记簿中有{len(alike)}件同名同日的文件，请写明文号"
                    faults.append(Fault(text, file, line))
            if meant is not None and (first := taken.setdefault(meant.id, line)) != line:
                faults.append(Fault(f"与第{first}行指的是登记簿中的同一件（第{meant.id}号）", file, line))
            found.append(meant)
        if faults:
            raise DataFault.of(faults)
        return found

    def _bring_up_to_date(self, row: _Row, holding: Holding, by: By, months: int, done: Imported) -> None:
        before, told = Holding.loaded(row.record), Holding.loaded(row.imported)
        said = replace(holding, number=holding.number or told.number)  # a list without numbers takes none away
        after = said
        if (
            before.attribute != told.attribute == said.attribute
        ):  # changed by a re-assessment the list knows nothing of
            after = replace(said, attribute=before.attribute, ground=before.ground, reason=before.reason)
            after = replace(after, review_on=before.review_on)
            done.kept.append((row.id, after))
        if said == told:
            done.unchanged += 1
            return
        names = tuple(n for n in Holding.__struct_fields__ if getattr(before, n) != getattr(after, n))
        self._write(row, after, said.dumped(), by)
        if after.attribute != before.attribute or after.review_on != told.review_on:
            self._schedule([(row.id, after)], by.on, months)
        if names:
            done.changed.append((row.id, after, names))
        else:
            done.unchanged += 1

    def _write(self, row: _Row, holding: Holding, imported: str, by: By) -> None:
        before = Holding.loaded(row.record)
        if before.title != holding.title:
            self._titles.put([(row.id, before.title)], -1)
            self._titles.put([(row.id, holding.title)], 1)
        self._connection.execute(
            update(holdings)
            .where(holdings.c.agency == self._agency, holdings.c.id == row.id)
            .values(**_columns(holding), version=row.version + 1, imported=imported)
        )
        self._connection.execute(insert(versions), [self._version(row.id, row.version + 1, holding, by)])

    def _enter(self, new: Sequence[Holding], by: By, months: int) -> list[tuple[int, Holding]]:
        if not new:
            return []
        here = totals.c.agency == self._agency
        last = self._connection.execute(select(totals.c.last_id).where(here)).scalar_one()
        entered = list(enumerate(new, start=last + 1))
        self._connection.execute(
            update(totals)
            .where(here)
            .values(last_id=totals.c.last_id + len(new), documents=totals.c.documents + len(new))
        )
        rows = [
            {"agency": self._agency, "id": i, "version": 1, "imported": h.dumped(), **_columns(h)} for i, h in entered
        ]
        self._connection.execute(insert(holdings), rows)
        self._connection.execute(insert(versions), [self._version(i, 1, h, by) for i, h in entered])
        self._titles.put([(i, h.title) for i, h in entered], 1)
        self._schedule(entered, by.on, months)
        return entered

    def _version(self, identifier: int, version: int, holding: Holding, by: By) -> dict[str, Any]:
        return {
            "agency": self._agency,
            "id": identifier,
            "version": version,
            "source": by.source,
            "record": holding.dumped(),
            "actor": by.actor,
            "recorded_at": by.recorded_at,
            "rehearsal": by.rehearsal,
        }

    def _schedule(self, entered: Iterable[tuple[int, Holding]], on: date, months: int) -> None:
        reviews = Reviews(self._connection, self._agency)
        due: list[tuple[str, date]] = []
        none: list[str] = []
        for identifier, holding in entered:
            if holding.review_on is not None:
                due.append((str(identifier), holding.review_on))
            elif self._customs.attributes[holding.attribute].reassessed:
                due.append((str(identifier), months_later(on, months)))
            else:
                none.append(str(identifier))
        reviews.schedule("holding", due)
        reviews.cancel("holding", none)

    def _lock(self) -> None:
        """Let one writer at a time into an agency's register."""
        first = insert_of(self._connection.dialect.name)(totals).values(agency=self._agency, last_id=0, documents=0)
        self._connection.execute(first.on_conflict_do_nothing())
        self._connection.execute(select(totals.c.agency).where(totals.c.agency == self._agency).with_for_update())

    def _rows(self, column: Any, values: Sequence[Any]) -> list[_Row]:
        wanted = sorted({v for v in values if v != ""})
        query = select(*(holdings.c[name] for name in _Row.__struct_fields__)).where(
            holdings.c.agency == self._agency, column.in_(bindparam("values", expanding=True))
        )
        found: list[_Row] = []
        for start in range(0, len(wanted), _AT_ONCE):
            rows = self._connection.execute(
                query.order_by(holdings.c.id), {"values": wanted[start : start + _AT_ONCE]}
            )
            found += [_Row(*row) for row in rows]
        return found


_REASSESSED = ("attribute", "ground", "reason", "review_on")  # what a list knows nothing of, once it was changed


def faults(connection: Connection, agency: str) -> Iterator[Fault]:
    """Yield the documents that are not what their last version says, and what does not follow from them."""
    h, v = holdings.c, versions.c
    last = (
        select(v.id, func.max(v.version).label("version")).where(v.agency == agency).group_by(v.id).subquery("last")
    )
    query = (
        select(holdings, last.c.version.label("newest"), v.record.label("said"))
        .outerjoin(last, last.c.id == h.id)
        .outerjoin(versions, and_(v.agency == h.agency, v.id == h.id, v.version == last.c.version))
        .where(h.agency == agency)
        .execution_options(yield_per=_AT_ONCE)
    )
    titles, most, count = Sums(), 0, 0
    for row in connection.execute(query):
        most, count = max(most, row.id), count + 1
        if not _follows(row):
            yield Fault(f"登记簿第{row.id}号（holdings）：与其最后一次登记的内容（holding_versions）不符")
            return
        titles.add(row.id, Holding.loaded(row.record).title)
    told = connection.execute(select(totals).where(totals.c.agency == agency)).first()
    if (most, count) != ((told.last_id, told.documents) if told else (0, 0)):
        yield Fault(f"登记簿（holding_totals）：共{count}件、最后一号{most}，与登记的不符")
    if not Titles(connection, agency).hold(titles):
        yield Fault("登记簿的题名索引（holding_grams、holding_frequencies）：与各件的题名不符")


def _follows(row: Any) -> bool:
    """Tell whether a document is what its last version and the last list say."""
    try:
        holding, told = Holding.loaded(row.record), Holding.loaded(row.imported)
    except (ValueError, TypeError, KeyError):
        return False
    same = replace(told, **{name: getattr(holding, name) for name in _REASSESSED})
    columns = _columns(holding)
    return (
        (row.record, row.version) == (row.said, row.newest)
        and columns == {name: getattr(row, name) for name in columns}
        and same == holding
        and row.imported == told.dumped()
    )


def _columns(holding: Holding) -> dict[str, Any]:
    return {
        "number_key": holding.number_key,
        "title_key": holding.title_key,
        "attribute": holding.attribute,
        "record": holding.dumped(),
    }
