"""The words that look at evidence, items and side proceedings: each passes, refuses in words, and keeps an offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from yishenqing.core.decide import refusals
from yishenqing.core.findings import found_items
from yishenqing.core.guards import guard_refusals
from yishenqing.core.standing import Attempt
from yishenqing.core.workflow import Field, Guard, Said, Step

if TYPE_CHECKING:
    from tests.conftest import Walk

LAW = "条例第四十五条"
MONDAY = date(2026, 3, 2)
FIELDS = {
    "outcome": Field("结果", "outcome"),
    "way": Field("情形"),
    "words": Field("文字", hint="写明"),
    "points": Field("各项", "list"),
    "number": Field("第几项", "int"),
    "co_maker": Field("共同制作", "bool"),
    "kind": Field("种类", "choice", {"a": "甲", "b": "乙"}),
    "provided": Field("提供的信息", "list"),
}
SEARCHED: dict[str, Any] = {
    "systems": ["档案系统", "公文系统"],
    "keywords": ["x"],
    "result": "无",
    "searched_by": "张某",
}


@pytest.fixture
def at(unopened: Callable[[date], Walk]) -> Callable[..., Walk]:
    """Return a case received on 2 March 2026 and walked on to a state."""

    def walked(state: str = "handling", **facts: Any) -> Walk:
        return unopened(MONDAY).take("received", MONDAY, channel="in_person", **facts).to(state, MONDAY)

    return walked


def says(walk: Walk, guard: Guard, facts: Mapping[str, Any] | None = None) -> str:
    """Say what a step of our own, guarded by ``guard``, is refused for; empty when it is not."""
    step = Step("试办", ("handler",), (LAW,), tuple(walk.standing.workflow.states), may=FIELDS, guards=(guard,))
    workflow = replace(walk.standing.workflow, steps={**walk.standing.workflow.steps, "tried": step})
    standing = replace(walk.standing, workflow=workflow)
    found = refusals(Attempt(standing, "tried", step, MONDAY, facts, "某人", ("handler",)), MONDAY)
    assert all(r.law for r in found)
    return "；".join(r.text for r in found)


WORDS = {
    "evidenced": Guard("evidenced", LAW, field="outcome"),
    "composes": Guard("composes", LAW, field="outcome", step="found", of="finding"),
    "releases": Guard("releases", LAW, field="kind", value="a"),
    "stated": Guard("stated", LAW, field="words"),
    "counted": Guard("counted", LAW, field="number", of="item_count"),
}


@pytest.mark.parametrize("word", sorted(WORDS))
def test_what_asks_for_facts_keeps_no_offer_back(at: Callable[..., Walk], word: str) -> None:
    assert says(at(), WORDS[word]) == ""
    assert says(at("reviewed"), WORDS[word]) == ""


def test_stated(at: Callable[..., Walk]) -> None:
    guard = WORDS["stated"]
    assert says(at(), guard, {"words": "有"}) == ""
    absent: list[dict[str, Any]] = [{}, {"words": ""}, {"words": []}, {"words": None}]
    for nothing in absent:
        assert says(at(), guard, nothing) == "“文字”（words），写明"
    assert says(at(), replace(guard, field="points"), {}) == "“各项”（points）"


def test_unless_true_asks_only_where_the_fact_is_not_yes(at: Callable[..., Walk]) -> None:
    guard = replace(WORDS["stated"], unless_true="co_maker", text="须写明")
    assert says(at(), guard, {"co_maker": True}) == says(at(), guard) == ""
    assert says(at(), guard, {"co_maker": False}) == says(at(), guard, {}) == "须写明"


def test_recorded_looks_through_every_entry_of_the_step(at: Callable[..., Walk]) -> None:
    guard = Guard("recorded", LAW, step="search_recorded", field="searched_by")
    walk = at()
    assert says(walk, guard) == "“记录检索情况”中的“检索人”（searched_by）"
    walk = walk.take("search_recorded", MONDAY)
    assert says(walk, guard, {}) == "“记录检索情况”中的“检索人”（searched_by）"
    walk = walk.take("search_recorded", MONDAY, searched_by="张某").take("search_recorded", MONDAY)
    assert says(walk, guard) == ""


def test_sources_counts_different_things_over_all_entries(at: Callable[..., Walk]) -> None:
    guard = Guard("sources", LAW, step="search_recorded", field="systems", figure="search_sources")
    walk = at()
    assert says(walk, guard) == "“记录检索情况”的“检索范围”至少2处，现有0处"
    walk = walk.take("search_recorded", MONDAY, systems=["档案系统"])
    walk = walk.take("search_recorded", MONDAY, systems=["档案系统"])
    assert says(walk, guard) == "“记录检索情况”的“检索范围”至少2处，现有1处"
    walk = walk.take("search_recorded", MONDAY, systems=["公文系统"])
    assert says(walk, guard) == ""
    own = replace(walk, standing=replace(walk.standing, figures={"search_sources": 3}))
    assert says(own, guard) == "“记录检索情况”的“检索范围”至少3处，现有2处"


def test_each_wants_every_number_up_to_the_count(at: Callable[..., Walk]) -> None:
    guard = Guard("each", LAW, step="search_recorded", field="leads", of="lead_count")
    assert says(at(), guard) == ""  # no lead was given
    walk = at(leads=["甲", "乙", "丙"])
    text = "“记录检索情况”的“核查了第几条线索”（leads）没有第{}条，申请人提供的线索须逐条核查"
    assert says(walk, guard) == text.format("1、2、3")
    walk = walk.take("search_recorded", MONDAY, leads=["3", "1"])
    assert says(walk, guard) == text.format("2")
    assert says(walk.take("search_recorded", MONDAY, leads=["2"]), guard) == ""


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, ""), (2, ""), (0, "“第几项”应为1至2，现为0"), (3, "“第几项”应为1至2，现为3"), (None, "")],
)
def test_counted(at: Callable[..., Walk], number: int | None, text: str) -> None:
    assert says(at(items=["甲", "乙"]), WORDS["counted"], {"number": number}) == text


def test_said_looks_at_the_latest_entry(at: Callable[..., Walk]) -> None:
    what = Said("third_party_answered", "opinion", ("agreed", "objected"))
    guard = Guard("said", LAW, said=what)
    walk = at()
    text = "“收到第三方意见”的“第三方意见”须为同意公开或者不同意公开并说明理由"
    assert says(walk, guard) == text
    walk = walk.take("third_party_consulted", MONDAY)
    walk = walk.take("third_party_answered", MONDAY, opinion="objected", reason="略")
    assert says(walk, guard) == ""
    walk = walk.take("third_party_consulted", MONDAY)
    walk = walk.take("third_party_answered", MONDAY, opinion="objected_without_reason")
    assert says(walk, guard) == text
    assert says(walk, replace(guard, text="第三方没有表态")) == "第三方没有表态"


def test_said_of_several_at_once_looks_at_the_latest_of_each(at: Callable[..., Walk]) -> None:
    guard = Guard("said", LAW, said=Said("third_party_answered", "opinion", ("objected",)))
    walk = at()
    for one, opinion in (("甲", "objected"), ("乙", "agreed")):
        walk = walk.take("third_party_consulted", MONDAY, id=one)
        walk = walk.take("third_party_answered", MONDAY, id=one, opinion=opinion, reason="略")
    assert says(walk, guard) == ""


def test_when_lets_a_guard_speak_only_where_an_entry_says_so(at: Callable[..., Walk]) -> None:
    walk = at()
    oral = Said("received", "channel", ("oral",))
    guard = Guard("after", LAW, step="written_down", when=oral)
    assert says(walk, guard) == ""
    assert says(walk, replace(guard, when=replace(oral, values=("in_person",)))) == "须先办理“代填申请表”"
    # Without values: that the step was taken at all.
    assert says(walk, replace(guard, when=replace(oral, values=()))) == "须先办理“代填申请表”"
    assert says(walk, replace(guard, when=Said("extension_asked", "reason", ()))) == ""


def test_settled_and_concluded(at: Callable[..., Walk]) -> None:
    settled = Guard("settled", LAW, side="extension")
    approved = Guard("concluded", LAW, side="extension", state="approved")
    walk = at()
    assert (says(walk, settled), says(walk, approved)) == ("", "“延长答复期限的审批”尚未“同意延长”")
    walk = walk.take("extension_asked", MONDAY)
    assert says(walk, settled) == "“延长答复期限的审批”尚未结束：待工作机构负责人审批"
    refused = walk.take("extension_refused", MONDAY)
    assert (says(refused, settled), says(refused, approved)) == ("", "“延长答复期限的审批”尚未“同意延长”")
    walk = walk.take("extension_approved", MONDAY, days=5)
    assert says(walk, settled) == says(walk, approved) == ""


def test_settled_names_each_that_is_open(at: Callable[..., Walk]) -> None:
    walk = at().take("third_party_consulted", MONDAY, id="甲").take("third_party_consulted", MONDAY, id="乙")
    text = says(walk, Guard("settled", LAW, side="third_party"))
    assert text == "“征求第三方意见”尚未结束：甲（待第三方答复）、乙（待第三方答复）"


def test_releases_binds_only_what_gives_something_away(at: Callable[..., Walk]) -> None:
    guard, given = WORDS["releases"], at("reviewed")
    assert says(given, guard, {"kind": "a"}) == ""
    for other in ({"kind": "b"}, {}):
        assert says(given, guard, other) == "办理结果“予以公开”要提供信息，“种类”须为“甲”"
    assert says(at(), guard, {"kind": "b"}) == ""  # nothing was chosen yet
    mark = {"outcome": "denied_state_secret", "secret_mark": "秘密", "severing": "否"}
    secret = at().take("drafted", MONDAY, **mark)
    assert says(secret, guard, {"kind": "b"}) == ""


def test_evidenced_gives_each_missing_piece_its_article(at: Callable[..., Walk]) -> None:
    walk = at()
    step = replace(
        walk.standing.workflow.steps["drafted"],
        guards=(Guard("evidenced", LAW, field="outcome", step="found"),),
    )
    attempt = Attempt(walk.standing, "drafted", step, MONDAY, {"outcome": "denied_state_secret"})
    found = guard_refusals(attempt)
    assert [(r.text.partition("（")[0], r.law) for r in found] == [
        ("选择“不予公开：属于国家秘密”尚缺：“密级、保密期限和定密依据”", "条例第十四条"),
        ("“区分处理的考虑”", "条例第三十七条"),
    ]


def test_an_outcome_without_a_letter_is_refused_with_those_that_have_one(at: Callable[..., Walk]) -> None:
    walk = at()
    flow = walk.standing.workflow
    bare = replace(flow.outcomes["granted"], letter="", ways={}, evidence=())
    workflow = replace(flow, outcomes={**flow.outcomes, "granted": bare})
    walk = replace(walk, standing=replace(walk.standing, workflow=workflow))
    text = says(walk, WORDS["evidenced"], {"outcome": "granted"})
    assert text.startswith("办理结果“予以公开”没有答复文书，不能据以答复；现在可以选择：partial（部分公开）")
    assert "granted" not in text


def test_composes_follows_from_the_latest_finding_of_each_item(at: Callable[..., Walk]) -> None:
    guard, walk = WORDS["composes"], at(items=["甲", "乙"]).take("search_recorded", MONDAY, **SEARCHED)
    assert says(walk, guard, {"outcome": "granted"}) == ""  # nothing was judged by items
    walk = walk.take("found", MONDAY, item=1, finding="granted")
    assert says(walk, guard, {"outcome": "granted"}) == "第2项尚未“逐项认定”"
    mixed = walk.take("found", MONDAY, item=2, finding="unable_not_held", way="nonexistent")
    assert says(mixed, guard, {"outcome": "partial"}) == says(mixed, guard, {}) == ""
    for wrong in ("granted", "unable_not_held"):
        text = says(mixed, guard, {"outcome": wrong})
        assert text == "与逐项认定的结果不符；按各项认定应为：partial（部分公开）"
    alike = mixed.take("found", MONDAY, item=2, finding="granted")
    assert says(alike, guard, {"outcome": "granted"}) == ""
    assert found_items(alike.standing, "found")[2]["finding"] == "granted"
    assert says(alike, guard, {"outcome": "partial"}) == ("与逐项认定的结果不符；按各项认定应为：granted（予以公开）")


def test_still_evidenced_asks_again_what_later_facts_may_have_taken_away(at: Callable[..., Walk]) -> None:
    guard, walk = Guard("still_evidenced", LAW, step="drafted"), at("cleared")
    assert says(walk, guard) == says(at(), guard) == ""
    asked = walk.take("third_party_consulted", MONDAY)
    assert "“征求第三方意见”尚未结束" in says(asked, guard)
    objected = asked.take("third_party_answered", MONDAY, opinion="objected", reason="略")
    assert "须先办理“决定公开并书面告知第三方”" in says(objected, guard)
    agreed = asked.take("third_party_answered", MONDAY, opinion="agreed")
    assert says(agreed, guard) == ""


def test_past_speaks_of_the_one_of_its_number(unopened: Callable[[date], Walk]) -> None:
    later = date(2026, 4, 1)
    walk = unopened(later).take("received", MONDAY, channel="in_person").to("handling", MONDAY)
    walk = walk.take("third_party_consulted", date(2026, 3, 10), id="甲")
    walk = walk.take("third_party_consulted", date(2026, 3, 20), id="乙")
    step = walk.standing.workflow.steps["third_party_silent"]
    said = {"served_on": date(2026, 3, 10)}

    def refused(facts: Mapping[str, Any] | None) -> list[str]:
        return [r.text for r in refusals(Attempt(walk.standing, "third_party_silent", step, later, facts), later)]

    assert refused(None) == refused({**said, "id": "甲"}) == []
    assert refused({"served_on": date(2026, 3, 20), "id": "乙"}) == [
        "第三方提出意见的期限尚未届满（2026-04-13届满）",
        "自“征求意见书送达第三方之日”2026-03-20起算15个工作日，2026-04-13才届满",
    ]
    assert refused({**said, "id": "乙"})[1].startswith(
        "“征求意见书送达第三方之日”2026-03-10不得早于“征求第三方意见”之日"
    )
    assert refused(said)[0].startswith("没有处于“待第三方答复”的“征求第三方意见”")


def test_nobody_to_move_it_on_is_said_before_the_case_goes_there(at: Callable[..., Walk]) -> None:
    walk = at("reviewed")
    staffed = frozenset(walk.standing.workflow.roles) - {"signer"}
    step = walk.standing.workflow.steps["secrecy_reviewed"]

    def refused(known: frozenset[str] | None) -> list[str]:
        standing = replace(walk.standing, staffed=known)
        return [r.text for r in refusals(Attempt(standing, "secrecy_reviewed", step, MONDAY), MONDAY)]

    assert refused(None) == refused(frozenset(walk.standing.workflow.roles)) == []
    assert refused(staffed) == ["本机关没有人担任“签发人”，“答复稿待签发”的案件将无人可办；请先在 office.yaml 指定"]
