"""The dispatcher's desk: a day's letters printed in one go, mail numbers read back, all of a list or nothing."""

from __future__ import annotations

import gc
import io
import shutil
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, quick_pdf, walked, ysq
from openpyxl import Workbook
from pypdf import PdfReader

from yishenqing.core.errors import DataFault, IntegrityFault, NotFound
from yishenqing.letters import Letterbook
from yishenqing.letters.binding import bound
from yishenqing.office import Office
from yishenqing.office.mailing import read_postings

POSTED = date(2026, 3, 24)
NUMBER, OTHER = "1234567890123", "XA12345678901"
HEAD = "案件编号,文号,邮件号,交邮日期\n"
InState = Callable[[str], str]


@pytest.fixture
def signed(office: Office, calendar: Calendar) -> str:
    """A case with two real letters: the receipt of 2 March and the reply of 23 March."""
    number: str = office.register(APPLICATION)["number"]
    walked(office, calendar, number, "signed")
    return number


def listed(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "交寄清单.csv"
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def heads(office: Office, *numbers: str) -> list[str]:
    return [office.show(n)["entries"][-1]["hash"] for n in numbers]


class TestPrinting:
    def test_single_files_are_what_was_issued_and_one_file_prints_all(
        self, office: Office, signed: str, tmp_path: Path
    ) -> None:
        issued = {x["number"]: Path(x["path"]).read_bytes() for x in office.show(signed)["letters"]}
        seen: list[tuple[int, int]] = []
        to = tmp_path / "打印"
        found = office.print_batch(to, since=date(2026, 3, 1), told=lambda *how: seen.append(how))
        assert [x["letter"] for x in found["letters"]] == sorted(issued, key=lambda n: "告" not in n, reverse=True)
        assert seen == [(1, 2), (2, 2)]
        for row in found["letters"]:
            assert Path(row["path"]).read_bytes() == issued[row["letter"]]
            assert Path(row["path"]).name == f"{row['letter']}{row['title']}.pdf"
        parts = [Path(row[p]) for row in found["letters"] for p in ("path", "envelope", "ems_sheet")]
        assert {p.name for p in to.iterdir()} == {*(p.name for p in parts), Path(found["printed"]).name}
        single = [page.extract_text() for part in parts for page in PdfReader(part).pages]
        bound_pages = PdfReader(found["printed"], strict=True).pages
        assert [page.extract_text() for page in bound_pages] == single
        assert len(bound_pages) == found["pages"]
        assert office.verify(signed) == []
        assert {x["number"]: Path(x["path"]).read_bytes() for x in office.show(signed)["letters"]} == issued

    def test_printing_again_gives_the_same_bytes(self, office: Office, signed: str, tmp_path: Path) -> None:
        first, second = (office.print_batch(tmp_path / name) for name in ("甲", "乙"))
        assert Path(first["printed"]).read_bytes() == Path(second["printed"]).read_bytes()

    def test_each_begins_on_a_sheet_of_its_own_when_both_sides_are_printed(
        self, office: Office, signed: str, tmp_path: Path
    ) -> None:
        found = office.print_batch(tmp_path, duplex=True)
        pages = PdfReader(found["printed"]).pages
        (row,) = found["letters"]
        sizes = [len(PdfReader(row[p]).pages) for p in ("path", "envelope", "ems_sheet")]
        assert len(pages) == sum(n + n % 2 for n in sizes)
        blank = pages[len(pages) - 1]
        assert blank.extract_text() == ""
        assert blank.mediabox == pages[len(pages) - 2].mediabox  # the printer does not change its paper

    def test_only_the_day_and_the_kinds_that_were_asked_for(
        self, office: Office, signed: str, tmp_path: Path
    ) -> None:
        def kinds(**wishes: Any) -> list[str]:
            return [x["kind"] for x in office.print_batch(tmp_path, **wishes)["letters"]]

        assert kinds() == ["reply_granted"]
        assert kinds(on=date(2026, 3, 2)) == ["registration_receipt"]
        assert kinds(since=date(2026, 3, 2), kinds=["registration_receipt"]) == ["registration_receipt"]
        empty = office.print_batch(tmp_path / "空", on=date(2026, 3, 10))
        assert (empty["letters"], empty["printed"]) == ([], None)
        assert not (tmp_path / "空").exists()
        with pytest.raises(NotFound, match="没有文书种类"):
            kinds(kinds=["reply_grant"])
        with pytest.raises(DataFault, match="晚于"):
            kinds(since=date(2026, 3, 24))

    def test_what_no_post_carries_has_no_envelope(self, office: Office, calendar: Calendar, tmp_path: Path) -> None:
        by_mail = office.register(APPLICATION)["number"]
        online = office.register({**APPLICATION, "delivery": "online"})["number"]
        for number in (by_mail, online):
            office.act(number, "acknowledged", {})
            office.act(number, "accepted", {"handler": "征地管理科"})
        task = {"department": "档案室", "task": "检索公告", "until": "2026-03-10"}
        office.act(by_mail, "assistance_asked", task)
        office.act(by_mail, "third_party_consulted", {"party": "安居公司", "content": "合同"})
        rows = office.print_batch(tmp_path)["letters"]
        posted = {(x["number"], x["kind"]): x["envelope"] for x in rows}
        assert {key for key, envelope in posted.items() if envelope} == {
            (by_mail, "registration_receipt"),
            (by_mail, "third_party_inquiry"),
        }
        assert len(posted) == 4
        inquiry = next(x for x in rows if x["kind"] == "third_party_inquiry")
        text = "".join(PdfReader(inquiry[p]).pages[0].extract_text() for p in ("envelope", "ems_sheet"))
        assert "安居公司" in text
        assert not any(APPLICATION["applicant"][k] in text for k in ("name", "phone", "address"))

    def test_a_letter_that_was_changed_is_not_printed(
        self, office: Office, home: Path, signed: str, tmp_path: Path
    ) -> None:
        sha256 = office.show(signed)["letters"][-1]["sha256"]
        (home / "files" / sha256[:2] / sha256).write_bytes(b"%PDF-1.7 other")
        with pytest.raises(IntegrityFault):
            office.print_batch(tmp_path / "打印")
        assert list((tmp_path / "打印").iterdir()) == []

    def test_the_file_of_a_thousand_letters_needs_no_more_memory_than_that_of_ten(
        self, office: Office, signed: str, tmp_path: Path
    ) -> None:
        content = Path(office.show(signed)["letters"][-1]["path"]).read_bytes()

        def peak(count: int) -> int:
            gc.collect()
            tracemalloc.start()
            with bound(tmp_path / "合订.pdf") as binder:
                for _ in range(count):
                    binder.add(content)
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return found

        peak(1)
        assert peak(120) < peak(40) + 20 * len(content)  # kept, the eighty others would weigh eighty times as much
        assert len(PdfReader(tmp_path / "合订.pdf").pages) == 40 * len(PdfReader(io.BytesIO(content)).pages)


class TestReading:
    @pytest.mark.parametrize(
        ("head", "row"),
        [
            ("案件编号,邮件号,交邮日期", "2026-0001,1234567890123,2026-03-24"),
            ("交邮日期,收件人,邮件号,登记编号", "2026年3月24日,周,1234567890123,2026-0001"),
            ("运单号\t案件编号\t收寄时间", "1234567890123\t2026-0001\t2026-03-24 15:30:12"),
            ("邮件号,案件编号,交邮日期", "１２３４ ５６７８ ９０１２３,２０２６-０００１,２０２６/３/２４"),
            ("邮件号*,案件编号：,交邮日期", "'1234567890123,2026-0001,46105"),
            ("邮件号,案件编号,交邮日期", "1234-5678-90123,2026-0001,20260324"),
        ],
    )
    def test_columns_in_any_order_and_days_as_people_write_them(self, tmp_path: Path, head: str, row: str) -> None:
        (found,) = read_postings(listed(tmp_path, head, row, head="交寄清单,,,\n"))
        assert (found.number, found.tracking, found.posted_on) == ("2026-0001", NUMBER, POSTED)
        assert found.line.line == 3

    def test_a_workbook_with_days_and_numbers_as_a_spreadsheet_keeps_them(self, tmp_path: Path) -> None:
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(["邮件号", "交邮日期", "案件编号"])
        sheet.append([1234567890123, POSTED, "2026-0001"])
        sheet.append([1234567890124, 46105, "2026-0002"])
        book.save(tmp_path / "清单.xlsx")
        found = read_postings(tmp_path / "清单.xlsx")
        assert [(p.tracking, p.posted_on) for p in found] == [(NUMBER, POSTED), ("1234567890124", POSTED)]

    @pytest.mark.parametrize(
        ("row", "fault"),
        [
            ("2026-0001,,SF1234567890123,2026-03-24", "“邮件号”：“SF1234567890123”不是邮政企业的邮件号"),
            ("2026-0001,,YT12345,2026-03-24", "只能交邮政企业寄递"),
            ("2026-0001,,1.23457E+12,2026-03-24", "已被电子表格改写"),
            ("2026-0001,,1234567890123,2026-02-30", "“2026-02-30”是不存在的日期"),
            ("2026-0001,,1234567890123,昨天", "“昨天”不是日期"),
            ("2026-0001,,1234567890123,99999", "“99999”不是日期"),
            ("2026-0001,,1234567890123,", "缺少“交邮日期”"),
            ("2026-0001,,,2026-03-24", "缺少“邮件号”"),
            (",,1234567890123,2026-03-24", "缺少“案件编号”或者“文号”"),
            ("2026-\u202e0001,,1234567890123,2026-03-24", "看不见的控制字符"),
            ("2026-0001,,1234567890123,2026-03-24,多,余", "比表头多出2格"),
        ],
    )
    def test_a_fault_is_named_with_its_line(self, tmp_path: Path, row: str, fault: str) -> None:
        with pytest.raises(DataFault) as caught:
            read_postings(listed(tmp_path, f"2026-0002,,{OTHER},2026-03-24", row))
        (found,) = caught.value.faults
        assert found.line == 3
        assert fault in str(found)

    def test_a_list_without_headings_says_which_are_wanted(self, tmp_path: Path) -> None:
        with pytest.raises(DataFault, match="表头须有“邮件号”“交邮日期”"):
            read_postings(listed(tmp_path, "2026-0001,1234567890123,2026-03-24", head=""))
        with pytest.raises(NotFound):
            read_postings(tmp_path / "没有.csv")


@pytest.fixture(scope="module")
def desk(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, dict[str, str]]]:
    """An office with a case in each state of posting, made once: what is refused changes nothing in it."""
    home, calendar = tmp_path_factory.mktemp("desk") / "home", Calendar(OPENED)
    shutil.copytree(template, home)
    with pytest.MonkeyPatch.context() as patch, Office.open(home, user=USER, today=calendar) as office:
        patch.setattr(Letterbook, "pdf", quick_pdf)
        known = {"n": OTHER}
        for name, until in (("gone", "signed"), ("a", "signed"), ("b", "signed"), ("young", "accepted")):
            calendar.day = OPENED
            known[name] = office.register(APPLICATION)["number"]
            walked(office, calendar, known[name], until)
        calendar.day = date(2026, 3, 26)
        office.track_batch(listed(home, f"{known['gone']},,1234567890999,2026-03-24"), record=True)
        known["a_letter"] = office.show(known["a"])["letters"][-1]["number"]
    with Office.open(home, user=USER, today=calendar) as office:
        yield office, known


