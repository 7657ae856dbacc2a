"""Case files are kept for a period, held, and destroyed by an approved list; what is left verifies and says so."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, rows, tamper, use_database, walked, ysq
from pypdf import PdfWriter
from timing import configure

from yishenqing.archive import ended_in, verify
from yishenqing.core.errors import DataFault, NotFound, Refused
from yishenqing.letters import Letterbook
from yishenqing.office import Office
from yishenqing.office import destroying as work
from yishenqing.office.destroying import Clearing
from yishenqing.office.doctor import examine
from yishenqing.released import scanning

pytest_plugins = ["pg"]

DUE = date(2037, 1, 4)
RECONSIDERATION = {
    "received_on": "2026-05-06",
    "accepted_on": "2026-05-04",
    "organ": "云溪县人民政府",
    "grounds": "未提供附图",
}
ORDERED = {"organ": "云溪县人民法院", "document": "判决书", "decided_on": "2036-12-30", "until": "2037-02-10"}
OPINION = "已满十年，无继续保存的价值"
SAID = ("周德旺", "999101196805170231", "柳湾片区")  # what the case said of the applicant, and was asked


def short_pdf(_book: Letterbook, kind: str, context: Mapping[str, Any]) -> bytes:
    """A page that says nothing, and is another one for each letter: filing counts pages."""
    about = context["case"]["number"] if "case" in context else context["destruction"]["id"]
    writer, out = PdfWriter(), BytesIO()
    writer.add_blank_page(10, 10)
    writer.add_metadata({"/Title": f"{kind} {context['letter']['number']} {about}", "/Subject": str(context)})
    writer.write(out)
    return out.getvalue()


@pytest.fixture
def quick_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters whose looks do not matter, yet which are PDF and say all that they were told."""
    monkeypatch.setattr(Letterbook, "pdf", short_pdf)


@pytest.fixture
def people(home: Path) -> None:
    """One proposes, another approves, and a third may only propose."""
    every = ["registrar", "reviewer", "handler", "secrecy", "director", "signer", "dispatcher", "archivist", "legal"]
    others = {"签发": {"name": "签发", "roles": ["signer"]}, "档案": {"name": "档案", "roles": ["archivist"]}}
    configure(home, people={USER: {"name": "经办人", "roles": every}, **others})


@pytest.fixture
def filed(people: None, in_state: Callable[[str], str], calendar: Calendar) -> str:
    """A case with letters that was filed for ten years, and the day after they are over."""
    number = in_state("archived")
    calendar.day = DUE
    return number


@pytest.fixture
def signer(home: Path, calendar: Calendar, filed: str) -> Iterator[Office]:
    with Office.open(home, user="签发", today=calendar) as opened:
        yield opened


def proposed(office: Office, *numbers: str) -> str:
    return str(office.propose_destruction(OPINION, numbers)["lists"][0]["list"])


def destroyed(office: Office, signer: Office, number: str) -> dict[str, Any]:
    return dict(signer.approve_destruction(proposed(office, number)))


def delivered(office: Office, calendar: Calendar, paper: Path) -> str:
    """Return a case with an attachment, taken as far as its delivery."""
    calendar.day = OPENED
    application = paper.with_name("申请.json")
    application.write_text(json.dumps({**APPLICATION, "attachments": [paper.name]}))
    number: str = office.register(application)["number"]
    walked(office, calendar, number, "delivered")
    return number


def everything(home: Path) -> bytes:
    """Return every byte that the office keeps, the database with its deleted pages too."""
    return b"".join(p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file() and p.name != "office.yaml")


# ---- the period


def test_the_period_is_proposed_when_the_case_may_be_filed_and_decided_by_a_person(
    in_state: Callable[[str], str], office: Office
) -> None:
    number = in_state("delivered")
    found = office.show(number)["retention"]
    assert (found["period"], found["title"]) == ("D10", "10年")
    office.act(number, "archived", {"retention": "D30"})
    kept = office.retention(number)
    assert (kept["period"], kept["kept_until"]) == ("D30", "2056-12-31")
    assert office.show(number)["retention"] is None


def test_what_was_disputed_is_proposed_for_thirty_years(filed: str, office: Office, calendar: Calendar) -> None:
    calendar.day = date(2026, 5, 20)
    office.link(filed, "reconsideration", RECONSIDERATION)
    assert office.retention(filed)["proposed"]["period"] == "D30"


