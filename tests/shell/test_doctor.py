"""``ysq doctor``: each thing that can be missing or wrong is found and told with its remedy."""

from __future__ import annotations

import collections
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar, tamper, ysq

from yishenqing import Office
from yishenqing.letters import fonts
from yishenqing.office import doctor


def found(home: Path) -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in doctor.examine(home)["findings"]}


def test_a_sound_office_is_told_so(home: Path) -> None:
    done = ysq("--home", home, "doctor", "--json", YISHENQING_TODAY="")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["sound"]) == (0, True)
    names = [row["name"] for row in answer["findings"]]
    assert names == [
        "python", "packages", "sm3", "libraries", "office", "fonts", "calendar", "disk", "secrets", "database",
        "clock", "chains", "scheduler", "secrecy",
    ]  # fmt: skip


def test_faults_give_exit_code_6_and_remedies(home: Path) -> None:
    (home / "office.db").unlink()
    done = ysq("--home", home, "doctor", YISHENQING_FONTS=str(home / "none"))
    assert done.returncode == 6
    assert "［故障］公文字体" in done.stdout
    assert "ysq fonts build" in done.stdout
    assert "［故障］数据库　还没有数据库" in done.stdout
    assert "请先排除上列故障。" in done.stdout


def test_a_folder_without_an_office_is_no_fault(tmp_path: Path) -> None:
    row = found(tmp_path / "none")["office"]
    assert (row["level"], row["remedy"]) == ("warning", "请运行：ysq init")


@pytest.mark.parametrize(
    ("statement", "said", "remedy"),
    [
        ("DELETE FROM alembic_version", "数据库是空的", "ysq restore"),
        ("UPDATE alembic_version SET version_num = '0099'", "由更新的程序所建", "请换用更新的程序"),
        ("UPDATE alembic_version SET version_num = '0014'", "结构是0014", "ysq upgrade"),
    ],
)
def test_another_structure_is_told_with_what_helps(home: Path, statement: str, said: str, remedy: str) -> None:
    tamper(home, statement)
    row = found(home)["database"]
    assert (row["level"], said in row["text"], remedy in row["remedy"]) == ("fault", True, True)


@pytest.mark.parametrize("kind", ["precedents", "cases"])
def test_what_is_not_entered_into_the_search_is_told(office: Office, home: Path, kind: str) -> None:
    office.register(APPLICATION)
    assert "search" not in found(home)
    tamper(home, f"DELETE FROM search_totals WHERE collection = '{kind}'")  # noqa: S608 - a name of our own
    row = found(home)["search"]
    assert (row["level"], row["remedy"]) == ("fault", "请运行：ysq search --rebuild")
    assert ysq("--home", home, "--as", USER, "search", "--rebuild").returncode == 0
    assert "search" not in found(home)


def test_lost_contents_are_told(office: Office, home: Path) -> None:
    number = office.register(APPLICATION)["number"]
    office.act(number, "acknowledged")
    assert "papers" not in found(home)
    next((home / "files").glob("??/*")).unlink()
    row = found(home)["papers"]
    assert (row["level"], "缺少1个" in row["text"], "ysq restore" in row["remedy"]) == ("fault", True, True)


def test_what_hides_personal_data_is_read(home: Path) -> None:
    (home / "workflows").mkdir(exist_ok=True)
    (home / "workflows" / "sight.yaml").write_text("nonsense: 1\n")
    assert found(home)["sight"]["level"] == "fault"


def test_a_lost_key_of_recognition_is_told_once_there_are_cases(office: Office, home: Path) -> None:
    (home / "recognition.key").unlink(missing_ok=True)
    assert "recognition" not in found(home)
    office.register(APPLICATION)
    (home / "recognition.key").unlink()
    assert "ysq recognition rebuild" in found(home)["recognition"]["remedy"]