class TestTracking:
    def test_a_trial_keeps_nothing_then_all_is_recorded_once(
        self, office: Office, calendar: Calendar, in_state: InState, tmp_path: Path
    ) -> None:
        first, second = in_state("signed"), in_state("signed")
        calendar.day = date(2026, 3, 26)  # the list comes two days later
        letter = office.show(second)["letters"][-1]["number"].replace("〔", "[").replace("〕", "]")
        path = listed(tmp_path, f"{first},,{NUMBER},2026-03-24", f",{letter},{OTHER},2026-03-25")
        before = heads(office, first, second)
        tried = office.track_batch(path)
        assert heads(office, first, second) == before
        assert not tried["recorded"]
        done = office.track_batch(path, record=True)
        assert [{**r} for r in done["rows"]] == tried["rows"]
        assert [r["doing"] for r in done["rows"]] == ["record", "record"]
        for number, tracking, day in ((first, NUMBER, "2026-03-24"), (second, OTHER, "2026-03-25")):
            shown = office.show(number)
            entry = shown["entries"][-1]
            assert (shown["state"], entry["step"], entry["on"]) == ("replied", "replied", day)
            told = {k: entry["facts"][k] for k in ("method", "tracking", "posted_on")}
            assert told == {"method": "mail", "tracking": tracking, "posted_on": day}
            assert office.verify(number) == []
        after = heads(office, first, second)
        again = office.track_batch(path, record=True)
        assert [r["doing"] for r in again["rows"]] == ["already", "already"]
        assert heads(office, first, second) == after
        office.act(first, "delivered", {"signed_by": "本人"})  # posted earlier than it was read: still in order
        assert office.track_batch(path, record=True)["rows"][0]["doing"] == "already"

    @pytest.mark.parametrize(
        ("row", "fault"),
        [
            ("2026-0009,,{n},2026-03-24", "没有编号为“2026-0009”的案件"),
            (",云自然资告〔2026〕9号,{n},2026-03-24", "没有文号为"),
            ("{b},{a_letter},{n},2026-03-24", "与本行的案件编号"),
            ("{a},,{n},2026-03-24", "重复，已见于第2行"),
            ("{b},,{n},2026-03-20", "早于上一步骤的日期"),
            ("{b},,{n},2026-03-30", "2026-03-30"),
            ("{young},,{n},2026-03-24", "不能办理“发出答复”"),
            ("{gone},,{n},2026-03-24", "不能再登记"),
            ("{gone},,1234567890999,2026-03-25", "与本行不一致"),
        ],
    )
    def test_one_refused_row_keeps_back_the_whole_list(
        self, desk: tuple[Office, dict[str, str]], tmp_path: Path, row: str, fault: str
    ) -> None:
        office, known = desk
        cases = [known[name] for name in ("a", "b", "young", "gone")]
        before = heads(office, *cases)
        path = listed(tmp_path, f"{known['a']},,{NUMBER},2026-03-24", row.format(**known))
        for record in (False, True):
            with pytest.raises(DataFault) as caught:
                office.track_batch(path, record=record)
            (found,) = caught.value.faults
            assert found.line == 3
            assert fault in found.text
        assert heads(office, *cases) == before

    def test_only_who_sends_may_record(self, office: Office, home: Path, in_state: InState, tmp_path: Path) -> None:
        number = in_state("signed")
        settings = home / "office.yaml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("people:", "people:\n  clerk: {name: 丙, roles: [registrar]}", 1), "utf-8")
        with (
            Office.open(home, user="clerk", today=lambda: date(2026, 3, 26)) as clerk,
            pytest.raises(DataFault, match="送达岗"),
        ):
            clerk.track_batch(listed(tmp_path, f"{number},,{NUMBER},2026-03-24"), record=True)

    def test_a_notice_is_told_and_left_alone(
        self, office: Office, calendar: Calendar, in_state: InState, tmp_path: Path
    ) -> None:
        number = in_state("signed")
        calendar.day = date(2026, 3, 26)
        receipt = office.show(number)["letters"][0]["number"]
        path = listed(tmp_path, f",{receipt},{OTHER},2026-03-02", f"{number},,{NUMBER},2026-03-24")
        rows = office.track_batch(path, record=True)["rows"]
        assert [r["doing"] for r in rows] == ["skipped", "record"]
        assert "不是答复" in rows[0]["why"]

    def test_what_came_back_is_sent_again_under_another_number(
        self, office: Office, calendar: Calendar, in_state: InState, tmp_path: Path
    ) -> None:
        number = in_state("signed")
        calendar.day = date(2026, 3, 30)
        first = listed(tmp_path, f"{number},,{NUMBER},2026-03-24")
        office.track_batch(first, record=True)
        office.act(number, "returned_undelivered", {"cause": "unclaimed"}, on=date(2026, 3, 28))
        assert office.track_batch(first, record=True)["rows"][0]["doing"] == "already"
        again = listed(tmp_path, f"{number},,{OTHER},2026-03-29")
        assert office.track_batch(again, record=True)["rows"][0]["step"] == "resent"
        assert office.show(number)["state"] == "replied"


