"""One exchange over HTTP straight to an address: no proxy, no redirect, bounded in time and size."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Timer
from urllib.parse import SplitResult


def exchanged(
    verb: str,
    url: SplitResult,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float,
    largest: int,
    ca: str = "",
) -> tuple[int, bytes]:
    """Return the status and the content of one answer, which must be whole within ``seconds``.

    Each byte in time is not enough: who sends one now and then would keep an officer waiting for ever. ``ca`` is a
    file of certificates to trust beside the system's; ``largest`` counts bytes.

    Raises:
        OSError, http.client.HTTPException: no answer, or none that is whole in time.
        ValueError: the answer is longer than ``largest``.
    """
    host, target = url.hostname or "", (url.path or "/") + (f"?{url.query}" if url.query else "")
    line: http.client.HTTPConnection = http.client.HTTPConnection(host, url.port, timeout=seconds)
    if url.scheme == "https":
        tls = ssl.create_default_context(cafile=ca or None)
        line = http.client.HTTPSConnection(host, url.port, timeout=seconds, context=tls)
    late = Event()
    line.connect()
    watch = Timer(seconds, _cut, (line.sock, late))  # an answer takes the socket away from its line
    watch.daemon = True
    watch.start()
    try:
        line.request(verb, target, body or None, dict(headers))
        answer = line.getresponse()
        content = answer.read(largest + 1)
    except (OSError, http.client.HTTPException, ValueError):
        if late.is_set():
            raise TimeoutError from None
        raise
    finally:
        watch.cancel()
        line.close()
    if late.is_set():  # whatever came is not the whole of it
        raise TimeoutError
    if len(content) > largest:
        raise ValueError("回答过长")
    return answer.status, content


def _cut(wire: socket.socket, late: Event) -> None:
    late.set()
    with suppress(OSError):  # it has just ended by itself
        wire.shutdown(socket.SHUT_RDWR)


def why_not(error: Exception) -> str:
    """Return in a few words why an exchange came to nothing."""
    known = next((text for kind, text in _SAID if isinstance(error, kind)), "")
    return known or (str(error) or type(error).__name__)[:80]


_SAID: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "超时"),
    (ConnectionRefusedError, "对方没有开放这一端口"),
    (ConnectionError, "连接中断"),
    (ssl.SSLCertVerificationError, "对方的证书不可信；自设证书机构的，请写明 ca"),
    (http.client.HTTPException, "回答不合 HTTP 格式"),
)
