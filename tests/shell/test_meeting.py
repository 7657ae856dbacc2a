"""Where the parts meet: keys and encryption, destruction and every later wish, a backup without its keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, rows, ysq
from test_retention import short_pdf
from timing import configure

from yishenqing.backup import from_file, make_key
from yishenqing.core.errors import DataFault, Refused
from yishenqing.letters import Letterbook
from yishenqing.office import Office
from yishenqing.office.doctor import examine
from yishenqing.office.restoring import restore
from yishenqing.office.safekeeping import back_up

Make = Callable[[str], str]


def test_a_rehearsal_has_its_date(home: Path) -> None:
    found = ysq("--home", home, "doctor", YISHENQING_TODAY="2026-03-16")
    assert "今天被设为2026-03-16" in found.stdout
    done = ysq("--home", home, "retention", "due", YISHENQING_TODAY="2026-03-16")
    assert "2026-03-16没有保管期限届满的案卷" in done.stdout, done.stderr


# ---- answers kept under keys


def test_answers_under_keys_are_encrypted_anew_and_are_still_the_answers(office: Office, home: Path) -> None:
    first = dict(office.once("门户-1").register(APPLICATION))
    kept = rows(home, "SELECT digest, answer FROM given_keys")
    before = office.keys()["keys"][-1]["id"]
    office.rotate_keys()
    now, left = office.keys()["keys"][-1]["id"], office.keys()["left"]
    assert now != before
    assert not any(left.values())
    anew = rows(home, "SELECT digest, answer FROM given_keys")
    assert all(before in text and now not in text for text in kept[0])  # what was given cannot be guessed either
    assert all(now in text for text in anew[0])
    assert dict(office.once("门户-1").register(APPLICATION)) == first
    with pytest.raises(DataFault, match="键“门户-1”已由"):
        office.once("门户-1").register({**APPLICATION, "items": ["别的"]})


def test_an_answer_that_was_changed_is_named_and_left(office: Office, home: Path) -> None:
    office.once("门户-1").register(APPLICATION)
    office.once("门户-2").act("2026-0001", "acknowledged")
    kept = rows(home, "SELECT answer FROM given_keys WHERE key = '门户-1'")[0][0]
    with office._transactions.writing() as connection:  # as somebody with the file in hand
        connection.exec_driver_sql("UPDATE given_keys SET answer = substr(answer, 1, 60) WHERE key = '门户-1'")
    found = office.rotate_keys()
    assert len(found["faults"]) == 1
    assert "门户-1" in found["faults"][0]
    assert rows(home, "SELECT answer FROM given_keys WHERE key = '门户-1'")[0][0] == kept[:60]
    assert office.keys()["left"]["answers"] == 1


# ---- a case that was destroyed


@pytest.fixture
def ended(home: Path, in_state: Make, calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> str:
    """A case registered under a key, filed, and destroyed eleven years later."""
    monkeypatch.setattr(Letterbook, "pdf", short_pdf)
    every = ["registrar", "reviewer", "handler", "secrecy", "director", "signer", "dispatcher", "archivist", "legal"]
    configure(home, people={USER: {"name": "经办人", "roles": every}, "签发": {"name": "签发", "roles": ["signer"]}})
    number = in_state("archived")
    calendar.day = date(2037, 1, 4)
    with Office.open(home, user=USER, today=calendar) as proposer:
        listed = proposer.propose_destruction("已满十年", [number])["lists"][0]["list"]
    with Office.open(home, user="签发", today=calendar) as signer:
        signer.approve_destruction(listed)
    return number


WISHES: dict[str, Callable[[Office, str], object]] = {
    "draft": lambda office, number: office.draft(number),
    "inspect": lambda office, number: office.inspect(number),
    "advise": lambda office, number: office.advise(number),
    "propose_precedent": lambda office, number: office.propose_precedent(number, {"holding": "要旨"}),
    "use_precedents": lambda office, number: office.use_precedents(number, ["P01"]),
    "merge": lambda office, number: office.merge(number, number, "同一申请"),
}


def test_what_needs_the_papers_of_a_destroyed_case_is_refused(office: Office, ended: str) -> None:
    for wish in WISHES.values():
        with pytest.raises(Refused, match="已于2037-01-04按销毁清册2037-1依法销毁"):
            wish(office, ended)
    assert office.proposed_precedents()["proposals"] == []


def test_letters_of_a_destroyed_case_do_not_keep_the_others_from_the_printer(
    office: Office, ended: str, calendar: Calendar, tmp_path: Path
) -> None:
    calendar.day = OPENED
    other = office.register(APPLICATION)["number"]
    office.act(other, "acknowledged")
    found = office.print_batch(tmp_path / "打印", on=OPENED)
    assert [row["number"] for row in found["letters"]] == [other]
    assert len(found["destroyed"]) == 1
    alone = ysq("--home", office.home, "batch", "print", "--on", "2026-03-23", "--to", tmp_path / "另")
    assert alone.returncode == 0
    assert "已随案卷依法销毁，没有打印" in alone.stdout


def test_what_was_destroyed_is_not_missed_by_a_backup(home: Path, ended: str, tmp_path: Path) -> None:
    make_key(tmp_path / "备份.key")
    key, file = from_file(tmp_path / "备份.key"), tmp_path / "机关.ysq"
    assert back_up(home, file, key, with_keys=True)["missing"] == []
    found = restore(file, tmp_path / "新", key)
    assert (found["missing"], found["faults"], found["cases"]) == ([], [], 1)


def test_the_answer_to_a_registration_goes_with_its_case(home: Path, office: Office) -> None:
    number = office.once("门户-1").register(APPLICATION)["number"]
    assert rows(home, "SELECT number FROM given_keys") == [(number,)]


# ---- a backup without the keys of the personal data


def test_a_backup_without_its_keys_says_how_to_give_them(home: Path, in_state: Make, tmp_path: Path) -> None:
    in_state("drafted")
    make_key(tmp_path / "备份.key")
    key, file, new = from_file(tmp_path / "备份.key"), tmp_path / "机关.ysq", tmp_path / "新"
    back_up(home, file, key)
    with pytest.raises(DataFault, match=r"secrecy\.key.*--keys"):
        restore(file, new, key)
    assert not new.exists()
    assert not list(tmp_path.glob(".*.restoring"))
    kept = tmp_path / "密钥"
    kept.mkdir()
    (kept / "secrecy.key").write_bytes((home / "secrecy.key").read_bytes())
    (kept / "secrecy.key").chmod(0o600)  # as the office keeps it
    assert restore(file, new, key, keys=kept)["faults"] == []


def test_the_doctor_sees_that_the_key_of_the_personal_data_is_gone(home: Path, in_state: Make) -> None:
    in_state("")
    sealed = {f["name"]: f for f in examine(home)["findings"]}["secrecy"]
    assert sealed["level"] == "ok"
    (home / "secrecy.key").chmod(0o644)
    assert "chmod 600" in {f["name"]: f for f in examine(home)["findings"]}["secrecy"]["text"]
    (home / "secrecy.key").unlink()
    found = ysq("--home", home, "doctor")
    assert found.returncode == 6
    assert "找不到个人信息的密钥文件" in found.stdout
