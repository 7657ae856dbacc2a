"""What a procedure consists of: stages, states, steps, clocks, outcomes, and the closed words that guard a step.

The types are filled from ``workflows/*.yaml`` by the rulebook. YAML names no Python function: every word a step
may use stands here, and each is carried out in exactly one place of the core.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Literal

from msgspec import field

from yishenqing.core.links import Linked, Tell
from yishenqing.core.readings import Contested, Reading
from yishenqing.core.written import Written

OwedBy = Literal["organ", "applicant", "third_party", "other_organ"]
FieldType = Literal["text", "date", "int", "bool", "choice", "list", "outcome", "channel", "case", "file", "object"]
OWED_BY_TITLES: Mapping[str, str] = {
    "organ": "本机关",
    "applicant": "申请人",
    "third_party": "第三方",
    "other_organ": "其他机关",
}


class Field(Written, frozen=True):
    """One fact that a step needs or may carry. ``personal`` facts go to the side store, sealed."""

    title: str
    type: FieldType = "text"
    choices: Mapping[str, str] = field(default_factory=dict)
    personal: bool = False
    ahead: bool = False  # a day that may lie in the future; every other date is of something that has happened
    counts: str = ""  # not said by anybody: how many entries the list named here has
    answer_of: str = (
        ""  # not said where the fact named here names a case: that case's reply, by title, number and day
    )
    taken_by: str = ""  # not said by anybody: who took the step named here
    hint: str = ""


class Said(Written, frozen=True):
    """What the latest entry of an earlier step says (of each ``id``, any): one of these values stands in the fact.

    Without ``step``, what the act itself says (``where``); an absent fact is the empty value.
    Without values: that the step was taken at all.
    """

    step: str = ""
    field: str = ""
    values: tuple[str, ...] = ()


class Guard(Written, frozen=True):
    """One condition on a step, in the closed vocabulary, with the provision it rests on.

    once: the step is taken at most once (or once since ``step``) · after: another step came before · unless: it did
    not · within: not after the clock's last day · past: only after the clock's last day, with nothing having met it
    · elapsed: the term, counted from the date field, has run out · running: the clock runs, or waits for an answer
    · stopped: it is stopped · at_most: a number does not exceed a term · not_before: a date field is not before the
    day of the step (or of the earlier ``step`` named) · another_person: the actor is not who took that step
    · agrees: an outcome given is the one chosen before · evidenced: the outcome chosen has its letter and all the
    evidence it asks for (asked of each item where ``step`` has judged item by item) · still_evidenced: what ``step``
    chose is evidenced still · composes: the outcome follows from what ``step`` has found of each item · releases: the
    field has the value wherever the outcome chosen gives anything away · stated: the fact is given · recorded: an
    entry of the step holds the fact · said: the latest entry of a step says so (``said``) · sources: the lists in the
    step's entries name at least so many different things (``figure``) · each: every number up to the count ``of`` is
    in the step's lists · counted: a number from one to the count ``of`` · concluded: a side proceeding has come to
    the state named · settled: none of its kind is still open · correctable: the entry and the fact named can be
    corrected so · in_force: the term has a value on the day.

    same: a number is the one that an earlier entry said · among: the fact is one of the values (``said``)
    · beyond: a date field is later than the clock's last day · cites: the fact names a law and its article, and
    none of the kinds of document (``said``) that are no law.

    ``when`` makes a guard speak only where an earlier entry says so, ``where`` where the act itself does; ``after``
    with ``when`` asks for the step since each such entry (of the same ``id``). ``also``: steps that serve as well.
    ``unless_true``: only where a yes-or-no fact of the act is not yes. ``text`` is its reason in the law's own words.
    """

    guard: Literal[
        "once",
        "after",
        "unless",
        "within",
        "past",
        "elapsed",
        "same",
        "among",
        "cites",
        "beyond",
        "running",
        "stopped",
        "at_most",
        "not_before",
        "another_person",
        "agrees",
        "evidenced",
        "still_evidenced",
        "composes",
        "releases",
        "stated",
        "recorded",
        "said",
        "sources",
        "each",
        "counted",
        "concluded",
        "settled",
        "correctable",
        "in_force",
    ]
    law: str
    step: str = ""
    clock: str = ""
    field: str = ""
    term: str = ""
    also: tuple[str, ...] = ()  # other steps that serve as well as ``step`` (after)
    value: str = ""
    of: str = ""
    figure: str = ""
    side: str = ""
    state: str = ""
    said: Said | None = None
    when: Said | None = None
    where: Said | None = None
    unless_true: str = ""
    text: str = ""
    switch: str = ""  # a setting of the office that may turn this guard off; switching it off is recorded


class Start(Written, frozen=True):
    """A step starts a clock, counted from its own day, from the day of receipt, or from a date among its facts."""

    clock: str
    law: str
    counted_from: str = "on"  # on | receipt | the name of a date field
    until: str = ""  # the date field that sets the last day, where the law lets the organ set it
    only_if_stopped: bool = False
    if_remedy: str = ""  # only where the outcome's letter bears this remedy
    if_true: str = ""  # only where this yes-or-no fact is yes
    unless_true: str = ""  # only where it is no, or not stated
    term: str = ""  # another term than the clock's own
    same_as: str = ""  # the last day is that of another clock
    figure: str = ""  # as many working days as the office allows itself
    while_stopped: str = ""  # only while this other clock stands still


class Effect(Written, frozen=True):
    """A step meets, stops, pauses, resumes, extends, sets or closes a clock.

    ``within`` makes the effect depend on another clock having been kept; ``field`` names the date or number used.
    ``answers`` names the step whose pause is resumed, ``at_most`` the clock with whose last day a pause ends by
    itself.
    """

    clock: str
    law: str
    field: str = ""
    within: str = ""
    answers: str = ""
    at_most: str = ""
    reading: str = ""  # the contested reading that decides what a late stop, or the begin of a pause, does


class Turn(Written, frozen=True):
    """What a step does in a side proceeding: it opens one (``at`` is empty), or moves one on (``to``) or uses it."""

    of: str
    at: tuple[str, ...] = ()
    to: str = ""


class Step(Written, frozen=True, dict=True):
    """One act: who may take it in which state, under which conditions, and what it does to clocks and letters."""

    title: str
    by: tuple[str, ...]
    law: tuple[str, ...]
    from_: tuple[str, ...]
    to: str = ""
    side: Turn | None = None
    recalls: tuple[str, ...] = ()  # steps whose entries are put before whoever takes this one
    routes: bool = False  # whoever takes it is shown what the routing table says
    verb: str = ""  # taken by a verb of its own (it concerns more than one case), never by “act”
    public: bool = False  # shown on the flow chart for the public
    offered: bool = True  # false: only ever taken together with a step of another case
    needs: Mapping[str, Field] = field(default_factory=dict)
    may: Mapping[str, Field] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    starts: tuple[Start, ...] = ()
    meets: tuple[Effect, ...] = ()
    closes: tuple[Effect, ...] = ()
    stops: tuple[Effect, ...] = ()
    pauses: tuple[Effect, ...] = ()
    resumes: tuple[Effect, ...] = ()
    extends: tuple[Effect, ...] = ()
    sets: tuple[Effect, ...] = ()
    letter: str = ""  # a kind of letter, or by_outcome
    outcome: str = ""  # the outcome that taking the step means, where there is no choice
    tells: tuple[Tell, ...] = ()  # what the parent of a linked case is told: the first step that it can take now
    overturns: bool = False  # the reply given before is set aside; a precedent made of it says so

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Return every fact the step knows, needed or not."""
        return {**self.needs, **self.may}

    @cached_property
    def filled_in(self) -> bool:
        """Tell whether it has facts that name another case, or that the program fills in."""
        return any(f.type == "case" or f.answer_of or f.taken_by for f in self.fields.values())

    def effects(self) -> Iterator[tuple[str, Start | Effect]]:
        """Yield each clock effect with its word."""
        for word in ("starts", "meets", "closes", "stops", "pauses", "resumes", "extends", "sets"):
            for effect in getattr(self, word):
                yield word, effect


