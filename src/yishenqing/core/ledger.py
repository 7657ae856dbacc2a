"""The ledger of a case: dated entries, appended, never rewritten, each chained to the one before by its hash.

Personal data and files never stand in an entry. An entry holds a salted digest; value and salt lie in a side
store, so that keys can rotate and papers be destroyed under the retention rules while the chain stays whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, NamedTuple, cast

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from yishenqing.core.errors import Fault

ALGORITHM = "ysq1-sha256"
# A legal date is the day in China, whatever zone the server keeps; there is no summer time.
CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
_SEALED = "sealed"
# json.loads without its search for blanks around the text: canonical JSON has none, and a case has many payloads.
_read = json.JSONDecoder().raw_decode
_read_many = Decoder(list[Any]).decode  # three times as quick, and stricter: what it refuses is read one by one


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot stand in an entry")


_encoder = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain, allow_nan=False
)


def canonical(value: Any) -> str:
    """Return ``value`` as the one JSON text that is hashed: sorted keys, no spaces, UTF-8 letters as they are."""
    return _encoder.encode(value)


def digest(*parts: str) -> str:
    """Return the SHA-256 of the parts, each preceded by its length so that none can flow into the next."""
    data = [part.encode() for part in parts]
    return hashlib.sha256(b"".join([x for d in data for x in (len(d).to_bytes(8, "big"), d)])).hexdigest()


def sm3_digest(salt: str, content: bytes, name: str) -> str:
    """Return the salted SM3 (GB/T 32905) of a paper, framed as :func:`digest` frames; empty where there is no SM3."""
    try:
        parts = [p.encode() for p in ("file", salt, hashlib.new("sm3", content).hexdigest(), name)]
        return hashlib.new("sm3", b"".join([x for d in parts for x in (len(d).to_bytes(8, "big"), d)])).hexdigest()
    except ValueError:  # the system's OpenSSL was built without it; SHA-256 stands alone then
        return ""


def instant(moment: datetime) -> str:
    """Return a recording time as UTC text with microseconds, the form that is hashed and stored."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def in_china(stored: str) -> datetime:
    """Return a stored recording time as people in an office read it."""
    return datetime.fromisoformat(stored).astimezone(CHINA)


class _Written(NamedTuple):
    agency: str
    number: str
    seq: int
    on: date
    recorded_at: str
    actor: str
    step: str
    rehearsal: bool
    payload: str  # the facts as canonical JSON, sealed; the very text that is hashed
    prev: str
    hash: str


class _Facts:
    """The sealed facts of an entry, parsed once; then they stand in the entry itself and nothing is called.

    Not functools.cached_property: until Python 3.12 it takes a lock, for each of a case's entries.
    """

    def __get__(self, entry: Entry, _kind: type[Entry]) -> Mapping[str, Any]:
        """Return the facts.

        Raises:
            ValueError, TypeError: the payload was tampered with and is not one JSON text.
        """
        found, end = _read(entry.payload)
        if end != len(entry.payload):
            raise ValueError("more than one JSON text")
        entry.__dict__["facts"] = found
        return cast(Mapping[str, Any], found)


class Entry(_Written):
    """One act in the ledger. ``on`` is its legal date, ``recorded_at`` the UTC instant it was written down.

    A tuple, as the database gives it: a case is read whole for every act.
    """

    facts = _Facts()

    def computed_hash(self) -> str:
        """Return the hash that the entry's own content gives."""
        return chain_hash(self)

    def as_json(self) -> dict[str, Any]:
        """Return the entry as one line of an exported ledger; nothing is opened."""
        return {**self._asdict(), "on": self.on.isoformat()}


def read_facts(entries: Sequence[Entry]) -> None:
    """Parse the facts of many entries in one call: a case is read whole for every act.

    What cannot be read so is left to each entry's own ``facts``, which says what is wrong with it.
    """
    try:
        found = _read_many(f"[{','.join([e.payload for e in entries])}]")
    except (TypeError, ValueError, DecodeError):
        return
    if len(found) == len(entries):
        for entry, facts in zip(entries, found, strict=True):
            entry.__dict__["facts"] = facts


