"""Reminders on their way to persons: through a mail server that refuses, dawdles or drops, and through a command."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import stat
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from msgspec.structs import replace
from offices import USER, Calendar
from timing import PEOPLE, RED, YELLOW, changed, configure, many, registered, ticked

from yishenqing import Office, notices
from yishenqing.core.errors import DataFault
from yishenqing.core.ledger import instant
from yishenqing.office import delivering
from yishenqing.settings import read_settings

CHINA = timedelta(hours=8)


class Server:
    """A real mail server on the loopback, whose manners a test may spoil."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusing: dict[str, str] = {}  # address → answer
        self.dawdling = 0.0
        self.dropping = 0  # so many connections are closed after the content, before the answer
        self.taking = True

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's word
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if answer := self.refusing.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.dawdling)
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        self.mails.append(mail)
        if self.dropping:
            self.dropping -= 1
            assert server.transport is not None
            server.transport.close()
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [m for m in self.mails if address in str(m["To"])]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


@pytest.fixture
def posting(home: Path, port: int) -> Path:
    """An office that sends mail."""
    mail = {"host": "127.0.0.1", "port": port, "from": "ysq@yunxi.example.cn", "security": "none"}
    configure(home, people=PEOPLE, mail=mail)
    registered(home)
    return home


def due_again(home: Path) -> None:
    """Let the time of waiting pass."""
    changed(home, ["UPDATE messages SET next_try = created_at WHERE sent_at IS NULL"])


