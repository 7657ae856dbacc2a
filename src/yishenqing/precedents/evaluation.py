"""Measure a library against judged queries, and search for many queries at once.

Queries are JSON lines ``{"id", "text"}``. Judgments are JSON lines ``{"query", "precedent", "grade"}``, or
tab-separated ``query precedent grade`` with an optional heading; grades are whole numbers, 0 is irrelevant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil, log2
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault
from yishenqing.precedents.library import Library
from yishenqing.precedents.reading import json_lines, twin
from yishenqing.search.terms import units

if TYPE_CHECKING:
    from yishenqing.documents import Document

_HIGHEST_GRADE = 10
_HEADING = ["query", "precedent", "grade"]

Judgments = Mapping[str, Mapping[str, int]]


class Question(Struct, frozen=True):
    """One query of a file."""

    id: str
    text: str


def read_queries(path: Path) -> list[Question]:
    """Read queries from JSON lines.

    Raises:
        NotFound: there is no such file.
        DataFault: a line has a fault, an id stands twice or a text has nothing to search for.
    """
    faults: list[Fault] = []
    lines: dict[str, Document] = {}
    found: list[Question] = []
    for document in json_lines(path, faults):
        here = _unfit(document, {"id": _is_text, "text": _is_text}) or twin(
            document.data["id"], lines, document, "id"
        )
        if not here and not units(document.data["text"]).text:
            here = [document.fault("检索词为空，请写出至少一个汉字、字母或者数字", ("text",))]
        if not here:
            found.append(Question(document.data["id"], document.data["text"]))
        faults += here
    if faults:
        raise DataFault.of(faults)
    return found


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgments (qrels) from JSON lines or, by the ending ``.tsv``, from tab-separated values.

    Raises:
        NotFound: there is no such file.
        DataFault: a line has a fault, or judges a pair for the second time.
    """
    faults: list[Fault] = []
    result: dict[str, dict[str, int]] = {}
    rows = _tab_lines(path, faults) if path.suffix.lower() == ".tsv" else json_lines(path, faults)
    for document in rows:
        here = _unfit(document, {"query": _is_text, "precedent": _is_text, "grade": _is_grade})
        faults += here
        if here:
            continue
        query, precedent, grade = (document.data[name] for name in _HEADING)
        if precedent in result.setdefault(query, {}):
            faults.append(document.fault(f"“{query}”与“{precedent}”的判断重复"))
        result[query][precedent] = grade
    if faults:
        raise DataFault.of(faults)
    return result


def batch(library: Library, queries: Sequence[Question], limit: int = 10) -> dict[str, Any]:
    """Return ids and scores for each query, in the words of the contract."""
    return {
        "results": [
            {"id": q.id, "matches": [{"id": i, "score": s} for i, s in library.rank(q.text, limit)]} for q in queries
        ]
    }


def evaluate(
    library: Library, queries: Sequence[Question], qrels: Judgments, limit: int = 100
) -> dict[str, float | int]:
    """Return the quality over all queries with a relevant judgment, and the latency over all queries in ms.

    The gain of a grade in NDCG is 2^grade - 1; for the other measures a grade of 1 or more is relevant.
    """
    rankings: dict[str, list[str]] = {}
    latencies = []
    for query in queries:
        start = perf_counter()
        matches = library.search(query.text, max(limit, 100))
        latencies.append((perf_counter() - start) * 1000)
        rankings[query.id] = [m.id for m in matches]
    result: dict[str, float | int] = {"queries": len(queries), "judged": len(_judged(rankings, qrels))}
    return (
        result
        | measured(rankings, qrels)
        | {"p50_ms": percentile(latencies, 50), "p95_ms": percentile(latencies, 95)}
    )


def measured(rankings: Mapping[str, Sequence[str]], qrels: Judgments) -> dict[str, float]:
    """Return the mean of each measure over the queries of ``rankings`` that have a relevant judgment."""
    judged = _judged(rankings, qrels)
    result = {}
    for name, measure in _MEASURES.items():
        values = [measure(rankings[q], qrels[q]) for q in judged]
        result[name] = round(sum(values) / len(values), 4) if values else 0.0
    return result


def _judged(rankings: Iterable[str], qrels: Judgments) -> list[str]:
    return [q for q in rankings if any(g > 0 for g in qrels.get(q, {}).values())]


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that ``percent`` of all values do not exceed; 0 if there are none."""
    ordered = sorted(values)
    return round(ordered[ceil(len(ordered) * percent / 100) - 1], 3) if ordered else 0.0


def _ndcg_10(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    def gain(sequence: Sequence[int]) -> float:
        return sum((2.0**g - 1) / log2(place + 2) for place, g in enumerate(sequence[:10]))

    return gain([grades.get(i, 0) for i in ranking]) / gain(sorted(grades.values(), reverse=True))


def _average_precision(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    hits, precision = 0, 0.0
    for place, identifier in enumerate(ranking, start=1):
        if grades.get(identifier, 0) > 0:
            hits += 1
            precision += hits / place
    return precision / _relevant(grades)


def _precision_5(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    return sum(grades.get(i, 0) > 0 for i in ranking[:5]) / 5


def _recall_100(ranking: Sequence[str], grades: Mapping[str, int]) -> float:
    return sum(grades.get(i, 0) > 0 for i in ranking[:100]) / _relevant(grades)


def _relevant(grades: Mapping[str, int]) -> int:
    return sum(grade > 0 for grade in grades.values())


_MEASURES: dict[str, Callable[[Sequence[str], Mapping[str, int]], float]] = {
    "ndcg@10": _ndcg_10,
    "map": _average_precision,
    "p@5": _precision_5,
    "recall@100": _recall_100,
}


def _unfit(document: Document, fields: Mapping[str, Callable[[Any], str]]) -> list[Fault]:
    faults = [document.fault("未知的键", (name,)) for name in document.data if name not in fields]
    for name, check in fields.items():
        problem = check(document.data[name]) if name in document.data else "缺少必填项"
        if problem:
            faults.append(document.fault(problem, (name,)))
    return faults


def _is_text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "应为文字，且不能为空"


def _is_grade(value: Any) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _HIGHEST_GRADE
    return "" if fits else f"应为 0 至 {_HIGHEST_GRADE} 的整数"


def _tab_lines(path: Path, faults: list[Fault]) -> Iterator[Document]:
    from yishenqing.documents import Document, read_text

    for number, line in enumerate(read_text(path).split("\n"), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if not any(cells) or (number == 1 and cells == _HEADING):
            continue
        document = Document(None, str(path), {(): number})
        if len(cells) != len(_HEADING):
            faults.append(document.fault(f"应有 {len(_HEADING)} 列，以制表符分隔，现有 {len(cells)} 列"))
            continue
        grade = int(cells[2]) if cells[2].isdecimal() else cells[2]
        yield Document(dict(zip(_HEADING, [*cells[:2], grade], strict=True)), str(path), {(): number})
