"""How good the search is on STARD (lay questions → articles of law), beside plain BM25, in one run.

    python benchmarks/stard.py STARD LAWS [QUERIES]

``STARD`` and ``LAWS`` are clones of github.com/oneal2000/STARD (MIT) and github.com/LawRefBook/Laws. STARD's corpus
file is missing from the copies that can be had: it is rebuilt here from the articles that its questions name (given
there in full), filled up with other articles, national law first, to the paper's 55,348, in the order of their
paths. Figures are therefore near the paper's and not equal to them. Nothing of it is kept or committed.

Plain BM25 (k1 = 1.2, b = 0.75, an exhaustive scan) runs over the same texts twice: on pairs of characters, and on
those together with the words of jieba (``pip install jieba``; left out without it).
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import log
from pathlib import Path
from time import process_time

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour
from sqlalchemy import create_engine

from yishenqing.precedents import Library, Precedent, install
from yishenqing.precedents.evaluation import measured, percentile

ARTICLES = 55_348  # of the paper's corpus
_ARTICLE = re.compile(r"^第[零一二三四五六七八九十百千]+条(?:之[一二三四五六七八九十]+)?", re.MULTILINE)
_DEPTH = 100

Questions = list[tuple[str, str]]
Judgments = dict[str, dict[str, int]]


def git(repository: str, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", repository, "-c", "core.quotepath=off", *words], check=True, capture_output=True
    )
    return done.stdout.decode("utf-8", "replace")


def rebuilt(stard: str, laws: str) -> tuple[dict[str, str], Questions, Judgments]:
    """Return the corpus by name of article, the questions, and which articles answer them."""
    rows = json.loads(git(stard, "show", "HEAD:data/queries.json"))
    corpus: dict[str, str] = {}
    questions: Questions = []
    judged: Judgments = {}
    for row in rows:
        identifier = str(row["query_id"])
        questions.append((identifier, row["问题"]))
        judged[identifier] = dict.fromkeys(row["相关法规"], 1)
        corpus |= row["相关法规"]
    for name, text in articles(laws):
        if len(corpus) >= ARTICLES:
            break
        corpus.setdefault(name, text)
    return corpus, questions, judged


def articles(laws: str) -> Iterator[tuple[str, str]]:
    """Yield the articles of the collection, national law before local."""
    paths = [p for p in git(laws, "ls-tree", "-r", "HEAD", "--name-only").splitlines() if p.endswith(".md")]
    texts = [p for p in paths if not p.startswith("案例") and "_index" not in p and "README" not in p]
    for path in sorted(texts, key=lambda p: (p.startswith("DLC"), p)):
        text = git(laws, "show", f"HEAD:{path}")
        name = re.sub(r"\(.*?\)", "", Path(path).stem)
        starts = [*_ARTICLE.finditer(text)]
        for here, after in zip(starts, [*starts[1:], None], strict=False):  # an empty text has no start
            said = text[here.end() : after.start() if after else None].strip()
            if said:
                yield f"{name}{here[0]}", said


Tokens = Callable[[str], Iterable[str]]
_CHINESE = re.compile(r"[㐀-鿿]+|[0-9a-zA-Z]+")


def pairs(text: str) -> Iterator[str]:
    for run in _CHINESE.findall(text):
        yield from (run[i : i + 2] for i in range(max(len(run) - 1, 1)))


class Plain:
    """BM25 as the textbooks write it, over every document that says a word of the question."""

    def __init__(self, corpus: Mapping[str, str], tokens: Tokens, k1: float = 1.2, b: float = 0.75) -> None:
        self._tokens, self._k1 = tokens, k1
        self._postings: dict[str, list[tuple[str, int]]] = defaultdict(list)
        lengths = {}
        for name, text in corpus.items():
            counts = Counter(tokens(f"{name} {text}"))
            lengths[name] = counts.total()
            for token, count in counts.items():
                self._postings[token].append((name, count))
        mean = sum(lengths.values()) / len(lengths)
        self._norm = {name: k1 * (1 - b + b * length / mean) for name, length in lengths.items()}

    def rank(self, question: str) -> list[str]:
        scores: dict[str, float] = defaultdict(float)
        for token, times in Counter(self._tokens(question)).items():
            found = self._postings.get(token, ())
            rarity = log(1 + (len(self._norm) - len(found) + 0.5) / (len(found) + 0.5))
            for name, count in found:
                scores[name] += times * rarity * count * (self._k1 + 1) / (count + self._norm[name])
        return sorted(scores, key=lambda n: (-scores[n], n))[:_DEPTH]


def told(name: str, rank: Callable[[str], Sequence[str]], questions: Questions, judged: Judgments) -> None:
    spent, rankings = [], {}
    for identifier, text in questions:
        begun = process_time()
        rankings[identifier] = rank(text)
        spent.append((process_time() - begun) * 1000)
    found = measured(rankings, judged)
    values = "  ".join(f"{key} {value:.4f}" for key, value in found.items())
    print(f"{name:26} {values}  p50 {percentile(spent, 50):.1f} p95 {percentile(spent, 95):.1f} ms CPU", flush=True)


def main() -> None:
    corpus, questions, judged = rebuilt(sys.argv[1], sys.argv[2])
    if len(sys.argv) > 3:
        questions = questions[: int(sys.argv[3])]
    print(f"{machine()}\n{len(corpus)} articles, {len(questions)} questions")
    names = {f"A{n:05}": name for n, name in enumerate(sorted(corpus))}
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/stard.db")
        with engine.connect() as connection:
            install(connection)
            library = Library(connection, "stard")
            library.add(Precedent(id=i, facts=f"{name} {corpus[name]}") for i, name in names.items())
            told("ours", lambda t: [names[i] for i, _ in library.rank(t, _DEPTH)], questions, judged)
        engine.dispose()
    told("BM25, pairs", Plain(corpus, pairs).rank, questions, judged)
    if importlib.util.find_spec("jieba"):
        import jieba  # noqa: PLC0415

        jieba.setLogLevel(60)
        words: Tokens = lambda t: [*(w for w in jieba.cut_for_search(t) if w.strip()), *pairs(t)]  # noqa: E731
        told("BM25, jieba and pairs", Plain(corpus, words).rank, questions, judged)


if __name__ == "__main__":
    main()
