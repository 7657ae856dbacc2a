"""Recognition: one form of a person, like texts found among many, nothing in the clear, proposals for people."""

from __future__ import annotations

import os
import stat
import string
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, inspect, text

from yishenqing.core.errors import DataFault, IntegrityFault, NotFound
from yishenqing.core.identity import resident_check
from yishenqing.kinship import (
    Decision,
    Identifiers,
    Index,
    Key,
    Keys,
    Proposals,
    identifiers,
    likeness,
    shingles,
)
from yishenqing.kinship.identifying import different
from yishenqing.kinship.index import Text
from yishenqing.kinship.sketch import BANDS, bands
from yishenqing.kinship.tables import APPEND_ONLY
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.upgrade import upgrade

pytest_plugins = ["pg"]

AGENCY = "yunxi"
DAY = date(2026, 3, 16)
SECRET = b"s" * 32
ANNOUNCED = "关于柳湾片区安置房项目的土地征收公告，以及张贴该公告的时间、地点的记载"
CANTEEN = "本机关食堂2024年度采购合同和支付凭证"
Said = dict[str, list[str]]


def who(number: str = "", phone: str = "", address: str = "", name: str = "周德旺") -> Identifiers:
    return identifiers({"name": name, "id_number": number, "phone": phone, "address": address})


class TestIdentifiers:
    @given(
        digits=st.text(string.digits, min_size=17, max_size=17),
        blanks=st.sampled_from(["", " ", "　", "-"]),
        wide=st.booleans(),
    )
    def test_a_number_of_identity_in_any_spelling_is_one(self, digits: str, blanks: str, wide: bool) -> None:  # noqa: FBT001
        number = digits + resident_check(digits)
        spelt = blanks.join((number[:6], number[6:14], number[14:])).lower()
        if wide:
            spelt = "".join(chr(ord(c) + 0xFEE0) if c.isdecimal() else c for c in spelt)
        assert who(number).values == who(spelt).values != ()

    def test_the_old_number_of_fifteen_digits_is_the_new_one(self) -> None:
        assert who("999101680517023").values == who("99910119680517023" + resident_check("99910119680517023")).values

    @pytest.mark.parametrize(
        "spelt",
        ["199-0000-0001", "+86 19900000001", "008619900000001", "１９９００００００００１"[:11], "199 0000 0001"],
    )
    def test_a_telephone_in_any_spelling_is_one(self, spelt: str) -> None:
        wanted = "19900000001" if "１" not in spelt else who(phone=spelt).values[0][1]
        assert who(phone=spelt).values == (("phone", wanted),)

    def test_extensions_and_several_telephones(self) -> None:
        assert who(phone="0999-5550100转12").values == (("phone", "09995550100"),)
        assert {v for _, v in who(phone="19900000001、19900000002").values} == {"19900000001", "19900000002"}

    def test_an_address_is_one_with_either_numerals_but_needs_a_house_number(self) -> None:
        assert who(address="青禾镇柳湾村二组17号").values == who(address="青禾镇 柳湾村2组十七号").values != ()
        assert who(address="云溪县青禾镇柳湾村").values == ()

    @pytest.mark.parametrize("empty", ["", None, "无", "不详", "-", "000"])
    def test_what_identifies_nobody_is_left_out(self, empty: Any) -> None:
        assert identifiers({"name": "某", "id_number": empty, "phone": empty, "address": empty}).values == ()

    @given(st.dictionaries(st.sampled_from(["id_number", "phone", "address", "name"]), st.none() | st.text()))
    def test_nothing_written_on_a_form_breaks_it(self, applicant: dict[str, Any]) -> None:
        assert all(value for _, value in identifiers(applicant).values)

    def test_a_family_is_several_applicants_and_one_with_two_telephones_is_one(self) -> None:
        father = {"id": {"1"}, "address": {"x"}}
        son = {"id": {"2"}, "address": {"x"}}
        assert different([father, son]) == 2
        assert different([{"phone": {"a"}}, {"phone": {"b"}}, {"phone": {"a", "b"}}]) == 1
        assert different([{"name": {"n"}}, {"name": {"n"}}, {"name": {"m"}}]) == 2
        assert different([{"name": {"n"}, "id": {"1"}}, {"name": {"n"}, "id": {"2"}}]) == 2
        assert different([]) == 0


