"""Signing in to the command line: who acts is who signed in, not who says so.

Where the settings leave it to the system (``sign_in.by: system``) the operating system's user acts, or whom ``--as``
names. Where they ask for a password, a session of this person's machine stands for it until it ends.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from yishenqing import agencies
from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, Moved, NotFound, Refused
from yishenqing.core.ledger import in_china, instant
from yishenqing.office.casework import Row
from yishenqing.office.moments import Moments
from yishenqing.office.premises import database_url
from yishenqing.settings import Settings, read_settings
from yishenqing.store.engine import Transactions, open_engine
from yishenqing.store.vault import write_whole

if TYPE_CHECKING:
    from types import TracebackType

SESSION = "YISHENQING_SESSION"
_LAW = "work_order"
_LONGEST = 1024  # characters: more would only keep the hashing busy


class SignInDesk:
    """The door of one office: opens its database, and nothing else of it."""

    def __init__(self, home: Path) -> None:
        """Stand at the door of the office in ``home``."""
        self.settings: Settings = read_settings(home)
        self._ways = self.settings.sign_in
        self._transactions = Transactions(open_engine(database_url(home, self.settings), self.settings.agency))

    def __enter__(self) -> SignInDesk:
        """Return the door itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let go of the database."""
        self._transactions.close()

    def sign_in(self, login: str, password: str) -> Row:
        """Begin a session and keep its token on this machine; answers who is signed in, and until when.

        Raises:
            Refused: not the password, or the user is locked or closed.
        """
        self._check(login, password)
        now, agency = datetime.now(UTC), self.settings.agency
        length = timedelta(hours=self._ways.session_hours)
        with self._transactions.writing() as connection:
            token = agencies.begin(connection, agency, login, now, length)
            self._note(connection, login, "signed_in")
        write_whole(_token_file(agency), token.encode())  # made readable by its owner alone
        return {"user": login, "until": instant(now + length), "idle_minutes": self._ways.idle_minutes}

    def _check(self, login: str, password: str) -> None:
        """Let a right password through; what was refused is kept as well, and then told."""
        now, agency, ways = datetime.now(UTC), self.settings.agency, self._ways
        with self._transactions.writing() as connection:
            try:
                pause = timedelta(minutes=ways.locked_minutes)
                anew = agencies.verified(connection, agency, login, password[:_LONGEST], now, ways.attempts, pause)
            except agencies.Wrong:
                self._note(connection, login, "refused")
                refusal = Refused("用户名或者口令不正确。", law=[article(_LAW)])
            except agencies.Locked as locked:
                self._note(connection, login, "locked")
                until = in_china(locked.args[0])
                refusal = Refused(
                    f"连续输错口令，账号已锁定，{until:%Y-%m-%d %H:%M}后可以再试。", law=[article(_LAW)]
                )
            else:
                if anew is not None:
                    self._note(connection, login, "rehashed", agencies.mark(anew))
                return
        raise refusal

    def sign_out(self) -> bool:
        """End the session of this machine; return whether there was one."""
        token, now = _token(self.settings.agency), datetime.now(UTC)
        if not token:
            return False
        with self._transactions.writing() as connection:
            session = agencies.holder(connection, self.settings.agency, token, now, self._idle)
            ended = agencies.end(connection, self.settings.agency, token, now)
            if session is not None:
                self._note(connection, session.login, "signed_out")
        # The session is over in the database, which alone decides: a token that cannot be deleted opens nothing.
        with suppress(OSError):
            _token_file(self.settings.agency).unlink()
        return ended

    def who(self) -> str | None:
        """Return who is signed in on this machine; None when nobody is."""
        token, now, agency = _token(self.settings.agency), datetime.now(UTC), self.settings.agency
        if not token:
            return None
        with self._transactions.reading() as connection:
            session = agencies.holder(connection, agency, token, now, self._idle)
            old = session is not None and agencies.stale(connection, agency, token, now)
        if old:
            self._transactions.kept(lambda connection: agencies.used(connection, agency, token, now))
        return session.login if session else None

    def set_password(self, login: str, password: str, *, old: str | None = None, new_user: bool = False) -> None:
        """Keep a user's password: a new user's (``new_user``), or another for whoever knows the ``old`` one.

        A supervisor who is signed in may set anybody's. The first user of an office is entered by whoever may read
        its folder.

        Raises:
            NotFound: office.yaml names no such person, or there is no such user.
            Moved: the new user is there already.
            Refused: the actor may not, or the old password is not right.
            DataFault: the password is too short, or too like the user's name.
        """
        if login not in self.settings.people:
            raise NotFound(f"office.yaml 的人员中没有“{login}”；请先写入 people。")
        if faults := list(_weaknesses(login, password, self._ways.shortest)):
            raise DataFault.of([Fault(text, field="password") for text in faults])
        with self._transactions.reading() as connection:
            known = agencies.users_of(connection, self.settings.agency)
        there = any(u.login == login for u in known)
        if new_user and there:
            raise Moved(f"用户“{login}”已经有口令；修改口令请用 ysq user passwd {login}。")
        if not new_user and not there:
            raise NotFound(f"用户“{login}”还没有口令；请用 ysq user add {login}。")
        if known and (new_user or old is None) and not self._supervises():
            raise Refused("设置他人的口令，须由监督岗（supervisor）登录后办理。", law=[article(_LAW)])
        if old is not None:
            self._check(login, old)
        now, password_hash = instant(datetime.now(UTC)), agencies.hashed(password)
        with self._transactions.writing() as connection:
            agencies.put(connection, self.settings.agency, login, password_hash, now)
            self._note(connection, login, "password_set", agencies.mark(password_hash))

    def _note(self, connection: Connection, login: str, event: str, detail: str = "") -> None:
        """Write a line of the log of the door: it is anchored, so it bears no time before the last checkpoint."""
        agency = self.settings.agency
        agencies.note(connection, agency, login, event, Moments(self._transactions, agency).now(), detail)

    def may_reset(self, login: str) -> bool:
        """Tell whether who is signed in may set this user's password without the old one."""
        return self._supervises() and self.who() != login

    def close_user(self, login: str) -> None:
        """Let a user sign in no more.

        Raises:
            NotFound: there is no such user.
            Refused: only a supervisor who is signed in may.
        """
        if not self._supervises():
            raise Refused("停用账号，须由监督岗（supervisor）登录后办理。", law=[article(_LAW)])
        now = instant(datetime.now(UTC))
        with self._transactions.writing() as connection:
            if agencies.user(connection, self.settings.agency, login) is None:
                raise NotFound(f"没有用户“{login}”。")
            agencies.close(connection, self.settings.agency, login, now)
            self._note(connection, login, "closed")

    def users(self) -> Row:
        """Return who signs in with a password; never what is kept of the passwords."""
        now = instant(datetime.now(UTC))
        with self._transactions.reading() as connection:
            found = agencies.users_of(connection, self.settings.agency)
        state = {True: "closed", False: "open"}
        rows = [
            {
                "user": u.login,
                "state": "locked" if u.locked_until > now and not u.closed else state[u.closed],
                "locked_until": u.locked_until or None,
                "changed_at": u.changed_at,
            }
            for u in found
        ]
        return {"by": self._ways.by, "users": rows}

    @property
    def _idle(self) -> timedelta:
        return timedelta(minutes=self._ways.idle_minutes)

    def _supervises(self) -> bool:
        who = self.who()
        person = self.settings.people.get(who or "")
        return person is not None and "supervisor" in person.roles


