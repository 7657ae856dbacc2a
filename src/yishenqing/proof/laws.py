"""What an invariant may say: the closed words of ``workflows/invariants.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import field
from msgspec.structs import fields

from yishenqing.core.workflow import Said, Workflow
from yishenqing.core.written import Written

WORDS = (
    "reachable",
    "reaches_end",
    "sides_end",
    "owned",
    "clocked",
    "before",
    "settled",
    "never",
    "evidence",
    "two_people",
    "letters",
    "annual_row",
)


class Escape(Written, frozen=True):
    """Ends are reached by the office alone: not by the steps ``without``; sides open at ``moot`` ends end with it."""

    without: tuple[str, ...] = ()
    moot: tuple[str, ...] = ()


class Exempt(Written, frozen=True):
    """A step that may do without, by an article of its own; it must then ask for these facts."""

    law: str
    needs: tuple[str, ...] = ()


class Before(Written, frozen=True):
    """Taking ``steps``, or coming into ``states``, requires all of ``requires`` and one of ``any_of`` before.

    ``since``: later than the last time of that step. ``says``: and an entry says so. ``gives``: only where the
    outcome gives information away. ``exempt``: the steps that may do without.
    """

    steps: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    since: str = ""
    says: Said | None = None
    gives: bool = False
    exempt: Mapping[str, Exempt] = field(default_factory=dict)


class Settled(Written, frozen=True):
    """When these steps are taken, no proceeding of these ``sides`` is open."""

    steps: tuple[str, ...]
    sides: tuple[str, ...]
    gives: bool = False


class Never(Written, frozen=True):
    """These steps are never taken with this ``outcome`` while an entry says so, unless ``unless`` was taken since."""

    steps: tuple[str, ...]
    outcome: str
    says: Said
    unless: str = ""


class Evidence(Written, frozen=True):
    """When these steps are taken, the evidence of the outcome chosen is in the file, of each item if item by item."""

    steps: tuple[str, ...]


class TwoPeople(Written, frozen=True):
    """Whoever takes ``step`` has not taken ``of``; an office may switch the guard off, openly."""

    step: str
    of: str


class Invariant(Written, frozen=True):
    """One law that every case keeps, whatever happens: its title, its article, and exactly one of the words."""

    title: str
    law: str
    reachable: bool = False
    reaches_end: Escape | None = None
    sides_end: Escape | None = None
    owned: bool = False
    clocked: bool = False
    before: Before | None = None
    settled: Settled | None = None
    never: Never | None = None
    evidence: Evidence | None = None
    two_people: TwoPeople | None = None
    letters: bool = False
    annual_row: bool = False

    @property
    def words(self) -> list[str]:
        """Return the words that it uses; a sound one uses one."""
        return [word for word in WORDS if getattr(self, word)]


def dangling(workflow: Workflow, law: Invariant) -> Iterator[str]:
    """Yield every name in ``law`` that the workflow does not know, and a missing or doubled word."""
    if len(law.words) != 1:
        yield f"须写且只写其中一项：{'、'.join(WORDS)}"
        return
    said = getattr(law, law.words[0])
    known = {
        "steps": ("步骤", workflow.steps),
        "states": ("状态", workflow.states),
        "moot": ("状态", workflow.states),
        "sides": ("并行程序", workflow.sides),
        "outcome": ("办理结果", workflow.outcomes),
    }
    for each in fields(said) if said is not True else ():
        value = getattr(said, each.name)
        if isinstance(value, Said):
            yield from _unsaid(workflow, value)
        elif not isinstance(value, bool):
            kind, names = known.get(each.name, ("步骤", workflow.steps))
            wanted = [value] if isinstance(value, str) else [*(value or ())]
            yield from (f"没有{kind}“{name}”" for name in wanted if name and name not in names)


def _unsaid(workflow: Workflow, said: Said) -> Iterator[str]:
    step = workflow.steps.get(said.step)
    if step is None or said.field not in step.fields:
        yield f"没有步骤“{said.step}”的事实“{said.field}”"
        return
    choices = step.fields[said.field].choices
    yield from (f"“{said.field}”不能是“{v}”" for v in said.values if choices and v not in choices)