def test_the_commands(home: Path, office: Office, calendar: Calendar, in_state: InState, tmp_path: Path) -> None:
    number = in_state("signed")
    today = "2026-03-25"
    base = ("--home", home, "--as", "经办人")
    path = listed(tmp_path, f"{number},,{NUMBER},2026-03-24")
    tried = ysq(*base, "batch", "track", path, YISHENQING_TODAY=today)
    assert (tried.returncode, tried.stderr) == (0, "")
    assert "试算：将登记1件" in tried.stdout
    assert "已登记1件" in ysq(*base, "batch", "track", path, "--record", YISHENQING_TODAY=today).stdout
    bad = ysq(*base, "batch", "track", listed(tmp_path, f"{number},,X,2026-03-24"), "--json", YISHENQING_TODAY=today)
    assert bad.returncode == 6
    assert '"line": 2' in bad.stdout
    assert ysq(*base, "batch", "track", path, "--on", "2026-03-24", YISHENQING_TODAY=today).returncode == 2
    nothing = ysq(*base, "batch", "print", "--to", tmp_path / "无", "--on", "2026-03-20", YISHENQING_TODAY=today)
    assert (nothing.returncode, "没有出具" in nothing.stdout) == (0, True)
    assert ysq(*base, "batch", "print", YISHENQING_TODAY=today).returncode == 2


def test_a_reader_of_the_print_command_sees_what_was_made(
    office: Office, home: Path, signed: str, tmp_path: Path
) -> None:
    found = ysq(
        "--home", home, "--as", "经办人", "batch", "print", "--on", "2026-03-23", "--to", tmp_path / "印",
        YISHENQING_TODAY="2026-03-25",
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (0, "")  # no bar where nobody looks
    assert "出具的文书1件，其中交邮1件" in found.stdout
    assert len(list((tmp_path / "印").glob("*.pdf"))) == 4


def test_the_envelope_of_the_latest_letter_at_any_time(office: Office, signed: str) -> None:
    found: Mapping[str, Any] = office.letter(signed, "envelope")
    assert (found["draft"], Path(found["path"]).name) == (False, "信封.pdf")
    text = PdfReader(found["path"]).pages[0].extract_text()
    assert "周德旺" in text
    assert APPLICATION["applicant"]["address"] in text
