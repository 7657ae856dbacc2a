"""Reminders on their way to persons: a mail through the office's own server, or a command that the office names.

Nothing here knows the database. Whoever calls keeps the message until ``send`` has returned; a message that is sent
again bears the same Message-ID and key, so that the receiver can tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from types import TracebackType
from typing import Any, ClassVar, Self

from msgspec import Struct

from yishenqing.core.errors import YishenqingError, why
from yishenqing.core.ledger import CHINA

_PATIENCE = 10.0  # seconds for each answer of a server
_HOOK_PATIENCE = 30.0
_NOT_NOW = 421  # the server closes the connection (RFC 5321)
_PORTS = {"starttls": 587, "ssl": 465, "none": 25}
_TOLD = 300  # characters of what a server or a command said


class Undelivered(YishenqingError):
    """A message has not reached its person, as far as is known."""

    code = "undelivered"


class Unreachable(Undelivered):
    """The server itself cannot be used now: there is no point in trying it with the next message."""


class Message(Struct, frozen=True):
    """What one person is told: reminders as plain data. ``id`` stays the same however often it is sent."""

    id: str
    office: str
    user: str
    name: str
    address: str
    reminders: Sequence[Mapping[str, Any]]
    rehearsal: bool
    written_at: datetime

    def subject(self) -> str:
        """Return the one line by which a person decides whether to open it."""
        first = self.reminders[0]
        mark = "演练" if self.rehearsal else first["mark_title"]
        if len(self.reminders) == 1:
            return f"【{mark}】{first['number']} {first['title']}{first['due']}"
        return f"【{mark}】依申请公开期限提醒（共{len(self.reminders)}项）"

    def text(self) -> str:
        """Return the body."""
        lines = [f"{self.name}：", "", f"以下{len(self.reminders)}项期限请您处理："]
        lines += [f"{n}. {line(r)}" for n, r in enumerate(self.reminders, 1)]
        lines += ["", "办理情况以系统中的记录为准，查看案件：ysq show 案件编号", self.office]
        if self.rehearsal:
            lines.insert(2, "【演练】这是在假定的日期下所作的提醒，不必办理。")
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Return what a command gets on its standard input."""
        return {
            "key": self.id,
            "office": self.office,
            "to": {"user": self.user, "name": self.name, "email": self.address},
            "rehearsal": self.rehearsal,
            "written_at": self.written_at.isoformat(),
            "reminders": list(self.reminders),
        }


def line(reminder: Mapping[str, Any]) -> str:
    """Return a reminder on one line."""
    return f"【{reminder['mark_title']}】{reminder['number']}　{reminder['text']}（{reminder['law']}）"


def is_quiet(hours: str, moment: datetime) -> bool:
    """Tell whether ``moment`` lies within ``hours`` (``20:00-08:00``, in China; empty: never)."""
    if not hours:
        return False
    since, until = (time.fromisoformat(text) for text in hours.split("-"))
    now = moment.astimezone(CHINA).time()
    return since <= now < until if since <= until else now >= since or now < until


