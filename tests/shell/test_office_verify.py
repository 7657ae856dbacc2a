"""Whoever changes a row or a paper behind the program's back is found out, and the entry is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from offices import USER, Calendar, rows, tamper, without_keys

from yishenqing import Office
from yishenqing.cli import run
from yishenqing.core.errors import IntegrityFault

EXIT_INTEGRITY = 7
# Where a value or a paper lies that an entry holds the digest of: it may itself be encrypted.
PLACES = {
    "$APPLICANT": "(SELECT json_extract(payload, '$.applicant.sealed') FROM entries WHERE seq = 1)",
    "$FOUND": "(SELECT json_extract(payload, '$.result.sealed') FROM entries WHERE seq = 4)",
    "$LETTER": "(SELECT json_extract(payload, '$.letter.file') FROM entries WHERE seq = 8)",
    "$OTHERWISE": "substr(value, 1, 40) || '!!' || substr(value, 43)",
}
# What was changed, and the entry that must be named.
CHANGES = {
    "an actor": ("UPDATE entries SET actor = '别人' WHERE seq = 3", 3),
    "a day": ("UPDATE entries SET \"on\" = '2026-03-05' WHERE seq = 3", 3),
    "a day that is none": ("UPDATE entries SET \"on\" = 'soon' WHERE seq = 3", 3),
    "no day at all": ('UPDATE entries SET "on" = 20260305 WHERE seq = 3', 3),
    "a step": ("UPDATE entries SET step = 'returned' WHERE seq = 6", 6),
    "a step that is none": ("UPDATE entries SET step = 'nonsense' WHERE seq = 6", 6),
    "a moment": ("UPDATE entries SET recorded_at = '2026-03-04T00:00:00.000000Z' WHERE seq = 3", 3),
    "the mark of a rehearsal": ("UPDATE entries SET rehearsal = 1 WHERE seq = 3", 3),
    "facts": ("UPDATE entries SET payload = replace(payload, '征地管理科', '征地管理股') WHERE seq = 3", 3),
    "an outcome": ("UPDATE entries SET payload = replace(payload, 'granted', 'denied') WHERE seq = 5", 5),
    "facts that are none": ("UPDATE entries SET payload = '{' WHERE seq = 3", 3),
    "facts that are a list": ("UPDATE entries SET payload = '[]' WHERE seq = 3", 3),
    "a hash": ("UPDATE entries SET hash = 'zz' || substr(hash, 3) WHERE seq = 3", 3),
    "a link": ("UPDATE entries SET prev = 'zz' || substr(prev, 3) WHERE seq = 3", 3),
    "an entry gone": ("DELETE FROM entries WHERE seq = 3", 4),
    "the last entry gone": ("DELETE FROM entries WHERE seq = 11", 11),
    "all entries gone": ("DELETE FROM entries WHERE seq NOT IN (SELECT seq FROM letters)", 2),
    "a salt": ("UPDATE sealed SET salt = 'zz' || substr(salt, 3) WHERE digest = $APPLICANT", 1),
    "a name": ("UPDATE sealed SET value = $OTHERWISE WHERE digest = $APPLICANT", 1),
    "a sealed value gone": ("DELETE FROM sealed WHERE digest = $FOUND", 4),
    "the content of a letter": (
        "UPDATE files SET sha256 = 'zz' || substr(sha256, 3) WHERE digest = $LETTER",
        8,
    ),
    "the name of a letter": ("UPDATE files SET name = 'x.pdf' WHERE digest = $LETTER", 8),
    "the size of a letter": ("UPDATE files SET size = size + 1 WHERE digest = $LETTER", 8),
    "the salt of a letter": ("UPDATE files SET salt = 'x' WHERE digest = $LETTER", 8),
    "a paper gone": ("DELETE FROM files WHERE digest = $LETTER", 8),
    "a letter gone": ("DELETE FROM letters WHERE seq = 8", 8),
    "a letter's kind": ("UPDATE letters SET kind = 'other' WHERE seq = 8", 8),
    "a letter's title": ("UPDATE letters SET title = '通知' WHERE seq = 8", 8),
    "a letter's number": ("UPDATE letters SET letter_number = '云〔2026〕9号' WHERE seq = 8", 8),
    "a letter's place in its series": ("UPDATE letters SET n = 9 WHERE seq = 8", 8),
    "a letter's series": ("UPDATE letters SET series = '延' WHERE seq = 8", 8),
    "a letter's year": ("UPDATE letters SET year = 2025 WHERE seq = 8", 8),
    "a letter's day": ("UPDATE letters SET issued_on = '2026-03-20' WHERE seq = 8", 8),
    "a letter's content": ("UPDATE letters SET sha256 = 'zz' || substr(sha256, 3) WHERE seq = 8", 8),
    "a letter of another entry": ("UPDATE letters SET seq = 7 WHERE seq = 8", 8),
    "the state": ("UPDATE cases SET state = 'replied'", 11),
    "the outcome": ("UPDATE cases SET outcome = NULL", 11),
    "the day of opening": ("UPDATE cases SET opened_on = '2026-03-01'", 11),
    "the head": ("UPDATE cases SET head_hash = 'f' || substr(head_hash, 2)", 11),
    "the length": ("UPDATE cases SET head_seq = 10", 10),
    "a deadline's day": ("UPDATE deadlines SET due = '2026-04-30' WHERE clock = 'reply'", 11),
    "a deadline hidden": ("UPDATE deadlines SET listed = NOT listed WHERE clock = 'reply'", 11),
    "a deadline done": ("UPDATE deadlines SET state = 'met' WHERE clock = 'litigation'", 11),
    "a state that is none": ("UPDATE deadlines SET state = 'x' WHERE clock = 'litigation'", 11),
    "provisional though announced": ("UPDATE deadlines SET provisional = NOT provisional WHERE clock = 'reply'", 11),
    "provisional though open": ("UPDATE deadlines SET provisional = NOT provisional WHERE clock = 'litigation'", 11),
    "stopped though running": ("UPDATE deadlines SET state = 'stopped' WHERE clock = 'litigation'", 11),
    "over before its day": ("UPDATE deadlines SET state = 'lapsed' WHERE clock = 'litigation'", 11),
    "who owes": ("UPDATE deadlines SET owed_by = 'applicant' WHERE clock = 'reply'", 11),
    "a deadline gone": ("DELETE FROM deadlines WHERE clock = 'reply'", 11),
    "the rules": ("UPDATE rulebooks SET snapshot = replace(snapshot, '已登记', '已经登记')", 1),
    "rules that are none": ("UPDATE rulebooks SET snapshot = '{}'", 1),
}


@pytest.fixture
def fresh_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing remembered from other cases of this process."""
    monkeypatch.setattr("yishenqing.office.casework._KNOWN_RULES", {})


