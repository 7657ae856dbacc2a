"""What follows from an act in its transaction: other cases and systems are told, what is searched is renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from yishenqing.core.links import RESULT
from yishenqing.office import counting

if TYPE_CHECKING:
    from yishenqing.office.acting import Plan, Registry
    from yishenqing.office.casework import Casework


def follow(registry: Registry, connection: Connection, plan: Plan, after: Casework, *, printed: bool) -> None:
    """Do what the act of ``plan`` means for others and for the search.

    Raises:
        Refused: the parent of a linked case cannot be told.
    """
    counting.follow(connection, plan.act.step, plan.case, after)
    if registry.departures is not None:
        registry.departures.note(connection, plan.case.standing, after)
    if plan.step.tells or plan.step.overturns or RESULT in plan.step.fields:
        from yishenqing.office import casework, findable, linking  # noqa: PLC0415 - few steps concern another case

        linking.follow(registry, connection, plan, after)
        if plan.step.tells:
            findable.enter(connection, casework.load(connection, after.practice, linking.parent_of(after)))
    if printed or _says_anew(plan):
        from yishenqing.office import findable

        findable.enter(connection, after)


def _says_anew(plan: Plan) -> bool:
    """Tell whether an act opens a case or asks for other things."""
    return plan.act.step == plan.case.workflow.opening or "items" in plan.facts
