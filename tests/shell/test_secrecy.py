"""Personal data at rest: nothing to be read without the key, keys exchanged and lost, and nothing lost with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from offices import APPLICATION, USER, Calendar, rows, tamper, use_database, walked, without_keys, ysq
from sqlalchemy import URL, create_engine, text

from yishenqing import Office
from yishenqing.core.errors import DataFault, IntegrityFault
from yishenqing.office.relocating import move_database
from yishenqing.office.secrecy import SecrecyVerbs
from yishenqing.store import rekeying
from yishenqing.store.cipher import ALGORITHMS, DataKey, Unreadable, key_of_text

pytest_plugins = ["pg"]

TELLING = ("周德旺", "999101196805170231", "19900000001", "柳湾村二组", "身份证复印件")
Make = Callable[[str], str]


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """An application with a copy of the applicant's card, named after him."""
    name = "周德旺身份证复印件.txt"
    (tmp_path / "申请").mkdir()
    (tmp_path / "申请" / name).write_text("居民身份证复印件：周德旺 999101196805170231")
    file = tmp_path / "申请" / "申请.json"
    file.write_text(json.dumps({**APPLICATION, "attachments": [name]}))
    return file


def clear(folder: Path, words: tuple[str, ...] = TELLING) -> list[tuple[str, str]]:
    """Return which words stand readable in which files of a folder; letters given out lie in ``issued``."""
    wanted = [(w, w.encode(code)) for w in words for code in ("utf-8", "utf-16-le", "gb18030")]
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and "issued" not in path.relative_to(folder).parts:
            content = path.read_bytes()
            found |= {(path.name, word) for word, raw in wanted if raw in content}
    return sorted(found)


def reopened(home: Path, calendar: Calendar) -> Office:
    return Office.open(home, user=USER, today=calendar)


@pytest.fixture
def plain(home: Path) -> Path:
    """An office as it was before there was any key."""
    return without_keys(home)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_value_opens_only_with_its_key_and_in_its_place(algorithm: str) -> None:
    key, other = (DataKey(n * 16, algorithm, n.encode() * ALGORITHMS[algorithm]) for n in "ab")
    sealed = key.text("周德旺", "一案")
    assert key.plain(sealed, "一案") == "周德旺"
    assert key.text("周德旺", "一案") != sealed
    for which, told, place in ((other, sealed, "一案"), (key, sealed, "二案"), (key, sealed[:-4], "一案")):
        with pytest.raises(Unreadable):
            which.plain(told, place)


def test_nothing_of_a_person_is_readable_on_the_disk(
    home: Path, office: Office, calendar: Calendar, application: Path
) -> None:
    number = office.register(application)["number"]
    walked(office, calendar, number, "acknowledged")
    office.search("19900000001 柳湾片区")
    assert (home / "office.db-wal").stat().st_size > 0  # what is not in the file itself yet lies here
    assert clear(home) == []
    assert office.show(number)["entries"][0]["facts"]["applicant"]["name"] == "周德旺"
    assert office.verify(number) == []
    office.close()
    assert clear(home) == []
    assert (home / "secrecy.key").stat().st_mode & 0o777 == 0o600


def test_nothing_of_a_person_is_readable_on_a_server(
    home: Path, calendar: Calendar, application: Path, postgres_url: URL
) -> None:
    use_database(home, postgres_url)
    Office.init(home, USER)
    with reopened(home, calendar) as office:
        number = office.register(application)["number"]
        assert office.show(number)["entries"][0]["facts"]["applicant"]["name"] == "周德旺"
        assert office.verify(number) == []
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        base = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar_one()
    engine.dispose()
    assert (folder / "base" / str(base)).is_dir()
    assert clear(folder / "base" / str(base)) == []
    with reopened(home, calendar) as office:
        found = office.rotate_keys()
        assert (found["faults"], found["wiped"], found["rows"] > 0) == ([], False, True)
        assert office.verify(number) == []


def test_an_office_without_a_key_begins_to_encrypt(plain: Path, calendar: Calendar, application: Path) -> None:
    with reopened(plain, calendar) as office:
        number = office.register(application)["number"]
        hashes = [e["hash"] for e in office.show(number)["entries"]]
    assert {word for _, word in clear(plain)} == set(TELLING)
    for command in ("init", "upgrade"):
        assert "尚未加密；请运行 ysq key init" in ysq(command, "--home", plain, "--as", USER).stdout
    done = ysq("key", "init", "--home", plain, "--as", USER)
    assert done.returncode == 0, done.stderr
    assert "逐项核对一致" in done.stdout
    assert clear(plain) == []
    with reopened(plain, calendar) as office:
        assert [e["hash"] for e in office.show(number)["entries"]] == hashes
        assert office.audit()["faults"] == []
        assert office.keys()["left"] == {"values": 0, "papers": 0, "answers": 0, "files": 0}
        assert any(row["act"] == "key" for row in office.reads()["reads"])


