"""What a case counts as in the annual report, written as the lawyers' tables are: the road, and what it counts as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from wording import walked

from yishenqing.core.counted import Counted, Dispute, counted, disputes, touches
from yishenqing.core.deadline import Fact
from yishenqing.core.standing import Standing
from yishenqing.rulebook import Rulebook, read_all

if TYPE_CHECKING:
    from tests.conftest import Walk

Unopened = Callable[[date], "Walk"]
TODAY = date(2026, 11, 20)
RECEIVED = date(2026, 3, 2)
OPEN = Counted(RECEIVED, "natural", None, None, extended=False, supplements=0, fee=0)
REGISTERED, HANDLED = "2026-03-02 收到申请并登记", "2026-03-03 办至 办理中"
FEE = "告知收取信息处理费 收费数额（元）=400 本件计收的件数或者页数=14 申请人收到收费通知之日=2026-03-10"

ROADS: Mapping[str, tuple[list[str], Counted]] = {
    "办理中的，尚无结果": ([REGISTERED, HANDLED], OPEN),
    "拟稿时写明的结果，发出以前不算": ([REGISTERED, "2026-03-10 办至 已签发待发出"], OPEN),
    "以发出答复之日为办结": (
        [REGISTERED, "2026-03-10 办至 已发出待送达"],
        OPEN._replace(outcome="granted", decided_on=date(2026, 3, 10)),
    ),
    "交邮之日在前的，以交邮之日为办结": (
        [REGISTERED, "2026-03-10 办至 已签发待发出", "2026-03-12 发出答复 交邮之日=2026-03-11"],
        OPEN._replace(outcome="granted", decided_on=date(2026, 3, 11)),
    ),
    "撤回申请的，以撤回之日办结": (
        [REGISTERED, HANDLED, "2026-03-09 申请人撤回申请"],
        OPEN._replace(outcome="other_other", decided_on=date(2026, 3, 9)),
    ),
    "申请人是企业的": (
        [f"{REGISTERED} 申请人类型=commercial", HANDLED],
        OPEN._replace(applicant_kind="commercial"),
    ),
    "延长一次": (
        [
            *[REGISTERED, HANDLED, "2026-03-20 申请延长答复期限"],
            *["2026-03-23 同意延长答复期限 同意延长的工作日数=10", "2026-03-23 延长答复期限 延长的工作日数=10"],
        ],
        OPEN._replace(extended=True),
    ),
    "申请延长而没有同意的，不算延长": (
        [REGISTERED, HANDLED, "2026-03-20 申请延长答复期限", "2026-03-23 不同意延长答复期限"],
        OPEN,
    ),
    "补正一次": (
        [
            *[REGISTERED, "2026-03-03 办至 待审核", "2026-03-11 告知补正 补正的最后一日=2026-03-25"],
            "2026-03-20 收到补正材料",
        ],
        OPEN._replace(supplements=1),
    ),
    "告知收费、没有缴纳的，没有收入": ([REGISTERED, HANDLED, f"2026-03-10 {FEE}"], OPEN),
    "缴纳以后计入收入": (
        [REGISTERED, HANDLED, f"2026-03-10 {FEE}", "2026-03-25 申请人缴费"],
        OPEN._replace(fee=400),
    ),
    "传真的，确认以前不算收到": ([f"{REGISTERED} 申请渠道=传真"], OPEN._replace(received_on=None)),
    "传真的，以确认之日为收到": (
        [f"{REGISTERED} 申请渠道=传真", "2026-03-05 与申请人确认收到申请"],
        OPEN._replace(received_on=date(2026, 3, 5)),
    ),
    "被责令重新答复的，仍按第一次的结果和日期": (
        [
            *[REGISTERED, "2026-03-10 办至 已归档"],
            "2026-06-10 被责令重新答复 决定书、判决书的日期=2026-06-08 责令重新答复的最后一日=2026-07-01",
        ],
        OPEN._replace(outcome="granted", decided_on=date(2026, 3, 10)),
    ),
}


@pytest.mark.parametrize("road", ROADS)
def test_an_application_counts_once_by_the_decision_that_first_ended_it(road: str, unopened: Unopened) -> None:
    rows, wanted = ROADS[road]
    assert counted(walked(unopened(TODAY), rows).standing) == wanted


def test_a_case_before_its_first_step_counts_as_nothing(unopened: Unopened) -> None:
    assert counted(unopened(TODAY).standing) is None


@pytest.fixture(scope="session")
def procedures() -> Mapping[str, Rulebook]:
    known, faults = read_all()
    assert not faults
    return known


def of(rules: Rulebook, unopened: Unopened, *done: tuple[str, str, Mapping[str, Any]]) -> Standing:
    """Return a case of another procedure with these steps: day, name, facts as the ledger has them."""
    empty = Standing(rules.workflow, rules.law, unopened(TODAY).standing.workdays)
    for day, step, facts in done:
        assert step in rules.workflow.steps
        empty = empty.plus(Fact(step, date.fromisoformat(day), facts), "某人")
    return empty


def test_a_request_to_correct_stands_in_no_table(procedures: Mapping[str, Rulebook], unopened: Unopened) -> None:
    case = of(procedures["correction"], unopened, ("2026-03-02", "received", {"channel": "in_person"}))
    assert counted(case) == Counted(None, "", None, None, extended=False, supplements=0, fee=0)


RECONSIDERED = ("2026-04-10", "notified", {"received_on": "2026-04-10"})
SUED = ("2026-06-01", "sued", {"path": "litigation_after_reconsideration"})
CHANGED = {"result": "corrected"}


@pytest.mark.parametrize(
    ("procedure", "done", "wanted"),
    [
        ("reconsideration", [], []),
        ("reconsideration", [RECONSIDERED], [("reconsideration", "2026-04-10", None, None)]),
        (
            "reconsideration",
            [RECONSIDERED, ("2026-05-20", "decided", CHANGED), ("2026-05-21", "archived", {"retention": "Y"})],
            [("reconsideration", "2026-04-10", "2026-05-20", "corrected")],
        ),
        ("litigation", [SUED], [("litigation_after_reconsideration", "2026-06-01", None, None)]),
        (
            "litigation",
            [SUED, ("2026-09-01", "concluded", {"result": "maintained"})],
            [("litigation_after_reconsideration", "2026-06-01", "2026-09-01", "maintained")],
        ),
    ],
)
def test_a_linked_case_is_a_dispute_and_no_application(
    procedures: Mapping[str, Rulebook], unopened: Unopened, procedure: str, done: list[Any], wanted: list[Any]
) -> None:
    case = of(procedures[procedure], unopened, *done)
    assert counted(case) is None
    found = [
        (d.kind, d.filed_on.isoformat(), d.decided_on and d.decided_on.isoformat(), d.result) for d in disputes(case)
    ]
    assert found == wanted
    assert all(d.key == "" for d in disputes(case))  # its own ledger tells of no other


def test_what_an_older_ledger_tells_of_disputes_is_told_apart_by_number(
    procedures: Mapping[str, Rulebook], unopened: Unopened
) -> None:
    case = of(
        procedures["takeover"],
        unopened,
        ("2026-01-05", "imported", {"applicant_kind": "natural"}),
        ("2026-01-20", "earlier_reply", {"outcome": "granted"}),
        ("2026-03-01", "remedy_noted", {"kind": "reconsideration", "id": "甲"}),
        ("2026-04-01", "remedy_noted", {"kind": "litigation_direct", "id": "乙"}),
        ("2026-05-01", "remedy_ended", {"id": "甲", "result": "other"}),
        ("2026-05-02", "remedy_ended", {"id": "丙", "result": "corrected"}),  # none was noted under this number
    )
    assert disputes(case) == [
        Dispute("甲", "reconsideration", date(2026, 3, 1), date(2026, 5, 1), "other"),
        Dispute("乙", "litigation_direct", date(2026, 4, 1), None, None),
    ]
    assert counted(case) == Counted(date(2026, 1, 5), "natural", "granted", date(2026, 1, 20), False, 0, 0)  # noqa: FBT003 - a row as it is stored


DELIVERED = [REGISTERED, "2026-03-10 办至 已送达待归档"]


def decided(walk: Walk, **facts: str) -> Standing:
    return walk.standing.plus(Fact("reconsideration_decided", date(2026, 6, 1), facts), "某人")


def test_a_decision_recorded_without_a_linked_case_counts_and_with_one_does_not(unopened: Unopened) -> None:
    walk = walked(unopened(TODAY), DELIVERED)
    assert disputes(walk.standing) == []
    assert disputes(decided(walk)) == []  # what came out of it is not said
    (told,) = disputes(decided(walk, result="maintained"))
    assert told == Dispute(told.key, "reconsideration", date(2026, 6, 1), date(2026, 6, 1), "maintained")
    assert told.key == f"direct:{len(walk.standing.facts) + 1}"
    linked = Fact("linked_opened", date(2026, 4, 1), {"kind": "reconsideration", "number": "2026-0001-复1"})
    beside = replace(walk, standing=walk.standing.plus(linked, "某人"))
    assert disputes(decided(beside, result="maintained")) == []
    sued = linked._replace(facts={"kind": "litigation_direct", "number": "2026-0001-诉1"})
    beside = replace(walk, standing=walk.standing.plus(sued, "某人"))
    assert len(disputes(decided(beside, result="maintained"))) == 1


def test_only_steps_that_say_something_to_the_report_are_counted_anew(procedures: Mapping[str, Rulebook]) -> None:
    flow = procedures["disclosure"].workflow
    silent = {
        "handed_over",
        "urged",
        "acknowledged",
        "signed",
        "delivered",
        "accepted",
        "reviewed",
        "archived",
        "resent",
    }
    telling = {"received", "replied", "drafted", "withdrawn", "extended", "supplement_requested", "fee_paid"}
    telling |= {"fee_notified", "corrected", "moved", "linked_opened", "reconsideration_decided", "receipt_confirmed"}
    assert {s for s in flow.steps if touches(flow, s)} >= telling
    assert not any(touches(flow, s) for s in silent)
    assert touches(procedures["takeover"].workflow, "remedy_noted")
    assert touches(procedures["reconsideration"].workflow, "decided")
