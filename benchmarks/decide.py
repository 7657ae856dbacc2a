"""Decisions a second on one core, core only: may this step be taken, and if not, why not. And the proof's time.

    python benchmarks/decide.py [ROUNDS]

Aim: at least 10,000 decisions a second over a mixed table of cases (fresh, in hand, consulted, drafted, signed;
lawful steps and refused ones). Each decision is made on a new standing: nothing is remembered. The floor
looks the step up in a dict and computes the case's deadlines, which most decisions do not need.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from machine import machine  # type: ignore[import-not-found]  # a script's neighbour
from msgspec.structs import replace

from yishenqing.almanac import workdays
from yishenqing.core.clock import deadlines
from yishenqing.core.deadline import Fact
from yishenqing.core.decide import refusals
from yishenqing.core.standing import Attempt, Standing
from yishenqing.proof import prove, read_invariants
from yishenqing.rulebook import read_rulebook

ON, TIMES = date(2026, 3, 16), 40
FRESH = [Fact("received", date(2026, 3, 2), {"channel": "registered_mail", "items": ["甲"], "item_count": 1})]
TAKEN = [*FRESH, Fact("acknowledged", date(2026, 3, 3), {}), Fact("accepted", date(2026, 3, 4), {"handler": "某科"})]
SEARCH = {"systems": ["档案", "公文"], "keywords": ["甲"], "result": "找到"}
HELD = [*TAKEN, Fact("search_recorded", date(2026, 3, 5), SEARCH)]
ASKED = [*HELD, Fact("third_party_consulted", date(2026, 3, 6), {"party": "某公司", "content": "投标文件"})]
HEARD = [*ASKED, Fact("third_party_answered", date(2026, 3, 10), {"opinion": "agreed"})]
DRAFT = {"outcome": "granted", "way": "provided", "provided": ["甲"]}
CLEARED = [
    *HEARD,
    Fact("drafted", date(2026, 3, 11), DRAFT),
    Fact("reviewed", date(2026, 3, 12), {"opinion": "同意"}),
    Fact("secrecy_reviewed", date(2026, 3, 12), {"conclusion": "releasable"}),
]
SENT = [*CLEARED, Fact("signed", date(2026, 3, 13), {}), Fact("replied", date(2026, 3, 13), {"method": "mail"})]
# The facts of a case, a step, what is said in it, whether it is lawful.
TABLE: tuple[tuple[list[Fact], str, dict[str, Any], bool], ...] = (
    (FRESH, "acknowledged", {}, True),
    (FRESH, "drafted", DRAFT, False),
    (TAKEN, "drafted", DRAFT, False),
    (HELD, "drafted", DRAFT, True),
    (HELD, "third_party_consulted", {"party": "某公司", "content": "投标文件"}, True),
    (ASKED, "drafted", DRAFT, False),
    (ASKED, "third_party_answered", {"opinion": "agreed"}, True),
    (HEARD, "drafted", DRAFT, True),
    (HEARD, "withdrawn", {"statement": "撤回"}, True),
    (CLEARED, "signed", {}, True),
    (CLEARED, "archived", {"retention": "D10"}, False),
    (SENT, "delivered", {"signed_by": "本人"}, True),
)


def per_second(run: Callable[[], object]) -> float:
    begun = time.process_time()
    for _ in range(TIMES):
        run()
    return TIMES * len(TABLE) / (time.process_time() - begun)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    rules, days = read_rulebook(), workdays(ON)
    steps = rules.workflow.steps
    cases = [Standing(rules.workflow, rules.law, days, facts, ["甲某"] * len(facts)) for facts, *_ in TABLE]

    def decide() -> None:
        for case, (_, name, said, lawful) in zip(cases, TABLE, strict=True):
            fresh = replace(case)
            found = refusals(Attempt(fresh, name, steps[name], ON, said, "乙某", steps[name].by), ON)
            assert (not found) is lawful, (name, found)

    def floor() -> None:
        for facts, name, *_ in TABLE:
            assert steps[name]
            deadlines(rules.workflow, rules.law, days, facts, ON)

    pairs = [(per_second(floor), per_second(decide)) for _ in range(rounds)]
    print(machine())
    print(f"decisions {statistics.median(d for _, d in pairs):.0f}/s of processor time (aim ≥ 10000)")
    ratio = statistics.median(d / f for f, d in pairs)
    print(f"floor {statistics.median(f for f, _ in pairs):.0f}/s, ÷ floor {ratio:.2f}")
    laws = read_invariants(None, rules.workflow, [rules.workflow.id])
    begun = time.process_time()
    found = prove(rules.workflow, laws, {})
    spent = time.process_time() - begun
    print(f"proof: {spent:.2f} s of processor time (aim < 5), {sum(p.configurations for p in found)} configurations")


if __name__ == "__main__":
    main()
