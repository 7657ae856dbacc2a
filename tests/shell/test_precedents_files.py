"""Files of precedents, queries and judgments: all or nothing, every fault with its line, in Chinese."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.core.numerals import numeral, value
from yishenqing.office import Office
from yishenqing.precedents import (
    Library,
    Precedent,
    batch,
    evaluate,
    install,
    read_jsonl,
    read_qrels,
    read_queries,
)
from yishenqing.search.terms import Vector, count, units


@pytest.fixture
def library() -> Iterator[Library]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        install(connection)
        found = Library(connection, "某区")
        found.add(
            [
                Precedent(id="A", title="会议纪要公开案"),
                Precedent(id="B", title="会议记录与会议纪要不予公开"),
                Precedent(id="C", title="征收补偿"),
            ]
        )
        yield found
    engine.dispose()


def written(folder: Path, *lines: str, name: str = "案例.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(DataFault) as error:
        read_jsonl(path)
    return [str(f).removeprefix(f"{path} ") for f in error.value.faults]


def test_id_and_one_text_suffice_and_null_is_as_good_as_absent(tmp_path: Path) -> None:
    path = written(tmp_path, '{"id": "A", "holding": "应当公开", "outcome": null, "reply": null}', "", " ")
    assert read_jsonl(path) == [Precedent(id="A", holding="应当公开")]


def test_everything_of_the_contract_is_read(tmp_path: Path) -> None:
    record = {
        "id": "A",
        "title": "题",
        "facts": "事实",
        "request": "申请",
        "outcome": "denied_process",
        "legal_basis": ["政府信息公开条例第十六条"],
        "holding": "要旨",
        "reply": "答复",
        "overturned": False,
        "decided_on": "2024-03",
        "source": "来源",
        "topics": ["会议纪要"],
    }
    found = read_jsonl(written(tmp_path, "\ufeff" + json.dumps(record, ensure_ascii=False)))[0]
    assert found.as_json() == record


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '{"id": "A", "title": "好"}',
        '{"title": "无编号"}',
        '{"id": "B"}',
        '{"id": "A", "title": "重复"}',
        '{"id": "C", "title": "x", "holdng": "拼错"}',
        "{不是",
        "[1]",
        '{"id": "D", "id": "E", "title": "x"}',
        '{"id": "F", "title": "x", "outcome": "denied_proces"}',
        '{"id": "G", "title": "x", "overturned": "yes", "decided_on": "2024-02-30"}',
        '{"id": "H", "title": 5, "topics": "会议"}',
        '{"id": "I", "title": "\\u0000"}',
        '{"id": "J", "title": "\\ud800"}',
        '{"id": " K", "title": "x", "verification": "大概"}',
    )
    assert faults(path) == [
        "第2行 “id”：缺少必填项",
        "第3行：至少要有一项文字内容（title、facts、request、holding、reply之一）",
        "第4行 “id”：编号“A”重复，已见于第1行",
        "第5行 “holdng”：未知的键",
        "第6行：不是合法的 JSON（第2列附近）",
        "第7行：每行应为一个键值对（JSON 对象）",
        "第8行：键“id”重复",
        "第9行 “outcome”：“denied_proces”不是规定的办理结果代码，是否想写“denied_process”？",
        "第10行 “overturned”：应为 true、false 或者 null",
        "第10行 “decided_on”：“2024-02-30”不是存在的日期，应写作 2024、2024-03 或者 2024-03-01",
        "第11行 “title”：应为文字",
        "第11行 “topics”：应为列表",
        "第12行 “title”：含有控制字符，请清除后重试",
        "第13行 “title”：含有不完整的字符（孤立代理项）",
        "第14行 “id”：编号不能为空，首尾不能有空格，不能换行",
        "第14行 “verification”：只能是 已核、二手、待核",
    ]


def test_texts_end_at_one_megabyte(tmp_path: Path) -> None:
    fits, over = "公" * 333_333, "公" * 333_334
    assert len(read_jsonl(written(tmp_path, json.dumps({"id": "A", "facts": fits})))[0].facts) == len(fits)
    assert faults(written(tmp_path, json.dumps({"id": "A", "facts": over}))) == [
        "第1行 “facts”：文字过长（1000002 字节，上限 1000000 字节）"
    ]


def test_deep_nesting_other_encodings_and_missing_files(tmp_path: Path) -> None:
    assert faults(written(tmp_path, "[" * 100_000)) == ["第1行：嵌套层数过多"]
    path = tmp_path / "gbk.jsonl"
    path.write_bytes('{"id": "A", "title": "题"}'.encode("gbk"))
    assert "UTF-8" in faults(path)[0]
    with pytest.raises(NotFound, match="找不到文件"):
        read_jsonl(tmp_path / "无.jsonl")


def test_a_batch_answers_in_the_words_of_the_contract(tmp_path: Path, library: Library) -> None:
    queries = read_queries(written(tmp_path, '{"id": "q1", "text": "会议纪要"}', '{"id": "q2", "text": "鼗鼙"}'))
    answer = batch(library, queries, 1)
    assert answer == {
        "results": [
            {"id": "q1", "matches": [{"id": "A", "score": library.search("会议纪要")[0].score}]},
            {"id": "q2", "matches": []},
        ]
    }


def test_measures_of_a_known_ranking(tmp_path: Path, library: Library) -> None:
    queries = read_queries(written(tmp_path, '{"id": "q1", "text": "会议纪要"}', '{"id": "q2", "text": "征收补偿"}'))
    qrels = read_qrels(
        written(tmp_path, "query\tprecedent\tgrade", "q1\tB\t2", "q1\tX\t1", "q1\tA\t0", "", name="判断.tsv")
    )
    found = evaluate(library, queries, qrels)
    assert [m.id for m in library.search("会议纪要")] == ["A", "B"]
    # B (gain 3) second of an ideal 3, 1: (3 / log2 3) / (3 + 1 / log2 3)
    assert found["ndcg@10"] == 0.5213
    assert found["map"] == 0.25
    assert found["p@5"] == 0.2
    assert found["recall@100"] == 0.5
    assert (found["queries"], found["judged"]) == (2, 1)
    assert 0 < found["p50_ms"] <= found["p95_ms"]


def test_judgments_read_the_same_from_both_formats(tmp_path: Path) -> None:
    lines = written(tmp_path, '{"query": "q", "precedent": "A", "grade": 3}')
    table = written(tmp_path, "q\tA\t3", name="判断.tsv")
    assert read_qrels(lines) == read_qrels(table) == {"q": {"A": 3}}


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        ("q.tsv", "q\tA", "应有 3 列，以制表符分隔，现有 2 列"),
        ("q.tsv", "q\tA\t高", "“grade”：应为 0 至 10 的整数"),
        ("q.jsonl", '{"query": "q", "precedent": "A"}', "“grade”：缺少必填项"),
        ("q.jsonl", '{"query": "q", "precedent": "A", "grade": true}', "“grade”：应为 0 至 10 的整数"),
        ("q.jsonl", '{"query": "q", "precedent": "A", "grade": 1, "note": ""}', "“note”：未知的键"),
    ],
)
def test_faulty_judgments_are_told_with_their_line(tmp_path: Path, name: str, line: str, told: str) -> None:
    with pytest.raises(DataFault, match="第1行") as error:
        read_qrels(written(tmp_path, line, name=name))
    assert told in str(error.value)


def test_a_pair_judged_twice_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="第2行：“q”与“A”的判断重复"):
        read_qrels(written(tmp_path, "q\tA\t1", "q\tA\t2", name="q.tsv"))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['{"id": "q", "text": "？"}'], "检索词为空"),
        (['{"id": "q", "text": "会议"}', '{"id": "q", "text": "纪要"}'], "编号“q”重复，已见于第1行"),
        (['{"id": 1, "text": "会议"}'], "应为文字，且不能为空"),
    ],
)
def test_faulty_queries_are_told(tmp_path: Path, lines: list[str], told: str) -> None:
    with pytest.raises(DataFault) as error:
        read_queries(written(tmp_path, *lines))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "零"),
        (9, "九"),
        (10, "十"),
        (16, "十六"),
        (36, "三十六"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1020, "一千零二十"),
    ],
)
def test_article_numbers_are_written_as_statutes_write_them(number: int, words: str) -> None:
    assert numeral(number) == words
    assert value(words) == number
    assert "".join(units(f"第{number}条").text) == f"第{words}条"


def test_text_falls_into_characters_and_whole_words() -> None:
    assert units("《条例》（２０１９）第３６条，ＰＤＦ版").text == [*"条例", "2019", *"第三十六条", "pdf", "版"]


def test_a_vector_counts_what_was_packed_on_either_way_of_looking_up() -> None:
    counts = count([("会议纪要", 3), ("纪要2019", 1), ("𠀀𠀁", 1)])
    vector = Vector(Vector.pack(counts))
    everything = frozenset(counts)
    assert vector.counts_of(everything | {1}) == dict(counts)
    large = Vector(Vector.pack(dict.fromkeys(range(1000), 70_000)))
    assert large.counts_of(frozenset({5, 5000})) == {5: 0xFFFF}


@pytest.mark.parametrize("judged", ["", "q9\tPT01\t1", "q1\tPT01\t0"])
def test_nothing_is_measured_where_no_judgment_says_what_is_to_be_found(
    office: Office, tmp_path: Path, judged: str
) -> None:
    queries = written(tmp_path, '{"id": "q1", "text": "会议纪要"}', name="检索.jsonl")
    with pytest.raises(DataFault, match="无从评测"):
        office.precedent_evaluation(queries, written(tmp_path, judged, name="判断.tsv"))


def test_judgments_of_what_is_not_there_are_counted(office: Office, tmp_path: Path) -> None:
    queries = written(tmp_path, '{"id": "q1", "text": "会议纪要"}', name="检索.jsonl")
    qrels = written(tmp_path, "q1\tP01\t1", "q1\tNOPE\t1", "q9\tP01\t1", name="判断.tsv")
    found = office.precedent_evaluation(queries, qrels)
    assert (found["judged"], found["unknown"]) == (1, 2)
