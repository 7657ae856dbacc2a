"""Letters in Word: every letter has an island, only islands come back, and whatever else a file brings is refused."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import docx
import pytest
from offices import APPLICATION, USER, Calendar, quick_pdf, ysq
from offices import OPENED as OPENED_ON
from wordfile import BODY, W, controls, edited, filled, rewritten

from yishenqing.core.errors import DataFault, Moved, NotFound, Refused
from yishenqing.letters import Letterbook
from yishenqing.letters.model import fact_of
from yishenqing.office import Office
from yishenqing.rulebook import Rulebook
from yishenqing.shipped import shipped

INTERNAL = {"outcome": "denied_internal", "way": "logistics", "no_effect": "只用于内部排班", "severing": "不能区分"}
KIND = "reply_internal"
OPENED: list[tuple[str, Mapping[str, Any]]] = [
    ("acknowledged", {}),
    ("accepted", {"handler": "征地管理科"}),
    ("search_recorded", {"systems": "档案", "keywords": "值班", "result": "一份", "searched_by": "赵某"}),
]
BEYOND = {"drafted", "found"}
DAY = "2026-03-02"


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An office with a drafted reply, which lies with the reviewer, and its Word file; made once, copied often."""
    home = Path(shutil.copytree(template, tmp_path_factory.mktemp("drafted") / "home"))
    with pytest.MonkeyPatch.context() as patch, Office.open(home, user=USER, today=Calendar(OPENED_ON)) as office:
        patch.setattr(Letterbook, "pdf", quick_pdf)
        number = str(office.register(APPLICATION)["number"])
        for step, facts in (*OPENED, ("drafted", INTERNAL)):
            office.act(number, step, facts)
        office.letter_docx(number, KIND, home.parent / "草稿.docx")
    return home, number


