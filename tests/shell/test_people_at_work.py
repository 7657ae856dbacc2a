"""Two or three people share an office: what is offered to whom, whose approval is recorded, how they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, Calendar

from yishenqing.cli import printing
from yishenqing.core.errors import NotFound, Refused
from yishenqing.office import Office
from yishenqing.office.checking import check

CLERK = ("registrar", "handler", "dispatcher", "archivist")
HEAD = ("reviewer", "secrecy", "signer")


@pytest.fixture
def township(home: Path) -> Path:
    """Return the folder of an office of two, without a director and without lawyers."""
    settings = home / "office.yaml"
    text = settings.read_text("utf-8").split("\npeople:")[0].replace("workflow: disclosure", "workflow: township")
    people = (
        f"  jb: {{name: 李经办, roles: [{', '.join(CLERK)}]}}\n  fz: {{name: 王负责, roles: [{', '.join(HEAD)}]}}\n"
    )
    settings.write_text(f"{text}\npeople:\n{people}", "utf-8")
    return home


@contextmanager
def at_desk(home: Path, user: str, calendar: Calendar) -> Iterator[Office]:
    with Office.open(home, user=user, today=calendar) as office:
        yield office


def take(home: Path, user: str, calendar: Calendar, number: str, step: str, **facts: Any) -> Mapping[str, Any]:
    with at_desk(home, user, calendar) as office:
        return dict(office.act(number, step, facts))


def handled(home: Path, calendar: Calendar) -> str:
    with at_desk(home, "jb", calendar) as office:
        number: str = office.register(APPLICATION)["number"]
        office.act(number, "acknowledged", {})
    take(home, "fz", calendar, number, "accepted", handler="李经办")
    return number


def test_each_is_offered_what_would_not_be_refused(township: Path, calendar: Calendar, quick_letters: None) -> None:
    number = handled(township, calendar)
    for user in ("jb", "fz"):
        with at_desk(township, user, calendar) as office:
            found = dict(office.show(number))
            yours = found["yours"]
            for step in (p["step"] for p in found["permitted"] if not p.get("verb")):  # each asks for facts
                with pytest.raises(Refused) as refused:
                    office.act(number, step, {})
                assert ("没有这一岗位" in str(refused.value)) is (step not in yours["steps"])
            text = "\n".join(printing.case(found))
        assert set(yours["steps"]).isdisjoint(yours["by"])
        assert "由他人办理" in text
        assert "办理人：李经办" in text
    assert "drafted" not in yours["steps"]


def test_who_drafted_is_not_offered_to_sign(home: Path, calendar: Calendar, quick_letters: None) -> None:
    settings = home / "office.yaml"
    settings.write_text(settings.read_text("utf-8").replace("[separate_signer]", "[]"), "utf-8")
    with Office.open(home, today=calendar, user="经办人") as office:
        number = office.register(APPLICATION)["number"]
        for step, facts in (
            ("acknowledged", {}),
            ("accepted", {"handler": "略"}),
            ("search_recorded", {"systems": "档案;公文", "keywords": "征收", "result": "一份"}),
            ("drafted", {"outcome": "granted", "provided": "公告"}),
            ("reviewed", {"opinion": "同意"}),
            ("secrecy_reviewed", {"conclusion": "releasable"}),
        ):
            office.act(number, step, facts)
        found = office.show(number)
        assert "signed" in {p["step"] for p in found["permitted"]} - set(found["yours"]["steps"])


def test_an_extension_names_who_approved_it(township: Path, calendar: Calendar, quick_letters: None) -> None:
    number = handled(township, calendar)
    with pytest.raises(Refused, match="没有同意延长") as refused:
        take(township, "jb", calendar, number, "extended", days=10, reason="调档", approved_by="王负责")
    assert "条例第三十三条第二款" in refused.value.law
    take(township, "jb", calendar, number, "extension_asked", reason="调档")
    take(township, "fz", calendar, number, "extension_approved", days=10)
    with pytest.raises(Refused, match="以记录为准"):
        take(township, "jb", calendar, number, "extended", days=10, reason="调档", approved_by="刘某")
    found = take(township, "jb", calendar, number, "extended", days=10, reason="调档")
    assert found["entries"][-1]["facts"]["approved_by"] == "王负责"


def test_a_repeat_names_a_case_that_exists_and_was_answered(
    home: Path, calendar: Calendar, quick_letters: None
) -> None:
    said = {"outcome": "noproc_repeat", "same_checked": "逐字相同"}
    with Office.open(home, today=calendar, user="经办人") as office:
        numbers = [office.register(APPLICATION)["number"] for _ in range(2)]
        for number in numbers:
            office.act(number, "acknowledged", {})
            office.act(number, "accepted", {"handler": "略"})
        for wrong, error in ((numbers[1], Refused), ("2026-0099", NotFound), (numbers[0], Refused)):
            with pytest.raises(error):
                office.act(numbers[1], "drafted", {**said, "earlier_case": wrong})
        first = {"outcome": "noproc_publication", "publication_access": "《云溪县志》，县图书馆"}
        office.act(numbers[0], "drafted", first)
        office.act(numbers[0], "reviewed", {"opinion": "同意"})
        office.act(numbers[0], "secrecy_reviewed", {"conclusion": "nothing"})
        letter = office.act(numbers[0], "signed", {})["letters"][-1]["number"]
        found = office.act(numbers[1], "drafted", {**said, "earlier_case": numbers[0]})
        told = f"2026年3月2日，{letter}，登记编号{numbers[0]}"
        assert found["entries"][-1]["facts"]["earlier_reply"] == told
        assert [(x["number"], x["relation"]) for x in found["linked"]] == [(numbers[0], "names")]


def test_check_names_the_roles_that_nobody_holds(township: Path) -> None:
    assert check(township)["faults"] == []
    settings = township / "office.yaml"
    settings.write_text(settings.read_text("utf-8").replace("workflow: township", "workflow: disclosure"), "utf-8")
    lacking = "\n".join(f["text"] for f in check(township)["faults"])
    assert "没有人担任工作机构负责人（director）" in lacking
    assert "“同意延长答复期限”" in lacking