@pytest.mark.parametrize(("day", "count"), [(date(2036, 12, 31), 0), (date(2037, 1, 1), 1), (date(2037, 1, 4), 1)])
def test_it_falls_due_on_the_day_after_the_last_year(filed: str, office: Office, day: date, count: int) -> None:
    assert [c["number"] for c in office.retention_due(day)["cases"]] == [filed] * count


def test_an_office_keeps_longer_by_a_file_of_its_own(filed: str, office: Office, home: Path) -> None:
    shipped = (Path(__file__).parents[2] / "workflows/retention.yaml").read_text("utf-8")
    (home / "workflows").mkdir(exist_ok=True)
    own = home / "workflows/retention.yaml"
    own.write_text(shipped.replace("years: 10}", "years: 15}"), "utf-8")
    assert office.retention(filed)["kept_until"] == "2041-12-31"
    own.write_text(shipped.replace("period: D10, why", "period: D15, why"), "utf-8")
    with Office.open(home, user=USER) as again, pytest.raises(DataFault, match="没有这样的保管期限"):
        again.retention(filed)


# ---- what forbids it


def test_a_hold_forbids_it_until_it_is_lifted(filed: str, office: Office, signer: Office) -> None:
    listed = proposed(office, filed)
    office.hold(filed, "审计进点检查")
    with pytest.raises(Refused, match="审计进点检查"):
        signer.approve_destruction(listed)
    assert office.retention_due()["cases"][0]["held"]
    with pytest.raises(Refused, match="不必再设"):
        office.hold(filed, "又一次")
    office.lift_hold(filed, "审计已经结束")
    assert signer.approve_destruction(listed)["decision"]["approved"] is True
    with pytest.raises(Refused, match="依法销毁"):
        office.hold(filed, "太晚了")


def test_an_open_reconsideration_forbids_it_by_itself(
    filed: str, office: Office, signer: Office, calendar: Calendar
) -> None:
    calendar.day = date(2026, 5, 20)
    child = office.link(filed, "reconsideration", RECONSIDERATION)["number"]
    calendar.day = DUE
    assert child in office.retention_due()["cases"][0]["held"][0]
    with pytest.raises(Refused, match=f"{child}尚未办结"):
        proposed(office, filed)
    with pytest.raises(NotFound):
        proposed(office)


def test_whoever_proposed_it_cannot_approve_it(filed: str, office: Office) -> None:
    listed = proposed(office, filed)
    with pytest.raises(Refused, match="须由另一人批准"):
        office.approve_destruction(listed)
    assert office.show(filed)["state"] == "archived"


def test_only_an_archivist_proposes_and_only_a_signer_approves(
    filed: str, office: Office, signer: Office, home: Path, calendar: Calendar
) -> None:
    with pytest.raises(Refused, match="档案员"):
        proposed(signer, filed)
    with pytest.raises(DataFault, match="鉴定意见"):
        office.propose_destruction(" ", [filed])
    listed = proposed(office, filed)
    with Office.open(home, user="档案", today=calendar) as archivist:
        with pytest.raises(Refused, match="没有批准销毁的岗位（签发人）"):
            archivist.approve_destruction(listed)
        assert archivist.verify(filed) == []
    assert office.destructions(listed)["lists"][0]["decision"] is None


def test_what_happened_since_the_proposal_forbids_it(
    filed: str, office: Office, signer: Office, calendar: Calendar
) -> None:
    listed = proposed(office, filed)
    office.act(filed, "reply_ordered", ORDERED)
    with pytest.raises(Refused, match="又有新的记录"):
        signer.approve_destruction(listed)
    assert office.verify(filed) == []


def test_a_case_that_does_not_verify_is_not_destroyed(filed: str, office: Office, signer: Office, home: Path) -> None:
    listed = proposed(office, filed)
    tamper(home, "UPDATE sealed SET value = '\"改\"'")
    with pytest.raises(Refused, match="核验未通过"):
        signer.approve_destruction(listed)


def test_a_list_is_decided_once(filed: str, office: Office, signer: Office) -> None:
    listed = proposed(office, filed)
    with pytest.raises(Refused, match=f"已经列入销毁清册{listed}"):
        proposed(office, filed)
    signer.refuse_destruction(listed, "还须用于一件诉讼")
    with pytest.raises(Refused, match="退回"):
        signer.approve_destruction(listed)
    assert proposed(office, filed) != listed
    with pytest.raises(NotFound):
        office.destructions("2037-9")


def test_before_the_period_is_over_nothing_is_proposed(filed: str, office: Office, calendar: Calendar) -> None:
    calendar.day = date(2036, 12, 31)
    with pytest.raises(Refused, match="须保管至2036-12-31"):
        proposed(office, filed)