@pytest.fixture
def home(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Path:
    """A copy of that office for whoever asks for its case, else a new one."""
    wanted = "drafted" in request.fixturenames
    source = request.getfixturevalue("made")[0] if wanted else template
    return Path(shutil.copytree(source, tmp_path / "某 机关"))


@pytest.fixture
def drafted(made: tuple[Path, str], quick_letters: None) -> str:
    return made[1]


@pytest.fixture
def file(made: tuple[Path, str], drafted: str, tmp_path: Path) -> Path:
    return Path(shutil.copy(made[0].parent / "草稿.docx", tmp_path / "草稿.docx"))


def steps(office: Office, number: str) -> list[str]:
    return [e["step"] for e in office.show(number)["entries"]]


def test_every_letter_in_prose_has_an_island_that_its_step_can_record(rules: Rulebook) -> None:
    workflow = rules.workflow
    for name, kind in Letterbook([shipped("letters")]).kinds().items():
        if not kind.goes_out:
            assert kind.islands == (), name
            continue
        issues = [s for s in workflow.steps.values() if s.letter == name] or [workflow.steps[s] for s in BEYOND]
        assert "explanation" in kind.islands, name
        for step in issues:
            assert {fact_of(i) for i in kind.islands} <= step.fields.keys(), name
            assert all(step.fields[fact_of(i)].type == "text" for i in kind.islands), name


def test_the_islands_are_open_and_the_rest_is_locked_twice(file: Path) -> None:
    document = docx.Document(str(file))
    protection = document.settings.element.find(W + "documentProtection")
    assert (protection.get(W + "edit"), protection.get(W + "enforcement")) == ("forms", "1")
    locks = {n: c.find(f"{W}sdtPr/{W}lock").get(W + "val") for n, c in controls(document).items()}
    assert locks == dict.fromkeys(("no_effect", "severing", "explanation"), "sdtLocked")
    for control in document.element.body.iter(W + "sdt"):
        if control not in controls(document).values():
            assert control.find(f"{W}sdtPr/{W}lock").get(W + "val") == "sdtContentLocked"
    loose = [r for p in document.element.body.iter(W + "p") for r in p.findall(W + "r")]
    assert loose == []  # no text stands outside a control
    assert len({c.find(f"{W}sdtPr/{W}tag").get(W + "val").split(":", 2)[2] for c in controls(document).values()}) == 1


def test_the_fonts_and_the_page_are_those_of_the_norm(file: Path) -> None:
    document = docx.Document(str(file))
    section = document.sections[0]
    margins = (section.top_margin, section.left_margin, section.right_margin, section.bottom_margin)
    assert [round(m.mm) for m in margins if m is not None] == [37, 28, 26, 35]
    styles = {p.style.name: p.style for p in document.paragraphs if p.style is not None}
    fonts = {n: s.element.find(f"{W}rPr/{W}rFonts").get(f"{W}eastAsia") for n, s in styles.items() if n is not None}
    assert (fonts["公文标题"], fonts["公文正文"]) == ("方正小标宋简体", "仿宋_GB2312")
    assert (styles["公文标题"].font.size.pt, styles["公文正文"].font.size.pt) == (22, 16)


def test_what_was_not_touched_changes_nothing(office: Office, drafted: str, file: Path) -> None:
    for read in (file, edited(file, lambda _: None)):
        found = office.read_docx(drafted, KIND, read, take=True)
        assert (found["islands"], found["acts"], found["taken"]) == ([], [], False)
    assert "returned" not in steps(office, drafted)


def test_words_come_back_as_a_draft_once_it_was_returned(office: Office, drafted: str, file: Path) -> None:
    back = filled(file, no_effect="只用于排班，不影响他人。", explanation="依照条例第十六条第一款办理。")
    told = office.read_docx(drafted, KIND, back)
    assert [(i["fact"], i["old"], i["new"]) for i in told["islands"]] == [
        ("no_effect", "只用于内部排班", "只用于排班，不影响他人。"),
        ("reasoning", "", "依照条例第十六条第一款办理。"),
    ]
    assert told["islands"][0]["diff"] == ["- 只用于内部排班", "+ 只用于排班，不影响他人。"]
    assert [a["step"] for a in told["acts"]] == ["returned", "drafted"]
    assert steps(office, drafted)[-1] == "drafted"  # so far it was only looked at
    assert office.read_docx(drafted, KIND, back, take=True)["taken"]
    entries = office.show(drafted)["entries"]
    assert [e["step"] for e in entries[-3:]] == ["drafted", "returned", "drafted"]
    assert entries[-1]["facts"] == {**INTERNAL, "no_effect": "只用于排班，不影响他人。",
                                    "reasoning": "依照条例第十六条第一款办理。"}  # fmt: skip
    assert office.verify(drafted) == []
    with pytest.raises(Moved, match="导出以后案件已有变化"):
        office.read_docx(drafted, KIND, back, take=True)


def test_what_is_printed_to_be_done_does_it(office: Office, drafted: str, file: Path) -> None:
    for act in office.read_docx(drafted, KIND, filled(file, severing="可以删去附表"))["acts"]:
        office.act(drafted, act["step"], act["facts"])
    assert office.show(drafted)["entries"][-1]["facts"]["severing"] == "可以删去附表"


def test_files_of_the_draft_are_filed_again(office: Office, drafted: str, tmp_path: Path) -> None:
    paper = tmp_path / "值班安排.txt"
    paper.write_text("三月值班安排")
    office.act(drafted, "returned", {"reason": "补附件"})
    office.act(drafted, "drafted", {**INTERNAL, "documents": str(paper)})
    paper.unlink()
    office.letter_docx(drafted, KIND, tmp_path / "b.docx")
    office.read_docx(drafted, KIND, filled(tmp_path / "b.docx", severing="全文属于内部事务"), take=True)
    assert len(office.show(drafted)["entries"][-1]["facts"]["documents"]) == 1
    assert office.verify(drafted) == []


def test_nobody_takes_what_the_workflow_does_not_give_them(
    home: Path, calendar: Calendar, office: Office, drafted: str, file: Path
) -> None:
    settings = home / "office.yaml"
    settings.write_text(settings.read_text() + "  承办:\n    name: 承办\n    roles: [handler]\n")
    back = filled(file, severing="全文属于内部事务")
    with Office.open(home, user="承办", today=calendar) as other:
        with pytest.raises(Refused, match="退回重新办理"):
            other.read_docx(drafted, KIND, back, take=True)
        office.act(drafted, "returned", {"reason": "请改写区分处理的考虑"})
        assert other.read_docx(drafted, KIND, back, take=True)["state"] == "drafted"
    assert office.show(drafted)["entries"][-1]["actor"] == "承办"


def test_a_file_read_days_later_still_holds(office: Office, calendar: Calendar, drafted: str, file: Path) -> None:
    calendar.day += timedelta(days=2)
    assert office.read_docx(drafted, KIND, filled(file, severing="不能"))["islands"][0]["new"] == "不能"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("第十六条第一款", "第十四条第一款"),
        ("60日内", "15日内"),
        ("云溪县人民政府", "云溪县水利局"),
        ("周德旺", "周得旺"),
    ],
)
def test_a_changed_lock_is_refused_with_what_was_and_what_is(
    office: Office, drafted: str, file: Path, old: str, new: str
) -> None:
    def change(document: Any) -> None:
        text = next(t for t in document.element.body.iter(W + "t") if old in t.text)
        text.text = text.text.replace(old, new)

    with pytest.raises(DataFault) as caught:
        office.read_docx(drafted, KIND, edited(file, change), take=True)
    (fault,) = caught.value.faults
    before, now = fault.text.split("现为")
    assert old in before
    assert new in now
    assert fault.field.startswith("第")
    assert steps(office, drafted)[-1] == "drafted"


