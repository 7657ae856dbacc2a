"""The chart in Mermaid's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from yishenqing.core.workflow import Workflow
from yishenqing.diagram.panels import BROUGHT, EVERYWHERE
from yishenqing.diagram.public import stages
from yishenqing.diagram.reading import arrows, beside, brought, everywhere, main_road, ordered_states, staying
from yishenqing.diagram.wording import Kind, clean, state_parts, step_parts

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
                label = _label(state_parts(workflow, workflow.states[state]))
                yield f'    state_{names[state]}["{label}"]'
            yield "  end"
    labels = {name: _label(step_parts(workflow, step, periods)) for name, step in workflow.steps.items()}
    main = set(pairwise(road))
    for link in links:
        line = "==>" if (link.source, link.target) in main else "-->"
        yield f'  state_{names[link.source]} {line}|"{labels[link.step]}"| state_{names[link.target]}'
    for step, states in staying(workflow).items():
        for state in states:
            yield f'  state_{names[state]} -.->|"{labels[step]}"| state_{names[state]}'
    yield from _beside(workflow, periods)
    yield "  classDef main stroke-width:3px"
    yield f"  class {','.join(f'state_{names[s]}' for s in road)} main"


def _beside(workflow: Workflow, periods: Mapping[str, str]) -> Iterator[str]:
    """Yield a subgraph a side proceeding, and one for each box of steps that are not of one place."""
    sides = _identifiers(list(workflow.sides))
    for name, steps in beside(workflow).items():
        side = workflow.sides[name]
        states = {key: f"side_{sides[name]}__{mark}" for key, mark in _identifiers(list(side.states)).items()}
        begin = f"side_{sides[name]}"
        yield f'  subgraph group_{sides[name]}["{_text(side.title)}"]'
        yield f'    {begin}["开始"]'
        yield from (f'    {mark}["{_text(side.states[key].title)}"]' for key, mark in states.items())
        yield "  end"
        for step in steps:
            turn = workflow.steps[step].side
            label = _label(step_parts(workflow, workflow.steps[step], periods, by=True))
            for source in [states[s] for s in turn.at] or [begin] if turn else []:
                yield f'  {source} -->|"{label}"| {states[turn.to] if turn and turn.to else source}'
    for mark, title, steps in (("e", EVERYWHERE, everywhere(workflow)), ("b", BROUGHT, brought(workflow))):
        if steps:
            yield f'  subgraph group__{mark}["{_text(title)}"]'
            for step, key in _identifiers(steps).items():
                yield f'    step_{key}["{_label(step_parts(workflow, workflow.steps[step], periods, by=True))}"]'
            yield "  end"


def write_public(workflow: Workflow, periods: Mapping[str, str], remedies: Mapping[str, str]) -> str:
    """Return the flowchart for the public: a subgraph a stage, its acts in thick arrows, its cards joined to them."""
    return "\n".join(_public_lines(workflow, periods, remedies)) + "\n"


def _public_lines(workflow: Workflow, periods: Mapping[str, str], remedies: Mapping[str, str]) -> Iterator[str]:
    told = stages(workflow, periods, remedies)
    names = _identifiers([act.step for stage in told for act in stage.acts])
    links: list[str] = []
    cards = 0
    yield "flowchart TB"
    for number, stage in enumerate(told):
        yield f'  subgraph stage_{_letters(number)}["{_text(stage.title)}"]'
        for act in stage.acts:
            yield f'    act_{names[act.step]}["{_label(act.parts)}"]'
        for card in stage.cards:
            mark, cards = f"card_{_letters(cards)}", cards + 1
            yield f'    {mark}["{_label([*card.parts, (card.law, "law")])}"]'
            if card.act < len(stage.acts):
                links.append(f"  act_{names[stage.acts[card.act].step]} -.- {mark}")
        yield "  end"
    yield from (f"  act_{here} ==> act_{there}" for here, there in pairwise(names.values()))
    yield from links


def _label(parts: Iterable[tuple[str, Kind]]) -> str:
    return "<br/>".join(_text(text) for text, _ in parts if text)


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
