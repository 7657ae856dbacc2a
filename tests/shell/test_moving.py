"""A case moved to other rules: recorded, whole, refused where its history was not possible under them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offices import ROAD, Calendar, rows, tamper, walked

from yishenqing.archive import verify as verify_package
from yishenqing.core.errors import NotFound, Refused
from yishenqing.core.ledger import chain_faults
from yishenqing.core.moving import breaks, opened_under
from yishenqing.office import Office

Make = Callable[[str], str]
STEPS = [step for _, step, _ in ROAD]
BEFORE_REVIEW = STEPS[: STEPS.index("reviewed") + 1]


def test_the_entry_keeps_both_digests_reason_and_person(office: Office, in_state: Make, home: Path) -> None:
    number = in_state("accepted")
    (old,) = rows(home, "SELECT rulebook FROM cases")[0]
    found = office.move(number, "统一合法性审查", "city_legal")
    entry = found["entries"][-1]
    assert (entry["step"], entry["facts"]["reason"]) == ("moved", "统一合法性审查")
    assert entry["facts"]["from_rules"] == old
    assert rows(home, "SELECT rulebook FROM cases")[0] == (entry["facts"]["to_rules"],)
    assert found["workflow"]["id"] == "city_legal"
    assert office.verify(number) == []
    (reply,) = [d for d in found["deadlines"] if d["clock"] == "reply"]
    assert reply["due"] == "2026-03-30"


def test_the_new_rules_hold_from_then_on(office: Office, in_state: Make, calendar: Calendar) -> None:
    number = in_state("drafted")
    office.move(number, "统一合法性审查", "city_legal")
    walked(office, calendar, number, "secrecy_reviewed")
    assert office.show(number)["state"] == "legal_review"
    with pytest.raises(Refused, match="答复稿待合法性审查"):
        office.act(number, "signed", {})
    office.act(number, "legal_reviewed", {"opinion": "可以签发"})
    assert walked(office, calendar, number)["state"] == "archived"


@pytest.mark.parametrize("until", ["signed", "delivered", "archived"])
def test_a_history_that_was_not_possible_is_named(office: Office, in_state: Make, until: str) -> None:
    number = in_state(until)
    before = office.show(number)["entries"]
    with pytest.raises(Refused, match=r"第8条记录（2026-03-23签发答复）.*答复稿待合法性审查"):
        office.move(number, "试", "city_legal")
    assert office.show(number)["entries"] == before


def test_who_drafted_and_signed_cannot_become_a_township(office: Office, in_state: Make) -> None:
    """The shipped settings allow it to be switched off; the township's procedure does not."""
    with pytest.raises(Refused, match=r"第8条记录.*须由他人办理"):
        office.move(in_state("signed"), "试", "township")


def test_what_is_refused(office: Office, in_state: Make) -> None:
    number = in_state("accepted")
    with pytest.raises(Refused, match="已经按"):
        office.move(number, "试")
    with pytest.raises(Refused, match=r"第1条记录.*没有“received”这一步骤"):
        office.move(number, "试", "litigation")
    with pytest.raises(NotFound, match="nosuch"):
        office.move(number, "试", "nosuch")


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    until=st.sampled_from(["", *BEFORE_REVIEW]),
    targets=st.lists(st.sampled_from(["city_legal", "township", "disclosure"]), min_size=1, max_size=4),
)
def test_however_often_it_is_moved_the_chain_verifies(
    office: Office, in_state: Make, calendar: Calendar, until: str, targets: list[str]
) -> None:
    calendar.day = date(2026, 3, 2)
    number = in_state(until)
    road = [target for target, _ in itertools.groupby(["disclosure", *targets])][1:]
    for target in road:
        office.move(number, "试", target)
        with office._transactions.reading() as connection:
            case = office._load(connection, number)
        first = opened_under(case.entries, case.row.rulebook)
        assert chain_faults(case.entries, case.row.agency, number, first) == []
        assert breaks(case.entries, case.row.rulebook) == []
        assert office.verify(number) == []


def test_a_moved_case_is_known_as_it_was(office: Office, in_state: Make, home: Path, calendar: Calendar) -> None:
    number = in_state("accepted")
    office.move(number, "试", "city_legal")
    # The recording times of a test are all of today: what was known is asked of the reader below the verb.
    from msgspec.structs import replace  # noqa: PLC0415

    from yishenqing.office import casework  # noqa: PLC0415

    with office._transactions.reading() as connection:
        now = office._load(connection, number)
        practice = replace(office._practice, known_until=now.entries[-1].recorded_at)
        then = casework.load(connection, practice, number)
    assert (then.workflow.id, now.workflow.id) == ("disclosure", "city_legal")
    assert len(then.entries) == len(now.entries) - 1


def test_the_package_of_a_moved_case_holds_both_rulebooks(
    office: Office, in_state: Make, calendar: Calendar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yishenqing.office.filing._pages", lambda _: 1)  # quick letters have no pages
    number = in_state("accepted")
    office.move(number, "试", "township")
    office.move(number, "又试", "disclosure")
    walked(office, calendar, number)
    office.archive(number, tmp_path / "package")
    data = tmp_path / "package" / "data"
    assert verify_package(tmp_path / "package") == []
    assert {p.name for p in data.glob("rulebook*")} == {"rulebook.json", "rulebook-2.json", "rulebook-3.json"}
    text = (data / "rulebook-2.json").read_text()
    (data / "rulebook-2.json").write_text(text.replace("乡镇", "街道"))
    assert any("第4条记录" in f.text for f in verify_package(tmp_path / "package"))
    (data / "rulebook-2.json").unlink()
    assert any("缺少第4条记录所转用的规则" in f.text for f in verify_package(tmp_path / "package"))


def test_rules_changed_behind_the_ledger_are_found(office: Office, in_state: Make, home: Path) -> None:
    number, other = in_state("accepted"), in_state("accepted")
    office.move(number, "试", "city_legal")
    office.move(other, "试", "township")
    known = dict(rows(home, "SELECT number, rulebook FROM cases"))
    tamper(home, f"UPDATE cases SET rulebook = '{known[other]}' WHERE number = '{number}'")  # noqa: S608
    assert any("转用流程的记录不符" in f.text for f in office.verify(number))
    assert office.verify(other) == []