def drop_paragraph(document: Any) -> None:
    body = document.element.body
    body.remove(next(body.iterchildren(W + "p")))


def add_paragraph(document: Any) -> None:
    document.add_paragraph("另行收费一百元。")


def drop_island(document: Any) -> None:
    control = controls(document)["explanation"]
    control.getparent().remove(control)


def double_island(document: Any) -> None:
    control = controls(document)["explanation"]
    control.addnext(copy.deepcopy(control))


def forge_day(document: Any) -> None:
    for control in controls(document).values():
        tag = control.find(f"{W}sdtPr/{W}tag")
        tag.set(W + "val", tag.get(W + "val").replace("20260302", "29990302"))


def forge_one(document: Any) -> None:
    tag = controls(document)["explanation"].find(f"{W}sdtPr/{W}tag")
    tag.set(W + "val", tag.get(W + "val")[:-4] + "0000")


def strip_tags(document: Any) -> None:
    for control in controls(document).values():
        control.find(f"{W}sdtPr").remove(control.find(f"{W}sdtPr/{W}tag"))
    for name in ("bookmarkStart", "bookmarkEnd"):
        for mark in list(document.element.body.iter(W + name)):
            mark.getparent().remove(mark)


def as_libreoffice_saves(document: Any) -> None:
    """LibreOffice 7.4 keeps the controls and the bookmarks and drops what the controls say of themselves."""
    for properties in document.element.body.iter(W + "sdtPr"):
        for told in list(properties):
            properties.remove(told)


def enter(document: Any) -> None:
    """Press Enter within an island, as some programs save it: in two paragraphs."""
    control = controls(document)["explanation"]
    paragraph = control.getparent()
    new = copy.deepcopy(paragraph)
    for told in list(new):
        new.remove(told)
    end = control.getnext()
    new.extend([copy.deepcopy(control), end, *end.itersiblings()])
    properties = new[0].find(f"{W}sdtPr")
    for told in list(properties):
        properties.remove(told)
    paragraph.addnext(new)


def move_mark(document: Any) -> None:
    """Draw the bookmark around an island over locked text."""
    start = next(
        m for m in document.element.body.iter(W + "bookmarkStart") if m.get(W + "name").endswith("no_effect")
    )
    start.getparent().insert(1, start)


