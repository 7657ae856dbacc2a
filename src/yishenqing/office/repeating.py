"""A call that may be repeated: under its key it is done once, and whoever repeats it gets the first answer.

Key, case, decision, entries, deadlines, messages and the answer are kept in one transaction: after a crash either all
of it is there, and the repeated call reads the answer, or nothing is, and the repeated call does it.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import asdict

from yishenqing.core.errors import DataFault, Fault, Moved
from yishenqing.core.ledger import canonical, in_china, instant
from yishenqing.office.answering import Answer
from yishenqing.store import keys

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.desk import Desk

_LONGEST = 200  # characters of a key
_NAMED = ("number", "step", "kind", "into")  # arguments that say what was done and nothing about a person


class Once(Struct, frozen=True):
    """Under which key a verb is taken, and the last entry of its case that the caller has seen."""

    key: str
    seen: int | None

    @classmethod
    def of(cls, key: str | None, seen: int | None) -> Once:
        """Return what was wished for.

        Raises:
            DataFault: the key is none.
        """
        if key is None:
            return cls("", seen)
        if not 0 < len(key) <= _LONGEST or not key.isprintable() or key != key.strip():
            text = f"应为1至{_LONGEST}个可见字符，前后没有空格"
            raise DataFault.of([Fault(text, field="key")])
        return cls(key, seen)


class _Replayed(Exception):
    """The same call has been done already; bears its answer."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer


def taken_once(desk: Desk, verb: Callable[..., Any], given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """Return what the verb answers, done now or under the same key before.

    Raises:
        DataFault: the key was used for something else, or ``seen`` is asked of a verb without a case.
        Moved: somebody wrote to the case since the entry that the caller has seen.
    """
    call = _Call.of(desk, verb, given, named)
    transactions = desk._transactions  # noqa: SLF001 - a part of the desk, in a file of its own
    try:
        if call.known.key and not transactions.only_looks:
            with transactions.reading() as connection:
                call.replay(keys.find(connection, call.known.agency, call.known.key, call.known.given_at))
        return transactions.in_one(lambda: verb(desk, *given, **named), call.begin, call.end)
    except _Replayed as done:
        return call.answered(done.answer)


class _Call(Struct, frozen=True):
    desk: Desk
    known: keys.Given
    seen: int | None

    @classmethod
    def of(cls, desk: Desk, verb: Callable[..., Any], given: tuple[Any, ...], named: Mapping[str, Any]) -> _Call:
        once = desk.only_once
        assert once is not None  # noqa: S101 - asked by whoever calls
        bound = inspect.signature(verb).bind(desk, *given, **named)
        arguments = {k: v for k, v in list(bound.arguments.items())[1:] if not callable(v)}
        number = str(arguments.get("number") or "")
        if once.seen is not None and not number:
            raise DataFault.of([Fault("只用于办理一件已有的案件", field="seen")])
        actor = str(arguments.get("by") or desk._user)  # noqa: SLF001 - a part of the desk
        text = canonical({"verb": verb.__name__, "actor": actor, "given": _plain(arguments)})
        now = datetime.now(UTC)
        words = [verb.__name__, *(str(arguments[n]) for n in _NAMED if arguments.get(n))]
        known = keys.Given(
            agency=desk.settings.agency,
            key=once.key,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            said=" ".join(words),
            actor=actor,
            number=number,
            answer="",
            given_at=instant(now),
            kept_until=instant(now + timedelta(days=desk.settings.keys_kept_days)),
        )
        return cls(desk, known, once.seen)

    def begin(self, connection: Connection) -> None:
        """Take the key; then lock the case, where it must still be as the caller saw it."""
        if self.known.key:
            self.replay(keys.take(connection, self.known))
        if self.seen is not None:
            case = self.desk._load(connection, self.known.number, lock=True)  # noqa: SLF001 - a part of the desk
            if case.row.head_seq != self.seen:
                from yishenqing.office.acting import written_since

                raise Moved(written_since(case, self.seen))

    def replay(self, before: keys.Given | None) -> None:
        """Stop here if the key stands for this very call; refuse it if it stands for another."""
        if before is None:
            return
        if before.digest == self.known.digest:
            raise _Replayed(before.answer)
        at = in_china(before.given_at)
        text = (
            f"键“{before.key}”已由{before.actor}于{at:%Y-%m-%d %H:%M}用于“{before.said}”，这一次的内容与那一次不同，"
            "本次没有写入任何内容；重试请用原来的内容，另办一项请换一个键"
        )
        raise DataFault.of([Fault(text, field="key")])

    def end(self, connection: Connection, found: Any) -> None:
        """Keep the answer with what was done."""
        if self.known.key:
            told = found.get("number") if isinstance(found, Mapping) else None  # of the case that was just opened
            keys.answer(connection, self.known, _as_text(found), self.known.number or str(told or ""))

    def answered(self, text: str) -> Any:
        """Return the first answer; letters that a crash kept from their folder are put there."""
        found = json.loads(text)
        if not isinstance(found, dict):
            return found
        if found.get("letters") and self.known.number:
            self.desk._publish(self.known.number)  # noqa: SLF001 - a part of the desk
        return Answer({}, **found)


def _as_text(found: Any) -> str:
    try:
        return json.dumps(dict(found) if isinstance(found, Mapping) else found, ensure_ascii=False)
    except TypeError:
        raise DataFault.of([Fault("这项操作不能带键，本次没有写入任何内容", field="key")]) from None


def _plain(value: Any) -> Any:
    """Return what was given as plain data; a file is what stands in it, wherever it lies."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, Path):
        return hashlib.sha256(value.read_bytes()).hexdigest() if value.is_file() else str(value)
    if isinstance(value, Struct):
        return _plain(asdict(value))
    return value.isoformat() if isinstance(value, date) else value
