"""A naive model of the procedure, written without the core, goes along with it on random lawful and unlawful steps.

The model knows the ordinary road, withdrawal, one extension with its approval, third parties, and the evidence of
three outcomes: a few sets and dictionaries, and what a lawyer would write down of them. Clocks are left out: every
step is taken on one day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct, field

from yishenqing.core.errors import Refused

if TYPE_CHECKING:
    from tests.conftest import Walk

DAY = date(2026, 3, 2)
MOSTLY = 0.9
RARELY = {"withdrawn", "assignment_returned", "reassigned", "returned"}  # they would keep most walks short
OPEN = {"handling", "drafted", "reviewed", "cleared"}
# step: the states in which it may be taken, and where it leads (empty: it leaves the case where it is)
ROADS: dict[str, tuple[set[str], str]] = {
    "received": ({"new"}, "registered"),
    "acknowledged": ({"registered"}, "under_review"),
    "accepted": ({"under_review"}, "handling"),
    "assignment_returned": ({"handling"}, "unassigned"),
    "reassigned": ({"unassigned", "handling"}, "handling"),
    "search_recorded": ({"handling"}, ""),
    "extension_asked": (OPEN, ""),
    "extension_approved": (OPEN, ""),
    "extension_refused": (OPEN, ""),
    "extended": (OPEN, ""),
    "third_party_consulted": (OPEN, ""),
    "third_party_answered": (OPEN, ""),
    "third_party_overridden": ({"handling"}, ""),
    "drafted": ({"handling"}, "drafted"),
    "reviewed": ({"drafted"}, "reviewed"),
    "secrecy_reviewed": ({"reviewed"}, "cleared"),
    "returned": ({"drafted", "reviewed", "cleared"}, "handling"),
    "signed": ({"cleared"}, "signed"),
    "replied": ({"signed"}, "replied"),
    "returned_undelivered": ({"replied"}, "undelivered"),
    "resent": ({"undelivered"}, "replied"),
    "left_at_place": ({"undelivered"}, "delivered"),
    "delivered": ({"replied"}, "delivered"),
    "withdrawn": ({"registered", "under_review", "unassigned", *OPEN}, "withdrawn"),
    "archived": ({"delivered", "withdrawn"}, "archived"),
}
POSTS = {
    "registrar": {"received", "acknowledged", "withdrawn"},
    "reviewer": {"accepted", "reassigned", "reviewed", "returned", "withdrawn"},
    "handler": {
        *("assignment_returned", "search_recorded", "extension_asked", "extended", "drafted", "withdrawn"),
        *("third_party_consulted", "third_party_answered", "third_party_overridden"),
    },
    "director": {"extension_approved", "extension_refused"},
    "secrecy": {"secrecy_reviewed", "returned"},
    "signer": {"signed", "returned"},
    "dispatcher": {"replied", "returned_undelivered", "resent", "left_at_place", "delivered"},
    "archivist": {"archived"},
}
CHOICES: dict[str, list[dict[str, Any]]] = {
    "received": [{"channel": "in_person"}],
    "extension_approved": [{"days": 5}],
    "extended": [{"days": 5}],
    "third_party_consulted": [{"id": "甲"}, {"id": "乙"}],
    "third_party_answered": [
        *({"id": i, "opinion": o, "reason": "略"} for i in "甲乙" for o in ("agreed", "objected")),
        {"id": "甲", "opinion": "objected"},
    ],
    "third_party_overridden": [{"id": "甲"}, {"id": "乙"}],
    "drafted": [
        {"outcome": "granted", "provided": ["公告"]},
        {"outcome": "denied_state_secret", "secret_mark": "秘密", "severing": "不能区分"},
        {"outcome": "denied_state_secret", "severing": "不能区分"},
        {"outcome": "denied_third_party", "interest": "privacy", "weighing": "略", "severing": "不能区分"},
    ],
    "secrecy_reviewed": [{"conclusion": c} for c in ("releasable", "withheld", "nothing")],
    "returned_undelivered": [{"cause": "refused"}, {"cause": "moved"}],
}


class Model(Struct):
    """What a clerk with a pencil would keep of a case."""

    state: str = "new"
    done: list[str] = field(default_factory=list)
    extension: str = ""
    extended: bool = False
    parties: dict[str, str] = field(default_factory=dict)  # each asked: silent so far, or what it said
    told: dict[str, bool] = field(default_factory=dict)  # each that objected: whether it was told since
    draft: dict[str, Any] = field(default_factory=dict)
    drafter: str = ""
    conclusion: str = ""
    cause: str = ""

    def may(self, step: str, facts: dict[str, Any], actor: str, post: str) -> bool:
        """Tell whether the step is lawful."""
        if self.state not in ROADS[step][0] or step not in POSTS[post]:
            return False
        asked: Callable[[dict[str, Any], str], bool] | None = getattr(self, f"may_{step}", None)
        return asked is None or asked(facts, actor)

    def may_extension_asked(self, _facts: dict[str, Any], _actor: str) -> bool:
        return self.extension != "asked" and not self.extended

    def may_extension_approved(self, _facts: dict[str, Any], _actor: str) -> bool:
        return self.extension == "asked"

    may_extension_refused = may_extension_approved

    def may_extended(self, _facts: dict[str, Any], _actor: str) -> bool:
        return not self.extended and self.approved

    @property
    def approved(self) -> bool:
        return self.extension != "asked" and "extension_approved" in self.done

    def may_third_party_consulted(self, facts: dict[str, Any], _actor: str) -> bool:
        return self.parties.get(str(facts["id"])) != "silent"

    def may_third_party_answered(self, facts: dict[str, Any], _actor: str) -> bool:
        reasoned = facts["opinion"] != "objected" or "reason" in facts
        return reasoned and self.parties.get(facts["id"]) == "silent"

    def may_third_party_overridden(self, facts: dict[str, Any], _actor: str) -> bool:
        return facts["id"] in self.told and self.parties[facts["id"]] != "silent"  # asked again: to be waited for

    def evidenced(self, facts: dict[str, Any]) -> bool:
        settled = "silent" not in self.parties.values()
        if facts["outcome"] == "granted":
            return settled and "search_recorded" in self.done and all(self.told.values())
        if facts["outcome"] == "denied_third_party":
            return settled and "objected" in self.parties.values()  # not if all agreed
        return "secret_mark" in facts

    def may_drafted(self, facts: dict[str, Any], _actor: str) -> bool:
        return self.evidenced(facts)

    def may_reviewed(self, _facts: dict[str, Any], _actor: str) -> bool:
        return self.evidenced(self.draft)  # a third party may have been asked, or have answered, since

    def may_secrecy_reviewed(self, facts: dict[str, Any], _actor: str) -> bool:
        released = self.draft["outcome"] != "granted" or facts["conclusion"] == "releasable"
        return released and self.evidenced(self.draft)

    def may_signed(self, _facts: dict[str, Any], actor: str) -> bool:
        return actor != self.drafter and self.evidenced(self.draft)

    def may_left_at_place(self, _facts: dict[str, Any], _actor: str) -> bool:
        return self.cause == "refused"

    def take(self, step: str, facts: dict[str, Any], actor: str) -> None:
        """Write the step down."""
        self.done.append(step)
        self.state = ROADS[step][1] or self.state
        if step.startswith("extension_"):
            self.extension = step.removeprefix("extension_")
        elif step == "extended":
            self.extended = True
        elif step == "third_party_consulted":
            self.parties[facts["id"]] = "silent"
        elif step == "third_party_answered":
            self.parties[facts["id"]] = facts["opinion"]
            self.told.pop(facts["id"], None)
            if facts["opinion"] == "objected":
                self.told[facts["id"]] = False
        elif step == "third_party_overridden":
            self.told[facts["id"]] = True
        elif step == "drafted":
            self.draft, self.drafter, self.conclusion = facts, actor, ""
        elif step == "secrecy_reviewed":
            self.conclusion = facts["conclusion"]
        elif step == "returned_undelivered":
            self.cause = facts["cause"]


def hold(model: Model) -> None:
    """What must be true of every case, whatever was tried."""
    done, since_draft = (
        model.done,
        model.done[len(model.done) - [*reversed(model.done), "drafted"].index("drafted") :],
    )
    if {"signed", "replied", "delivered"} & set(done):
        assert {"reviewed", "secrecy_reviewed", "signed"} <= set(since_draft)
        assert model.draft["outcome"] != "granted" or model.conclusion == "releasable"
    if model.state == "archived":
        assert {"delivered", "left_at_place", "withdrawn"} & set(done)
    assert done.count("extended") <= 1


def tried(walk: Walk, step: str, facts: dict[str, Any], actor: str, post: str) -> Walk | Refused:
    """Return the case after the step, or why not."""
    try:
        return walk.take(step, DAY, actor, [post], **facts)
    except Refused as refused:
        return refused


def wander(unopened: Callable[[date], Walk], seed: int) -> Model:
    """Take random steps, lawful ones and others, and compare core and model after each."""
    chance = Random(seed)  # noqa: S311 - a walk, not a secret
    walk, model = unopened(DAY), Model()
    for _ in range(chance.randint(10, 80)):
        here = [n for n, (states, _) in ROADS.items() if model.state in states]
        step = chance.choice(here if here and chance.random() < MOSTLY else [*ROADS])
        if step in RARELY and chance.random() < MOSTLY:
            continue
        facts = dict(chance.choice(CHOICES.get(step, [{}])))
        posts = [p for p, steps in POSTS.items() if step in steps]
        post = chance.choice(posts if chance.random() < MOSTLY else [*POSTS])
        actor = chance.choice(["张某", "李某"])
        after = tried(walk, step, facts, actor, post)
        lawful = model.may(step, facts, actor, post)
        assert lawful is not isinstance(after, Refused), (step, facts, model, after)
        if isinstance(after, Refused):
            assert after.law
            continue
        model.take(step, facts, actor)
        walk = after
        assert walk.standing.state == model.state
        hold(model)
    return model


@settings(max_examples=150)
@given(st.integers(0, 10**9))
def test_the_model_and_the_core_go_together(unopened: Callable[[date], Walk], seed: int) -> None:
    wander(unopened, seed)


def test_such_walks_come_through_the_whole_procedure(unopened: Callable[[date], Walk]) -> None:
    walked = [wander(unopened, seed) for seed in range(200)]
    assert {step for model in walked for step in model.done} == set(ROADS)