def acting(home: Path, asked: str | None) -> str:
    """Return who acts where a password is asked for: who signed in; ``asked`` is whom ``--as`` names.

    Raises:
        Refused: nobody is signed in, or somebody else than was named.
    """
    with SignInDesk(home) as desk:
        who = desk.who()
    if who is None:
        raise Refused("本机关须登录后办理；请运行 ysq login（登录已过期的，请重新登录）。", law=[article(_LAW)])
    if asked is not None and asked != who:
        raise Refused(f"现在登录的是“{who}”，不能以“{asked}”的名义办理；请由其本人登录。", law=[article(_LAW)])
    return who


def _weaknesses(login: str, password: str, shortest: int) -> list[str]:
    found = []
    if len(password) < shortest:
        found.append(f"口令至少{shortest}位")
    if len(set(password)) < shortest // 2:
        found.append("口令中相同的字符太多")
    if login.lower() in password.lower():
        found.append("口令不能含有用户名")
    kinds = sum(any(test(c) for c in password) for test in (str.isdigit, str.islower, str.isupper, _is_sign))
    if kinds < _KINDS:
        found.append("口令须含有大写字母、小写字母、数字、符号中的至少三种")
    return found


_KINDS = 3


def _is_sign(character: str) -> bool:
    return not character.isalnum() or not character.isascii()


def _token(agency: str) -> str:
    if given := os.environ.get(SESSION):
        return given
    try:
        return _token_file(agency).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _token_file(agency: str) -> Path:
    """Return where this person's machine keeps the token: in the person's own folder, not in the office's."""
    base = os.environ.get("XDG_STATE_HOME")
    folder = Path(base) if base else Path.home() / ".local" / "state"
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in agency)
    return folder / "yishenqing" / f"session-{name}"
