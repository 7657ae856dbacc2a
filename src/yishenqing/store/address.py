"""Where the ledger lies: the address without its password, the password from outside, the session's settings."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from yishenqing.core.errors import DataFault, Fault, why
from yishenqing.keyfile import exposed

PASSWORD = "YISHENQING_DB_PASSWORD"  # noqa: S105 - the name of a variable
PASSWORD_FILE = "database.password"  # noqa: S105 - the name of a file in the office's folder
AGENCY = "yishenqing.agency"  # the setting of a PostgreSQL session that says whose rows it is for
# A host that vanishes without a word gives its locks back within a minute, not after the system's two hours.
_KEEPALIVE = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3}
_SERVER = (
    "tcp_keepalives_idle=20",
    "tcp_keepalives_interval=10",
    "tcp_keepalives_count=3",
    "idle_in_transaction_session_timeout=600000",
)
_SECRET = re.compile(r"(://[^/@]*?):[^@]+@")


def without_password(url: str) -> str:
    """Return an address as it may be shown."""
    return _SECRET.sub(r"\1:***@", url)


def has_password(url: str) -> bool:
    """Tell whether an address has a password in it."""
    return _SECRET.search(url) is not None or "password=" in url


def with_password(url: str, home: Path) -> str:
    """Return the address with the password of the environment, else of the file in ``home``, if there is either.

    Raises:
        DataFault: others than the office's account may read the file.
    """
    if not url.startswith("postgresql"):
        return url
    password = os.environ.get(PASSWORD) or _from_file(home / PASSWORD_FILE)
    if password is None:
        return url  # the server may know us by our account, or by ~/.pgpass
    try:
        return make_url(url).set(password=password).render_as_string(hide_password=False)
    except (ArgumentError, ValueError):
        return url  # whoever opens it says what is wrong


def _from_file(path: Path) -> str | None:
    if not path.is_file():
        return None
    if exposed(path):
        raise DataFault.of([Fault("他人可以读取数据库口令；请运行 chmod 600 改正", str(path))])
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFault.of([Fault(f"无法读取数据库口令（{why(error)}）", str(path))]) from None


def session(url: URL, agency: str, *, only_looks: bool, wait: int) -> dict[str, Any]:
    """Return what a PostgreSQL driver is told when it connects; nobody waits longer than ``wait`` seconds."""
    said = [*_SERVER, f"lock_timeout={wait}s", *([f"{AGENCY}={agency}"] if agency else [])]
    if only_looks:
        said.append("default_transaction_read_only=on")
    options = " ".join(f"-c {_escaped(one)}" for one in said)
    given = url.query.get("options", "")
    return {**_KEEPALIVE, "options": f"{given} {options}".strip()}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(" ", "\\ ")
