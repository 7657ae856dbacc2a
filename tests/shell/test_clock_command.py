"""``ysq clock FILE``: facts in, deadlines with reasons out; what the law refuses, and what no notice covers yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from clocking import (
    DONE,
    MALFORMED,
    NO_CALENDAR,
    RECEIVED,
    REFUSED,
    Answer,
    Ask,
    asking,
    clocks,
    fact,
    history,
    stand_alone,
)
from offices import ysq

from yishenqing.cli import run
from yishenqing.rulebook import Rulebook


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rules: Rulebook) -> None:
    stand_alone(monkeypatch, tmp_path, rules)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "经过 一.json"


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str], file: Path) -> Ask:
    return asking(capsys, file)


# The worked examples of the specification, the public case of 2022, the example of the contract.
EXAMPLES = {
    "the period": ("2026-03-02", [RECEIVED], "2026-03-30"),
    "with an opinion": (
        "2026-03-24",
        [RECEIVED, "2026-03-10 third_party_consulted", "2026-03-24 third_party_answered"],
        "2026-04-14",
    ),
    "with an opinion, extended": (
        "2026-03-27",
        [
            RECEIVED,
            "2026-03-10 third_party_consulted",
            "2026-03-24 third_party_answered",
            "2026-03-27 extended days=20",
        ],
        "2026-05-14",
    ),
    "extended alone": ("2026-03-27", [RECEIVED, "2026-03-27 extended days=20"], "2026-04-28"),
    "with a fee": (
        "2026-03-25",
        [RECEIVED, "2026-03-10 fee_notified received_on=2026-03-10", "2026-03-25 fee_paid"],
        "2026-04-23",
    ),
    "worked weekend days": ("2022-10-10", ["2022-09-30 received channel=in_person"], "2022-11-02"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_worked_examples(asked: Ask, name: str) -> None:
    today, facts, due = EXAMPLES[name]
    code, answer = asked(history(today, *facts))
    (reply,) = (d for d in answer["deadlines"] if d["clock"] == "reply")
    assert (code, answer["refused"]) == (DONE, [])
    assert (reply["due"], reply["state"], reply["provisional"], reply["owed_by"]) == (due, "running", False, "organ")
    assert all(r["law"] for r in reply["reasons"][:-1])
    assert "放假调休安排" in reply["reasons"][-1]["text"]


def test_the_fee_is_to_be_paid_within_twenty_days_of_its_notice(asked: Ask) -> None:
    facts = [RECEIVED, "2026-03-10 fee_notified received_on=2026-03-10"]
    _, before = asked(history("2026-03-20", *facts))
    assert clocks(before)["fee_payment"] == "2026-04-08 running"
    (reply,) = (d for d in before["deadlines"] if d["clock"] == "reply")
    assert (reply["state"], reply["provisional"]) == ("stopped", True)
    _, after = asked(history("2026-03-25", *facts, "2026-03-25 fee_paid"))
    assert clocks(after)["fee_payment"] == "2026-04-08 met"


def test_the_example_of_the_contract(asked: Ask) -> None:
    given = {
        "today": "2026-03-30",
        "facts": [
            {"on": "2026-03-02", "fact": "received", "channel": "registered_mail"},
            {"on": "2026-03-10", "fact": "third_party_consulted", "received_on": "2026-03-12"},
            {"on": "2026-03-24", "fact": "third_party_answered"},
            {"on": "2026-03-27", "fact": "extended", "days": 20},
        ],
    }
    code, answer = asked(given)
    (reply,) = (d for d in answer["deadlines"] if d["clock"] == "reply")
    assert (code, answer["refused"], list(answer)) == (DONE, [], ["deadlines", "refused"])
    assert (
        reply.items()
        >= {
            "title": "答复期限",
            "due": "2026-05-14",
            "state": "running",
            "provisional": False,
            "owed_by": "organ",
        }.items()
    )
    assert {"text": "自次日起算20个工作日", "law": "条例第三十三条第二款"} in reply["reasons"]
    assert any(a["due"] == "2026-05-12" and "自对方收到" in a["why"] for a in reply["alternatives"])


A, B = "third_party_consulted id=甲", "third_party_consulted id=乙"
TOLD_A, TOLD_B = "third_party_answered id=甲", "third_party_answered id=乙"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # Ten days from the first question to the last answer, the overlap once.
        (
            [f"2026-03-10 {A}", f"2026-03-12 {B}", f"2026-03-20 {TOLD_A}", f"2026-03-24 {TOLD_B}"],
            {"reply": "2026-04-14", "third_party_opinion甲": "2026-03-31", "third_party_opinion乙": "2026-04-02"},
        ),
        # One within the other: the inner adds nothing.
        (
            [f"2026-03-10 {A}", f"2026-03-12 {B}", f"2026-03-13 {TOLD_B}", f"2026-03-24 {TOLD_A}"],
            {"reply": "2026-04-14"},
        ),
        # Silence: fifteen days are left out and no more, although nobody ever answers.
        (["2026-03-10 third_party_consulted"], {"reply": "2026-04-21", "third_party_opinion": "2026-03-31"}),
        # The fifteen days run from the letter's arrival there.
        (
            ["2026-03-10 third_party_consulted received_on=2026-03-12"],
            {"reply": "2026-04-23", "third_party_opinion": "2026-04-02"},
        ),
        # An answer after the fifteen days leaves out no more than they did.
        (["2026-03-10 third_party_consulted", "2026-04-10 third_party_answered"], {"reply": "2026-04-21"}),
        # A co-maker's time is the law's, another organ's the office's own.
        (["2026-03-10 organ_consulted co_maker=是"], {"reply": "2026-04-21", "organ_opinion": "2026-03-31"}),
        (["2026-03-10 organ_consulted until=2026-03-20"], {"reply": "2026-04-10", "organ_opinion": "2026-03-20"}),
        (
            [
                "2026-03-10 organ_consulted co_maker=是",
                "2026-03-12 third_party_consulted",
                "2026-03-16 organ_answered",
                "2026-03-18 third_party_answered",
            ],
            {"reply": "2026-04-08"},
        ),
    ],
)
def test_opinions_of_others(asked: Ask, facts: list[str], expected: dict[str, str]) -> None:
    code, answer = asked(history("2026-04-20", RECEIVED, *facts))
    assert (code, answer["refused"]) == (DONE, [])
    found = {clock: text[:10] for clock, text in clocks(answer).items()}
    assert found.items() >= expected.items()


def test_while_an_opinion_is_awaited_the_date_is_the_earliest(asked: Ask) -> None:
    waiting = [RECEIVED, "2026-03-10 third_party_consulted"]
    seen = [clocks(asked(history(day, *waiting))[1])["reply"] for day in ("2026-03-11", "2026-03-12", "2026-04-01")]
    assert seen == ["2026-03-31 stopped", "2026-04-01 stopped", "2026-04-21 running"]


def remedies(outcome: str) -> list[str]:
    return [RECEIVED, f"2026-03-25 replied posted_on=2026-03-25 outcome={outcome}", "2026-03-27 delivered"]


def test_after_a_refusal_there_is_no_direct_way_to_court(asked: Ask) -> None:
    for outcome in ("denied_state_secret", "denied_third_party", "denied_internal", "denied_enforcement_file"):
        code, answer = asked(history("2026-03-30", *remedies(outcome)))
        assert (code, clocks(answer)["reconsideration"]) == (DONE, "2026-05-26 running")
        assert "litigation" not in clocks(answer)
    decided = "2026-06-10 reconsideration_decided received_on=2026-06-12"
    _, answer = asked(history("2026-06-20", *remedies("denied_internal"), decided))
    assert clocks(answer)["litigation"] == "2026-06-29 running"  # the 27th is a Saturday
    assert clocks(answer)["reconsideration"] == "2026-05-26 met"


def test_after_any_other_outcome_the_applicant_may_choose(asked: Ask) -> None:
    for outcome in ("granted", "unable_not_held", "denied_admin_query", "noproc_repeat"):
        _, answer = asked(history("2026-03-30", *remedies(outcome)))
        assert (
            clocks(answer).items()
            >= {
                "reply": "2026-03-30 met",
                "reconsideration": "2026-05-26 running",
                "litigation": "2026-09-28 running",  # the 27th is a holiday
            }.items()
        )


OUT_OF_ORDER = ["2026-03-16 third_party_consulted", "2026-03-12 third_party_answered"]
ASKED_TWICE = ["2026-03-10 third_party_consulted", "2026-03-12 third_party_consulted"]
ANSWERED_TWICE = ["2026-03-10 third_party_consulted", *["2026-03-12 third_party_answered"] * 2]
TWO_SUPPLEMENTS = [
    "2026-03-04 supplement_requested until=2026-03-20",
    "2026-03-10 supplement_received",
    "2026-03-12 supplement_requested until=2026-03-25",
]


@pytest.mark.parametrize(
    ("facts", "text", "law"),
    [
        (["2026-03-10 third_party_answered"], "没有处于“待第三方答复”的“征求第三方意见”", "条例第三十二条"),
        (["2026-03-31 extended days=5"], "2026-03-31已超过答复期限（2026-03-30届满）", "条例第三十三条第二款"),
        (
            ["2026-03-30 extended days=5 posted_on=2026-03-31"],
            "2026-03-31已超过答复期限（2026-03-30届满）",
            "条例第三十三条第二款",
        ),
        (["2026-03-20 extended days=21"], "最多20，现为21", "条例第三十三条第二款"),
        (["2026-03-20 extended days=0"], "须为正整数", "条例第三十三条第二款"),
        (["2026-03-20 extended"], "须为正整数", "条例第三十三条第二款"),
        (["2026-03-20 extended days=5"] * 2, "只能办理一次", "条例第三十三条第二款"),
        (TWO_SUPPLEMENTS, "只能办理一次，2026-03-04已经办理", "条例第三十条"),
        (OUT_OF_ORDER, "2026-03-12早于前一事实的日期2026-03-16", "条例第三十二条"),
        (ASKED_TWICE, "尚未结束；另行办理时请用不同的 id", "条例第三十二条"),
        (ANSWERED_TWICE, "没有处于“待第三方答复”的“征求第三方意见”", "条例第三十二条"),
        ([f"2026-03-10 {A}", "2026-03-12 third_party_answered"], "请用 id 指明", "条例第三十二条"),
        (["2026-03-10 organ_answered"], "没有处于“待其他机关答复”的“征求其他机关意见”", "条例第三十四条"),
        (["2026-03-12 fee_paid"], "没有处于“待申请人缴费”的“收取信息处理费”", "信息处理费办法第六条"),
        (["2026-03-31 fee_notified"], "2026-03-31已超过答复期限", "信息处理费办法第六条"),
        (["2026-03-20 delayed until=2026-04-20"], "须先办理“收到申请人说明的理由”", "条例第三十五条"),
        (["2026-04-20 reconsideration_decided"], "须先办理“送达”", "行政复议法第二十条"),
        ([RECEIVED], "已于2026-03-02收到申请", "条例第二十九条"),
    ],
)
def test_what_the_law_does_not_allow_is_refused_and_leaves_no_trace(
    asked: Ask, facts: list[str], text: str, law: str
) -> None:
    code, answer = asked(history("2026-04-20", RECEIVED, *facts))
    (refused,) = answer["refused"]
    last = fact(facts[-1])
    assert (code, refused["on"], refused["fact"]) == (REFUSED, last["on"], last["fact"])
    assert law in refused["law"]
    assert any(text in r["text"] and r["law"] == law for r in refused["reasons"])
    allowed_code, allowed = asked(history("2026-04-20", RECEIVED, *facts[:-1]))
    assert (allowed_code, allowed["deadlines"]) == (DONE, answer["deadlines"])


def test_a_fact_of_tomorrow_is_refused(asked: Ask) -> None:
    code, answer = asked(history("2026-03-10", RECEIVED, "2026-03-11 third_party_consulted"))
    assert (code, clocks(answer)["reply"]) == (REFUSED, "2026-03-30 running")
    assert [r["text"] for r in answer["refused"][0]["reasons"]] == ["2026-03-11晚于今天（2026-03-10）"]


def test_a_long_history_is_read_in_time(asked: Ask) -> None:
    many = ["2026-03-10 search_recorded systems=档案 keywords=征收 result=无"] * 5000
    code, answer = asked(history("2026-03-20", RECEIVED, *many))
    assert (code, clocks(answer)["reply"]) == (DONE, "2026-03-30 running")


@pytest.mark.parametrize(
    "facts",
    [
        ["2026-03-02 received channel=fax confirmed_on=2026-08-05"],
        [RECEIVED, "2026-03-25 replied posted_on=2026-08-05"],
        [RECEIVED, "2026-03-25 third_party_consulted received_on=2026-08-05"],
    ],
)
def test_what_is_said_to_have_happened_cannot_lie_ahead(asked: Ask, facts: list[str]) -> None:
    code, answer = asked(history("2026-03-26", *facts))
    assert (code, answer["refused"][0]["fact"]) == (REFUSED, fact(facts[-1])["fact"])
    assert "2026-08-05晚于今天（2026-03-26）" in answer["refused"][0]["reasons"][0]["text"]


def test_an_unannounced_year_is_provisional_and_no_error(asked: Ask) -> None:
    code, answer = asked(history("2026-12-10", "2026-12-10 received channel=in_person"))
    reply, notice = answer["deadlines"]
    assert (code, reply["due"], reply["provisional"], reply["state"]) == (DONE, "2027-01-07", True, "running")
    assert "2027年放假安排尚未公布" in reply["reasons"][-1]["text"]
    assert (notice["clock"], notice["provisional"]) == ("supplement_notice", False)


@pytest.mark.parametrize(
    ("received", "due", "provisional"), [("2026-11-26", "2026-12-24", False), ("2026-11-27", "2026-12-25", True)]
)
def test_the_last_days_of_december_wait_for_the_next_notice(
    asked: Ask, received: str, due: str, *, provisional: bool
) -> None:
    _, answer = asked(history("2026-11-28", f"{received} received channel=in_person"))
    assert (answer["deadlines"][0]["due"], answer["deadlines"][0]["provisional"]) == (due, provisional)


def test_a_past_year_without_its_notice_is_an_error(asked: Ask) -> None:
    """2027 once it has come: what was provisional may not be taken for granted any more."""
    code, answer = asked(history("2027-01-04", "2026-12-10 received channel=in_person"))
    assert (code, answer["error"]["code"]) == (NO_CALENDAR, "calendar_gap")
    assert "缺少2027年的工作日安排" in answer["error"]["text"]


class TestManyHistories:
    LINES: Sequence[Mapping[str, Any] | str] = (
        history("2026-03-02", RECEIVED),
        history("2026-04-20", RECEIVED, "2026-03-10 third_party_answered"),
        history("2022-10-10", "2022-09-30 received channel=in_person"),
    )

    @pytest.fixture
    def lines(self, capsys: pytest.CaptureFixture[str], file: Path) -> Callable[..., tuple[int, list[Answer]]]:
        def ask(*given: Mapping[str, Any] | str) -> tuple[int, list[Answer]]:
            texts = [g if isinstance(g, str) else json.dumps(g) for g in given]
            file.write_text("\n".join(texts) + "\n", encoding="utf-8")
            code = run(["--json", "clock", str(file)])
            return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

        return ask

    def test_are_answered_in_their_order_with_the_highest_code(
        self, lines: Callable[..., tuple[int, list[Answer]]]
    ) -> None:
        code, answers = lines(*self.LINES)
        assert code == REFUSED
        assert [clocks(a)["reply"][:10] for a in answers] == ["2026-03-30", "2026-03-30", "2022-11-02"]
        assert [len(a["refused"]) for a in answers] == [0, 1, 0]
        assert lines(self.LINES[0], "", self.LINES[2])[0] == DONE

    def test_are_told_apart_where_a_person_reads_them(self, capsys: pytest.CaptureFixture[str], file: Path) -> None:
        file.write_text("".join(json.dumps(g) + "\n" for g in self.LINES), encoding="utf-8")
        assert run(["clock", str(file)]) == REFUSED
        out = capsys.readouterr().out
        assert [line for line in out.splitlines() if line.startswith("第")] == [
            f"第{n}件（共3件）" for n in (1, 2, 3)
        ]
        file.write_text(json.dumps(self.LINES[0]), encoding="utf-8")
        assert run(["clock", str(file)]) == DONE
        assert "（共" not in capsys.readouterr().out

    def test_one_fault_does_not_keep_the_others_back(
        self, lines: Callable[..., tuple[int, list[Answer]]], file: Path
    ) -> None:
        gap = history("2027-01-04", "2026-12-10 received channel=in_person")
        code, answers = lines(*self.LINES, gap)
        assert (code, answers[3]["error"]["code"]) == (NO_CALENDAR, "calendar_gap")
        bad_day = history("2026-03-02", "2026-02-31 received channel=in_person")
        code, answers = lines(self.LINES[0], bad_day, "{nonsense", gap, self.LINES[2])
        assert (code, len(answers)) == (MALFORMED, 5)
        for position, field in ((1, "facts.1.on"), (2, "")):
            (fault,) = answers[position]["error"]["faults"]
            assert (fault["file"], fault["line"], fault["field"]) == (str(file), position + 1, field)
        assert [clocks(answers[n])["reply"][:10] for n in (0, 4)] == ["2026-03-30", "2022-11-02"]


def test_in_a_process_of_its_own_it_speaks_chinese(file: Path, tmp_path: Path) -> None:
    file.write_text(json.dumps(history("2026-04-20", RECEIVED, "2026-03-31 extended days=5")))
    found = ysq("clock", file, cwd=tmp_path)
    assert found.returncode == REFUSED
    assert "答复期限　2026-03-30　逾期　由本机关履行" in found.stdout
    assert "× 2026-03-31　extended　不予计算" in found.stdout
    assert not list(tmp_path.glob("yishenqing-home"))