def add_table(document: Any) -> None:
    document.add_table(1, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop_paragraph, "已删去"), (add_paragraph, "另行收费一百元"), (drop_island, "现为"),
        (double_island, "出现了两次"), (forge_day, "标记已被改动"), (forge_one, "标记已被改动"),
        (strip_tags, "没有可改的内容"), (move_mark, "现为"), (add_table, "不能有表格"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_the_letter_any_more_is_refused(
    office: Office, drafted: str, file: Path, change: Callable[[Any], None], said: str
) -> None:
    with pytest.raises(DataFault, match=said):
        office.read_docx(drafted, KIND, edited(file, change), take=True)


def test_a_file_that_libreoffice_saved_is_read_by_its_bookmarks(office: Office, drafted: str, file: Path) -> None:
    saved = edited(file, as_libreoffice_saves)
    assert (controls(docx.Document(str(saved))), office.read_docx(drafted, KIND, saved)["islands"]) == ({}, [])
    back = edited(filled(file, severing="只有排班", explanation="另行说明。"), as_libreoffice_saves)
    assert {i["fact"]: i["new"] for i in office.read_docx(drafted, KIND, back)["islands"]} == {
        "severing": "只有排班",
        "reasoning": "另行说明。",
    }
    with pytest.raises(DataFault, match=r"现为“.*外部事务"):
        office.read_docx(
            drafted, KIND, rewritten(saved, {BODY: lambda b: b.replace("内部事务".encode(), "外部事务".encode())})
        )


def test_an_island_may_go_over_paragraphs(office: Office, drafted: str, file: Path) -> None:
    (island,) = office.read_docx(drafted, KIND, edited(filled(file, explanation="说明。"), enter))["islands"]
    assert island["new"].split() == ["说明。", "说明。"]


def test_whoever_drafted_meanwhile_is_not_overwritten(office: Office, drafted: str, file: Path) -> None:
    back = filled(file, severing="全文属于内部事务")
    office.act(drafted, "returned", {"reason": "改写"})
    assert office.read_docx(drafted, KIND, back)["islands"]  # being returned changes no word of the letter
    office.act(drafted, "drafted", {**INTERNAL, "severing": "附表可以区分"})
    with pytest.raises(Moved):
        office.read_docx(drafted, KIND, back)


def test_a_file_of_another_case_is_not_taken(office: Office, drafted: str, file: Path) -> None:
    other = office.register({**APPLICATION, "items": ["另一件"]})["number"]
    for step, facts in (*OPENED, ("drafted", INTERNAL)):
        office.act(other, step, facts)
    with pytest.raises(Moved, match="导自其他案件"):
        office.read_docx(other, KIND, file)


def test_an_island_cites_nothing_that_does_not_hold(office: Office, drafted: str, file: Path) -> None:
    with pytest.raises(DataFault, match="“统计法第二十五条”所引的“统计法”不在法律数据中") as caught:
        office.read_docx(drafted, KIND, filled(file, no_effect="依照统计法第二十五条"), take=True)
    assert caught.value.faults[0].field == "为何不对外产生影响"
    office.act(drafted, "returned", {"reason": "改写"})
    with pytest.raises(DataFault, match="没有收录第九十九条"):
        office.act(drafted, "drafted", {**INTERNAL, "severing": "见条例第九十九条"})
    with pytest.raises(DataFault, match="没有写明是哪一部法律"):
        office.draft(drafted, facts={**INTERNAL, "reasoning": "依照第三条"})


def test_an_issued_letter_goes_to_word_no_more(office: Office, drafted: str, file: Path) -> None:
    for step, facts in (("reviewed", {"opinion": "同意"}), ("secrecy_reviewed", {"conclusion": "withheld"})):
        office.act(drafted, step, facts)
    office.act(drafted, "signed")
    for verb in (
        lambda: office.letter_docx(drafted, KIND),
        lambda: office.read_docx(drafted, KIND, filled(file, severing="不能"), take=True),
    ):
        with pytest.raises(Refused, match="已经出具，不能再改"):
            verb()  # type: ignore[no-untyped-call]


def test_each_item_has_islands_of_its_own(office: Office, quick_letters: None, tmp_path: Path) -> None:
    number = office.register({**APPLICATION, "items": ["征收公告", "值班安排"]})["number"]
    judged = {"finding": "denied_internal", **{k: v for k, v in INTERNAL.items() if k != "outcome"}}
    found = [
        ("found", {"item": 1, "finding": "granted", "provided": "土地征收公告"}),
        ("found", {"item": 2, **judged}),
    ]
    for step, facts in (*OPENED, *found, ("drafted", {"outcome": "partial"})):
        office.act(number, step, facts)
    file = tmp_path / "逐项.docx"
    told = office.letter_docx(number, "reply_items", file)
    names = [i["island"] for i in told["islands"]]
    assert {"1.explanation", "2.no_effect", "2.severing", "2.explanation", "explanation"} == set(names)
    back = filled(
        file, **{"2__severing": "附表可以删去", "1__explanation": "附图一并提供。", "explanation": "分两次寄出。"}
    )
    read = office.read_docx(number, "reply_items", back, take=True)
    assert [a["step"] for a in read["acts"]] == ["returned", "found", "found", "drafted"]
    entries = office.show(number)["entries"]
    assert entries[-2]["facts"] == {"item": 2, **judged, "severing": "附表可以删去"}
    text = "".join(s["text"] for s in office.draft(number, "partial")["sentences"])
    assert all(words in text for words in ("附表可以删去", "附图一并提供。", "分两次寄出。"))


def test_a_notice_tells_how_to_record_it_and_is_not_issued_from_word(
    office: Office, quick_letters: None, tmp_path: Path
) -> None:
    number = office.register(APPLICATION)["number"]
    office.act(number, "acknowledged")
    file = tmp_path / "补正.docx"
    office.letter_docx(number, "supplement_notice", file)
    back = filled(file, guidance="请写明项目名称", explanation="可以到大厅查阅目录。")
    found = office.read_docx(number, "supplement_notice", back)
    assert found["acts"][-1]["facts"] == {"guidance": "请写明项目名称", "reasoning": "可以到大厅查阅目录。"}
    assert {m["field"] for m in found["missing"]} == {"defects", "until"}
    with pytest.raises(Refused, match="当即出具文书"):
        office.read_docx(number, "supplement_notice", back, take=True)
    more = {"defects": "未写明名称", "until": "2026-03-20"}
    office.act(number, "supplement_requested", {**found["acts"][-1]["facts"], **more})


def test_forms_have_no_islands(office: Office, drafted: str) -> None:
    with pytest.raises(DataFault, match="是卷宗用表"):
        office.letter_docx(drafted, "approval_sheet")


def bomb(body: bytes) -> bytes:
    return body.replace(b"<w:body>", b"<w:body>" + b"<w:p/>" * 2_000_000)


def long_text(body: bytes) -> bytes:
    return body.replace(b"</w:t>", b"\xe5\xad\x97" * 110_000 + b"</w:t>", 1)


def deep(body: bytes) -> bytes:
    return body.replace(b"<w:body>", b"<w:body>" + b"<w:p><w:r>" * 400).replace(
        b"</w:body>", b"</w:r></w:p>" * 400 + b"</w:body>"
    )


def many(body: bytes) -> bytes:
    return body.replace(b"<w:body>", b"<w:body>" + b"<w:p></w:p>" * 3_000)


def entity(body: bytes) -> bytes:
    head, rest = body.split(b"?>", 1)
    return (
        head + b'?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + rest.replace(b"</w:t>", b"&a;</w:t>", 1)
    )


def laughs(body: bytes) -> bytes:
    head, rest = body.split(b"?>", 1)
    return head + b'?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + rest


HOSTILE: list[tuple[Callable[[bytes], bytes], str]] = [
    (bomb, "解压后超过8兆字节"), (long_text, "文字超过100000字"), (deep, "嵌套过深"), (many, "超过2000段"),
    (entity, "实体或者文档类型声明"), (laughs, "实体或者文档类型声明"), (lambda body: body[:-40], "已损坏"),
    (lambda body: b"", "已损坏"),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "said"), HOSTILE)