class State(Written, frozen=True):
    """Where a case stands: its stage, and the role that must move it on (empty when the case is at rest)."""

    title: str
    stage: str
    owner: str = ""
    waits_for: str = ""  # the clock that a state waits on, when nobody in the office owes the next step
    final: bool = False


class SideState(Written, frozen=True):
    """Where a side proceeding stands, and whose turn it is."""

    title: str
    owner: str = ""
    waits_for: str = ""
    final: bool = False


class Side(Written, frozen=True):
    """A proceeding that runs beside the stage of a case: an opinion asked for, a fee, a meeting.

    With ``many`` several run at once, told apart by the fact ``id``.
    """

    title: str
    law: str
    states: Mapping[str, SideState]
    many: bool = False


class Figure(Written, frozen=True):
    """A number that each office sets for itself; the law sets none. ``why`` says what it is chosen by."""

    title: str
    value: int
    law: str
    why: str


class Clock(Written, frozen=True):
    """A period: its term of the law (or the date a step sets), who owes the act, and what its expiry means."""

    title: str
    owed_by: OwedBy
    law: str
    term: str = ""
    expires_as: Literal["missed", "lapsed"] = "missed"
    law_of: Literal["case", "start"] = "case"
    yellow: int = 0  # working days left at which a reminder is due (the office's practice, not the law's)
    red: int = 0
    lapse: str = ""  # what the law says of the expiry; a reminder proposes it, a person decides it


