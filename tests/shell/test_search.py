"""The search itself: one form for many spellings, narrowing, passages, and what a million documents would do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Connection, create_engine, func, select
from sqlalchemy.exc import DBAPIError

from yishenqing.core.errors import DataFault
from yishenqing.search import Collection, Document, Properties, Wanted, asked, install, passage, ranking
from yishenqing.search.facets import article_keys, asked_article
from yishenqing.search.folding import folded, folded_with_places
from yishenqing.search.marks import marks
from yishenqing.search.memory import nearest
from yishenqing.search.tables import uncounted

pytest_plugins = ["pg"]
ROWS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("search_marks.yaml").read_text(encoding="utf-8"))


def said_in(text: str, kind: str) -> list[str]:
    return [m.said for m in marks(folded(text)) if m.kind == kind]


@pytest.mark.parametrize(("text", "row"), [(t, r) for r in ROWS for t in r.get("each", ())])
def test_every_spelling_is_one_thing(text: str, row: dict[str, Any]) -> None:
    assert said_in(text, row["kind"]) == [row["said"]]


@pytest.mark.parametrize(("text", "row"), [(t, r) for r in ROWS for t in r.get("not", ())])
def test_what_only_looks_like_it_is_nothing(text: str, row: dict[str, Any]) -> None:
    assert said_in(text, row["kind"]) == []


@given(st.text("0129零〇二两九十百千万第条款项号令之年月日〔〕(2024) -a²①", max_size=24))
@example("第12345条")
@example("第三条第九千千项")
def test_any_row_of_figures_can_be_read(text: str) -> None:
    found = marks(folded(text))
    assert all(0 <= m.start < m.end <= len(folded(text)) and m.keys for m in found)


def test_folding_keeps_the_places() -> None:
    assert folded("ＡＢ會議紀要（㎡）") == "ab会议纪要(m2)"
    plain, places = folded_with_places("會議㎡紀要")
    assert plain == "会议m2纪要"
    assert list(places) == [0, 1, 2, 2, 3, 4]
    assert list(folded_with_places("（會議）")[1]) == [0, 1, 2, 3]


def test_articles_are_told_apart_by_their_statute_and_its_age() -> None:
    keys = article_keys("政府信息公开条例（2019年修订）第十六条第二款、第三十六条第五项；行政复议法第二十三条")
    assert {"条例条:第十六条", "条:第三十六条第五项", "条例条:第三十六条", "复议法条:第二十三条"} <= keys
    assert asked_article("条例第36条（五）") in keys
    assert asked_article("23") in keys
    assert asked_article("《行政复议法》23条") in keys
    old = article_keys("政府信息公开条例（2007年，旧条例）第十四条")
    assert "旧条例条:第十四条" in old
    assert asked_article("条例第十四条") not in old
    with pytest.raises(DataFault, match="不是条文"):
        asked_article("会议纪要")


def opened(url: str | URL) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.connect() as connection:
        install(connection)
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Connection]:
    yield from opened(f"sqlite:///{tmp_path / 'a.db'}")


@pytest.fixture
def postgres(postgres_url: URL) -> Iterator[Connection]:
    yield from opened(postgres_url)


@pytest.fixture(params=["sqlite", "postgres"])
def collection(request: pytest.FixtureRequest) -> Collection:
    found = Collection(request.getfixturevalue(request.param), "某区", "案例")
    fates = (True, False, None)
    found.put(
        {
            f"D{n}": Document(
                [(f"会议纪要公开案之{n}", 1)],
                Properties(
                    outcome="denied_process" if n % 2 else "granted",
                    articles=("条例第十六条",) if n < 4 else ("条例第三十六条第五项",),
                    topics=("会议纪要",) if n != 2 else ("征收补偿",),
                    agency="云溪县自然资源局" if n else "青柳市人民政府",
                    year=2018 + n,
                    survived=fates[n % 3],
                ),
            )
            for n in range(6)
        }
    )
    return found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(outcome="denied_process"), "D1 D3 D5"),
        (Wanted(outcome="denied"), "D1 D3 D5"),
        (Wanted(article="16"), "D0 D1 D2 D3"),
        (Wanted(article="条例36条（五）"), "D4 D5"),
        (Wanted(topic="征收"), "D2"),
        (Wanted(agency="青柳市"), "D0"),
        (Wanted(years=(2019, 2020)), "D1 D2"),
        (Wanted(survived=True), "D0 D3"),
        (Wanted(survived=False), "D1 D4"),
        (Wanted(outcome="denied", years=(2018, 2021), survived=True), "D3"),
        (Wanted(topic="不存在的主题"), ""),
    ],
)
def test_a_search_is_narrowed_inside_the_index(collection: Collection, wanted: Wanted, found: str) -> None:
    assert sorted(h.ref for h in collection.find(asked("会议纪要"), 10, wanted)) == found.split()
    newest = [h.ref for h in collection.find(None, 10, wanted)]
    assert newest == sorted(found.split(), reverse=True)


def test_what_is_replaced_or_dropped_is_narrowed_no_more(collection: Collection) -> None:
    collection.put({"D1": Document([("会议纪要", 1)], Properties(year=2001))})
    collection.drop(["D3"])
    assert [h.ref for h in collection.find(None, 10, Wanted(outcome="denied"))] == ["D5"]
    assert [h.ref for h in collection.find(None, 10, Wanted(years=(2000, 2002)))] == ["D1"]


def test_a_new_document_of_common_words_is_found_however_many_say_them(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed at 1,000,000: every word of the document is beyond the budget, and so many say it."""
    monkeypatch.setattr(ranking, "POSTINGS", 3)
    monkeypatch.setattr("yishenqing.search.collection.CANDIDATES", 4)
    monkeypatch.setattr("yishenqing.search.collection.DEEPER", 1)
    collection.put({f"A{n:03}": Document([("会议纪要公开案", 1)]) for n in range(300)})
    collection.put({"NEU": Document([("会议纪要公开案", 1)])})
    assert "NEU" in [h.ref for h in collection.find(asked("会议纪要"), 4)]
    collection.put({"ZWEI": Document([("会议纪要与公开案无涉之稀见", 1)])})
    collection.put({f"B{n:03}": Document([("会议与纪要", 1)]) for n in range(50)})
    assert collection.find(asked("稀见的会议纪要"), 4)[0].ref == "ZWEI"


