"""Signing in: who acts is who signed in; wrong passwords lock; sessions end; nothing readable is kept."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from offices import USER, rows, tamper, ysq
from timing import configure

from yishenqing import agencies
from yishenqing.core.errors import DataFault, Moved, NotFound, Refused
from yishenqing.office import Office, signing
from yishenqing.office.signing import SignInDesk, acting

PASSWORD, OTHER = "Yun-xi 2026 ok", "Qing-he 2027 ok"
PEOPLE = {
    USER: {"name": "经办人", "roles": ["registrar", "handler"]},
    "jian": {"name": "简监督", "roles": ["supervisor"]},
}


class Clock:
    """The time at the door; a test moves it on."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 2, 1, tzinfo=UTC)

    def now(self, _zone: object = None) -> datetime:
        return self.moment

    fromisoformat = datetime.fromisoformat


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(signing, "datetime", clock)
    return clock


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def desk(home: Path, clock: Clock) -> Iterator[SignInDesk]:
    configure(home, people=PEOPLE, sign_in={"by": "password"})
    with SignInDesk(home) as desk:
        desk.set_password("jian", OTHER, new_user=True)  # the first: by whoever has the folder
        desk.sign_in("jian", OTHER)
        desk.set_password(USER, PASSWORD, new_user=True)
        desk.sign_out()
        yield desk


def test_a_session_stands_for_its_person(desk: SignInDesk, home: Path, own_state: Path) -> None:
    with pytest.raises(Refused, match="ysq login"):
        acting(home, None)
    found = desk.sign_in(USER, PASSWORD)
    assert (found["user"], found["until"][:16]) == (USER, "2026-03-02T09:00")
    assert acting(home, None) == acting(home, USER) == USER
    with pytest.raises(Refused, match="不能以“jian”的名义"):
        acting(home, "jian")
    (token,) = (own_state / "yishenqing").iterdir()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert desk.sign_out()
    assert not desk.sign_out()
    with pytest.raises(Refused):
        acting(home, None)


def test_it_ends_by_itself(desk: SignInDesk, clock: Clock) -> None:
    desk.sign_in(USER, PASSWORD)
    for _ in range(9):  # used all the time
        clock.moment += timedelta(minutes=50)
        assert desk.who() == USER
    clock.moment += timedelta(minutes=40)
    assert desk.who() is None  # eight hours are over
    desk.sign_in(USER, PASSWORD)
    clock.moment += timedelta(minutes=61)
    assert desk.who() is None  # an hour unused


def test_five_wrong_passwords_lock_even_the_right_one(desk: SignInDesk, clock: Clock) -> None:
    for _ in range(4):
        with pytest.raises(Refused, match="不正确"):
            desk.sign_in(USER, "wrong")
    with pytest.raises(Refused, match="2026-03-02 09:15后可以再试"):
        desk.sign_in(USER, "wrong")
    with pytest.raises(Refused, match="锁定"):
        desk.sign_in(USER, PASSWORD)
    assert [u["state"] for u in desk.users()["users"]] == ["open", "locked"]
    desk.sign_in("jian", OTHER)  # nobody else is kept out
    clock.moment += timedelta(minutes=16)
    desk.sign_in(USER, PASSWORD)
    for _ in range(4):  # a right one begins the count anew
        with pytest.raises(Refused):
            desk.sign_in(USER, "wrong")
    desk.sign_in(USER, PASSWORD)


def test_who_there_is_is_not_told(desk: SignInDesk) -> None:
    said = []
    for login in (USER, "niemand"):
        with pytest.raises(Refused) as caught:
            desk.sign_in(login, "wrong")
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_nothing_readable_is_kept_and_everything_is_noted(desk: SignInDesk, home: Path) -> None:
    desk.sign_in(USER, PASSWORD)
    with pytest.raises(Refused):
        desk.sign_in(USER, "falsch")
    kept = repr(rows(home, "SELECT * FROM users") + rows(home, "SELECT * FROM sessions"))
    assert kept.count("$argon2id$") == 2
    assert PASSWORD not in kept
    token = signing._token("yunxi-zrzy")
    assert token
    assert token not in kept
    events = [e for (e,) in rows(home, "SELECT event FROM access_log ORDER BY at, rowid")]
    assert sorted(events) == ["password_set", "password_set", "refused", "signed_in", "signed_in", "signed_out"]
    assert PASSWORD not in repr(rows(home, "SELECT * FROM access_log"))


