"""Where the things of an office lie (its database, its keys, its fonts), who sits there, and what time it is."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.ledger import CHINA, instant
from yishenqing.store import address
from yishenqing.store.engine import open_engine
from yishenqing.store.masterkey import Masters

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from yishenqing.letters.signing import Signing
    from yishenqing.letters.style import Style
    from yishenqing.settings import Settings

DATABASE = "office.db"
TODAY = "YISHENQING_TODAY"


def master_keys(home: Path, settings: Settings) -> Masters:
    """Return where the office keeps the keys of its personal data."""
    told = settings.secrecy
    return Masters((home / Path(told.key).expanduser()).resolve(), told.key_env, told.cipher)


def engine_of(home: Path, settings: Settings) -> Engine:
    """Return an engine for the office's database."""
    return open_engine(database_url(home, settings), settings.agency, wait=settings.wait_seconds)


def letter_style(home: Path, settings: Settings) -> Style:
    """Return how the office wants its letters to look; fonts are looked for from its folder."""
    from yishenqing.letters.style import Style

    fonts = {str(role): (home / Path(name).expanduser()).resolve() for role, name in settings.fonts.items()}
    return Style(settings.letters.format, settings.letters.seal, fonts)


def letter_signing(home: Path, settings: Settings) -> Signing | None:
    """Return with what the office signs its letters; its files are looked for from its folder."""
    wish = settings.letters.sign
    if wish is None:
        return None
    from yishenqing.letters.signing import Signing

    key, trust = ((home / Path(name).expanduser()).resolve() if name else None for name in (wish.pkcs12, wish.trust))
    return Signing(key, os.environ.get(wish.password_env, ""), wish.command, trust)


def system_user() -> str:
    """Return the operating-system user, who acts unless somebody else is named."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "officer"


def now() -> str:
    """Return the recording time of this moment."""
    return instant(datetime.now(UTC))


def end_of_day(day: date) -> datetime:
    """Return the instant at which ``day`` ends in China."""
    return datetime.combine(day + timedelta(days=1), time.min, CHINA)


def system_today() -> date:
    """Return today in the office's place, or the rehearsal's date."""
    text = os.environ.get(TODAY)
    if not text:
        return datetime.now(CHINA).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataFault.of([Fault(f"{TODAY}“{text}”不是存在的日期，应写作 2026-03-02")]) from None


def database_url(home: Path, settings: Settings) -> str:
    """Return where the office's ledger lies: as the settings say, else in its folder."""
    if settings.database:
        return address.with_password(settings.database, home)
    return f"sqlite:///{(home / DATABASE).resolve()}"