def test_agencies_and_collections_are_kept_apart(sqlite: Connection) -> None:
    for agency, name in (("甲", "案例"), ("甲", "案件"), ("乙", "案例")):
        Collection(sqlite, agency, name).put({f"{agency}{name}": Document([("会议纪要", 1)])})
    assert [h.ref for h in Collection(sqlite, "甲", "案件").find(asked("会议纪要"))] == ["甲案件"]


def test_another_way_of_splitting_asks_for_entering_anew(sqlite: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Collection(sqlite, "甲", "案例")
    found.put({"A": Document([("会议纪要", 1)])})
    assert found.current()
    monkeypatch.setattr("yishenqing.search.collection.ANALYSIS", 2)
    assert not found.current()
    found.begin_anew()
    assert found.current()
    assert found.find(asked("会议纪要")) == []


WORDS = st.text("会议纪要公开案征收补偿a1 ", min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "put", "drop", "anew"]), st.integers(0, 5), WORDS), max_size=14))
def test_what_is_counted_later_is_known_at_once(steps: list[tuple[str, int, str]]) -> None:
    kept: dict[str, Document] = {}
    with create_engine("sqlite://").connect() as connection, pytest.MonkeyPatch.context() as patch:
        install(connection)
        later, at_once = (Collection(connection, "某区", name) for name in ("后计", "即计"))
        for what, n, words in steps:
            for collection, waiting in ((later, 4), (at_once, 0)):
                patch.setattr("yishenqing.search.collection._UNCOUNTED", waiting)
                if what == "put":
                    collection.put({f"D{n}": Document([(words, 1)])})
                elif what == "drop":
                    collection.drop([f"D{n}"])
                else:
                    collection.begin_anew()
                assert collection.faults() == []
            kept = {} if what == "anew" else {**kept, f"D{n}": Document([(words, 1)])}
            kept = {ref: document for ref, document in kept.items() if (what, ref) != ("drop", f"D{n}")}
            for question in map(asked, ("会议纪要公开案", "征", "a1")):
                assert later.find(question) == at_once.find(question)
        assert set(later.refs()) == set(kept)