_SENTENCES = st.text(
    st.sampled_from("关于柳湾片区安置房项目土地征收公告批复勘测定界图补偿协议"), min_size=20, max_size=80
)


class TestLikeness:
    @given(one=st.text(max_size=60), other=st.text(max_size=60))
    def test_is_symmetric_and_between_none_and_all(self, one: str, other: str) -> None:
        score = likeness(shingles(one), shingles(other))
        assert score == likeness(shingles(other), shingles(one))
        assert 0 <= score <= 1
        assert likeness(shingles(one), shingles(one)) == (1 if shingles(one) else 0)

    @given(said=_SENTENCES, blank=st.sampled_from([" ", "　", "\n", "，", "。"]), place=st.integers(0, 20))
    def test_blanks_and_punctuation_change_nothing(self, said: str, blank: str, place: int) -> None:
        spelt = said[:place] + blank + said[place:]
        assert bands(spelt, SECRET) == bands(said, SECRET)

    @given(said=_SENTENCES)
    def test_another_key_shares_no_band(self, said: str) -> None:
        assert not set(bands(said, SECRET)) & set(bands(said, b"t" * 32))

    def test_a_text_without_characters_has_no_bands(self) -> None:
        assert bands("……，", SECRET) == []
        assert len(bands("征", SECRET)) == BANDS

    def test_like_texts_share_a_band_and_others_do_not(self) -> None:
        changed = ANNOUNCED.replace("地点的记载", "地点的记录")
        assert likeness(shingles(ANNOUNCED), shingles(changed)) > 0.8
        assert set(bands(ANNOUNCED, SECRET)) & set(bands(changed, SECRET))
        assert not set(bands(ANNOUNCED, SECRET)) & set(bands(CANTEEN, SECRET))


class TestTheKey:
    def test_is_made_once_and_read_by_the_owner_alone(self, tmp_path: Path) -> None:
        keys = Keys.of(tmp_path)
        assert Keys.of(tmp_path) == keys
        path = tmp_path / "recognition.key"
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            path.chmod(0o644)
            assert keys.exposed
        assert [p.name for p in tmp_path.iterdir()] == ["recognition.key"]

    def test_can_be_exchanged(self, tmp_path: Path) -> None:
        old = Keys.of(tmp_path)
        both = old.with_new()
        assert both.keys[0] == old.current != both.current
        alone = both.with_current_alone()
        assert (alone.keys, stat.S_IMODE(alone.path.stat().st_mode)) == ((both.current,), 0o600)

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": []}', '{"keys": ["zz"]}', '{"keys": ["00"]}'])
    def test_is_not_quietly_made_anew_when_it_is_damaged(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "recognition.key").write_text(content)
        with pytest.raises(DataFault, match="密钥文件已损坏"):
            Keys.of(tmp_path)
        assert (tmp_path / "recognition.key").read_text() == content

    def test_tells_nothing_of_itself_in_its_name(self) -> None:
        assert len(Key(SECRET).id) == 16
        assert Key(SECRET).id != Key(b"t" * 32).id
        assert Key(SECRET).blinded("id", "1") != Key(SECRET).blinded("phone", "1")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transactions]:
    url = f"sqlite:///{tmp_path / '库.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url").render_as_string(hide_password=False)
    engine = open_engine(url)
    upgrade(engine)
    yield Transactions(engine)
    engine.dispose()


