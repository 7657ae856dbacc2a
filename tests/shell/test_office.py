"""The office's verbs, whole: one case from the counter to the archive, and what is refused on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, ROAD, USER, Calendar, rows, tamper, use_database, walked
from sqlalchemy import URL

from yishenqing import Office
from yishenqing.core.errors import DataFault, IntegrityFault, Moved, NotFound, Refused, YishenqingError
from yishenqing.store import vault

pytest_plugins = ["pg"]


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, home: Path, calendar: Calendar) -> Iterator[Office]:
    """An office on SQLite, and one on PostgreSQL."""
    if request.param == "postgresql":
        url: URL = request.getfixturevalue("postgres_url")
        use_database(home, url)
        Office.upgrade(home)
    with Office.open(home, user=USER, today=calendar) as opened:
        yield opened


@pytest.mark.usefixtures("quick_letters")
class TestTheRoad:
    def test_leads_from_the_counter_to_a_case_that_verifies(self, either: Office, calendar: Calendar) -> None:
        number = either.register(APPLICATION)["number"]
        found = walked(either, calendar, number)
        assert (found["state"], found["outcome"]) == ("archived", "granted")
        assert [e["step"] for e in found["entries"]] == ["received", *(step for _, step, _ in ROAD)]
        assert [e["seq"] for e in found["entries"]] == list(range(1, len(ROAD) + 2))
        assert [d["state"] for d in found["deadlines"] if d["clock"] == "reply"] == ["met"]
        assert [x["number"] for x in found["letters"]] == [
            "云自然资依申请回〔2026〕1号",
            "云自然资依申请告〔2026〕1号",
        ]
        assert all(Path(x["path"]).is_file() for x in found["letters"])
        assert either.verify(number) == []
        shown = dict(either.show(number))
        assert shown.pop("recognised")["same_text"] == shown.pop("holdings")["items"] == []
        assert shown == dict(found)

    def test_shows_the_same_facts_that_were_given(self, either: Office, calendar: Calendar) -> None:
        number = either.register(APPLICATION)["number"]
        found = walked(either, calendar, number, "drafted")
        by_step = {e["step"]: e["facts"] for e in found["entries"]}
        assert by_step["received"]["applicant"]["name"] == "周德旺"
        assert by_step["received"]["items"] == APPLICATION["items"]
        assert by_step["search_recorded"]["keywords"] == ["征收公告"]
        assert by_step["drafted"]["outcome"] == "granted"

    def test_lists_each_case_with_its_most_urgent_deadline(self, either: Office, calendar: Calendar) -> None:
        number = either.register(APPLICATION)["number"]
        other = either.register(APPLICATION)["number"]
        walked(either, calendar, other)
        lines = {x["number"]: x for x in either.cases()["cases"]}
        assert lines[other]["due"] is None
        assert (lines[number]["clock"], lines[number]["owed_by"]) == ("reply", "organ")
        assert {x["number"] for x in either.due()["cases"]} == {number}


class TestRegister:
    def test_numbers_cases_by_the_year_of_arrival(self, office: Office) -> None:
        numbers = [
            office.register({**APPLICATION, "arrived_on": day})["number"] for day in ("2026-01-05", "2025-12-31")
        ]
        assert [*numbers, office.register(APPLICATION)["number"]] == ["2026-0001", "2025-0001", "2026-0002"]

    def test_takes_a_defective_application_with_a_warning(self, office: Office) -> None:
        applicant = {**APPLICATION["applicant"], "id_number": "999101196805170232"}
        found = office.register({**APPLICATION, "applicant": applicant})
        assert any("校验码" in w["text"] for w in found["warnings"])

    def test_refuses_the_future_and_leaves_nothing(self, office: Office, home: Path) -> None:
        with pytest.raises(Refused, match="晚于"):
            office.register({**APPLICATION, "arrived_on": "2026-03-03"})
        assert rows(home, "SELECT * FROM cases") == rows(home, "SELECT * FROM counters") == []

    def test_keeps_personal_data_out_of_the_entries(self, office: Office, home: Path) -> None:
        office.register(APPLICATION)
        ((payload,),) = rows(home, "SELECT payload FROM entries")
        for value in ("周德旺", "999101196805170231", "19900000001", "柳湾"):
            assert value not in payload
        assert not any("周德旺" in value for (value,) in rows(home, "SELECT value FROM sealed"))
        assert office.show("2026-0001")["entries"][0]["facts"]["applicant"]["name"] == "周德旺"

    def test_keeps_attachments_by_content(self, office: Office, tmp_path: Path) -> None:
        (tmp_path / "附件.pdf").write_bytes(b"%PDF-1.7 attachment")
        file = tmp_path / "申请.json"
        file.write_text(json.dumps({**APPLICATION, "attachments": ["附件.pdf"]}, ensure_ascii=False))
        number = office.register(file)["number"]
        kept = [p for p in (office.home / "files").rglob("*") if p.is_file()]
        assert [p.name for p in kept] == [hashlib.sha256(b"%PDF-1.7 attachment").hexdigest()]
        assert b"%PDF" not in kept[0].read_bytes()
        assert office._papers.read(kept[0].name) == b"%PDF-1.7 attachment"
        assert office.verify(number) == []

    @pytest.mark.parametrize("escape", ["../secret", "/etc/passwd", "a/../../secret", "C:\\secret", "link/secret"])
    def test_an_attachment_cannot_lead_out_of_its_folder(self, office: Office, tmp_path: Path, escape: str) -> None:
        folder = tmp_path / "in"
        folder.mkdir()
        (folder / "link").symlink_to(tmp_path)
        (tmp_path / "secret").write_text("x")
        file = folder / "申请.json"
        file.write_text(json.dumps({**APPLICATION, "attachments": [escape]}, ensure_ascii=False))
        with pytest.raises(DataFault, match="附件"):
            office.register(file)


class TestAct:
    def test_out_of_order_is_refused_with_what_is_permitted(
        self, in_state: Callable[[str], str], office: Office
    ) -> None:
        with pytest.raises(Refused) as caught:
            office.act(in_state(""), "signed")
        assert {"acknowledged", "withdrawn"} <= {p.step for p in caught.value.permitted}
        assert caught.value.law

    def test_on_an_archived_case_is_refused(self, in_state: Callable[[str], str], office: Office) -> None:
        with pytest.raises(Refused) as caught:
            office.act(in_state("archived"), "replied", {"method": "mail"})
        assert "replied" not in {p.step for p in caught.value.permitted}

    def test_by_nobody_known_is_refused(self, in_state: Callable[[str], str], office: Office) -> None:
        with pytest.raises(Refused, match="没有“某人”"):
            office.act(in_state(""), "acknowledged", by="某人")

    def test_without_the_role_is_refused(
        self, in_state: Callable[[str], str], home: Path, calendar: Calendar
    ) -> None:
        number = in_state("")
        settings = home / "office.yaml"
        settings.write_text(settings.read_text() + "  小李: {name: 小李, roles: [archivist]}\n")
        with Office.open(home, user="小李", today=calendar) as office, pytest.raises(Refused, match="登记岗"):
            office.act(number, "acknowledged")

    def test_with_a_stale_view_is_told_who_acted(self, in_state: Callable[[str], str], office: Office) -> None:
        number = in_state("accepted")
        with pytest.raises(Moved, match=f"{USER}于2026-03-04办理“审核通过，交承办”"):
            office.act(number, "search_recorded", {}, expect=2)
        assert len(office.show(number)["entries"]) == 3

    def test_names_what_the_step_cannot_carry(self, in_state: Callable[[str], str], office: Office) -> None:
        with pytest.raises(DataFault, match="没有这一事实；可以填写"):
            office.act(in_state("acknowledged"), "accepted", {"handlr": "x"})

    @pytest.mark.parametrize("text", ["甲\x1b[31m乙", "甲\x00乙", "甲\u202e乙", "字" * 1_000_000])
    def test_hostile_text_is_refused_and_nothing_recorded(
        self, in_state: Callable[[str], str], office: Office, text: str
    ) -> None:
        number = in_state("acknowledged")
        with pytest.raises(DataFault):
            office.act(number, "accepted", {"handler": text})
        assert len(office.show(number)["entries"]) == 2

    def test_a_template_in_a_fact_stays_text(self, in_state: Callable[[str], str], office: Office) -> None:
        found = office.act(
            in_state("acknowledged"), "accepted", {"handler": "{{7*7}}{% for %}<b>'\"; DROP TABLE cases"}
        )
        assert found["entries"][-1]["facts"]["handler"] == "{{7*7}}{% for %}<b>'\"; DROP TABLE cases"

    @pytest.mark.parametrize("path", ["nowhere.pdf", "", "/dev/zero"])
    def test_a_document_must_be_a_file(self, in_state: Callable[[str], str], office: Office, path: str) -> None:
        number = in_state("search_recorded")
        facts = {"outcome": "granted", "provided": "公告", "documents": str(office.home / path)}
        with pytest.raises(DataFault):
            office.act(number, "drafted", facts)
        assert office.show(number)["state"] == "handling"

    def test_unknown_cases_and_steps_are_not_found(self, in_state: Callable[[str], str], office: Office) -> None:
        with pytest.raises(NotFound, match="2026-0009"):
            office.act("2026-0009", "acknowledged")
        with pytest.raises(NotFound, match="没有步骤“signd”"):
            office.act(in_state(""), "signd")

    def test_notes_when_the_drafter_signs(self, in_state: Callable[[str], str], office: Office) -> None:
        """The sample office has switched the rule off; the entry says so."""
        found = office.show(in_state("signed"))
        assert "拟制答复" in str(found["entries"][-1]["facts"]["switched_off"])


class TestLetters:
    def test_are_printed_anew_when_their_number_was_taken(
        self, in_state: Callable[[str], str], office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = in_state(""), in_state("")
        printed, rivals = office._registry.printed, [second]

        def overtaking(plan: Any, open_facts: Any, files: Any) -> Any:
            letter = printed(plan, open_facts, files)
            if rivals:
                office.act(rivals.pop(), "acknowledged")
            return letter

        monkeypatch.setattr(office._registry, "printed", overtaking)
        found = office.act(first, "acknowledged")
        assert found["letters"][0]["number"] == "云自然资依申请回〔2026〕2号"
        assert b"2\xe5\x8f\xb7" in Path(found["letters"][0]["path"]).read_bytes()

    def test_whoever_is_always_overtaken_prints_while_the_others_wait(
        self, in_state: Callable[[str], str], office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        number = in_state("")
        rivals = [in_state("") for _ in range(9)]
        printed, busy = office._registry.printed, False

        def overtaking(plan: Any, open_facts: Any, files: Any) -> Any:
            nonlocal busy
            letter = printed(plan, open_facts, files)
            if not busy and not being_written(office.home):
                busy = True
                office.act(rivals.pop(), "acknowledged")
                busy = False
            return letter

        monkeypatch.setattr(office._registry, "printed", overtaking)
        assert len(office.act(number, "acknowledged")["letters"]) == 1
        taken = [n for (n,) in rows(office.home, "SELECT n FROM letters ORDER BY n")]
        assert taken == list(range(1, len(taken) + 1))

    def test_a_copy_that_is_lost_or_changed_is_put_back(self, in_state: Callable[[str], str], office: Office) -> None:
        found = office.show(in_state("acknowledged"))
        copy = Path(found["letters"][0]["path"])
        content = copy.read_bytes()
        copy.write_bytes(b"forged")
        office.show(found["number"])
        assert copy.read_bytes() == content
        copy.unlink()
        assert office.letter(found["number"], "registration_receipt")["path"] == str(copy)
        assert copy.read_bytes() == content

    def test_a_copy_that_cannot_be_written_takes_nothing_back(
        self, in_state: Callable[[str], str], office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        number, whole = in_state(""), vault.write_whole

        def full(path: Path, content: bytes) -> None:
            if "issued" in path.parts:
                raise OSError(28, "No space left on device")
            whole(path, content)

        monkeypatch.setattr(vault, "write_whole", full)
        with pytest.raises(YishenqingError, match=r"已经出具并记入案卷.*不要重复办理"):
            office.act(number, "acknowledged")
        monkeypatch.undo()
        assert Path(office.show(number)["letters"][0]["path"]).is_file()

    def test_a_draft_has_no_number_and_records_nothing(self, in_state: Callable[[str], str], office: Office) -> None:
        number = in_state("")
        found = office.letter(number, "registration_receipt")
        assert (found["draft"], found["number"]) == (True, None)
        assert Path(found["path"]).is_file()
        assert (len(office.show(number)["entries"]), office.show(number)["letters"]) == (1, [])

    def test_an_unknown_kind_is_not_found(self, in_state: Callable[[str], str], office: Office) -> None:
        with pytest.raises(NotFound):
            office.letter(in_state(""), "../../etc/passwd")


def being_written(home: Path) -> bool:
    """Tell whether somebody is writing just now."""
    import fcntl  # noqa: PLC0415

    with (home / "office.db.lock").open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class TestADiskWithoutRoom:
    @pytest.mark.parametrize("step", ["acknowledged", "withdrawn"])
    def test_leaves_nothing_and_the_act_works_later(
        self, in_state: Callable[[str], str], office: Office, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        number, home = in_state(""), office.home
        (home / "撤回.txt").write_text("撤回申请")
        facts = {"statement": "书面撤回", "attachments": str(home / "撤回.txt")} if step == "withdrawn" else {}

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            office.act(number, step, facts)
        monkeypatch.undo()
        assert len(office.show(number)["entries"]) == 1
        assert rows(home, "SELECT last FROM counters WHERE series <> 'case'") in ([], [(0,)])
        assert len(office.act(number, step, facts)["entries"]) == 2


class TestRehearsal:
    def test_is_marked_in_the_ledger(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("YISHENQING_TODAY", "2026-03-05")
        with Office.open(home, user=USER) as office:
            assert office.today == date(2026, 3, 5)
            assert office.register(APPLICATION)["entries"][0]["rehearsal"] is True
        monkeypatch.delenv("YISHENQING_TODAY")
        with Office.open(home, user=USER) as office:
            assert office.register({**APPLICATION, "arrived_on": "2026-01-05"})["entries"][0]["rehearsal"] is False

    def test_needs_a_day_that_exists(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("YISHENQING_TODAY", "2026-02-30")
        with pytest.raises(DataFault, match="YISHENQING_TODAY"):
            Office.open(home)


class TestOpening:
    def test_a_folder_without_an_office(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="ysq init"):
            Office.open(tmp_path)

    def test_an_office_whose_database_is_gone(self, home: Path) -> None:
        (home / "office.db").unlink()
        with pytest.raises(NotFound, match="还没有数据库"):
            Office.open(home)

    def test_a_workflow_that_changes_leaves_open_cases_alone(
        self, in_state: Callable[[str], str], office: Office, calendar: Calendar
    ) -> None:
        number = in_state("acknowledged")
        own = office.home / "workflows"
        own.mkdir()
        text = (Path(__file__).parents[2] / "workflows" / "disclosure.yaml").read_text()
        (own / "disclosure.yaml").write_text(text.replace("title: 已登记", "title: 已经登记", 1))
        assert office.register(APPLICATION)["state_title"] == "已经登记"
        walked(office, calendar, number)
        assert office.verify(number) == []

    def test_rules_that_were_changed_in_the_database_are_not_applied(
        self, in_state: Callable[[str], str], home: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        number = in_state("")
        tamper(home, "UPDATE rulebooks SET snapshot = replace(snapshot, '已登记', '已经登记')")
        monkeypatch.setattr("yishenqing.office.casework._KNOWN_RULES", {})
        with Office.open(home, user=USER, today=calendar) as office, pytest.raises(IntegrityFault, match="已被改动"):
            office.act(number, "acknowledged")