def test_an_exchange_of_keys_that_was_killed_goes_on(
    home: Path, in_state: Make, office: Office, calendar: Calendar
) -> None:
    numbers = [in_state("acknowledged"), in_state("")]
    before = office.keys()["keys"][0]["id"]
    office.close()
    killed = textwrap.dedent(f"""
        import os
        from pathlib import Path
        from yishenqing import Office
        from yishenqing.store import rekeying
        rekeying._AT_ONCE = 1
        with Office.open(Path({str(home)!r}), user={USER!r}) as office:
            office.rotate_keys(told=lambda what, done, count: os._exit(9))
    """)
    env = {**os.environ, "PYTHONUTF8": "1"}
    assert subprocess.run([sys.executable, "-c", killed], env=env, check=False).returncode == 9
    with reopened(home, calendar) as again:
        midway = again.keys()
        assert 0 < midway["left"]["values"] < len(rows(home, "SELECT 1 FROM sealed"))
        assert [again.verify(n) for n in numbers] == [[], []]
        assert again.show(numbers[0])["entries"][0]["facts"]["applicant"]["name"] == "周德旺"
        third = again.register(APPLICATION)["number"]  # work goes on meanwhile
        found = again.rotate_keys()
        assert (found["new"], found["faults"]) == (False, [])
        assert found["key"] == midway["keys"][-1]["id"] != before
        assert again.keys()["left"] == {"values": 0, "papers": 0, "answers": 0, "files": 0}
        assert again.audit()["faults"] == []
        assert again.show(third)["entries"][0]["facts"]["applicant"]["name"] == "周德旺"
        assert again.rotate_keys()["new"]  # a whole one begins another


def test_the_same_person_is_recognised_after_every_exchange(in_state: Make, office: Office) -> None:
    first = in_state("")
    office.rotate_keys()
    office.rebuild_recognition(new_key=True)
    assert [c["number"] for c in office.register(APPLICATION)["recognised"]["same_person"]["cases"]] == [first]


@pytest.mark.parametrize("how", ["missing", "other", "readable", "damaged"])
def test_without_the_right_key_only_persons_are_out_of_reach(
    home: Path, in_state: Make, calendar: Calendar, how: str
) -> None:
    number = in_state("acknowledged")
    file = home / "secrecy.key"
    right = file.read_bytes()
    said = {
        "missing": "找不到",
        "other": "不是加密本机关个人信息的那一把",
        "readable": "chmod 600",
        "damaged": "损坏",
    }
    if how == "missing":
        file.unlink()
    elif how == "readable":
        file.chmod(0o644)
    else:
        file.write_text('{"keys": ["' + ("ab" * 32 if how == "other" else "ab") + '"]}')
    with reopened(home, calendar) as office:
        head = rows(home, "SELECT head_hash FROM cases")
        for ask in (
            lambda: dict(office.show(number)),
            lambda: office.act(number, "contacted", {"how": "电话", "gist": "说明情况", "result": "知道了"}),
            lambda: office.register(APPLICATION),
            office.rotate_keys,
        ):
            with pytest.raises(DataFault, match=said[how]):
                ask()
        assert [c["number"] for c in office.cases()["cases"]] == [number]
        assert office.due()["cases"][0]["number"] == number
        (unscanned,) = office.tick()["faults"]  # reminders go out; that letters were not read again is told
        assert unscanned["text"].startswith("已公开文书的复查")
        assert said[how] in unscanned["text"]
        assert rows(home, "SELECT head_hash FROM cases") == head
    shown = ysq("show", number, "--home", home, "--as", USER)
    assert (shown.returncode, "Traceback" in shown.stderr) == (6, False)
    file.write_bytes(right)
    file.chmod(0o600)
    with reopened(home, calendar) as office:
        assert office.show(number)["entries"][0]["facts"]["applicant"]["name"] == "周德旺"
        assert office.verify(number) == []


