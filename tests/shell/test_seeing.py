"""Who sees what of the people of a case: by role, as ``workflows/sight.yaml`` says, on the screen and in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from offices import APPLICATION, Calendar, walked, ysq

from yishenqing import Office
from yishenqing.core.errors import DataFault
from yishenqing.core.stars import KINDS, starred
from yishenqing.sight import read_sight

Make = Callable[[str], str]
FULL = {k: APPLICATION["applicant"][k] for k in ("name", "id_number", "phone", "address")}
MASKED = {"name": "周某", "id_number": "9991**********0231", "phone": "199****0001", "address": "云溪县****"}
ROLES = ("registrar", "handler", "signer", "dispatcher", "legal", "secrecy", "supervisor", "auditor")


@pytest.fixture
def staffed(home: Path) -> Path:
    settings = home / "office.yaml"
    people = "".join(f"  {role}: {{name: 某人, roles: [{role}]}}\n" for role in ROLES)
    settings.write_text(f"{settings.read_text().rstrip()}\n{people}")
    return home


@pytest.mark.parametrize(
    ("role", "hidden"),
    [
        ("registrar", set()),
        ("handler", set()),
        ("signer", set()),
        ("dispatcher", {"id_number"}),
        ("legal", {"id_number", "phone"}),
        ("secrecy", set(MASKED)),
        ("supervisor", set(MASKED)),
        ("auditor", set(MASKED)),
        ("nobody", set(MASKED)),
    ],
)
def test_a_role_sees_what_its_work_needs(staffed: Path, in_state: Make, role: str, hidden: set[str]) -> None:
    number = in_state("acknowledged")
    with Office.open(staffed, user=role) as office:
        answer = office.show(number)
        shown = answer["entries"][0]["facts"]["applicant"]
        assert {k: shown[k] for k in FULL} == {k: (MASKED if k in hidden else FULL)[k] for k in FULL}
        assert bool(answer["masked"]["kinds"]) == bool(hidden)
        assert answer["masked"]["law"] == "个人信息保护法第六条"
        last = office.reads(number)["reads"][-1]
        assert (last["actor"], "已遮盖" in last["detail"]) == (role, bool(hidden))


def test_words_written_freely_are_masked_too(staffed: Path, office: Office, calendar: Calendar) -> None:
    items = ["周德旺（电话19900000001，住云溪县青禾镇柳湾村二组17号，卡号6222020200112233446）的补偿协议"]
    number = office.register({**APPLICATION, "items": items})["number"]
    walked(office, calendar, number, "acknowledged")
    assert office.show(number)["masked"]["kinds"] == []
    talk = {"how": "电话", "gist": "周 德 旺来电 199-0000-0001", "result": "已说明"}
    office.act(number, "contacted", talk)
    told = ysq("show", number, "--home", staffed, "--as", "auditor", "--json")
    assert told.returncode == 0, told.stderr
    for word in ("周德旺", "周 德 旺", "19900000001", "199-0000-0001", "柳湾村二组", "6222020200112233446"):
        assert word not in told.stdout
    assert json.loads(told.stdout)["entries"][0]["facts"]["items"] == [
        "周某（电话199****0001，住云溪县****，卡号62***************46）的补偿协议"
    ]
    for words in (("show", number), ("list",), ("due",)):
        screen = ysq(*words, "--home", staffed, "--as", "supervisor").stdout
        assert screen
        assert "周德旺" not in screen
    seen = ysq("show", number, "--home", staffed, "--as", "supervisor").stdout
    assert "已经遮盖（个人信息保护法第六条）" in seen
    assert "  申请人：周某\n  申请内容1：周某（电话199****0001，住云溪县****，卡号" in seen
    seen = ysq("show", number, "--home", staffed, "--as", "handler").stdout
    assert f"  申请人：周德旺\n  申请内容1：{items[0]}\n" in seen


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("name", "欧阳某某", "欧某"),
        ("id", "99910119680517023X", "9991**********023X"),
        ("id", "G1234567", "********"),
        ("phone", "0999-5550100", "099*****0100"),
        ("email", "a@b.cn", "a****@b.cn"),
        ("address", "柳湾村17号", "****"),
        ("address", "某省某市某县某镇某村", "某省某市某县****"),
        ("account", "京A12345", "京A***45"),
        ("mail", "XA123456789CN", "XA*******89CN"),
    ],
)
def test_how_each_kind_is_shown(kind: str, text: str, shown: str) -> None:
    assert starred(kind, text) == shown


def test_every_role_has_its_reason_and_an_office_may_have_its_own_rules(home: Path) -> None:
    shipped = read_sight(None)
    assert set(ROLES) < shipped.roles.keys()
    assert all(seeing.why for seeing in shipped.roles.values())
    own = home / "workflows" / "sight.yaml"
    own.parent.mkdir()
    own.write_text("title: 试\nlaw: [个人信息保护法第六条]\nroles: {handler: {sees: [nmae], why: ''}}\n")
    with pytest.raises(DataFault, match=r"(?s)没有“nmae”这一类.*理由|理由.*nmae"):
        read_sight(home)
    own.write_text("title: 试\nlaw: [个人信息保护法第六条]\nroles: {handler: {sees: [name], why: 承办}}\n")
    assert read_sight(home).hidden_from(["handler"]) == KINDS.keys() - {"name"}


def test_a_masked_copy_tells_nobody_and_says_what_it_is(in_state: Make, office: Office, tmp_path: Path) -> None:
    number = in_state("")
    found = office.masked_copy(number, tmp_path / "副本")
    text = "".join(p.read_text() for p in (tmp_path / "副本").rglob("*") if p.is_file())
    assert not [value for value in FULL.values() if value in text]
    assert "脱敏副本：不是密封卷宗" in text
    assert office.show(number)["entries"][0]["hash"] in text
    assert found["files"] == ["案卷.json", "说明.txt"]
    assert ysq("archive", "verify", tmp_path / "副本").returncode == 6
    with pytest.raises(DataFault, match="已经存在"):
        office.masked_copy(number, tmp_path / "副本")


def test_letters_of_a_masked_copy_are_read_and_masked(office: Office, calendar: Calendar, tmp_path: Path) -> None:
    number = office.register(APPLICATION)["number"]
    walked(office, calendar, number, "acknowledged")
    office.masked_copy(number, tmp_path / "副本")
    (letter,) = (tmp_path / "副本" / "文书").iterdir()
    text = letter.read_text()
    assert "周某" in text
    assert "周德旺" not in text
    assert "0999-5550100" in text  # the organ's own telephone is everybody's


def test_a_masked_ledger_hides_the_people_in_what_they_ask(office: Office, tmp_path: Path) -> None:
    office.register({**APPLICATION, "items": ["周德旺（19900000001）的补偿协议"]})
    office.export_ledger(tmp_path / "台账.csv", masked=True)
    text = (tmp_path / "台账.csv").read_text("utf-8-sig")
    assert "周某（199****0001）的补偿协议" in text
    assert "申请人（已脱敏）" in text
    assert not [value for value in FULL.values() if value in text]
    assert "周德旺" in (office.export_ledger(tmp_path / "全.csv", names=True), (tmp_path / "全.csv").read_text())[1]