def chain_hash(entry: Entry) -> str:
    """Return the hash over everything the entry says and the hash before it."""
    return digest(
        ALGORITHM,
        entry.agency,
        entry.number,
        str(entry.seq),
        entry.on.isoformat(),
        entry.recorded_at,
        entry.actor,
        entry.step,
        "rehearsal" if entry.rehearsal else "",
        entry.payload,
        entry.prev,
    )


def genesis(agency: str, number: str, rulebook: str) -> str:
    """Return what the first entry chains to: the case itself and the rules it was opened under."""
    return digest(ALGORITHM, "genesis", agency, number, rulebook)


def append(
    previous: Entry | None,
    *,
    agency: str,
    number: str,
    rulebook: str,
    on: date,
    recorded_at: str,
    actor: str,
    step: str,
    rehearsal: bool,
    payload: str,
) -> Entry:
    """Return the entry that follows ``previous`` (None: the first of the case), with its hash."""
    seq = previous.seq + 1 if previous else 1
    prev = previous.hash if previous else genesis(agency, number, rulebook)
    draft = Entry(agency, number, seq, on, recorded_at, actor, step, rehearsal, payload, prev, "")
    return draft._replace(hash=chain_hash(draft))


def chain_faults(entries: Sequence[Entry], agency: str, number: str, rulebook: str) -> list[Fault]:
    """Return every break in the chain: an entry changed, missing, inserted or out of order, by its number."""
    faults, prev = [], genesis(agency, number, rulebook)
    for position, entry in enumerate(entries, 1):
        place = f"{number} 第{entry.seq}条记录"
        if entry.seq != position:
            faults.append(Fault(f"{place}：序号不连续，应为第{position}条", field=f"entries.{entry.seq}"))
            return faults
        if entry.prev != prev:
            faults.append(Fault(f"{place}：与前一条记录不相衔接", field=f"entries.{entry.seq}"))
        if entry.computed_hash() != entry.hash:
            faults.append(Fault(f"{place}：内容与其哈希值不符，已被改动", field=f"entries.{entry.seq}"))
        prev = entry.hash
    return faults


class Sealed(Struct, frozen=True):
    """A value for the side store: its digest stands in the entry, its salt makes guessing useless."""

    digest: str
    salt: str
    value: str  # canonical JSON

    def holds(self) -> bool:
        """Tell whether digest, salt and value belong together."""
        return digest("sealed", self.salt, self.value) == self.digest


def seal(value: Any, salt: str) -> Sealed:
    """Return ``value`` sealed with ``salt`` (a fresh random text for each value)."""
    text = canonical(value)
    return Sealed(digest("sealed", salt, text), salt, text)


def placeholder(sealed: Sealed) -> dict[str, str]:
    """Return what stands in the entry instead of the value."""
    return {_SEALED: sealed.digest}


def is_placeholder(value: object) -> bool:
    """Tell whether ``value`` stands for a sealed one."""
    return isinstance(value, dict) and value.keys() == {_SEALED}


def opened(value: Any, look_up: Callable[[str], Any]) -> Any:
    """Return ``value`` with every sealed part replaced by what ``look_up(digest)`` gives."""
    if isinstance(value, dict):
        if is_placeholder(value):
            return look_up(value[_SEALED])
        return {key: opened(item, look_up) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item, look_up) for item in value]
    return value


def placeholders(value: Any) -> Iterable[str]:
    """Yield the digests of every sealed part of ``value``."""
    if isinstance(value, dict):
        if is_placeholder(value):
            yield value[_SEALED]
        else:
            for item in value.values():
                yield from placeholders(item)
    elif isinstance(value, list):
        for item in value:
            yield from placeholders(item)
