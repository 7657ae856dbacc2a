"""A system that receives the events of cases: what a receiver has to do, in one file, with nothing but Python.

    YSQ_SECRET=… python examples/receiver.py 8080

It checks the signature and its time, takes every event once however often it comes (by ``key``), puts a later one
over an earlier one, and says of each event what became of it. ``GET /cases?agency=…`` tells what it has. A real
receiver keeps ``keys`` and ``cases`` in its database, and both in one transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FRESH = 300  # seconds that a call may be old: a copy of it is of no use later
LARGEST = 50_000_000  # bytes of a call


class Desk:
    """What has arrived."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}  # each with the digest of what came under it
        self.order: list[str] = []  # keys as they came for the first time
        self.cases: dict[str, dict[int, dict[str, Any]]] = {}  # by number and entry, the highest revision
        self._alone = threading.Lock()

    def take(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        accepted: list[str] = []
        rejected: list[dict[str, str]] = []
        stopped = set()  # cases of which an event was not taken: what follows it must not overtake it
        with self._alone:
            for event in events:
                reason = "behind" if event["number"] in stopped else self.objection(event)
                if reason:
                    stopped.add(event["number"])
                    rejected.append({"key": event["key"], "reason": reason})
                    continue
                accepted.append(event["key"])
                if event["key"] not in self.keys:
                    self._keep(event)
        return {"accepted": accepted, "rejected": rejected}

    def _keep(self, event: dict[str, Any]) -> None:
        self.keys[event["key"]] = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
        self.order.append(event["key"])
        entries = self.cases.setdefault(event["number"], {})
        known = entries.get(event["seq"])
        if known is None or known["revision"] < event["revision"]:
            entries[event["seq"]] = event

    def objection(self, _event: dict[str, Any]) -> str:
        """Say why an event is not taken; empty: it is."""
        return ""

    def listed(self, agency: str) -> list[dict[str, Any]]:
        """Return the latest record of each case of an agency."""
        with self._alone:
            latest = [entries[max(entries)] for _, entries in sorted(self.cases.items())]
        return [event.get("record") or {"number": event["number"]} for event in latest if event["agency"] == agency]


def signed(secret: bytes, stamp: str, content: bytes, given: str) -> bool:
    """Tell whether a call comes from who holds the secret, and came just now."""
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > FRESH:
        return False
    right = "sha256=" + hmac.new(secret, stamp.encode() + b"." + content, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right, given)


class Door(BaseHTTPRequestHandler):
    """Answers one call."""

    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length <= LARGEST else b""
        if self._known(body):
            self.answer(200, self.server.desk.take(json.loads(body)["events"]))

    def do_GET(self) -> None:
        if self._known(self.path.encode()):
            query = parse_qs(urlsplit(self.path).query)
            self.answer(200, {"cases": self.server.desk.listed(query.get("agency", [""])[0]), "next": None})

    def _known(self, content: bytes) -> bool:
        stamp, given = (self.headers.get(name, "") for name in ("X-Ysq-Timestamp", "X-Ysq-Signature"))
        if signed(self.server.secret, stamp, content, given):
            return True
        self.answer(401, {"error": "signature"})
        return False

    def answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing: what is called may name cases."""


class Receiver(ThreadingHTTPServer):
    """Listens on this machine."""

    daemon_threads = True

    def __init__(self, port: int, secret: bytes, desk: Desk, door: type[Door] = Door) -> None:
        super().__init__(("127.0.0.1", port), door)
        self.secret, self.desk = secret, desk


if __name__ == "__main__":
    with Receiver(int(sys.argv[1]), os.environ["YSQ_SECRET"].encode(), Desk()) as receiver:
        receiver.serve_forever()