class TestMail:
    def test_reaches_the_persons_named(self, posting: Path, server: Server) -> None:
        found = ticked(posting, RED)
        assert (found["delivery"]["sent"], found["delivery"]["failed"]) == (1, [])
        (mail,) = server.mails
        assert "deng@example.cn" in str(mail["To"])
        assert "ysq@yunxi.example.cn" in str(mail["From"])
        assert "云溪县自然资源局办公室" in str(mail["From"])
        assert str(mail["Subject"]) == "【红灯】依申请公开期限提醒（共2项）"
        text = mail.get_content()
        assert text.startswith("邓登记：")
        assert all(r["text"] in text and r["law"] in text for r in found["reminders"])
        assert mail["Auto-Submitted"] == "auto-generated"
        assert ticked(posting, RED)["delivery"]["sent"] == 0
        assert len(server.mails) == 1

    def test_of_escalation_goes_to_the_supervisor(self, posting: Path, server: Server) -> None:
        ticked(posting, date(2026, 4, 1))
        (mail,) = server.to("jian@example.cn")
        assert str(mail["Subject"]).startswith("【上报】2026-0001 答复期限")
        assert "请督促办理" in mail.get_content()

    def test_bears_the_mark_of_a_rehearsal(
        self, posting: Path, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("YISHENQING_TODAY", "2026-03-26")
        with Office.open(posting, user="deng") as office:
            office.tick()
        (mail,) = server.mails
        assert str(mail["Subject"]).startswith("【演练】")
        assert "不必办理" in mail.get_content()

    def test_says_who_has_no_address(self, posting: Path, server: Server) -> None:
        configure(posting, people={**PEOPLE, "deng": {"name": "邓登记", "roles": ["registrar"]}})
        delivery = ticked(posting, RED)["delivery"]
        assert (delivery["unreachable"], delivery["waiting"], server.mails) == (["邓登记"], 0, [])

    def test_of_a_hundred_cases_is_a_few_messages_and_one_connection(self, posting: Path, server: Server) -> None:
        many(posting, 120)
        assert len(ticked(posting, YELLOW)["reminders"]) > 120
        assert len(server.mails) == 3


class TestAServerInTrouble:
    def test_that_is_away_loses_nothing(self, posting: Path, server: Server, port: int) -> None:
        mail = {"host": "127.0.0.1", "port": free_port(), "from": "ysq@yunxi.example.cn", "security": "none"}
        configure(posting, mail=mail)
        found = ticked(posting, RED)
        assert len(found["reminders"]) == 2
        (failure,) = found["delivery"]["failed"]
        assert (failure["to"], failure["channel"], failure["attempts"]) == ("邓登记", "mail", 1)
        assert "不可用（对方拒绝连接）" in failure["error"]
        assert ticked(posting, RED)["delivery"]["failed"][0]["attempts"] == 1  # not yet again, and still told
        configure(posting, mail={**mail, "port": port})
        due_again(posting)
        delivery = ticked(posting, RED)["delivery"]
        assert (delivery["sent"], delivery["waiting"], len(server.mails)) == (1, 0, 1)

    @pytest.mark.parametrize("answer", ["550 no such user", "451 greylisted, try later", "421 closing"])
    def test_that_refuses_one_person_serves_the_others(self, posting: Path, server: Server, answer: str) -> None:
        server.refusing["deng@example.cn"] = answer
        found = ticked(posting, date(2026, 4, 1))["delivery"]
        (failure,) = found["failed"]
        assert (failure["to"], failure["attempts"]) == ("邓登记", 1)
        assert answer[4:] in failure["error"]
        if not answer.startswith("421"):
            assert (found["sent"], len(server.to("jian@example.cn"))) == (1, 1)
        server.refusing.clear()
        due_again(posting)
        assert ticked(posting, date(2026, 4, 1))["delivery"]["waiting"] == 0
        assert (len(server.to("deng@example.cn")), len(server.to("jian@example.cn"))) == (1, 1)

    def test_that_dawdles_is_left_in_time(
        self, posting: Path, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(notices, "_PATIENCE", 0.3)
        server.dawdling = 1.5
        begun = time.monotonic()
        found = ticked(posting, date(2026, 4, 1))
        assert time.monotonic() - begun < 1.4
        assert len(found["reminders"]) == 3
        assert "没有回应" in found["delivery"]["failed"][0]["error"]
        assert found["delivery"]["waiting"] == 2

    def test_that_drops_the_line_gets_the_same_message_again(self, posting: Path, server: Server) -> None:
        """Whether it arrived nobody knows; the Message-ID lets the receiver tell."""
        server.dropping = 1
        assert ticked(posting, RED)["delivery"]["sent"] == 0
        due_again(posting)
        assert ticked(posting, RED)["delivery"]["sent"] == 1
        first, second = server.mails
        assert first["Message-ID"] == second["Message-ID"] is not None
        assert first.get_content() == second.get_content()

    def test_never_holds_a_round_beyond_its_time(
        self, posting: Path, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        many(posting, 200)
        monkeypatch.setattr(delivering, "_BUDGET", 0.2)
        server.dawdling = 0.15
        delivery = ticked(posting, YELLOW)["delivery"]
        assert 0 < delivery["sent"] < 5
        assert delivery["failed"] == []
        server.dawdling = 0
        monkeypatch.setattr(delivering, "_BUDGET", 30.0)
        assert ticked(posting, YELLOW)["delivery"]["waiting"] == 0
        ids = [m["Message-ID"] for m in server.mails]
        assert len(ids) == len(set(ids)) == 5


class TestWaiting:
    def test_a_quiet_hour_passes_first(self, posting: Path, server: Server) -> None:
        mail = read_settings(posting).mail
        assert mail is not None
        plain = {"host": mail.host, "port": mail.port, "from": mail.from_, "security": "none"}
        now = datetime.now(UTC) + CHINA
        quiet, later = f"{now - timedelta(hours=1):%H:%M}", f"{now + timedelta(hours=1):%H:%M}"
        configure(posting, mail={**plain, "quiet": f"{quiet}-{later}"})
        found = ticked(posting, RED)
        assert (len(found["reminders"]), found["delivery"]["waiting"], found["delivery"]["quiet"]) == (2, 1, True)
        assert (found["delivery"]["failed"], server.mails) == ([], [])
        configure(posting, mail={**plain, "quiet": f"{later}-{quiet}"})
        assert ticked(posting, RED)["delivery"]["sent"] == 1

    def test_so_does_a_day_of_rest(self, posting: Path, server: Server) -> None:
        delivery = ticked(posting, date(2026, 3, 22))["delivery"]
        assert (delivery["waiting"], delivery["quiet"], server.mails) == (1, True, [])
        assert ticked(posting, YELLOW)["delivery"]["sent"] == 2

    @pytest.mark.parametrize(
        ("hours", "china", "quiet"),
        [
            ("20:00-08:00", "20:00", True),
            ("20:00-08:00", "07:59", True),
            ("20:00-08:00", "08:00", False),
            ("20:00-08:00", "12:00", False),
            ("12:00-13:30", "12:00", True),
            ("12:00-13:30", "13:30", False),
            ("", "03:00", False),
        ],
    )
    def test_the_hours_are_chinas(self, hours: str, china: str, *, quiet: bool) -> None:
        moment = datetime.fromisoformat(f"2026-03-23T{china}+08:00")
        assert notices.is_quiet(hours, moment.astimezone(UTC)) is quiet

    def test_a_process_that_died_while_sending_leaves_its_message(self, posting: Path, server: Server) -> None:
        """Its lease runs out; until then nobody else sends the same."""
        server.refusing["deng@example.cn"] = "451 later"
        ticked(posting, RED)
        soon = datetime.now(UTC) + timedelta(minutes=9)
        changed(posting, [f"UPDATE messages SET last_error = '', next_try = '{instant(soon)}'"])  # noqa: S608
        server.refusing.clear()
        assert ticked(posting, RED)["delivery"]["sent"] == 0
        due_again(posting)
        assert ticked(posting, RED)["delivery"]["sent"] == 1

    def test_a_wrong_clock_puts_no_message_off_for_long(self, posting: Path, server: Server) -> None:
        server.refusing["deng@example.cn"] = "451 later"
        ticked(posting, RED)
        changed(posting, ["UPDATE messages SET next_try = '2031-01-01T00:00:00.000000Z'"])
        server.refusing.clear()
        assert ticked(posting, RED)["delivery"]["sent"] == 1
        assert ticked(posting, RED)["delivery"]["sent"] == 0

    def test_an_address_put_right_is_the_one_used(self, posting: Path, server: Server) -> None:
        server.refusing["deng@example.cn"] = "550 unknown"
        ticked(posting, RED)
        configure(posting, people={**PEOPLE, "deng": {**PEOPLE["deng"], "email": "dengjiying@example.cn"}})
        due_again(posting)
        assert ticked(posting, RED)["delivery"]["sent"] == 1
        assert len(server.to("dengjiying@example.cn")) == 1

    def test_a_person_who_has_left_is_named(self, posting: Path, server: Server) -> None:
        server.refusing["deng@example.cn"] = "550 unknown"
        ticked(posting, RED)
        configure(posting, people={k: v for k, v in PEOPLE.items() if k != "deng"})
        due_again(posting)
        (failure,) = ticked(posting, RED)["delivery"]["failed"]
        assert "已没有“deng”" in failure["error"]


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return authority


def encrypted(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


class Encrypted(Controller):
    """Encrypted from the first byte; a bare connection is enough to see that it listens."""

    def _trigger_server(self) -> None:
        socket.create_connection((self.hostname, self.port)).close()


class TestEncryption:
    @pytest.fixture
    def secured(self, posting: Path, server: Server, trusted: trustme.CA) -> Iterator[Path]:
        def known(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
            return AuthResult(success=(data.login, data.password) == (b"ysq", b"secret"), handled=False)

        context = encrypted(trusted, "127.0.0.1")
        controller = Controller(
            server,
            hostname="127.0.0.1",
            port=free_port(),
            tls_context=context,
            authenticator=known,
            auth_required=True,
        )
        controller.start()
        mail = {"host": "127.0.0.1", "port": controller.port, "from": "ysq@yunxi.example.cn", "user": "ysq"}
        configure(posting, mail={**mail, "password_env": "MAIL_PASSWORD"})
        yield posting
        controller.stop()

    def test_with_a_password_from_the_environment(
        self, secured: Path, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (failure,) = ticked(secured, RED)["delivery"]["failed"]
        assert "没有设置环境变量 MAIL_PASSWORD" in failure["error"]
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        due_again(secured)
        (failure,) = ticked(secured, RED)["delivery"]["failed"]
        assert "口令不对" in failure["error"]
        monkeypatch.setenv("MAIL_PASSWORD", "secret")
        due_again(secured)
        assert ticked(secured, RED)["delivery"]["sent"] == len(server.mails) == 1

    def test_is_not_given_up_for_a_server_that_cannot(self, posting: Path, server: Server, port: int) -> None:
        configure(posting, mail={"host": "127.0.0.1", "port": port, "from": "ysq@yunxi.example.cn"})
        (failure,) = ticked(posting, RED)["delivery"]["failed"]
        assert "STARTTLS" in failure["error"]
        assert server.mails == []

    def test_trusts_no_server_that_nobody_vouches_for(
        self, posting: Path, server: Server, trusted: trustme.CA
    ) -> None:
        stranger, known = (
            Encrypted(server, hostname="127.0.0.1", port=free_port(), ssl_context=encrypted(ca, "127.0.0.1"))
            for ca in (trustme.CA(), trusted)
        )
        base = {"host": "127.0.0.1", "from": "ysq@yunxi.example.cn", "security": "ssl"}
        for controller in (stranger, known):
            controller.start()
        configure(posting, mail={**base, "port": stranger.port})
        (failure,) = ticked(posting, RED)["delivery"]["failed"]
        assert "证书不可信" in failure["error"]
        configure(posting, mail={**base, "port": known.port})
        due_again(posting)
        assert ticked(posting, RED)["delivery"]["sent"] == len(server.mails) == 1
        for controller in (stranger, known):
            controller.stop()


def command(tmp_path: Path, *lines: str) -> list[str]:
    path = tmp_path / "提醒 命令.py"
    path.write_text("\n".join(["import json, os, sys, time", *lines]), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return [sys.executable, str(path), "; exit 7 #"]  # a shell would stumble here


class TestTheHook:
    def test_gets_the_reminders_as_json_once_a_person(self, home: Path, tmp_path: Path) -> None:
        log = tmp_path / "log"
        writing = f"open({str(log)!r}, 'a').write(sys.stdin.read() + '\\n')"
        configure(home, people=PEOPLE, hook=command(tmp_path, writing))
        registered(home)
        found = ticked(home, date(2026, 4, 1))
        assert found["delivery"]["sent"] == 2
        told = {t["to"]["user"]: t for t in map(json.loads, log.read_text(encoding="utf-8").splitlines())}
        assert told.keys() == {"deng", "jian"}
        (late,) = told["jian"]["reminders"]
        assert (late["number"], late["mark"], late["due"]) == ("2026-0001", "escalated", "2026-03-30")
        assert told["deng"]["key"] != told["jian"]["key"]
        assert ticked(home, date(2026, 4, 1))["delivery"]["sent"] == 0

    def test_that_fails_is_run_again_with_the_same_key(self, home: Path, tmp_path: Path) -> None:
        log = tmp_path / "log"
        failing = (
            f"open({str(log)!r}, 'a').write(json.load(sys.stdin)['key'] + '\\n')",
            f"first = len(open({str(log)!r}).readlines()) == 1",
            "first and (sys.stderr.write('短信网关不通'), sys.exit(3))",
        )
        configure(home, people=PEOPLE, hook=command(tmp_path, *failing))
        registered(home)
        (failure,) = ticked(home, RED)["delivery"]["failed"]
        assert "以3退出（短信网关不通）" in failure["error"]
        due_again(home)
        assert ticked(home, RED)["delivery"] == {
            "sent": 1,
            "waiting": 0,
            "quiet": False,
            "failed": [],
            "unreachable": [],
        }
        first, second = log.read_text().splitlines()
        assert first == second

    def test_that_hangs_is_ended_with_its_children(self, tmp_path: Path, message: notices.Message) -> None:
        pids = tmp_path / "pids"
        hanging = (
            "import subprocess",
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])",
            f"open({str(pids)!r}, 'w').write(str(child.pid))",
            "time.sleep(60)",
        )
        begun = time.monotonic()
        with pytest.raises(notices.Unreachable, match="没有结束"):
            notices.Hook(command(tmp_path, *hanging), patience=1.5).send(message)
        assert time.monotonic() - begun < 10
        assert not _alive(int(pids.read_text()))

    def test_that_cannot_be_run_is_said_so(self, message: notices.Message) -> None:
        with pytest.raises(notices.Unreachable, match=r"/nowhere/notify.*无法运行"):
            notices.Hook(["/nowhere/notify"]).send(message)

    def test_need_not_read_what_it_is_given(self, message: notices.Message) -> None:
        big = [dict(message.reminders[0], text="长" * 200_000)]
        notices.Hook([sys.executable, "-c", "pass"]).send(replace(message, reminders=big))


def _alive(pid: int) -> bool:
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def message() -> notices.Message:
    reminder = {"number": "2026-0001", "title": "答复期限", "due": "2026-03-30", "mark_title": "红灯", "text": "略"}
    return notices.Message(
        id="k",
        office="某办公室",
        user="u",
        name="某人",
        address="u@example.cn",
        reminders=[{**reminder, "law": "条例"}],
        rehearsal=False,
        written_at=datetime.now(UTC),
    )


def test_a_name_that_would_forge_a_header_sends_nothing(message: notices.Message, server: Server, port: int) -> None:
    forged = replace(message, name="某\r\nBcc: x@y.z")
    with notices.Post("127.0.0.1", port, "none", "a@b.cn") as post, pytest.raises(notices.Undelivered):
        post.send(forged)
    assert server.mails == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mail": {"host": "", "from": "a@b.cn"}}, "不能为空"),
        ({"mail": {"host": "x"}}, "发件的邮箱地址"),
        ({"mail": {"host": "x", "from": "不是"}}, "不是邮箱地址"),
        ({"mail": {"host": "x", "from": "a@b.cn", "password": "p"}}, "未知的键"),
        ({"mail": {"host": "x", "from": "a@b.cn", "port": 70000}}, "不是端口号"),
        ({"mail": {"host": "x", "from": "a@b.cn", "security": "tls"}}, "只能是"),
        ({"mail": {"host": "x", "from": "a@b.cn", "security": "none", "user": "u"}}, "不能传送口令"),
        ({"mail": {"host": "x", "from": "a@b.cn", "quiet": "8pm-8am"}}, "20:00-08:00"),
        ({"mail": {"host": "x", "from": "a@b.cn", "user": "u", "password_env": ""}}, "环境变量"),
        ({"people": {"x": {"name": "某", "roles": [], "email": "a b@c"}}}, "不是邮箱地址"),
        ({"reminders": {"reply": {"yellow": 2, "red": 5}}}, "黄灯"),
        ({"reminders": {"reply": {"yellow": -2}}}, "不能小于0"),
        ({"escalate_after": -1}, "不能小于0"),
        ({"hook": [" "]}, "缺少要运行的命令"),
        ({"hook": "rm -rf"}, "应为列表"),
    ],
)
def test_settings_that_cannot_work_are_refused(home: Path, settings: dict[str, Any], said: str) -> None:
    configure(home, **settings)
    with pytest.raises(DataFault, match=said):
        read_settings(home)


def test_settings_are_the_same_when_remembered(home: Path) -> None:
    mail = {"host": "x", "from": "a@b.cn", "quiet": "20:00-08:00"}
    configure(home, people=PEOPLE, mail=mail, hook=["/bin/true", "a b"], reminders={"reply": {"yellow": 8}})
    first = read_settings(home)
    assert read_settings(home) == first
    assert first.mail is not None
    assert (first.mail.from_, first.mail.quiet, first.hook) == ("a@b.cn", "20:00-08:00", ("/bin/true", "a b"))


def test_the_calendar_of_a_running_office_turns(posting: Path, server: Server) -> None:
    calendar = Calendar(YELLOW)
    with Office.open(posting, user=USER, today=calendar) as office:
        office.tick()
        calendar.day = RED
        office.tick()
    assert [str(m["Subject"])[:4] for m in server.mails] == ["【黄灯】", "【红灯】"]