# ---- the destruction


def test_nothing_is_left_but_the_ledger_and_the_certificate(
    filed: str, office: Office, signer: Office, home: Path
) -> None:
    office.archive(filed)
    office.rebuild_recognition()
    entries = [e["hash"] for e in office.show(filed)["entries"]]
    assert all(word.encode() in everything(home) for word in SAID)
    found = destroyed(office, signer, filed)
    office.close()
    signer.close()
    left = everything(home)
    assert [word for word in SAID if word.encode() in left] == []
    told = office.show(filed)
    assert [e["hash"] for e in told["entries"]][:-1] == entries
    assert (told["state"], told["destroyed"]["list"]) == ("destroyed", found["list"])
    assert [x["path"] for x in told["letters"]] == ["", ""]
    assert office.verify(filed) == []
    assert office.audit()["faults"] == []
    assert rows(home, "SELECT count(*) FROM sealed")[0] == (0,)
    assert rows(home, "SELECT digest FROM files") == [(told["destroyed"]["certificate"],)]
    assert (home / "retention" / f"销毁证明{found['list']}.pdf").is_file()
    assert rows(home, "SELECT count(*) FROM request_persons") == [(0,)]
    assert rows(home, "SELECT count(*) FROM search_documents WHERE collection = 'cases'") == [(0,)]


def test_the_verbs_that_need_the_papers_refuse_and_the_rest_goes_on(
    filed: str, office: Office, signer: Office, calendar: Calendar
) -> None:
    before = office.report(2026)["table3"]
    destroyed(office, signer, filed)
    for verb in (office.letter, office.letter_again):
        with pytest.raises(Refused, match="依法销毁") as refused:
            verb(filed, "reply_granted")
        assert refused.value.law == ["档案法实施条例第二十四条", "国家档案局令第8号"]
    with pytest.raises(Refused):
        office.act(filed, "corrected", {"of": 1, "field": "on", "value": "2026-03-02", "reason": "试"})
    office.rebuild_search()
    office.rebuild_recognition()
    office.report_rebuild()
    assert office.report(2026)["table3"] == before
    assert office.tick()["faults"] == []
    assert office.audit()["faults"] == []


