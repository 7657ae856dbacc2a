"""The chart in Mermaid's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from yishenqing.core.workflow import Workflow
from yishenqing.diagram.reading import arrows, main_road, ordered_states, staying
from yishenqing.diagram.wording import clean, state_parts, step_parts

_PLAIN = re.compile("[a-z_]+")
_MARKUP = {ord(c): f"#{ord(c)};" for c in "#&<>\"'`\\|[]{}()*_~$;"}


def write(workflow: Workflow, periods: Mapping[str, str]) -> str:
    """Return the flowchart: a subgraph a stage, the main road in thick arrows."""
    return "\n".join(_lines(workflow, periods)) + "\n"


def _lines(workflow: Workflow, periods: Mapping[str, str]) -> Iterator[str]:
    links = arrows(workflow)
    road = main_road(workflow)
    names = _identifiers(list(workflow.states))
    yield "flowchart TB"
    for stage, (name, title) in zip(
        _identifiers(list(workflow.stages)).values(), workflow.stages.items(), strict=True
    ):
        members = [s for s in ordered_states(workflow) if workflow.states[s].stage == name]
        if members:
            yield f'  subgraph stage_{stage}["{_text(title)}"]'
            for state in members:
                label = "<br/>".join(_text(t) for t, _ in state_parts(workflow, workflow.states[state]))
                yield f'    state_{names[state]}["{label}"]'
            yield "  end"
    labels = {
        name: "<br/>".join(_text(t) for t, _ in step_parts(workflow, step, periods) if t)
        for name, step in workflow.steps.items()
    }
    main = set(pairwise(road))
    for link in links:
        line = "==>" if (link.source, link.target) in main else "-->"
        yield f'  state_{names[link.source]} {line}|"{labels[link.step]}"| state_{names[link.target]}'
    for step, states in staying(workflow).items():
        for state in states:
            yield f'  state_{names[state]} -.->|"{labels[step]}"| state_{names[state]}'
    yield "  classDef main stroke-width:3px"
    yield f"  class {','.join(f'state_{names[s]}' for s in road)} main"


def write_public(workflow: Workflow, periods: Mapping[str, str]) -> str:
    return ""


def _identifiers(names: list[str]) -> dict[str, str]:
    """Return identifiers of letters and underscores only, also for names that have other characters."""
    plain = {name for name in names if _PLAIN.fullmatch(name)}
    mark = "_" * (1 + max((len(name) for name in plain), default=0))  # longer than any plain name: no two meet
    return {name: name if name in plain else mark + _letters(n) for n, name in enumerate(names)}


def _letters(number: int) -> str:
    """Return ``number`` as a, b, … z, aa, ab, …"""
    letters = ""
    while number >= 0:
        number, rest = divmod(number, 26)
        letters = chr(ord("a") + rest) + letters
        number -= 1
    return letters


def _text(text: str) -> str:
    """Return ``text`` so that Mermaid and the HTML it makes take every character for itself."""
    return clean(text).translate(_MARKUP)
