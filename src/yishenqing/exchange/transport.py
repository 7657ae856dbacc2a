"""The ways out: a folder of JSON lines, or a signed call of a web address. Nothing here knows the database.

A batch may be handed over more than once (an answer was lost, a sender was killed); its events bear keys by which the
receiver knows them again.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, quote, urlsplit

from msgspec import Struct, field

from yishenqing.core.errors import YishenqingError, why
from yishenqing.straight import exchanged, why_not

Event = Mapping[str, Any]
SIGNATURE, TIMESTAMP = "X-Ysq-Signature", "X-Ysq-Timestamp"
_LARGEST = 50_000_000  # bytes of an answer
_TOLD = 200  # characters of what a receiver said
_OK, _REDIRECT, _CLIENT, _SERVER = 200, 300, 400, 500
# The receiver is not fit or does not know us (yet): the events are not to blame.
_NOT_THE_EVENTS = frozenset({401, 403, 404, 405, 407, 408, 425, 429})
_UNSAFE = re.compile(r"[^0-9A-Za-z_-]")


class Unreachable(YishenqingError):
    """The receiver cannot be used now; what was sent may nevertheless have arrived."""

    code = "unreachable"


class Rejected(YishenqingError):
    """The receiver answered that it does not take this."""

    code = "rejected"


class Taken(Struct, frozen=True):
    """What a receiver did with a batch: the keys it has, and those it does not take, each with its reason."""

    accepted: frozenset[str]
    rejected: Mapping[str, str] = field(default_factory=dict)


class Way(Protocol):
    """A way out."""

    def send(self, events: Sequence[Event]) -> Taken:
        """Hand over the events in their order."""


class Folder(Struct, frozen=True):
    """A folder that another system empties: one file a batch, whole or not at all, in the order of the names."""

    path: Path

    def send(self, events: Sequence[Event]) -> Taken:
        """Write one file of JSON lines.

        Raises:
            Unreachable: it cannot be written.
        """
        content = "".join(f"{json.dumps(event, ensure_ascii=False)}\n" for event in events).encode()
        name = f"{time.time_ns() // 1000:016d}-{_UNSAFE.sub('_', events[0]['agency'])}-{batch_key(events)[:12]}.jsonl"
        unfinished = self.path / f".{name}-{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(self.path / name)
        except OSError as error:
            raise Unreachable(f"文件夹“{self.path}”写不进去（{why(error)}）") from error
        return Taken(frozenset(str(event["key"]) for event in events))


class Webhook(Struct, frozen=True):
    """A web address that takes events, and knows us by a secret that both hold."""

    url: str
    secret: bytes
    timeout: float
    ca: str = ""

    def send(self, events: Sequence[Event]) -> Taken:
        """Call the address with the events.

        Raises:
            Unreachable: no answer, or none that says what became of them.
            Rejected: it does not take them.
        """
        body = json.dumps({"events": list(events)}, ensure_ascii=False).encode()
        key = batch_key(events)
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": key}
        answer = self._asked("POST", urlsplit(self.url), body, headers)
        return _taken(answer, [str(event["key"]) for event in events])

    def listed(self, url: str, agency: str) -> list[Mapping[str, Any]]:
        """Return what the receiver says it has of an agency, page by page.

        Raises:
            Unreachable: it does not answer as it should.
            Rejected: it does not tell us.
        """
        found: list[Mapping[str, Any]] = []
        after, seen = "", {""}
        while True:
            query = f"agency={quote(agency, safe='')}" + (f"&after={quote(after, safe='')}" if after else "")
            answer = self._asked("GET", urlsplit(url)._replace(query=query), b"", {})
            try:
                found += [dict(row) for row in answer["cases"]]
                after = str(answer.get("next") or "")
            except (KeyError, TypeError, ValueError, AttributeError):
                raise Unreachable("回答不合格式（应为 {cases: [...], next: ...}）") from None
            if after in seen:
                return found
            seen.add(after)

    def _asked(self, verb: str, url: SplitResult, body: bytes, headers: Mapping[str, str]) -> Any:
        _private_or_secure(url)
        stamp = str(int(time.time()))
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        signed = {**headers, TIMESTAMP: stamp, SIGNATURE: signature(self.secret, stamp, body or target.encode())}
        try:
            status, content = exchanged(
                verb, url, body, signed, seconds=self.timeout, largest=_LARGEST, ca=str(self.ca or "")
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"没有回应（{why_not(error)}）") from None
        if not _OK <= status < _REDIRECT:
            said = f"HTTP {status} {content[: _TOLD * 4].decode(errors='replace')[:_TOLD]}".strip()
            if _CLIENT <= status < _SERVER and status not in _NOT_THE_EVENTS:
                raise Rejected(f"对方不收（{said}）")
            raise Unreachable(f"对方出错（{said}）")
        try:
            return json.loads(content)
        except ValueError:
            raise Unreachable("回答不是 JSON") from None


def batch_key(events: Sequence[Event]) -> str:
    """Return what names a batch: the same for the same events."""
    return hashlib.sha256("\n".join(str(event["key"]) for event in events).encode()).hexdigest()


def signature(secret: bytes, stamp: str, body: bytes) -> str:
    """Return the signature over the time and the body: HMAC-SHA256 of ``timestamp.body``."""
    return "sha256=" + hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _taken(answer: Any, keys: Sequence[str]) -> Taken:
    """Read what became of each event; an answer that leaves one open (a proxy's page, say) is none."""
    try:
        accepted = frozenset(map(str, answer["accepted"]))
        rejected = {str(row["key"]): str(row["reason"])[:_TOLD] for row in answer.get("rejected") or ()}
    except (KeyError, TypeError, AttributeError):
        raise Unreachable("回答不合格式（应为 {accepted: [...], rejected: [...]}）") from None
    if not set(keys) <= accepted | rejected.keys():
        raise Unreachable("回答没有写明每件事项收到与否")
    return Taken(accepted - rejected.keys(), rejected)


def _private_or_secure(url: SplitResult) -> None:
    """Send nothing in the clear outside one's own network."""
    if url.scheme == "https":
        return
    host = url.hostname or ""
    try:
        known = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        raise Unreachable(f"找不到主机“{host}”") from None
    if not all(ipaddress.ip_address(a.partition("%")[0]).is_private for a in known):
        raise Unreachable(f"“{host}”不在本机关的网络内，须用 https，没有发送任何内容")
