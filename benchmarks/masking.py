"""What masking finds of persons, and what it wrongly takes for one, beside jieba's part of speech alone, in one run.

    python benchmarks/masking.py [TEXTS]      3,000 unless told

Texts and persons are invented (tests/shell/people.py): common, rare and compound family names. The sentences were
known when the rules were written; on real papers recall will be lower, which is why names are only proposed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from time import process_time
from typing import Any

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "shell"))

from yishenqing import naming
from yishenqing.core.masking import KINDS, numbers


def alone(text: str) -> Collection[str]:
    """Return what jieba alone takes for a person's name."""
    from jieba import posseg  # noqa: PLC0415

    return {word.word for word in posseg.cut(text) if word.flag.startswith("nr") and len(word.word) > 1}


def ours(text: str) -> Collection[str]:
    """Return what is proposed as a person's name."""
    return {span.text for span in naming.proposed(text)}


def main() -> None:
    from people import texts  # noqa: PLC0415 - invented persons of the tests

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    print(machine())
    told = list(texts(count))
    ours(told[0].text), alone(told[0].text)  # the dictionary is loaded
    names(told, "jieba 词性", alone)
    names(told, "本程序", ours)
    wanted, met, begun = Counter[str](), Counter[str](), process_time()
    for one in told:
        found = {(s.kind, s.text) for s in numbers(one.text) if s.sure}
        wanted.update(kind for kind, _ in one.values)
        met.update(kind for kind, text in one.values if (kind, text) in found)
    spent = (process_time() - begun) / count * 1000
    print("　".join(f"{KINDS[k]} {met[k] / wanted[k]:.3f}" for k in sorted(wanted)), f"　每段 {spent:.2f} 毫秒")


def names(told: list[Any], called: str, find: Callable[[str], Collection[str]]) -> None:
    """Print recall and false alarms of one way of finding names."""
    wanted = met = false = 0
    begun = process_time()
    for one in told:
        found = find(one.text)
        wanted += len(one.names)
        met += len(one.names & set(found))
        false += sum(not any(f in n or n in f for n in one.names) for f in found)
    spent = (process_time() - begun) / len(told) * 1000
    print(f"姓名（{called}）　召回率 {met / wanted:.3f}　误报 {false} 处（{len(told)} 段）　每段 {spent:.2f} 毫秒")


if __name__ == "__main__":
    main()