def test_a_hostile_body_is_refused(
    office: Office, drafted: str, file: Path, harm: Callable[[bytes], bytes], said: str
) -> None:
    with pytest.raises(DataFault, match=said):
        office.read_docx(drafted, KIND, rewritten(file, {BODY: harm}), take=True)


def test_macros_are_refused(office: Office, drafted: str, file: Path) -> None:
    with pytest.raises(DataFault, match="带有宏"):
        office.read_docx(drafted, KIND, rewritten(file, {}, {"word/vbaProject.bin": b"\xd0\xcf"}))
    types = "[Content_Types].xml"
    with pytest.raises(DataFault, match="带有宏"):
        office.read_docx(
            drafted,
            KIND,
            rewritten(file, {types: lambda t: t.replace(b"</Types>", b"<!-- macroEnabled --></Types>")}),
        )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"%PDF-1.7", b"x" * 5_000_001])
def test_what_is_no_word_file_is_refused(office: Office, drafted: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.docx").write_bytes(content)
    for path in (tmp_path / "x.docx", tmp_path):
        with pytest.raises(DataFault):
            office.read_docx(drafted, KIND, path)
    with pytest.raises(NotFound):
        office.read_docx(drafted, KIND, tmp_path / "没有.docx")


def test_nothing_unseen_comes_in_with_the_words(office: Office, drafted: str, file: Path) -> None:
    found = office.read_docx(drafted, KIND, filled(file, severing="不能\u202e区分\u200b{{ 7*7 }}<b>"))
    assert found["islands"][0]["new"] == "不能区分{{ 7*7 }}<b>"


def test_tracked_deletions_and_line_ends_are_read_as_they_look(office: Office, drafted: str, file: Path) -> None:
    def change(document: Any) -> None:
        run = next(controls(document)["severing"].iter(W + "r"))
        body = (
            f'<w:r xmlns:w="{W[1:-1]}"><w:t>可以区分</w:t><w:br/><w:t>见附表</w:t></w:r>',
            f'<w:del xmlns:w="{W[1:-1]}"><w:r><w:delText>旧</w:delText></w:r></w:del>',
        )
        from docx.oxml.parser import parse_xml  # noqa: PLC0415

        for part in reversed(body):
            run.addnext(parse_xml(part))
        run.getparent().remove(run)

    assert office.read_docx(drafted, KIND, edited(file, change))["islands"][0]["new"] == "可以区分\n见附表"


def test_on_the_command_line(home: Path, office: Office, drafted: str, tmp_path: Path) -> None:
    words = ("--home", home, "--as", USER, "letter", drafted, KIND)
    out = tmp_path / "稿.docx"
    made = ysq(*words, "--docx", out, YISHENQING_TODAY=DAY)
    assert (made.returncode, str(out) in made.stdout) == (0, True), made.stderr
    back = filled(out, severing="附表可以区分")
    read = ysq(*words, "--read-docx", back, YISHENQING_TODAY=DAY)
    assert read.returncode == 0, read.stderr
    assert "- 不能区分" in read.stdout
    assert f"ysq act {drafted} drafted" in read.stdout
    taken = ysq(*words, "--read-docx", back, "--take", YISHENQING_TODAY=DAY)
    assert "已记入案卷：退回重新办理、拟制答复" in taken.stdout
    again = ysq(*words, "--read-docx", back, YISHENQING_TODAY=DAY)
    assert (again.returncode, "没有采用任何内容" in again.stderr) == (5, True)
    assert ysq(*words, "--take", YISHENQING_TODAY=DAY).returncode == 2
    assert ysq(*words, "--docx", YISHENQING_TODAY=DAY).returncode == 0
    assert (home / "previews" / drafted / "草稿-政府信息不予公开告知书.docx").is_file()