def test_its_package_says_so_and_verifies_by_every_verifier(
    filed: str, office: Office, signer: Office, tmp_path: Path
) -> None:
    destroyed(office, signer, filed)
    package = Path(office.archive(filed, tmp_path / "卷宗")["path"])
    assert verify(package) == []
    assert [e["number"] for e in ended_in(package)] == [filed]
    assert "依法销毁" in (package / "data/说明.txt").read_text("utf-8")
    assert not any(word.encode() in everything(package) for word in SAID)
    for words in (["verify.py"], ["-m", "bagit", "--validate", "."]):
        done = subprocess.run([sys.executable, *words], cwd=package, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("what", ["sealed", "files"])
def test_what_is_missing_without_a_certificate_is_a_loss(filed: str, office: Office, home: Path, what: str) -> None:
    tamper(home, f"DELETE FROM {what}")  # noqa: S608 - a table of ours
    assert "缺失" in str(office.verify(filed)[0])


def test_what_was_destroyed_and_lies_there_again_is_found(
    filed: str, office: Office, signer: Office, home: Path
) -> None:
    destroyed(office, signer, filed)
    office.close()
    signer.close()
    kept = rows(home, "SELECT payload FROM entries ORDER BY seq LIMIT 1")[0][0]
    digest = json.loads(kept)["applicant"]["sealed"]
    agency = rows(home, "SELECT agency FROM cases")[0][0]
    row = f"('{agency}', '{filed}', '{digest}', 's', '1')"
    tamper(home, f"INSERT INTO sealed VALUES {row}")  # noqa: S608 - values of ours
    assert "仍在数据库中" in str(office.verify(filed)[0])


def test_a_changed_certificate_is_found(filed: str, office: Office, signer: Office, home: Path) -> None:
    destroyed(office, signer, filed)
    sha256 = rows(home, "SELECT sha256 FROM files")[0][0]
    (home / "files" / sha256[:2] / sha256).write_bytes(b"x")
    assert "销毁证明" in str(office.verify(filed)[0])


def test_contents_of_another_case_stay(
    people: None, quick_letters: None, calendar: Calendar, office: Office, home: Path, tmp_path: Path
) -> None:
    paper = tmp_path / "附件.txt"
    paper.write_text("两件案件都有的附件")
    first, second = (delivered(office, calendar, paper) for _ in range(2))
    office.act(first, "archived", {"retention": "D10"})
    office.act(second, "archived", {"retention": "Y"})
    calendar.day = DUE
    with Office.open(home, user="签发", today=calendar) as signer:
        destroyed(office, signer, first)
    assert office.verify(second) == []
    assert office.show(second)["letters"][0]["path"]
    assert office._papers.read(hashlib.sha256(paper.read_bytes()).hexdigest()) == paper.read_bytes()


# ---- crash safety


def test_a_kill_before_the_files_go_is_finished_by_the_next_tick(
    filed: str, office: Office, signer: Office, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = proposed(office, filed)

    def killed(_self: Clearing, _now: str) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(Clearing, "clear", killed)
        with pytest.raises(SystemExit):
            signer.approve_destruction(listed)
    assert (home / "issued" / filed).is_dir()
    assert office.verify(filed) == []
    assert "destroyed" in {f["name"] for f in examine(home)["findings"]}
    assert office.tick()["faults"] == []
    assert not (home / "issued" / filed).exists()
    assert len(list((home / "files").glob("??/*"))) == 1
    assert rows(home, "SELECT count(*) FROM disposal_removals WHERE done_at IS NULL") == [(0,)]


def test_doctor_finishes_it_too(
    filed: str, office: Office, signer: Office, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = proposed(office, filed)
    with monkeypatch.context() as patched:
        patched.setattr(Clearing, "clear", lambda *_: None)
        signer.approve_destruction(listed)
    examine(home, sweep=True)
    assert not (home / "issued" / filed).exists()


def test_a_failure_within_the_list_destroys_nothing(
    people: None,
    in_state: Callable[[str], str],
    calendar: Calendar,
    office: Office,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = [in_state("archived")]
    calendar.day = OPENED
    numbers.append(in_state("archived"))
    calendar.day = DUE
    listed, real = proposed(office), work.destroy

    def second_fails(connection: Any, registry: Any, doomed: Any, act: Any) -> Any:
        if doomed.case.row.number == numbers[1]:
            raise OSError("磁盘已满")
        return real(connection, registry, doomed, act)

    monkeypatch.setattr(work, "destroy", second_fails)
    with Office.open(home, user="签发", today=calendar) as signer, pytest.raises(OSError, match="磁盘"):
        signer.approve_destruction(listed)
    assert [office.show(n)["state"] for n in numbers] == ["archived", "archived"]
    assert office.audit()["faults"] == []


# ---- PostgreSQL, the command line


def test_postgresql_destroys_too(
    home: Path, people: None, postgres_url: Any, calendar: Calendar, quick_letters: None, tmp_path: Path
) -> None:
    use_database(home, postgres_url)
    Office.upgrade(home)
    with (
        Office.open(home, user=USER, today=calendar) as office,
        Office.open(home, user="签发", today=calendar) as signer,
    ):
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number, "archived")
        calendar.day = DUE
        assert destroyed(office, signer, number)["decision"]["approved"]
        assert office.verify(number) == []
        assert office.audit()["faults"] == []
        assert office.tick()["faults"] == []
        assert verify(Path(office.archive(number, tmp_path / "卷宗")["path"])) == []


def test_the_papers_are_real_and_the_command_line_says_it(home: Path, people: None, tmp_path: Path) -> None:
    ledger = tmp_path / "旧台账.csv"
    ledger.write_text(
        "案件编号,收到日期,申请人,申请人类型,申请内容,办理结果,答复日期\n"
        "旧2013-1,2013-03-01,周某,公民,征收补偿方案,予以公开,2013-03-21\n"
    )
    with Office.open(home, user=USER, today=lambda: DUE) as office:
        office.import_ledger(ledger)
        office.act("旧2013-1", "archived", {"retention": "D10"}, on=date(2013, 6, 1))
        listed = proposed(office)
    done = ysq("--home", home, "--as", "签发", "retention", "approve", listed, "--yes", YISHENQING_TODAY="2037-01-05")
    assert done.returncode == 0, done.stderr
    papers = sorted((home / "retention").glob("*.pdf"))
    assert [p.name[:4] for p in papers] == ["销毁清册", "销毁证明"]
    text = "".join((scanning.pdf_text(papers[1].read_bytes()) or "").split())
    assert all(word in text for word in ("旧2013-1", "经办人", "签发", "档案法实施条例第二十四条"))
    said = ysq("--home", home, "archive", "verify", "旧2013-1")
    assert (said.returncode, "依法销毁" in said.stdout) == (0, True)
