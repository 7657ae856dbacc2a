"""A receiver that behaves as networks and other people's systems do, around the example in ``examples/``."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from timing import configure

SECRET = b"between-the-two"
_FILE = Path(__file__).resolve().parents[2] / "examples" / "receiver.py"


def _loaded() -> Any:
    spec = importlib.util.spec_from_file_location("receiver", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


receiver: Any = _loaded()
Mishap = Callable[[int], str]  # the number of the call, counted from one, to what goes wrong with it; empty: nothing
SLOW = 3.0  # seconds: longer than a sender of these tests waits


class _Door(receiver.Door):  # type: ignore[misc] # the example is loaded from its file
    """Does to a call what the server's ``mishap`` says."""

    def do_POST(self) -> None:  # noqa: N802 - as http.server names it
        with self.server.counting:
            self.server.calls += 1
            wrong = self.server.mishap(self.server.calls)
        if wrong == "lost":  # it never arrives
            self.connection.close()
        elif wrong == "delayed":  # it arrives when nobody waits any more
            time.sleep(SLOW)
            self._quietly()
        elif wrong == "unanswered":  # it arrives, its answer does not
            self._quietly()
        elif wrong == "doubled":  # it arrives twice
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for _ in range(2):
                found = self.server.desk.take(receiver.json.loads(body)["events"])
            self.answer(200, found)
        elif wrong.isdigit():
            self.answer(int(wrong), {"error": "not now"})
        elif wrong == "page":  # of a proxy in between
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")
        elif wrong == "forgetful":  # it says nothing of one event
            self.answer(200, {"accepted": [], "rejected": []})
        else:
            super().do_POST()

    def _quietly(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.desk.take(receiver.json.loads(body)["events"])
        self.connection.close()


@contextmanager
def listening(mishap: Mishap = lambda _call: "", desk: Any = None) -> Iterator[Any]:
    """Let a receiver listen; what has arrived is at its ``desk``."""
    server = receiver.Receiver(0, SECRET, desk or receiver.Desk(), _Door)
    server.calls, server.mishap, server.counting = 0, mishap, threading.Lock()
    server.handle_error = lambda *_: None  # calls break off here on purpose
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def connected(home: Path, server: Any, **receiver_: Any) -> None:
    """Name a listening receiver in an office's settings, with the secret in a file."""
    secret = home / "exchange.secret"
    secret.write_bytes(SECRET + b"\n")
    secret.chmod(0o600)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    known = {"url": f"{url}/events", "list_url": f"{url}/cases", "secret_file": "exchange.secret", "timeout": 1.0}
    configure(home, exchange={"receivers": {"province": {**known, **receiver_}}})
