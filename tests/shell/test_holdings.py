"""The register of holdings on SQLite and PostgreSQL: lists taken in whole, found again, brought up to date."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import Connection, text

from yishenqing.core.errors import DataFault, IntegrityFault, NotFound
from yishenqing.holdings import By, Customs, Holding, Register, Reviews, read_customs
from yishenqing.holdings.model import number_key, numbers_in
from yishenqing.holdings.parsing import parse
from yishenqing.holdings.tables import APPEND_ONLY
from yishenqing.rulebook import Rulebook
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.upgrade import upgrade

pytest_plugins = ["pg"]

DAY = date(2026, 3, 16)
HEAD = "标题,文号,制作日期,公开属性,不予公开依据/理由,复核日期,公开网址/栏目,保存单位"
PLAN = "柳湾片区安置房项目土地征收补偿安置方案,云政发〔2025〕3号,2025-03-05,主动公开,,,门户网站/征地信息,征地科"
MINUTES = (
    "柳湾片区征收工作专题会议纪要,云府纪〔2025〕7号,2025/4/1,不予公开,条例第十六条第二款：讨论记录,2026-04-01,,办公室"
)
LEDGER = "青柳公路征地台账,,2024年6月30日,依申请公开,,,,征地科"


@pytest.fixture(scope="session")
def customs() -> Customs:
    return read_customs(None)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transactions]:
    url = f"sqlite:///{tmp_path / '库.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url").render_as_string(hide_password=False)
    engine = open_engine(url)
    upgrade(engine)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def read(tmp_path: Path, customs: Customs, rules: Rulebook) -> Callable[..., list[tuple[int, Holding]]]:
    def reading(*lines: str, name: str = "清单.csv", encoding: str = "utf-8") -> list[tuple[int, Holding]]:
        path = tmp_path / name
        path.write_text("\n".join(lines), encoding=encoding)
        return parse(path, customs, rules.law).holdings

    return reading


@pytest.fixture
def faults(read: Callable[..., object]) -> Callable[..., list[tuple[int | None, str]]]:
    def found(*lines: str, **how: str) -> list[tuple[int | None, str]]:
        with pytest.raises(DataFault) as caught:
            read(*lines, **how)
        return [(f.line, str(f)) for f in caught.value.faults]

    return found


def by(source: str = "清单.csv", on: date = DAY) -> By:
    return By("张三", "2026-03-16T01:02:03.000004Z", rehearsal=False, source=source, on=on)


def register(connection: Connection, customs: Customs, agency: str = "yunxi") -> Register:
    return Register(connection, agency, customs)


class TestReading:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_a_list_as_spreadsheets_save_it(
        self, read: Callable[..., list[tuple[int, Holding]]], encoding: str
    ) -> None:
        found = read("云溪县自然资源局公文公开属性清单,,,,,,,", HEAD, PLAN, MINUTES, "", LEDGER, encoding=encoding)
        assert [line for line, _ in found] == [3, 4, 6]
        plan, minutes, ledger = (h for _, h in found)
        assert (plan.attribute, plan.number, plan.made_on) == ("open", "云政发〔2025〕3号", date(2025, 3, 5))
        assert plan.place == "门户网站/征地信息"
        assert (minutes.ground, minutes.reason) == (("条例第十六条第二款",), "讨论记录")
        assert minutes.review_on == date(2026, 4, 1)
        assert (ledger.attribute, ledger.made_on, ledger.unit) == ("on_request", date(2024, 6, 30), "征地科")

    def test_json_lines_with_codes_or_headings(self, read: Callable[..., list[tuple[int, Holding]]]) -> None:
        one = {"title": "甲", "attribute": "withheld", "ground": ["条例第十四条"], "made_on": "20250301"}
        two = {"名称": "乙", "公开方式": "主动", "文号": None}
        found = read(*(json.dumps(x, ensure_ascii=False) for x in (one, two)), name="清单.jsonl")
        assert [(n, h.title, h.attribute) for n, h in found] == [(1, "甲", "withheld"), (2, "乙", "open")]

    def test_a_workbook_with_dates_and_numbers(self, tmp_path: Path, customs: Customs, rules: Rulebook) -> None:
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        sheet.append(["公文公开属性清单"])
        sheet.append(["文件名称", "发文字号", "成文日期", "公开属性", "依据", "页数"])
        sheet.append(["甲", "云政发〔2025〕3号", date(2025, 3, 5), "不公开", "《政府信息公开条例》第16条", 12.0])
        book.create_sheet("说明").append(["随便写写"])
        book.save(tmp_path / "清单.xlsx")
        parsed = parse(tmp_path / "清单.xlsx", customs, rules.law)
        ((line, holding),) = parsed.holdings
        assert (line, holding.made_on, holding.ground) == (3, date(2025, 3, 5), ("条例第十六条",))
        assert (dict(holding.other), parsed.unknown) == ({"页数": "12"}, ["页数"])

    def test_a_quoted_cell_over_several_lines_keeps_the_count(
        self, faults: Callable[..., list[tuple[int, str]]]
    ) -> None:
        found = faults("标题,公开属性,备注", '甲,主动公开,"一\n二\n三"', "乙,半公开,")
        assert [line for line, _ in found] == [5]


class TestFaults:
    @pytest.mark.parametrize(
        ("row", "said"),
        [
            (",云政发〔2025〕3号,2025-03-05,主动公开,,,,", "缺少“标题”"),
            ("甲,,2025-03-05,,,,,", "缺少“公开属性”"),
            ("甲,,2025-02-30,主动公开,,,,", "不存在的日期"),
            ("甲,,去年,主动公开,,,,", "不是日期"),
            ("甲,,,依申请公示,,,,", "是否想写“依申请公开”"),
            ("甲,,,不予公开,,,,", "须写明依据"),
            ("甲,,,不予公开,内部资料,,,", "没有条文"),
            ("甲,,,不予公开,第十六条,,,", "请写明法规名称"),
            ("甲,,,不予公开,条例第九十九条,,,", "没有收录第九十九条"),
            ("甲,,,不予公开,档案法实施办法第十条,,,", "不在法律数据中"),
            ("甲,,,不予公开,民法典第1034条,,,", "“民法典第一千零三十四条”所引的“民法典”不在法律数据中"),
            ("甲,,,不予公开,条例第12345条,,,", "“条例第12345条”不在法律数据中"),
            ("甲,,,主动公开,,,,,多一格", "多出1格"),
            ("#REF!,,,主动公开,,,,", "公式的错误值"),
            ("甲\u202e乙,,,主动公开,,,,", "控制字符"),
            (f"{'长' * 1001},,,主动公开,,,,", "过长"),
            ("柳湾,云政发[2025]第03号,,主动公开,,,,", "重复，已见于第2行"),
        ],
    )
    def test_are_named_with_their_line(
        self, faults: Callable[..., list[tuple[int, str]]], row: str, said: str
    ) -> None:
        ((line, text),) = faults(HEAD, PLAN, row)
        assert line == 3
        assert said in text

    def test_are_all_named_at_once(self, faults: Callable[..., list[tuple[int, str]]]) -> None:
        found = faults(HEAD, "甲,,去年,半公开,,,,", PLAN, ",,,,条例第九十九条,明年,,")
        assert [line for line, _ in found] == [2, 2, 4, 4, 4, 4]

    @pytest.mark.parametrize(
        ("lines", "name", "said"),
        [
            (["甲,乙", "丙,丁"], "清单.csv", "没有找到表头"),
            ([HEAD], "清单.csv", "没有一条内容"),
            ([], "清单.csv", "没有找到表头"),
            (["标题,名称,公开属性", "甲,乙,主动公开"], "清单.csv", "同一项"),
            (["标题,标题,公开属性", "甲,乙,主动公开"], "清单.csv", "出现两次"),
            (["标题,公开属性", '"甲,主动公开'], "清单.csv", "引号没有成对"),
            (["标题,公开属性\0"], "清单.csv", "空字符"),
            (["{"], "清单.jsonl", "不是合法的 JSON"),
            (["[1]"], "清单.jsonl", "键值对"),
            (['{"title": ["甲"], "attribute": "主动公开"}'], "清单.jsonl", "应为文字"),
            (["不是工作簿"], "清单.xlsx", "XLSX"),
            (["旧"], "清单.xls", "另存为"),
        ],
    )
    def test_of_whole_files(
        self, faults: Callable[..., list[tuple[int, str]]], lines: list[str], name: str, said: str
    ) -> None:
        assert said in faults(*lines, name=name)[0][1]

    def test_of_encodings_and_missing_files(self, tmp_path: Path, customs: Customs, rules: Rulebook) -> None:
        (tmp_path / "坏.csv").write_bytes("标题,公开属性\n".encode() + b"\xff\xff\xff,\x80\n")
        with pytest.raises(DataFault, match=r"第2行.*编码"):
            parse(tmp_path / "坏.csv", customs, rules.law)
        for name in ("无.csv", "无.xlsx", "无.jsonl"):
            with pytest.raises(NotFound):
                parse(tmp_path / name, customs, rules.law)

    def test_a_workbook_that_unpacks_to_too_much_is_not_opened(
        self, tmp_path: Path, customs: Customs, rules: Rulebook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("yishenqing.tabular._LARGEST", 10)
        Workbook().save(tmp_path / "大.xlsx")
        with pytest.raises(DataFault, match="过大"):
            parse(tmp_path / "大.xlsx", customs, rules.law)


class TestNumbers:
    @given(
        mark=st.text(st.sampled_from("云政发国土资函"), min_size=1, max_size=6),
        year=st.integers(1990, 2030),
        n=st.integers(1, 9999),
        brackets=st.sampled_from(["〔〕", "[]", "【】", "（）", "()", "［］"]),
        blank=st.sampled_from(["", " ", "　"]),
    )
    def test_are_one_in_every_spelling(self, mark: str, year: int, n: int, brackets: str, blank: str) -> None:
        spelt = f"{mark}{blank}{brackets[0]}{year}{brackets[1]}第{n:03d}号"
        wanted = f"{mark}〔{year}〕{n}号"
        assert number_key(spelt) == wanted == number_key(wanted)
        assert wanted in numbers_in(f"请公开{spelt}文件的附件")

    def test_with_the_longest_mark_first(self) -> None:
        assert numbers_in("公开云政发〔2025〕3号")[:2] == ["公开云政发〔2025〕3号", "开云政发〔2025〕3号"]


class TestTheRegister:
    def test_tells_new_changed_and_unchanged(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        with store.writing() as connection:
            done = register(connection, customs).take_in(read(HEAD, PLAN, MINUTES, LEDGER), by(), 12)
        assert ([i for i, _ in done.new], done.changed, done.unchanged) == ([1, 2, 3], [], 0)
        moved = PLAN.replace("2025〕3号", "2025]第3号").replace("门户网站/征地信息", "门户网站/安置")
        with store.writing() as connection:
            done = register(connection, customs).take_in(
                read(HEAD, moved, MINUTES, LEDGER, "新的,,,主动公开,,,,"), by("二.csv"), 12
            )
            assert [i for i, _ in done.new] == [4]
            assert [(i, names) for i, _, names in done.changed] == [(1, ("number", "place"))]
            assert done.unchanged == 2
        with store.reading() as connection:
            found = register(connection, customs)
            assert found.count() == 4
            assert [(h["version"], h["source"]) for h in found.history(1)] == [(1, "清单.csv"), (2, "二.csv")]
            assert found.get(1).place == "门户网站/安置"

    def test_a_document_without_number_is_met_by_title_and_date(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        numbered = LEDGER.replace(",,2024", ",云征〔2024〕9号,2024", 1)
        with store.writing() as connection:
            found = register(connection, customs)
            found.take_in(read(HEAD, LEDGER), by(), 12)
            assert [i for i, _, _ in found.take_in(read(HEAD, numbered), by(), 12).changed] == [1]
            assert found.take_in(read(HEAD, LEDGER), by(), 12).unchanged == 1  # takes no number away
            assert found.get(1).number == "云征〔2024〕9号"

    def test_says_which_rows_mean_the_same_or_several(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        one, two = (LEDGER.replace(",,2024", f",云征〔2024〕{n}号,2024", 1) for n in (1, 2))
        with store.writing() as connection:
            register(connection, customs).take_in(read(HEAD, one, two), by(), 12)
        with pytest.raises(DataFault, match="第2行：登记簿中有2件同名同日的文件"), store.writing() as connection:
            register(connection, customs).take_in(read(HEAD, LEDGER), by(), 12)
        with store.reading() as connection:
            assert register(connection, customs).count() == 2

    def test_schedules_what_is_withheld(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        dateless = MINUTES.replace("2026-04-01", "").replace("7号", "8号")
        with store.writing() as connection:
            register(connection, customs).take_in(read(HEAD, PLAN, MINUTES, dateless), by(), 12)
            due = Reviews(connection, "yunxi").due()
            assert [(r.subject, r.due_on) for r in due] == [("2", date(2026, 4, 1)), ("3", date(2027, 3, 16))]
            opened = MINUTES.replace("不予公开,条例第十六条第二款：讨论记录,2026-04-01", "主动公开,,")
            register(connection, customs).take_in(read(HEAD, opened), by(), 12)
            assert [r.subject for r in Reviews(connection, "yunxi").due()] == ["3"]

    def test_an_old_list_does_not_undo_an_assessment(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        with store.writing() as connection:
            found = register(connection, customs)
            found.take_in(read(HEAD, MINUTES), by(), 12)
            found.change(1, by("评估审查"), attribute="on_request", ground=(), reason="", review_on=None)
            done = found.take_in(read(HEAD, MINUTES), by(), 12)
            assert ([i for i, _ in done.kept], done.unchanged, done.changed) == ([1], 1, [])
            done = found.take_in(read(HEAD, MINUTES.replace("办公室", "档案室")), by(), 12)
            assert [names for _, _, names in done.changed] == [("unit",)]
            assert (found.get(1).attribute, found.get(1).unit) == ("on_request", "档案室")

    def test_finds_by_number_first_then_by_title(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        with store.writing() as connection:
            found = register(connection, customs)
            found.take_in(read(HEAD, PLAN, MINUTES, LEDGER), by(), 12)
            asked = "请公开云政发[2025]3号文件，以及青柳公路征地台账"
            assert [(f.id, f.how) for f in found.look_up(asked)] == [(1, "文号相同"), (3, "标题相符")]
            assert [f.id for f in found.search("会议纪要")] == [2]
            assert [f.id for f in found.search("云府纪(2025)007号")] == [2]
            assert found.look_up("食堂采购合同") == []
            assert register(connection, customs, "other").look_up(asked) == []

    def test_a_changed_title_is_found_anew_and_the_old_one_no_more(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        with store.writing() as connection:
            found = register(connection, customs)
            found.take_in(read(HEAD, PLAN), by(), 12)
            found.take_in(
                read(HEAD, PLAN.replace("柳湾片区安置房项目土地征收补偿安置方案", "喷泉维修台账")), by(), 12
            )
            assert [f.id for f in found.search("喷泉维修")] == [1]
            assert found.search("征收补偿安置") == []

    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize("change", ["UPDATE {} SET actor = ''", "DELETE FROM {}"])
    def test_history_is_not_rewritten(
        self,
        store: Transactions,
        customs: Customs,
        read: Callable[..., list[tuple[int, Holding]]],
        table: str,
        change: str,
    ) -> None:
        from yishenqing.holdings import Assessment  # noqa: PLC0415

        with store.writing() as connection:
            register(connection, customs).take_in(read(HEAD, MINUTES), by(), 12)
            made = Assessment(
                "holding", "1", DAY, "kept", "情形未变", "张三", "", rehearsal=False, next_on=date(2027, 3, 16)
            )
            assert Reviews(connection, "yunxi").record(made) == 1
        with pytest.raises(IntegrityFault), store.writing() as connection:
            connection.execute(text(change.format(table)))

    def test_is_told_of_once(
        self, store: Transactions, customs: Customs, read: Callable[..., list[tuple[int, Holding]]]
    ) -> None:
        with store.writing() as connection:
            register(connection, customs).take_in(read(HEAD, MINUTES), by(), 12)
            reviews = Reviews(connection, "yunxi")
            assert not reviews.waiting(date(2026, 3, 31))
            assert [r.subject for r in reviews.claim(date(2026, 4, 1))] == ["1"]
            assert (reviews.claim(date(2026, 4, 2)), reviews.waiting(date(2026, 4, 2))) == ([], False)
            reviews.schedule("holding", [("1", date(2026, 4, 2))])
            assert [r.due_on for r in reviews.claim(date(2026, 4, 2))] == [date(2026, 4, 2)]


_WORDS = ["土地", "征收", "补偿", "方案", "公告", "会议", "纪要", "台账", "柳湾", "青禾", "项目", "安置"]


@given(
    titles=st.lists(st.lists(st.sampled_from(_WORDS), min_size=3, max_size=6).map("".join), min_size=1, unique=True)
)
def test_every_document_is_found_by_its_own_title(titles: Sequence[str]) -> None:
    customs = read_customs(None)
    engine = open_engine("sqlite://")
    from yishenqing.holdings import metadata  # noqa: PLC0415

    with engine.connect() as connection:
        metadata.create_all(connection)
        found = register(connection, customs)
        found.take_in([(n, Holding(t, "open")) for n, t in enumerate(titles, 1)], by(), 12)
        for n, title in enumerate(titles, 1):
            hits = found.search(title, 100)
            assert n in [f.id for f in hits if f.score == 1]
            assert all(0 <= f.score <= 1 for f in hits)
    engine.dispose()
