"""The state graph of a workflow, held by ``transitions`` as one shared, stateless machine.

No callbacks, no conditions, no models: transitions would import any dotted name it is given, and its
auto-transitions would lead from every state to every other. It answers one question, from where to where.
"""

from __future__ import annotations

import logging
from enum import Enum
from functools import lru_cache

from transitions import Machine, MachineError, State

from yishenqing.core.workflow import Workflow

logging.getLogger("transitions").setLevel(logging.WARNING)  # it logs each callback at INFO, five times the cost


class _Place:
    """A throw-away model: transitions reads and writes only ``state``."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Graph:
    """Which step leads where."""

    def __init__(self, workflow: Workflow) -> None:
        """Build the machine once for a workflow version."""
        self._machine = Machine(
            model=None,
            states=list(workflow.states),
            initial=workflow.initial,
            auto_transitions=False,
            send_event=True,
            queued=False,
        )
        for name, step in workflow.steps.items():
            sources: list[str | Enum | State] = [*(step.from_ or (workflow.initial,))]
            self._machine.add_transition(name, sources, step.to or None)
        self._known: dict[tuple[str, str], str | None] = {}  # the graph never changes: each question is asked once
        self._from = {state: list(map(str, self._machine.get_triggers(state))) for state in workflow.states}

    def destination(self, state: str, step: str) -> str | None:
        """Return the state that ``step`` leads to from ``state``, or None where the step is not possible."""
        key = (state, step)
        if key not in self._known:
            self._known[key] = self._asked(state, step)
        return self._known[key]

    def _asked(self, state: str, step: str) -> str | None:
        event = self._machine.events.get(step)
        if event is None:
            return None
        place = _Place(state)
        try:
            event.trigger(place)
        except MachineError:
            return None
        return place.state

    def steps_from(self, state: str) -> list[str]:
        """Return the steps that leave from ``state`` or keep it, in the workflow's order."""
        return self._from[state]


@lru_cache(maxsize=64)
def graph_of(workflow: Workflow) -> Graph:
    """Return the graph of ``workflow``, built once per workflow version in memory."""
    return Graph(workflow)