def test_a_missing_library_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fonts._loads
    monkeypatch.setattr(fonts, "_loads", lambda name: "harfbuzz-subset" not in name and real(name))
    row = found(home)["library:libharfbuzz-subset0"]
    assert (row["level"], row["remedy"]) == ("fault", "请运行：apt-get install libharfbuzz-subset0")


def test_broken_settings_are_named_and_the_rest_is_examined(home: Path) -> None:
    with (home / "office.yaml").open("a", encoding="utf-8") as stream:
        stream.write("\nnonsense: 1\n")
    known = found(home)
    assert known["office"]["level"] == "fault"
    assert "nonsense" in known["office"]["text"]
    assert known["fonts"]["level"] == "ok"


def test_own_fonts_are_examined(home: Path) -> None:
    path = home / "office.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("fonts: {}", "fonts: {body: none.ttf}"), encoding="utf-8"
    )
    row = found(home)["fonts.body"]
    assert row["level"] == "fault"
    assert "打不开" in row["text"]


def test_an_old_database_is_to_be_upgraded(home: Path) -> None:
    tamper(home, "UPDATE alembic_version SET version_num = '0001'")
    row = found(home)["database"]
    assert (row["level"], row["remedy"]) == ("fault", "请先备份，然后运行：ysq upgrade")


def test_a_clock_that_runs_behind_the_ledger_is_found(home: Path, calendar: Calendar) -> None:
    with Office.open(home, user=USER, today=calendar) as office:
        office.register(APPLICATION)
    assert found(home)["clock"]["level"] == "ok"
    tamper(home, "UPDATE entries SET recorded_at = '2999-01-01T00:00:00.000000Z'")
    row = found(home)["clock"]
    assert row["level"] == "fault"
    assert "校准" in row["remedy"]


@pytest.mark.parametrize(
    ("today", "level", "text"),
    [
        ("2026-11-22", "ok", "2007年至2026年"),
        ("2026-12-05", "warning", "缺少2027年"),
        ("2028-01-05", "fault", "2027、2028"),
    ],
)
def test_years_without_a_notice_are_found(
    home: Path, monkeypatch: pytest.MonkeyPatch, today: str, level: str, text: str
) -> None:
    monkeypatch.setenv("YISHENQING_TODAY", today)
    row = found(home)["calendar"]
    assert row["level"] == level
    assert text in row["text"]
    assert found(home)["today"]["level"] == "warning"


@pytest.mark.parametrize(("free", "level"), [(5 << 30, "ok"), (500 << 20, "warning"), (50 << 20, "fault")])
def test_a_full_disk_is_found(home: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    usage: Any = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 0, free))
    assert found(home)["disk"]["level"] == level


def test_what_a_cut_off_act_left_behind_is_told_and_swept(
    home: Path, office: Office, calendar: Calendar, quick_letters: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between content and entry: no number is taken, the next letter gets it, the content can be swept."""
    number = office.register(APPLICATION)["number"]

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as context:
        context.setattr("yishenqing.store.ledger.append", killed)
        with pytest.raises(Killed):
            office.act(number, "acknowledged")
    assert office.show(number)["letters"] == []
    (left,) = (p for p in (home / "files").rglob("*") if p.is_file())
    assert "leftovers" not in found(home)  # perhaps somebody is just recording it
    os.utime(left, (0, 0))
    assert left.name in found(home)["leftovers"]["text"]
    (issued,) = office.act(number, "acknowledged")["letters"]
    assert issued["number"].endswith("〔2026〕1号")
    other = home / "files" / "ab" / ("ab" * 32)
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"nobody's")
    os.utime(other, (0, 0))
    assert [row["text"] for row in doctor.examine(home, sweep=True)["findings"] if row["name"] == "leftovers"] == [
        "已删除1个没有案卷引用的文件"
    ]
    assert not other.exists()
    assert office.verify(number) == []  # what a case refers to stays, however old
    assert "leftovers" not in found(home)