class Post:
    """The office's mail server, for as many messages as there are; connects when the first is sent."""

    def __init__(self, host: str, port: int | None, security: str, sender: str) -> None:
        """Use ``sender`` as the address that all mail comes from."""
        self._host, self._port, self._security = host, port or _PORTS[security], security
        self._sender = sender
        self._login: tuple[str, str] | None = None
        self._server: smtplib.SMTP | None = None

    def log_in_as(self, user: str, password: str) -> Self:
        """Say who is to log in."""
        self._login = (user, password)
        return self

    def __enter__(self) -> Self:
        """Return itself; nothing is connected yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Take leave of the server."""
        self._hang_up()

    def send(self, message: Message) -> None:
        """Hand the message to the server.

        Raises:
            Unreachable: the server cannot be used; the message may nevertheless have arrived.
            Undelivered: the server does not take this message.
        """
        try:
            mail = self._mail(message)
        except ValueError as error:  # a line break in a name, or an address that is none
            raise Undelivered(f"写不成邮件（{error}）") from error
        try:
            if self._server is None:
                self._server = self._connected()
            self._server.send_message(mail, self._sender, [message.address])
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            code, said = _answer(error)
            if code == _NOT_NOW:
                self._hang_up()
                raise Unreachable(f"邮件服务器暂停服务（{said}）") from error
            raise Undelivered(f"邮件服务器拒收（{code} {said}）") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._hang_up()
            raise Unreachable(f"邮件服务器“{self._host}:{self._port}”不可用（{_said(error)}）") from error

    def _connected(self) -> smtplib.SMTP:
        if self._security == "ssl":
            tls = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=_PATIENCE, context=tls)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_PATIENCE)
        try:
            if self._security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self._login is not None:
                server.login(*self._login)
        except BaseException:
            server.close()
            raise
        return server

    def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            # It has gone already. Each message was accepted or refused, and told so, before this.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        domain = self._sender.rpartition("@")[2]
        mail["From"] = Address(message.office, addr_spec=self._sender)
        mail["To"] = Address(message.name, addr_spec=message.address)
        mail["Subject"] = message.subject()
        mail["Date"] = format_datetime(message.written_at)
        mail["Message-ID"] = f"<{message.id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note should answer
        mail.set_content(message.text())
        return mail


def _answer(error: smtplib.SMTPException) -> tuple[int, str]:
    """Return what a server said when it did not take a message."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return code, said.decode(errors="replace")[:_TOLD]
    if not isinstance(error, smtplib.SMTPResponseException):
        return 0, str(error)[:_TOLD]
    text = error.smtp_error
    return error.smtp_code, (text.decode(errors="replace") if isinstance(text, bytes) else text)[:_TOLD]


_IN_WORDS = (
    (smtplib.SMTPNotSupportedError, "服务器不支持 STARTTLS 或者口令登录"),
    (smtplib.SMTPServerDisconnected, "服务器中断了连接"),
    (socket.gaierror, "找不到这个主机"),
    (ssl.SSLCertVerificationError, "服务器的证书不可信"),
)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"用户名或者口令不对：{_answer(error)[1]}"
    if isinstance(error, smtplib.SMTPResponseException):
        return "{} {}".format(*_answer(error))
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib hides it in another
        return f"{_PATIENCE:.0f}秒内没有回应"
    known = next((text for kind, text in _IN_WORDS if isinstance(error, kind)), "")
    if not known and isinstance(error, OSError):
        return why(error)[:_TOLD]
    return known or str(error)[:_TOLD] or type(error).__name__


class Hook(Struct, frozen=True):
    """A command of the office: the message as JSON on standard input; exit code 0 means that it was delivered."""

    command: Sequence[str]
    patience: float = _HOOK_PATIENCE

    failed: ClassVar[str] = "提醒命令"

    def send(self, message: Message) -> None:
        """Run the command, without a shell; whatever it started is ended when its time is over.

        Raises:
            Unreachable: the command cannot be run, or did not end in time.
            Undelivered: it ended with another exit code.
        """
        data = json.dumps(message.as_json(), ensure_ascii=False).encode()
        with tempfile.TemporaryFile() as said:  # not a pipe: a grandchild that keeps it open would keep us too
            try:
                code = self._run(data, said)
            except subprocess.TimeoutExpired:
                raise Unreachable(f"{self.failed}在{self.patience:g}秒内没有结束，已被终止") from None
            except OSError as error:
                raise Unreachable(f"{self.failed}“{self.command[0]}”无法运行（{why(error)}）") from error
            if code != 0:
                said.seek(0)
                words = said.read(_TOLD).decode(errors="replace").strip()
                raise Undelivered(f"{self.failed}以{code}退出" + (f"（{words}）" if words else ""))

    def _run(self, data: bytes, said: Any) -> int:
        process = subprocess.Popen(  # noqa: S603 - the office's own words, no shell
            list(self.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        try:
            process.communicate(data, timeout=self.patience)
        except subprocess.TimeoutExpired:
            _end(process)
            raise
        return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it has started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself; that it was late, the caller tells
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # what it had not read yet; that it took too long, the caller tells
            process.stdin.close()