class Channel(Written, frozen=True):
    """A way in which an application arrives, and the day that counts as receipt."""

    title: str
    receipt: Literal["arrived_on", "confirmed_on"]
    law: str
    text: str
    readings: tuple[Contested, ...] = ()


class Way(Written, frozen=True):
    """One of several situations in which an outcome is told, with its own article, letter and evidence."""

    title: str
    law: tuple[str, ...]
    letter: str
    evidence: tuple[Guard, ...] = ()


class Outcome(Written, frozen=True):
    """A row of table three: the ground, the letter that tells it, the remedy printed under it.

    ``evidence`` must be in the file before the outcome may be chosen. ``ways`` are told apart by the fact ``way``;
    with a ``letter`` of its own the outcome may be chosen without one. ``withheld_by`` is the fact that names the
    ground of what is withheld: its remedy joins that of what is given.
    """

    title: str
    law: tuple[str, ...]
    remedy: str
    letter: str = ""
    gives: Literal["all", "part", "none"] = "none"
    withheld_by: str = ""
    evidence: tuple[Guard, ...] = ()
    ways: Mapping[str, Way] = field(default_factory=dict)

    def told(self, way: str) -> Way | None:
        """Return how it is told: by the way chosen, or by its own letter; None where a way must be chosen."""
        if way in self.ways:
            return self.ways[way]
        return Way(self.title, self.law, self.letter) if self.letter and not way else None

    @property
    def letters(self) -> tuple[str, ...]:
        """Return every letter that tells this outcome."""
        own = (self.letter,) if self.letter else ()
        return tuple(dict.fromkeys((*own, *(w.letter for w in self.ways.values() if w.letter))))


class Workflow(Written, frozen=True, eq=False, kw_only=True):
    """A whole procedure, as one version: cases opened under it finish under it."""

    id: str
    version: str
    title: str
    since: date
    law: tuple[str, ...]
    initial: str
    opening: str
    # What a small procedure does not have it leaves out.
    confirming: str = ""
    correcting: str = ""
    limiting: str = ""
    linking: str = ""  # the step that records that a linked case was opened
    moving: str = ""  # the step that records that the case goes on under other rules
    linked: Linked | None = None
    request: Literal["disclosure", "correction"] = "disclosure"  # what is asked for
    extends: str = ""  # the procedure that an office's variant is an overlay of
    stages: Mapping[str, str]
    roles: Mapping[str, str]
    states: Mapping[str, State]
    channels: Mapping[str, Channel] = field(default_factory=dict)
    clocks: Mapping[str, Clock]
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    steps: Mapping[str, Step]
    sides: Mapping[str, Side] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    mixed: str = ""  # the outcome of a case in which some items are disclosed and others not
    itemised: str = ""  # the letter that answers item by item
    road: tuple[str, ...] = ()  # the states that an ordinary case goes through, first to last; flow charts follow it
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def opens(self, request: str) -> bool:
        """Tell whether applications of this kind are registered under it; linked cases hang on another case."""
        return bool(self.channels) and self.request == request

    @property
    def letters(self) -> frozenset[str]:
        """Return every kind of letter that a step or an outcome asks for."""
        asked = {self.itemised, *(s.letter for s in self.steps.values())}
        return frozenset(asked.union(*(o.letters for o in self.outcomes.values())) - {"", "by_outcome"})