def test_the_key_may_come_from_the_environment(
    plain: Path, calendar: Calendar, application: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = plain / "office.yaml"
    told = "secrecy: {key_env: YSQ_TEST_KEY, cipher: sm4-gcm}"
    settings.write_text(settings.read_text().replace("secrecy: {key: secrecy.key}", told))
    monkeypatch.setenv("YSQ_TEST_KEY", "11" * 32)
    with reopened(plain, calendar) as office:
        assert office.encrypt()["cipher"] == "sm4-gcm"
        number = office.register(application)["number"]
        assert clear(plain) == []
        monkeypatch.setenv("YSQ_TEST_KEY", f"{'11' * 32},{'22' * 32}")
        office.rotate_keys()
    monkeypatch.setenv("YSQ_TEST_KEY", "22" * 32)  # the new one alone is enough
    with reopened(plain, calendar) as office:
        assert office.show(number)["entries"][0]["facts"]["applicant"]["name"] == "周德旺"
    monkeypatch.delenv("YSQ_TEST_KEY")
    with reopened(plain, calendar) as office, pytest.raises(DataFault, match="YSQ_TEST_KEY"):
        dict(office.show(number))
    assert not (plain / "secrecy.key").exists()


@pytest.mark.parametrize(
    ("statement", "said", "broken"),
    [
        (
            "UPDATE sealed SET value = (SELECT value FROM sealed s WHERE s.digest <> sealed.digest)",
            "个人信息",
            1,
        ),
        ("UPDATE sealed SET value = substr(value, 1, length(value) - 8) || 'AAAAAAA='", "个人信息", 2),
        ("UPDATE files SET name = substr(name, 1, length(name) - 8) || 'AAAAAAA='", "登记", 1),
    ],
)
def test_what_was_changed_or_put_elsewhere_is_named(
    home: Path, in_state: Make, office: Office, statement: str, said: str, broken: int
) -> None:
    number = in_state("acknowledged")
    tamper(home, statement)
    assert any(said in str(fault) for fault in office.verify(number))
    if "sealed" in statement:
        with pytest.raises(IntegrityFault, match="已被改动"):
            dict(office.show(number))
    table = "SELECT value FROM sealed" if "sealed" in statement else "SELECT name FROM files"
    before = set(rows(home, table))
    assert len(office.rotate_keys()["faults"]) == broken  # each named
    assert len(before & set(rows(home, table))) == broken  # and left as it is
    again = office.rotate_keys()
    assert (again["new"], len(again["faults"])) == (True, broken)  # which keeps nobody from exchanging the keys


def test_a_file_that_was_changed_is_named(home: Path, office: Office, application: Path) -> None:
    number = office.register(application)["number"]
    (file,) = (home / "files").glob("??/*")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert any("已被改动" in str(fault) for fault in office.verify(number))
    assert any("已被改动" in fault for fault in office.rotate_keys()["faults"])
    assert file.read_bytes() == content


def test_the_keys_move_with_the_database(home: Path, in_state: Make, calendar: Calendar, postgres_url: URL) -> None:
    number = in_state("acknowledged")
    move_database(home, postgres_url.set(password=None).render_as_string(hide_password=False))
    with reopened(home, calendar) as office:
        assert office.show(number)["entries"][0]["facts"]["applicant"]["name"] == "周德旺"
        assert office.verify(number) == []
        office.rotate_keys()
        assert office.verify(number) == []


def test_only_whoever_may_write_exchanges_keys(home: Path, calendar: Calendar) -> None:
    settings = home / "office.yaml"
    settings.write_text(f"{settings.read_text().rstrip()}\n  审计员: {{name: 沈计, roles: [auditor]}}\n")
    refused = ysq("key", "rotate", "--home", home, "--as", "审计员")
    assert refused.returncode == 3
    status = ysq("key", "status", "--home", home, "--as", "审计员")
    assert (status.returncode, "aes-256-gcm" in status.stdout) == (0, True)


def test_the_words_that_were_searched_are_kept_without_numbers(office: Office) -> None:
    office.search("周某 999101196805170231 征收")
    assert "9991" not in str(office.reads()["reads"])
    assert SecrecyVerbs.keys(office)["encrypted"]
    assert rekeying.settle(office._transactions)


@pytest.mark.parametrize("server", [False, True], ids=["sqlite", "postgresql"])
def test_what_another_process_exchanged_is_written_with_at_once(
    home: Path, calendar: Calendar, request: pytest.FixtureRequest, *, server: bool
) -> None:
    """A program that is open for days writes with the key of each moment, also the first value after an exchange."""
    url = URL.create("sqlite", database=str(home / "office.db"))
    if server:
        url = request.getfixturevalue("postgres_url")
        use_database(home, url)
        Office.init(home, USER)
    engine = create_engine(url)
    with engine.begin() as connection:  # as an office was before there was any key
        connection.execute(text("DELETE FROM data_keys"))
    (home / "secrecy.key").unlink()
    with_keys: list[set[str | None]] = []
    with reopened(home, calendar) as office:
        number = office.register(APPLICATION)["number"]
        walked(office, calendar, number, "accepted")
        for exchange in (False, True, True):
            if exchange:
                with reopened(home, calendar) as another:
                    another.rotate_keys()
            for _ in range(2):
                office.act(number, "search_recorded", {"systems": "档案系统", "keywords": "征地", "result": "无"})
                with engine.connect() as connection:
                    values = connection.execute(text("SELECT value FROM sealed")).scalars()
                    with_keys.append({key_of_text(value) for value in values})
        assert [len(keys) for keys in with_keys] == [1] * 6
        assert with_keys[0] == with_keys[1] == {None}
        assert with_keys[2] == with_keys[3] != with_keys[4] == with_keys[5]
        assert office.verify(number) == []
    engine.dispose()