def test_who_enters_a_document_waits_for_nobody_and_who_enters_many_for_all(
    postgres_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yishenqing.search.collection._UNCOUNTED", 1)
    engine = create_engine(postgres_url, connect_args={"options": "-c lock_timeout=300"})
    with engine.begin() as connection:
        install(connection)
        Collection(connection, "某区", "案例").put({"A": Document([("会议纪要", 1)])})
    with engine.connect() as one, engine.connect() as two:
        first, second = (Collection(connection, "某区", "案例") for connection in (one, two))
        first.put({"B": Document([("会议纪要", 1)])})  # the second change: the first officer counts
        second.put({"C": Document([("会议纪要", 1)])})  # too many again, and somebody counts already
        with pytest.raises(DBAPIError, match="lock timeout"):
            second.put({"D": Document([("会议纪要", 1)])}, alone=True)
        two.rollback()
        second.put({"C": Document([("会议纪要", 1)])})
        one.commit()
        assert {h.ref for h in second.find(asked("会议纪要"))} == {"A", "B", "C"}
        two.commit()
        assert {h.ref for h in first.find(asked("会议纪要"))} == {"A", "B", "C"}
        assert first.faults() == []
        first.put({n: Document([("会议纪要", 1)]) for n in "EFG"})
        assert len(first.find(asked("会议纪要"))) == len("ABCEFG")
        assert first.faults() == []


def test_nothing_of_what_is_dropped_waits_to_be_counted(collection: Collection) -> None:
    collection.put({"D1": Document([("不留痕迹", 1)])})
    collection.drop(["D1"])
    assert uncounted_rows(collection) == 0


def uncounted_rows(collection: Collection) -> int:
    found = collection._connection.execute(select(func.count()).select_from(uncounted))
    return int(found.scalar_one())


def test_memory_ranks_like_the_database(sqlite: Connection) -> None:
    documents = {f"D{n}": Document([("会议纪要" * (n + 1) + "征收补偿" * (5 - n), 1)]) for n in range(5)}
    found = Collection(sqlite, "甲", "案例")
    found.put(documents)
    question = asked("会议纪要与征收补偿")
    assert nearest(documents, question, 5, Wanted()) == found.find(question, 5)


def test_the_passage_shows_the_words_and_their_places() -> None:
    text = "无关的话。" * 40 + "會議紀要已經外化，對外適用的，不再受過程性信息的保護。" + "无关的话。" * 40
    question = asked("会议纪要对外适用")
    shown = passage(text, dict.fromkeys(question.counts, 1.0))
    assert shown.marked().startswith("……【會議紀要】已經外化，【對外適用】的，不再受過程性信息的保護。无关的话。")
    assert len(shown.text) < 110
    assert passage("没有这些字", {1: 1.0}).places == ()
    assert (
        passage("依据第36条（五）告知", dict.fromkeys(asked("三十六条第五项").counts, 1.0)).marked().count("【") >= 1
    )


@pytest.mark.parametrize("text", ["", "  ", "，。！？", "——……"])
def test_nothing_to_search_for_is_told(text: str) -> None:
    with pytest.raises(DataFault, match="检索词为空"):
        asked(text)


def test_a_question_of_one_megabyte_is_answered(collection: Collection) -> None:
    assert collection.find(asked("会议纪要公开" + "无关文字" * 80_000), 3)


@pytest.mark.parametrize(
    ("text", "number"),
    [("2023年3月1日，" * 55_000, 55_000), ("a1 " * 330_000, 0), ("云政[2024]8号 " * 60_000, 60_000)],
)
def test_a_megabyte_of_marks_is_read_to_its_end(text: str, number: int) -> None:
    """Looked at against every other one, or each to the end of the text, they would take a quarter of an hour."""
    assert len(marks(text)) == number


def test_the_statute_of_each_article_is_the_one_before_it() -> None:
    said = "条例第三十六条、第三十七条；行政复议法第二十三条和第二十四条" + "，其他" * 90 + "第五条"
    assert article_keys(said) >= {"条例条:第三十七条", "行政复议法条:第二十四条", "条:第五条"}
    assert not any(key.endswith("条例条:第五条") for key in article_keys(said))
