"""A history read again: corrected facts, other rules, the office's own limits, and what becomes doubtful by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from wording import FLOW, RULES, walked

from yishenqing.core.corrections import effective
from yishenqing.core.corrections import objection as uncorrectable
from yishenqing.core.deadline import Counting, Fact
from yishenqing.core.decide import doubts
from yishenqing.core.errors import Refused
from yishenqing.core.ledger import Entry, append, canonical
from yishenqing.core.moving import breaks, moves, objection, opened_under, read_under
from yishenqing.core.standing import Standing, internal_limit
from yishenqing.core.workdays import Workdays
from yishenqing.rulebook import read_all

if TYPE_CHECKING:
    from tests.conftest import Walk

Unopened = Callable[[date], "Walk"]
TODAY = date(2026, 4, 10)
REGISTERED, HANDLED = "2026-03-02 收到申请并登记", "2026-03-04 办至 办理中"


@pytest.fixture
def road(unopened: Unopened) -> Callable[..., Standing]:
    return lambda *rows: walked(unopened(TODAY), [*rows]).standing


# --- corrections -------------------------------------------------------------------------------------------


def corrected(standing: Standing, of: int, field: str, value: str, on: date = TODAY) -> Standing:
    return standing.plus(Fact("corrected", on, {"of": of, "field": field, "value": value, "reason": "误记"}), "某人")


def test_a_correction_moves_the_dates_and_the_earlier_fact_is_read_as_corrected(
    road: Callable[..., Standing],
) -> None:
    case = road(REGISTERED, HANDLED)
    assert case.deadlines(TODAY)["reply"].due == date(2026, 3, 30)
    after = corrected(corrected(case, 1, "on", "2026-02-27"), 1, "applicant_kind", "commercial")
    assert after.deadlines(TODAY)["reply"].due == date(2026, 3, 26)  # 28 February is worked
    assert (after.facts[0].on, after.facts[0].facts["applicant_kind"]) == (date(2026, 2, 27), "commercial")
    assert case.facts[0].on == date(2026, 3, 2)  # the case before is a value of its own
    assert effective(FLOW, after.facts) == tuple(after.facts)  # once applied, it changes nothing more
    assert after.state == "handling"


CORRECTABLE = (
    "channel（申请渠道）、applicant_kind（申请人类型）、preferred_form（要求的提供形式）、delivery（获取信息的方式）、"
    "confirmed_on（与申请人确认之日）、addressed_to（邮件写给的其他科室或者个人）、item_count（申请事项数）、"
    "lead_count（线索数）、split_from（由哪一件分立）、on（办理日期）"
)


@pytest.mark.parametrize(
    ("of", "field", "value", "says"),
    [
        (1, "on", "2026-03-01", ""),
        (1, "applicant_kind", "commercial", ""),
        (0, "on", "2026-03-01", "案卷中没有第0条记录"),
        (9, "on", "2026-03-01", "案卷中没有第9条记录"),
        ("1", "on", "2026-03-01", "案卷中没有第1条记录"),
        (1, "on", "2026-02-30", "“2026-02-30”不是存在的日期，应写作 2026-03-02"),
        (2, "on", "2026-03-01", "更正后的日期2026-03-01早于第1条记录的日期2026-03-02"),
        (1, "on", "2026-03-05", "更正后的日期2026-03-05晚于第2条记录的日期2026-03-04"),
        (1, "colour", "红", f"第1条记录（收到申请并登记）没有“colour”这一事实；可以更正：{CORRECTABLE}"),
        (1, "applicant", "甲", "“申请人”不能以更正记录改写，请以补充办理的步骤记明"),
        (1, "applicant_kind", "robot", "申请人类型"),
    ],
)
def test_what_can_be_corrected_and_what_cannot(
    road: Callable[..., Standing], of: Any, field: str, value: str, says: str
) -> None:
    said = uncorrectable(FLOW, road(REGISTERED, HANDLED).facts, {"of": of, "field": field, "value": value})
    assert said == says if says != "申请人类型" else says in said


def test_a_correction_is_not_corrected(road: Callable[..., Standing]) -> None:
    case = corrected(road(REGISTERED, HANDLED), 1, "on", "2026-03-01")
    again = {"of": len(case.facts), "field": "value", "value": "x"}
    assert uncorrectable(FLOW, case.facts, again) == "更正记录本身有误的，请另作一次更正"


def test_an_act_becomes_doubtful_only_by_a_correction(road: Callable[..., Standing]) -> None:
    case = road(
        REGISTERED,
        HANDLED,
        "2026-03-20 申请延长答复期限",
        "2026-03-23 同意延长答复期限 同意延长的工作日数=10",
        "2026-03-30 延长答复期限 延长的工作日数=10",
    )
    assert doubts(case) == []
    ((place, reasons),) = doubts(corrected(case, 1, "on", "2026-02-27"))
    assert case.facts[place - 1].step == "extended"
    assert [(r.law, r.text) for r in reasons] == [
        ("条例第三十三条第二款", "2026-03-30已超过答复期限（2026-03-26届满）")
    ]
    assert doubts(corrected(case, 1, "applicant_kind", "commercial")) == []


# --- other rules -------------------------------------------------------------------------------------------


def entries(*payloads: Mapping[str, Any] | str) -> list[Entry]:
    found: list[Entry] = []
    for n, payload in enumerate(payloads, 1):
        found.append(
            append(
                found[-1] if found else None,
                agency="甲",
                number="1",
                rulebook="a",
                on=date(2026, 3, n),
                recorded_at=f"2026-03-0{n}T01:00:00.000000Z",
                actor="某人",
                step="moved",
                rehearsal=False,
                payload=payload if isinstance(payload, str) else canonical(payload),
            )
        )
    return found


FROM_A, FROM_B = {"from_rules": "a", "to_rules": "b"}, {"from_rules": "b", "to_rules": "c"}


def test_a_moved_case_is_read_by_the_rules_of_each_day() -> None:
    case = entries({"n": 1}, FROM_A, {"n": 2}, FROM_B)
    assert [(e.seq, before, after) for e, before, after in moves(case)] == [(2, "a", "b"), (4, "b", "c")]
    assert opened_under(case, "c") == "a"
    assert [read_under(case[:n], case, "c") for n in (1, 2, 3, 4)] == ["a", "b", "b", "c"]
    assert opened_under(case[:1], "z") == "z"  # never moved: the rules of today are those of the opening
    assert breaks(case, "c") == []


def test_moves_that_do_not_fit_together_are_named_by_their_entries() -> None:
    case = entries({"n": 1}, FROM_A, {"from_rules": "x", "to_rules": "c"})
    assert breaks(case, "c") == [(3, "转用流程的记录与此前所依据的规则不相衔接")]
    assert breaks(entries({"n": 1}, FROM_A), "z") == [(2, "案件现在所依据的规则与转用流程的记录不符")]


@pytest.mark.parametrize("payload", ['{"to_rules": ', '{"to_rules":"b"}', '["to_rules"]'])
def test_an_entry_that_cannot_be_read_is_no_move(payload: str) -> None:
    assert moves(entries({"n": 1}, payload)) == []


@pytest.fixture(scope="module")
def unheard() -> Standing:
    """A case of the city's procedure, where a reply needs a lawyer's review, before its first step."""
    known, faults = read_all()
    assert not faults
    rules = known["city_legal"]
    return Standing(rules.workflow, rules.law, Workdays({}, TODAY))


def against(empty: Standing, case: Standing, facts: Sequence[Fact] | None = None) -> Any:
    empty = replace(empty, workdays=case.workdays)
    return objection(empty, case.facts if facts is None else facts, case.actors, TODAY)


def test_a_history_moves_where_every_entry_would_have_been_possible(
    road: Callable[..., Standing], unheard: Standing
) -> None:
    assert against(unheard, road(REGISTERED, "2026-03-10 办至 答复稿待保密审查")) is None
    case = road(REGISTERED, "2026-03-10 办至 已签发待发出")
    place, reasons = against(unheard, case)
    assert case.facts[place - 1].step == "signed"
    assert "答复稿待合法性审查" in reasons[0].text


def test_what_the_other_rules_do_not_know_is_named_and_the_programs_own_notes_are_no_facts(
    road: Callable[..., Standing], unheard: Standing
) -> None:
    case = road(REGISTERED, HANDLED)
    first, *rest = case.facts
    place, (reason,) = against(unheard, case, [first._replace(step="imported"), *rest])
    assert (place, reason.text) == (1, "没有“imported”这一步骤")
    place, (reason,) = against(
        unheard, case, [first._replace(facts={**first.facts, "shoe": 1, "letter": "x"}), *rest]
    )
    assert (place, reason.text) == (1, "“收到申请并登记”没有事实“shoe”")
    noted = {**first.facts, "letter": "x", "switched_off": ["separate_signer"]}
    assert against(unheard, case, [first._replace(facts=noted), *rest]) is None


# --- the office's own limits -------------------------------------------------------------------------------


def limited(case: Standing, **limits: int) -> Standing:
    return replace(case, stage_limits=limits)


def test_the_offices_own_limit_runs_from_the_day_the_case_entered_the_stage(road: Callable[..., Standing]) -> None:
    case = limited(road(REGISTERED, HANDLED, "2026-03-06 记录检索情况", "2026-03-09 移交承办"), handling=5)
    found = case.deadlines(date(2026, 3, 11))["internal"]
    assert (found.started_on, found.due, found.state) == (date(2026, 3, 4), date(2026, 3, 11), "running")
    assert found.reasons[0].text == "2026-03-04进入办理阶段，本机关自定5个工作日"
    late = internal_limit(case, date(2026, 3, 12))
    assert late is not None
    assert late.state == "missed"
    assert case.moved_by("drafted")
    assert not limited(case).moved_by("handed_over")


def test_a_stage_entered_again_begins_anew_and_one_without_a_limit_is_over(road: Callable[..., Standing]) -> None:
    again = road(REGISTERED, "2026-03-06 办至 答复稿待审核", "2026-03-10 退回重新办理")
    found = internal_limit(limited(again, handling=5), TODAY)
    assert found is not None
    assert found.started_on == date(2026, 3, 10)  # the draft had left the stage
    over = internal_limit(limited(again, review=3), TODAY)
    assert over is not None
    assert (over.state, over.met_on) == ("met", over.started_on)
    assert internal_limit(limited(again), TODAY) is None
    assert internal_limit(limited(Standing(FLOW, RULES.law, again.workdays), handling=5), TODAY) is None


def test_what_a_case_says_of_itself(road: Callable[..., Standing]) -> None:
    case = replace(road(REGISTERED, HANDLED), names={"li": "李某"}, figures={"search_sources": 7})
    assert (case.called("li"), case.called("wang")) == ("李某", "wang")
    assert (case.figure("search_sources"), replace(case, figures={}).figure("search_sources")) == (
        7,
        FLOW.figures["search_sources"].value,
    )


def test_a_case_is_not_sent_to_where_nobody_is(road: Callable[..., Standing], unopened: Unopened) -> None:
    empty = unopened(TODAY)
    short = replace(empty, standing=replace(empty.standing, staffed=frozenset(FLOW.roles.keys() - {"handler"})))
    case = walked(short, [REGISTERED, "2026-03-04 办至 待审核"])
    with pytest.raises(Refused, match="本机关没有人担任“承办人”，“办理中”的案件将无人可办"):
        case.take("accepted", date(2026, 3, 5))


# --- a count that a person can follow ----------------------------------------------------------------------


def test_the_days_counted_are_exactly_as_many_as_the_term(road: Callable[..., Standing]) -> None:
    days = road().workdays
    waited = (date(2026, 3, 6), date(2026, 3, 12))
    counting = Counting(date(2026, 3, 2), 20, (waited,))
    due = counting.last_day(days).day
    assert due == date(2026, 4, 3)  # four working days later than without the wait
    kinds = dict(counting.days(due, days))
    assert [*kinds.values()].count("counted") == 20
    assert [d.day for d, kind in kinds.items() if kind == "excluded"] == [9, 10, 11, 12]
    assert (kinds[date(2026, 3, 2)], kinds[date(2026, 3, 7)]) == ("start", "rest")
    assert Counting.of_json(counting.as_json()) == counting
