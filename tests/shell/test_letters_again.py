"""Issue, freeze, prove: an issued letter made again from its entry, SM3 beside SHA-256, files inside a reply."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from offices import APPLICATION, USER, Calendar, rows, tamper, walked
from pypdf import PdfReader

from yishenqing import Office
from yishenqing.archive import verify
from yishenqing.cli import cli
from yishenqing.core.errors import IntegrityFault, NotFound
from yishenqing.core.ledger import sm3_digest
from yishenqing.store.vault import papers_of


@pytest.fixture
def replied(office: Office, calendar: Calendar) -> str:
    number: str = office.register(APPLICATION)["number"]
    walked(office, calendar, number, "signed")
    return number


def told(home: Path) -> dict[str, Any]:
    payload = rows(home, "SELECT payload FROM entries WHERE payload LIKE '%\"reply_granted\"%'")[0][0]
    found: dict[str, Any] = json.loads(payload)["letter"]
    return found


def change_settings(home: Path, pattern: str, text: str) -> None:
    path = home / "office.yaml"
    changed, count = re.subn(pattern, text, path.read_text(encoding="utf-8"))
    assert count == 1
    path.write_text(changed, encoding="utf-8")


def test_an_issued_letter_made_again_is_the_same_to_the_byte(
    office: Office, calendar: Calendar, replied: str
) -> None:
    calendar.day = calendar.day.replace(month=4)  # later acts and days change nothing of what was known then
    office.act(replied, "replied", {"method": "mail", "posted_on": "2026-03-24", "tracking": "XA1"})
    for kind in ("registration_receipt", "reply_granted"):
        found = office.letter_again(replied, kind)
        assert found["identical"], found
        assert found["sha256"] == found["sha256_again"] == office.letter(replied, kind)["sha256"]
        assert (found["changed"], found["lines"]) == ([], [])


def test_what_changed_since_is_named(home: Path, calendar: Calendar, office: Office, replied: str) -> None:
    change_settings(home, r"(?m)^letters: .*$", "letters: {format: plain, seal: false}")
    with Office.open(home, user=USER, today=calendar) as later:
        found = later.letter_again(replied, "reply_granted")
        assert (found["identical"], found["changed"], found["lines"]) == (False, ["style"], [])
    change_settings(home, r"(?m)^letters: .*$", "letters: {seal: true}")
    change_settings(home, r"(?m)^court: .*$", "court: 另一法院")
    with Office.open(home, user=USER, today=calendar) as later:
        found = later.letter_again(replied, "reply_granted")
        assert (found["identical"], found["changed"]) == (False, [])
        assert any(line.startswith("+") and "另一法院" in line for line in found["lines"])
        assert any(line.startswith("-") and "云溪县人民法院" in line for line in found["lines"])


def test_a_letter_never_issued_cannot_be_made_again(office: Office, replied: str) -> None:
    with pytest.raises(NotFound, match="没有出具过"):
        office.letter_again(replied, "reply_partial")


def test_a_changed_original_is_found_before_anything_is_compared(home: Path, office: Office, replied: str) -> None:
    sha256 = office.letter(replied, "reply_granted")["sha256"]
    (home / "files" / sha256[:2] / sha256).write_bytes(b"%PDF-1.7 forged")
    with pytest.raises(IntegrityFault, match="已被改动"):
        office.letter_again(replied, "reply_granted")


def test_the_command_says_what_was_compared(home: Path, replied: str) -> None:
    run = CliRunner().invoke(cli, ["--home", str(home), "--as", USER, "letter", replied, "reply_granted", "--again"])
    assert "完全一致" in run.output
    change_settings(home, r"(?m)^letters: .*$", "letters: {seal: false}")
    words = ["--home", str(home), "--as", USER, "letter", replied, "reply_granted", "--again"]
    run = CliRunner().invoke(cli, words)
    assert "不一致" in run.output
    assert "文书格式的设置" in run.output


def test_the_entry_holds_sm3_and_what_made_the_letter(home: Path, office: Office, replied: str) -> None:
    letter = told(home)
    with office._transactions.reading() as connection:
        paper = papers_of(connection, office.settings.agency, replied)[letter["file"]]
    content = office._papers.read(paper.sha256)
    assert content.startswith(b"%PDF")
    assert letter["sm3"] == sm3_digest(paper.salt, content, paper.name) != ""
    assert set(letter["made"]) == {"program", "templates", "fonts", "style"}
    assert office.verify(replied) == []


def test_sm3_is_the_standards_own() -> None:
    """GB/T 32905-2016, 附录A: "abc"; framed and salted here as every digest of the ledger is."""
    import hashlib  # noqa: PLC0415 - to state the standard's example

    plain = hashlib.new("sm3", b"abc").hexdigest()
    assert plain == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    framed = b"".join(len(p).to_bytes(8, "big") + p for p in (b"file", b"s", plain.encode(), b"n"))
    assert sm3_digest("s", b"abc", "n") == hashlib.new("sm3", framed).hexdigest()


def test_a_content_that_only_sm3_tells_apart_is_found(
    home: Path, office: Office, replied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if SHA-256 were broken: everything else agrees, the SM3 does not."""
    letter = told(home)
    monkeypatch.setattr("yishenqing.office.casefaults.sm3_digest", lambda *_: "0" * 64)
    faults = office.verify(replied)
    assert len([f for f in faults if "文书的 SM3 值与记录不符" in f.text]) == 2  # receipt and reply
    monkeypatch.setattr("yishenqing.office.casefaults.sm3_digest", lambda *_: "")
    assert office.verify(replied) == []  # a system without SM3 still has SHA-256
    assert letter["sm3"]