# What is kept otherwise once there is a key.
BOTH = [change for change, (statement, _) in CHANGES.items() if " sealed " in statement or " files " in statement]


@pytest.mark.usefixtures("fresh_rules")
@pytest.mark.parametrize(
    ("change", "encrypted"), [*((change, True) for change in CHANGES), *((change, False) for change in BOTH)]
)
def test_a_changed_row_is_found(
    change: str,
    *,
    encrypted: bool,
    in_state: Callable[[str], str],
    home: Path,
    calendar: Calendar,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not encrypted:
        without_keys(home)
    number = in_state("archived")
    statement, entry = CHANGES[change]
    for name, place in PLACES.items():
        statement = statement.replace(name, place)
    tamper(home, statement)
    monkeypatch.setattr("yishenqing.office.casework._KNOWN_RULES", {})
    with Office.open(home, user=USER, today=calendar) as office:
        assert f"{number} 第{entry}条记录" in found(office, number)
        with pytest.raises(IntegrityFault):
            office.archive(number)
    assert not (home / "archive").exists()


def found(office: Office, number: str) -> str:
    """Return what a verification says, one fault a line."""
    try:
        return "\n".join(map(str, office.verify(number)))
    except IntegrityFault as broken:
        return str(broken)


@pytest.mark.parametrize("words", [("archive", "verify"), ("audit", "verify")])
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM cases", ["第11条记录：案件的登记缺失"]),
        ("UPDATE cases SET head_seq = 10", ["第10条记录"]),
        # Not the first fault alone: every entry that does not hold.
        ("UPDATE entries SET step = 'nonsense', prev = 'zz' WHERE seq IN (3, 6)", ["第3条记录", "第6条记录"]),
    ],
)
def test_the_command_names_what_the_verb_found(
    words: tuple[str, str],
    statement: str,
    named: list[str],
    in_state: Callable[[str], str],
    home: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = in_state("archived")
    tamper(home, statement)
    assert run(["--home", str(home), "--as", USER, *words, number]) == EXIT_INTEGRITY
    said = capsys.readouterr().err
    assert [name for name in named if name not in said] == []


def test_an_entry_added_from_outside_is_found(in_state: Callable[[str], str], home: Path, office: Office) -> None:
    number = in_state("accepted")
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute(
            "INSERT INTO entries "
            "SELECT agency, number, 4, \"on\", recorded_at, actor, 'extended', 0, '{}', hash, hash "
            "FROM entries WHERE seq = 3"
        )
    connection.close()
    assert f"{number} 第4条记录" in found(office, number)
    with pytest.raises(IntegrityFault):
        office.act(number, "search_recorded", {})


def test_a_letter_added_from_outside_is_found(in_state: Callable[[str], str], home: Path, office: Office) -> None:
    number = in_state("accepted")
    with sqlite3.connect(home / "office.db") as connection:
        connection.execute(
            "INSERT INTO letters SELECT agency, '告', 2026, 7, number, 3, 'reply_granted', title, 'x', issued_on, "
            "sha256 FROM letters"
        )
    connection.close()
    assert f"{number} 第3条记录" in found(office, number)


@pytest.mark.parametrize("harm", [lambda p: p.write_bytes(p.read_bytes() + b" "), Path.unlink])
def test_a_changed_or_lost_content_is_found(
    harm: Callable[[Path], object], in_state: Callable[[str], str], home: Path, office: Office
) -> None:
    number = in_state("archived")
    ((sha256,),) = rows(home, "SELECT sha256 FROM letters WHERE seq = 8")
    harm(home / "files" / sha256[:2] / sha256)
    assert f"{number} 第8条记录" in found(office, number)
    with pytest.raises(IntegrityFault, match="第8条记录"):
        office.archive(number)


def test_a_changed_copy_is_found(in_state: Callable[[str], str], office: Office) -> None:
    number = in_state("archived")
    copy = Path(office.show(number)["letters"][1]["path"])
    copy.write_bytes(b"%PDF forged")
    assert f"{number} 第8条记录" in found(office, number)
    assert copy.name in found(office, number)


def test_a_damaged_case_is_neither_shown_nor_moved(
    in_state: Callable[[str], str], home: Path, office: Office
) -> None:
    number = in_state("accepted")
    tamper(home, "UPDATE entries SET payload = '{' WHERE seq = 2")
    for verb in (office.show, lambda n: office.act(n, "search_recorded", {})):
        with pytest.raises(IntegrityFault, match="第2条记录"):
            verb(number)


@pytest.mark.parametrize("until", ["", "acknowledged", "accepted", "signed", "delivered", "archived"])
def test_an_untouched_case_is_whole_on_every_later_day(
    until: str, in_state: Callable[[str], str], office: Office, calendar: Calendar
) -> None:
    """Days passing, and a working-day calendar that arrives, are no faults."""
    number = in_state(until)
    for day in (calendar.day.replace(month=6), calendar.day.replace(month=12)):
        calendar.day = day
        assert office.verify(number) == []


def test_a_clock_that_ran_again_by_itself_and_is_over_is_whole(
    in_state: Callable[[str], str], home: Path, office: Office, calendar: Calendar
) -> None:
    """Written stopped by the last entry, running by a tick after the wait had ended, and missed today."""
    number = in_state("accepted")
    office.act(number, "third_party_consulted", {"party": "安居公司", "content": "合同"})
    calendar.day += timedelta(days=40)  # the 15 working days are over, and silence is no answer
    office.tick()  # the first one writes every deadline anew
    assert rows(home, "SELECT state, recipe <> '' FROM deadlines WHERE clock = 'reply'") == [("running", 1)]
    calendar.day += timedelta(days=60)
    assert office.verify(number) == []
    tamper(home, "UPDATE deadlines SET recipe = replace(recipe, ',20,', ',21,') WHERE clock = 'reply'")
    assert "期限数据与记录推出的不符" in found(office, number)


@pytest.mark.parametrize(
    "change",
    [
        "provisional = NOT provisional",
        "state = 'stopped'",
        "state = 'missed'",
        "due = date(due, '+1 day')",
        "due = date(due, '-1 day')",
        "state = 'stopped', due = date(due, '+3 days')",
    ],
)
def test_a_changed_row_of_an_open_clock_is_found(
    change: str, in_state: Callable[[str], str], home: Path, office: Office
) -> None:
    number = in_state("accepted")
    tamper(home, f"UPDATE deadlines SET {change} WHERE clock = 'reply'")  # noqa: S608 - a list of ours
    assert "期限数据与记录推出的不符" in found(office, number)


@pytest.mark.parametrize("change", ["state = 'running'", "due = date(due, '-1 day')", "due = date(due, '+30 days')"])
def test_a_changed_row_of_a_stopped_clock_is_found(
    change: str, in_state: Callable[[str], str], home: Path, office: Office, calendar: Calendar
) -> None:
    number = in_state("accepted")
    calendar.day = calendar.day.replace(day=calendar.day.day + 1)
    office.act(number, "third_party_consulted", {"party": "安居公司", "content": "合同"})
    for days in (0, 8, 20):
        calendar.day += timedelta(days=days)
        assert office.verify(number) == []
    tamper(home, f"UPDATE deadlines SET {change} WHERE clock = 'reply'")  # noqa: S608 - a list of ours
    assert "期限数据与记录推出的不符" in found(office, number)
