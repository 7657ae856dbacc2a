"""A case moved to other rules: the chain hangs on those it was opened under, an entry says by which it goes on.

The entry of the move carries the digests of both rulebooks. Under the new rules the whole history must have been
possible, step by step; else the case stays under the old ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from yishenqing.core.deadline import Fact
from yishenqing.core.decide import refusals
from yishenqing.core.errors import Reason
from yishenqing.core.ledger import Entry
from yishenqing.core.standing import Attempt, Standing

FROM, TO = "from_rules", "to_rules"
# What the program itself notes in an entry beside the facts of the step.
NOTES = frozenset({"letter", "switched_off", "corrected", "stands_in_for", "inspection"})


def moves(entries: Sequence[Entry]) -> list[tuple[Entry, str, str]]:
    """Return every move with the digests of the rules before and after it; an entry that is unreadable is none."""
    found = []
    for entry in entries:
        if TO in entry.payload:  # most entries need not be parsed for this
            try:
                facts = entry.facts
                found.append((entry, str(facts[FROM]), str(facts[TO])))
            except (ValueError, KeyError, TypeError):
                continue
    return found


def opened_under(entries: Sequence[Entry], now: str) -> str:
    """Return the digest of the rules that the case was opened under; ``now``: those by which it is read."""
    return next((before for _, before, _ in moves(entries)), now)


def read_under(known: Sequence[Entry], entries: Sequence[Entry], now: str) -> str:
    """Return the digest of the rules by which the case was read when only ``known`` of its entries were written."""
    done = moves(known)
    return done[-1][2] if done else opened_under(entries, now)


def breaks(entries: Sequence[Entry], now: str) -> list[tuple[int, str]]:
    """Return where the moves of a case do not fit together: the entry's number, and why."""
    found, under = [], opened_under(entries, now)
    for entry, before, after in moves(entries):
        if before != under:
            found.append((entry.seq, "转用流程的记录与此前所依据的规则不相衔接"))
        under = after
    if under != now:
        found.append((entries[-1].seq, "案件现在所依据的规则与转用流程的记录不符"))
    return found


def objection(
    empty: Standing, facts: Sequence[Fact], actors: Sequence[str], today: date
) -> tuple[int, list[Reason]] | None:
    """Return the first entry that would not have been possible under the rules of ``empty``, and why; None: all were.

    ``facts`` are those of the entries as recorded; a correction counts from where it stands.
    """
    standing = empty
    for place, (fact, actor) in enumerate(zip(facts, actors, strict=True), 1):
        if reasons := _objections(standing, fact, actor, today):
            return place, reasons
        standing = standing.plus(fact, actor)
    return None


def _objections(standing: Standing, fact: Fact, actor: str, today: date) -> list[Reason]:
    step = standing.workflow.steps.get(fact.step)
    if step is None:
        return [Reason(f"没有“{fact.step}”这一步骤")]
    if unknown := fact.facts.keys() - step.fields.keys() - NOTES:
        return [Reason(f"“{step.title}”没有事实“{'、'.join(sorted(unknown))}”", step.law[0])]
    if fact.facts.get("switched_off"):  # recorded as such when it was done
        off = standing.switched_off | {g.switch for g in step.guards if g.switch}
        standing = replace(standing, switched_off=off)
    return refusals(Attempt(standing, fact.step, step, fact.on, fact.facts, actor), today)