class TestPasswords:
    @pytest.mark.parametrize(
        ("password", "said"),
        [
            ("Kurz-1", "至少10位"),
            ("aaaaaaaaaaA1", "相同的字符太多"),
            ("nur-kleine-worte", "三种"),
            (f"{USER}-Abc-12345", "用户名"),
        ],
    )
    def test_that_are_weak_are_refused(self, desk: SignInDesk, password: str, said: str) -> None:
        desk.sign_in("jian", OTHER)
        with pytest.raises(DataFault, match=said):
            desk.set_password(USER, password)

    def test_are_changed_by_whoever_knows_the_old_one(self, desk: SignInDesk) -> None:
        desk.sign_in(USER, PASSWORD)
        with pytest.raises(Refused, match="不正确"):
            desk.set_password(USER, "Ganz-Neu-99x", old="falsch")
        desk.set_password(USER, "Ganz-Neu-99x", old=PASSWORD)
        assert desk.who() is None  # whoever was signed in under the old one is signed in no more
        desk.sign_in(USER, "Ganz-Neu-99x")

    def test_of_others_are_set_by_a_supervisor_alone(self, desk: SignInDesk, home: Path) -> None:
        desk.sign_in(USER, PASSWORD)
        with pytest.raises(Refused, match="监督岗"):
            desk.set_password("jian", "Ganz-Neu-99x")
        with pytest.raises(Refused, match="监督岗"):
            desk.close_user("jian")
        desk.sign_in("jian", OTHER)
        desk.set_password(USER, "Ganz-Neu-99x")
        desk.sign_in(USER, "Ganz-Neu-99x")

    def test_need_a_person_and_are_set_once(self, desk: SignInDesk) -> None:
        desk.sign_in("jian", OTHER)
        with pytest.raises(NotFound, match=r"office\.yaml"):
            desk.set_password("niemand", PASSWORD, new_user=True)
        with pytest.raises(Moved, match="passwd"):
            desk.set_password(USER, PASSWORD, new_user=True)

    def test_of_the_closed_open_nothing(self, desk: SignInDesk) -> None:
        desk.sign_in("jian", OTHER)
        desk.close_user(USER)
        with pytest.raises(Refused, match="不正确"):
            desk.sign_in(USER, PASSWORD)
        with pytest.raises(NotFound):
            desk.close_user("niemand")

    def test_of_weaker_days_are_hashed_anew(self, desk: SignInDesk, home: Path) -> None:
        from argon2 import PasswordHasher  # noqa: PLC0415

        weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
        with desk._transactions.writing() as connection:
            agencies.put(connection, "yunxi-zrzy", USER, weak, "2026-03-02T00:00:00.000000Z")
        desk.sign_in(USER, PASSWORD)
        ((kept,),) = rows(home, "SELECT hash FROM users WHERE login = '经办人'")
        assert "m=65536" in kept


class TestTheAudit:
    """A user is what the log says was last done; whoever only changes the row is found out."""

    def test_knows_what_was_lawfully_done(self, desk: SignInDesk, home: Path) -> None:
        desk.sign_in("jian", OTHER)
        desk.set_password(USER, "Ganz-Neu-99x")
        assert audited(home) == []
        desk.close_user(USER)
        assert audited(home) == []
        desk.set_password(USER, "Noch-Neuer-99x")  # and opened again
        assert audited(home) == []

    def test_knows_a_hash_made_stronger(self, desk: SignInDesk, home: Path) -> None:
        from argon2 import PasswordHasher  # noqa: PLC0415 - only where it is needed, as in the program

        weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
        tamper(home, f"UPDATE users SET hash = '{weak}' WHERE login = '{USER}'")  # noqa: S608 - made here
        assert audited(home) == [f"用户“{USER}”（users）：口令或者停用状态与最后一次办理的记录（access_log）不符"]
        desk.sign_in(USER, PASSWORD)  # hashed anew, and noted
        assert audited(home) == []

    @pytest.mark.parametrize(
        ("harm", "said"),
        [
            ("UPDATE users SET closed = 0 WHERE closed", "用户“经办人”.*不符"),
            ("UPDATE users SET closed = 1 WHERE NOT closed", "用户“jian”.*不符"),
            ("UPDATE users SET hash = (SELECT hash FROM users WHERE closed) WHERE NOT closed", "用户“jian”.*不符"),
            ("DELETE FROM users WHERE closed", "用户“经办人”.*已被删除"),
            ("INSERT INTO users SELECT agency, 'neu', hash, 0, '', '', 0 FROM users WHERE closed", "“neu”.*另行插入"),
        ],
    )
    def test_finds_what_was_not(self, desk: SignInDesk, home: Path, harm: str, said: str) -> None:
        desk.sign_in("jian", OTHER)
        desk.close_user(USER)
        tamper(home, "DELETE FROM sessions")  # a user's row hangs on them
        tamper(home, harm)
        (fault,) = audited(home)
        assert re.search(said, fault)


def audited(home: Path) -> list[str]:
    with Office.open(home, user="jian") as office:
        return [str(fault) for fault in office.audit()["faults"]]


def test_the_command_line_asks_for_it(home: Path, tmp_path: Path) -> None:
    def run(*words: str | Path, password: str = "") -> subprocess.CompletedProcess[str]:
        return ysq(*words, "--home", home, XDG_STATE_HOME=str(tmp_path / "state"), YISHENQING_PASSWORD=password)

    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(PASSWORD)
    second.write_text(OTHER)
    configure(home, people=PEOPLE, sign_in={"by": "password"})
    assert (out := run("list")).returncode == 3
    assert "ysq login" in out.stderr
    assert run("tick").returncode == 0  # the clock's work is nobody's act
    assert run("user", "add", USER, password=PASSWORD).returncode == 0
    assert run("login", USER, "--password-file", second).returncode == 3
    changed = run("user", "passwd", USER, "--old-file", first, "--password-file", second)
    assert changed.returncode == 0, changed.stderr
    assert run("login", USER, "--password-file", second).returncode == 0
    assert "登录被拒绝" in run("user", "log").stdout
    assert json.loads(run("user", "list", "--json").stdout)["users"][0]["user"] == USER
    assert "已退出" in run("logout").stdout
