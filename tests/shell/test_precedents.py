"""The library on SQLite and on PostgreSQL: found at once, gone after rollback, the same on both."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.precedents import Library, Precedent, install, shipped_library

pytest_plugins = ["pg"]

MINUTES = "会议纪要已经对外适用还能以过程性信息拒绝吗"


def opened(url: str | URL) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.connect() as connection:
        install(connection)
        connection.commit()
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Connection]:
    yield from opened(f"sqlite:///{tmp_path / 'office.db'}")


@pytest.fixture
def postgres(postgres_url: URL) -> Iterator[Connection]:
    yield from opened(postgres_url)


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest) -> Connection:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Connection)
    return found


def synthetic(number: int) -> list[Precedent]:
    chance = random.Random(7)  # noqa: S311 - synthetic texts
    clauses = [c for p in shipped_library() for c in f"{p.facts}，{p.holding}".split("，")]
    characters = [chr(0x4E00 + n) for n in range(900)]

    def sentence(parts: int) -> str:
        return "，".join(chance.choice(clauses) + "".join(chance.choices(characters, k=4)) for _ in range(parts))

    return [
        Precedent(id=f"S{n:05}", title=sentence(1), facts=sentence(chance.randint(1, 4)), holding=sentence(2))
        for n in range(number)
    ]


def questions(records: Sequence[Precedent]) -> list[str]:
    drawn = random.Random(8).sample(list(records), 12)  # noqa: S311 - synthetic texts
    return [MINUTES, "征", "第36条", *(p.title for p in drawn), *(p.holding[5:30] for p in drawn)]


def test_both_databases_rank_alike(sqlite: Connection, postgres: Connection) -> None:
    records = synthetic(3000) + shipped_library()
    libraries = [Library(c, "某区") for c in (sqlite, postgres)]
    for library in libraries:
        assert library.add(records) == len(records)
    for question in questions(records):
        here, there = (library.rank(question, 20) for library in libraries)
        assert here
        assert here == there


def test_the_shipped_library_answers_alike_with_the_same_reasons(sqlite: Connection, postgres: Connection) -> None:
    for c in (sqlite, postgres):
        Library(c, "某区").add(shipped_library())
    for record in shipped_library():
        asked = record.request or record.title
        assert Library(sqlite, "某区").search(asked, 20) == Library(postgres, "某区").search(asked, 20)


def test_found_in_its_own_transaction_and_gone_after_rollback(connection: Connection) -> None:
    library = Library(connection, "某区")
    library.add(shipped_library())
    connection.commit()
    before = library.rank("喷泉维修台账", 100)
    library.add([Precedent(id="N1", title="喷泉维修台账公开案")])
    assert library.rank("喷泉维修台账")[0][0] == "N1"
    connection.rollback()
    assert library.rank("喷泉维修台账", 100) == before
    assert library.count() == len(shipped_library())


def test_a_new_record_is_found_even_if_all_its_words_but_one_are_common(connection: Connection) -> None:
    library = Library(connection, "某区")
    library.add(Precedent(id=f"C{n:04}", title="政府信息公开申请答复") for n in range(700))
    library.add([Precedent(id="Z", title="政府信息公开申请答复瑄璩")])
    assert library.rank("政府信息公开申请答复瑄璩", 1)[0][0] == "Z"


def test_replacing_a_record_leaves_nothing_of_the_old_one(connection: Connection) -> None:
    library = Library(connection, "某区")
    library.add([Precedent(id="A", title="旧的喷泉"), Precedent(id="B", title="喷泉与台账")])
    assert library.add([Precedent(id="A", title="新的雕塑")]) == 1
    assert [i for i, _ in library.rank("喷泉")] == ["B"]
    assert [i for i, _ in library.rank("雕塑")] == ["A"]
    assert library.get("A").title == "新的雕塑"
    assert library.count() == 2


def test_a_library_rebuilt_record_by_record_scores_as_one_built_at_once(connection: Connection) -> None:
    once, twice = Library(connection, "甲"), Library(connection, "乙")
    once.add(shipped_library())
    twice.add(shipped_library())
    for record in reversed(shipped_library()):
        twice.add([record])
    assert once.rank(MINUTES, 50) == twice.rank(MINUTES, 50)


def test_agencies_do_not_see_each_other(connection: Connection) -> None:
    Library(connection, "甲").add(shipped_library())
    other = Library(connection, "乙")
    assert other.search(MINUTES) == []
    assert other.count() == 0
    other.add([Precedent(id="P11", title="会议纪要")])
    assert [m.title for m in other.search("会议纪要")] == ["会议纪要"]
    assert Library(connection, "甲").search("会议纪要")[0].title.startswith("许某")


def test_all_is_ordered_by_id_and_get_says_what_is_missing(connection: Connection) -> None:
    library = Library(connection, "某区")
    library.add(shipped_library())
    assert list(library.all()) == sorted(shipped_library(), key=lambda p: p.id)
    with pytest.raises(NotFound, match="没有编号为“X9”的案例"):
        library.get("X9")


@pytest.mark.parametrize("empty", ["", "  \n", "，。？！", "《》（）—…"])
def test_a_query_without_words_is_refused_in_chinese(connection: Connection, empty: str) -> None:
    with pytest.raises(DataFault, match="检索词为空"):
        Library(connection, "某区").search(empty)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_limits_out_of_range_are_refused(connection: Connection, limit: int) -> None:
    with pytest.raises(DataFault, match="检索条数"):
        Library(connection, "某区").search("会议纪要", limit)


def test_an_empty_library_and_unknown_words_find_nothing(connection: Connection) -> None:
    library = Library(connection, "某区")
    assert library.search("会议纪要") == []
    library.add(shipped_library())
    assert library.search("鼗鼙") == []


def test_width_case_and_punctuation_make_no_difference(connection: Connection) -> None:
    library = Library(connection, "某区")
    library.add([*shipped_library(), Precedent(id="PDF", title="以PDF格式提供2019年第36条材料")])
    assert library.rank("pdf格式") == library.rank("ＰＤＦ，格 式？")
    assert library.rank("会议纪要能否公开") == library.rank("会议纪要，能否——公开？！")
    assert library.rank("第三十六条") == library.rank("第 36 条")
    assert library.search("第36条")[0].id == "PDF"


def test_a_text_of_one_megabyte_is_kept_and_found(connection: Connection) -> None:
    chance = random.Random(1)  # noqa: S311 - synthetic texts
    long = "".join(chr(0x4E00 + chance.randrange(20000)) for _ in range(330_000))
    library = Library(connection, "某区")
    library.add([*shipped_library(), Precedent(id="LONG", facts=long)])
    assert library.rank(long[200_000:200_040])[0][0] == "LONG"
    assert library.rank(long, 3)[0][0] == "LONG"
    assert library.add([Precedent(id="LONG", facts="改短")]) == 1
    assert library.rank(MINUTES)[0][0] == "P11"


def test_ties_fall_by_id(connection: Connection) -> None:
    library = Library(connection, "某区")
    library.add(Precedent(id=i, title="喷泉台账") for i in ("b", "A", "a", "Z"))
    assert [i for i, _ in library.rank("喷泉")] == ["A", "Z", "a", "b"]


def test_installing_twice_changes_nothing(connection: Connection) -> None:
    Library(connection, "某区").add(shipped_library())
    install(connection)
    assert Library(connection, "某区").search(MINUTES, 1)[0].id == "P11"


def test_two_importers_on_postgresql_wait_for_each_other(postgres: Connection) -> None:
    Library(postgres, "某区").add(shipped_library())
    with postgres.engine.connect() as other:
        other.execute(text("SET lock_timeout = '200ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            Library(other, "某区").add([Precedent(id="N1", title="喷泉")])
        other.rollback()
        postgres.commit()
        Library(other, "某区").add([Precedent(id="N1", title="喷泉")])
        assert Library(other, "某区").count() == len(shipped_library()) + 1


def test_the_index_of_sqlite_stays_sound_under_replacement_and_vacuum(sqlite: Connection) -> None:
    library = Library(sqlite, "某区")
    for _ in range(3):
        library.add(shipped_library())
    sqlite.commit()
    sqlite.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))
    sqlite.execute(text("INSERT INTO search_grams (search_grams) VALUES ('integrity-check')"))
    assert library.rank(MINUTES)[0][0] == "P11"


TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
RECORDS = st.builds(
    Precedent,
    id=st.text(alphabet="abc甲乙1", min_size=1, max_size=3),
    title=TEXTS,
    holding=TEXTS,
    topics=st.lists(TEXTS, max_size=2).map(tuple),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(RECORDS, max_size=8), asked=TEXTS)
def test_whatever_is_added_search_stands_and_repeats(
    sqlite: Connection, records: list[Precedent], asked: str
) -> None:
    sqlite.rollback()
    library = Library(sqlite, "某区")
    library.add(shipped_library())
    library.add(records)
    kept = {p.id: p for p in records}
    assert library.count() == len(shipped_library()) + len(kept)
    assert library.search(MINUTES, 1)[0].id == "P11"
    question = asked + "信息"
    assert library.search(question) == library.search(question)
    assert all(library.get(i) == p for i, p in kept.items())


def test_other_databases_are_refused_in_chinese() -> None:
    class Foreign:
        class dialect:  # noqa: N801 - stands for an attribute
            name = "mysql"

    with pytest.raises(DataFault, match="只支持 SQLite 和 PostgreSQL"):
        Library(Foreign(), "某区")  # type: ignore[arg-type]