def test_a_package_is_held_against_sm3(
    office: Office, calendar: Calendar, replied: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked(office, calendar, replied)
    package = Path(office.archive(replied)["path"])
    assert verify(package) == []
    monkeypatch.setattr("yishenqing.archive.records.sm3_digest", lambda *_: "0" * 64)
    assert {f.text for f in verify(package)} == {"SM3 值与第2条记录不符", "SM3 值与第8条记录不符"}


def test_letters_of_before_sm3_stay_valid(home: Path, office: Office, replied: str) -> None:
    """An entry of an older program has neither; here only the reading is tried, the chain is another test's."""
    tamper(home, "UPDATE entries SET payload = replace(payload, '\"sm3\"', '\"old\"') WHERE seq = 8")
    assert not [f for f in office.verify(replied) if "SM3" in f.text]


def test_an_office_may_have_the_provided_files_inside(home: Path, calendar: Calendar, tmp_path: Path) -> None:
    change_settings(home, r"(?m)^letters: .*$", "letters: {enclose: true}")
    given = tmp_path / "土地征收公告.pdf"
    given.write_bytes(b"%PDF-1.7 the notice itself")
    with Office.open(home, user=USER, today=calendar) as office:
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number, "search_recorded")
        calendar.day = calendar.day.replace(day=18)
        office.act(number, "drafted", {"outcome": "granted", "provided": "公告", "documents": [str(given)]})
        walked(office, calendar, number, "secrecy_reviewed")
        office.act(number, "signed", {"warnings_accepted": "attachment_unread：赵某已逐页检查"})
        path = Path(office.letter(number, "reply_granted")["path"])
        receipt = Path(office.letter(number, "registration_receipt")["path"])
        assert office.letter_again(number, "reply_granted")["identical"]
    root: Any = PdfReader(io.BytesIO(path.read_bytes())).trailer["/Root"]
    inside = [f.get_object() for f in root["/AF"]]
    assert [(f["/UF"], f["/EF"]["/F"].get_object().get_data()) for f in inside] == [(given.name, given.read_bytes())]
    assert "/AF" not in PdfReader(receipt).trailer["/Root"]  # type: ignore[operator]