class Desk:
    """An index with the texts that a side store would hold."""

    def __init__(self, connection: Connection, home: Path, agency: str = AGENCY) -> None:
        self.index = Index(connection, agency, Keys.of(home))
        self.proposals = Proposals(connection, agency)
        self.said: Said = {}

    def enter(self, number: str, applicant: Identifiers, *items: str, on: date = DAY) -> None:
        self.said[number] = list(items)
        self.index.enter(number, on, applicant, items)

    def read(self, numbers: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {n: self.said[n] for n in numbers if n in self.said}

    def alike(self, text: str, number: str = "99", on: date = DAY) -> list[Text]:
        return self.index.alike(number, on, text, 0.7, self.read)

    def asked(self, number: str, applicant: Identifiers, text: str, on: date = DAY) -> int | None:
        """Enter a request and return the proposal it belongs to."""
        self.enter(number, applicant, text, on=on)
        since = on - timedelta(days=365)
        alike = [t for t in self.alike(text, number, on) if t.on >= since]
        found = self.proposals.consider((number, 1), on, alike, since, 3, "")
        return found.id if found else None


class TestTheIndex:
    def test_recognises_the_person_and_says_by_what(self, store: Transactions, tmp_path: Path) -> None:
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            desk.enter("1", who("999101196805170231", "19900000001"), on=DAY - timedelta(days=400))
            desk.enter("2", who("", "199-0000-0001"), on=DAY - timedelta(days=30))
            desk.enter("3", who("999101196805170232"))
            desk.enter("4", who("", "", "", "周德旺"))
            desk.enter("5", who("999101196805170231", "19900000001"))
            count, kin = desk.index.kin("5", DAY, DAY - timedelta(days=365), 10)
            assert count == 1
            assert [(k.number, k.kinds) for k in kin] == [("2", ("phone",)), ("1", ("id", "phone"))]
            assert desk.index.kin("2", DAY - timedelta(days=30), DAY - timedelta(days=365), 10)[0] == 0
            assert [k.number for k in desk.index.kin("10", DAY, DAY, 10)[1]] == []
            assert desk.index.kin("4", DAY, DAY, 10) == (0, [])
            assert desk.index.same_person("5", ["1", "2", "3", "4"]) == {"1", "2"}

    def test_finds_the_same_and_nearly_the_same_text(self, store: Transactions, tmp_path: Path) -> None:
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            desk.enter("1", who(), CANTEEN, ANNOUNCED)
            desk.enter("2", who(), ANNOUNCED.replace("的记载", "的记录"))
            desk.enter("3", who(), f" {ANNOUNCED}。", on=DAY + timedelta(days=1))
            found = desk.alike(ANNOUNCED)
            assert [(t.number, t.item, t.exact) for t in found] == [("1", 2, True), ("2", 1, False)]
            assert found[1].score < 1
            del desk.said["1"]  # destroyed under the retention rules
            assert [t.number for t in desk.alike(ANNOUNCED)] == ["2"]
            assert Desk(connection, tmp_path, "other").alike(ANNOUNCED) == []

    def test_finds_the_same_text_behind_many_later_ones_of_like_wording(
        self, store: Transactions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("yishenqing.kinship.index._NEWEST", 5)
        wording = "关于青禾镇柳湾村集体土地征收补偿安置方案及其公告听证社会稳定风险评估勘测调查结果确认的全部材料"
        ends = ["".join(chr(0x4E00 + 13 * n + i) for i in range(12)) for n in range(41)]
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            for n, end in enumerate(ends):
                desk.enter(str(n), who(), wording + end)
            found = desk.alike(wording + ends[0])
            assert [t.number for t in found if t.exact] == ["0"]
            assert len(desk.index._near(wording + ends[0])) == 10

    def test_keeps_nothing_in_the_clear(self, store: Transactions, tmp_path: Path) -> None:
        applicant = who("999101196805170231", "19900000001", "青禾镇柳湾村2组17号")
        with store.writing() as connection:
            Desk(connection, tmp_path).enter("1", applicant, ANNOUNCED)
            tables = [t for t in inspect(connection).get_table_names() if t.startswith("request_")]
            rows = [r for t in tables for r in connection.execute(text(f"SELECT * FROM {t}"))]  # noqa: S608
        said = repr(rows)
        assert len(rows) > BANDS
        for secret in ("999101196805170231", "19900000001", "柳湾", "周德旺", *(v for _, v in applicant.values)):
            assert secret not in said

    def test_looks_up_under_all_keys_and_names_a_lost_one(self, store: Transactions, tmp_path: Path) -> None:
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            desk.enter("1", who(), ANNOUNCED)
            Keys.of(tmp_path).with_new()
            both = Desk(connection, tmp_path)
            both.said = desk.said
            assert [t.number for t in both.alike(ANNOUNCED)] == ["1"]
            assert not both.index.foreign()
            Keys.of(tmp_path).with_current_alone()
            alone = Desk(connection, tmp_path)
            alone.said = desk.said
            assert (alone.alike(ANNOUNCED), alone.index.foreign()) == ([], True)
            alone.index.drop_until(alone.index.last())
            assert not alone.index.foreign()

    def test_goes_with_the_transaction(self, store: Transactions, tmp_path: Path) -> None:
        def interrupted(connection: Connection) -> None:
            Desk(connection, tmp_path).enter("1", who("999101196805170231"), ANNOUNCED)
            raise RuntimeError("停电")

        with pytest.raises(RuntimeError, match="停电"), store.writing() as connection:
            interrupted(connection)
        with store.reading() as connection:
            desk = Desk(connection, tmp_path)
            desk.said = {"1": [ANNOUNCED]}
            assert desk.alike(ANNOUNCED) == []

    @given(st.data())
    def test_a_small_change_of_a_request_is_found(self, data: st.DataObject) -> None:
        said = data.draw(st.lists(st.integers(0x4E00, 0x9FA5).map(chr), min_size=30, max_size=90).map("".join))
        place = data.draw(st.integers(0, len(said) - 1))
        changed = said[:place] + data.draw(st.sampled_from(["", "改", "二〇"])) + said[place + 1 :]
        if likeness(shingles(said), shingles(changed)) >= 0.85:
            assert set(bands(said, SECRET)) & set(bands(changed, SECRET))


class TestProposals:
    def people(self, n: int) -> Identifiers:
        return who(f"9991011968051700{n:02d}", name=f"申请人{n}")

    def test_come_with_the_third_different_applicant(self, store: Transactions, tmp_path: Path) -> None:
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            assert desk.asked("1", self.people(1), ANNOUNCED) is None
            assert desk.asked("2", self.people(1), ANNOUNCED) is None
            assert desk.asked("3", self.people(2), ANNOUNCED) is None
            assert desk.asked("4", self.people(4), CANTEEN) is None
            assert desk.asked("5", self.people(3), ANNOUNCED) == 1
            assert desk.asked("6", self.people(5), f"{ANNOUNCED}。") == 1
            (proposal,) = desk.proposals.all()
            assert proposal.requests == (("1", 1), ("2", 1), ("3", 1), ("5", 1), ("6", 1))
            assert desk.proposals.applicants(proposal) == 4
            assert [p.id for p in desk.proposals.of_case("3")] == [1]

    def test_look_back_a_year_only(self, store: Transactions, tmp_path: Path) -> None:
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            desk.asked("1", self.people(1), ANNOUNCED, DAY - timedelta(days=366))
            desk.asked("2", self.people(2), ANNOUNCED)
            assert desk.asked("3", self.people(3), ANNOUNCED) is None

    def test_are_decided_and_not_made_again(self, store: Transactions, tmp_path: Path) -> None:
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            for n in (1, 2, 3):
                desk.asked(str(n), self.people(n), ANNOUNCED)
            declined = Decision(DAY, "decline", "", "涉及个人隐私", "张三", "", rehearsal=False)
            assert desk.proposals.decide(1, declined).decided == declined
            assert desk.asked("4", self.people(4), ANNOUNCED) is None
            assert desk.asked("5", self.people(5), ANNOUNCED, DAY + timedelta(days=1)) is None
            assert desk.asked("6", self.people(6), ANNOUNCED, DAY + timedelta(days=2)) == 2
            opened = Decision(DAY + timedelta(days=3), "open", "全文", "可以公开", "张三", "", rehearsal=False)
            desk.proposals.decide(2, opened)
            assert desk.asked("7", self.people(7), ANNOUNCED, DAY + timedelta(days=4)) == 2
            assert len(desk.proposals.all()) == 2
            assert desk.proposals.get(1).decisions == (declined,)
            with pytest.raises(NotFound):
                desk.proposals.decide(9, opened)

    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize("change", ["UPDATE {} SET agency = agency", "DELETE FROM {}"])
    def test_are_history(self, store: Transactions, tmp_path: Path, table: str, change: str) -> None:
        with store.writing() as connection:
            desk = Desk(connection, tmp_path)
            for n in (1, 2, 3):
                desk.asked(str(n), self.people(n), ANNOUNCED)
            desk.proposals.decide(1, Decision(DAY, "open", "全文", "可以公开", "张三", "", rehearsal=False))
        with pytest.raises(IntegrityFault), store.writing() as connection:
            connection.execute(text(change.format(table)))
