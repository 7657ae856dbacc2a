"""One call to an endpoint: to the office's own network only, no proxy, no redirect, bounded in time and size."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from yishenqing.endpoints.model import Endpoint, Unreachable
from yishenqing.straight import exchanged, why_not

_LARGEST = 20_000_000  # bytes of an answer
_OK = range(200, 300)


def call(endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> Any:
    """Return what the endpoint answers to ``body``, read as JSON.

    Raises:
        Unreachable: no answer in time, none that is JSON, or the address lies outside the office's network.
    """
    _own_network(endpoint)
    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    url, asked = urlsplit(f"{endpoint.url.rstrip('/')}{path}"), json.dumps(body, ensure_ascii=False).encode()
    try:
        status, content = exchanged("POST", url, asked, headers, seconds=endpoint.timeout, largest=_LARGEST)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"没有回应（{why_not(error)}）") from None
    if status not in _OK:
        raise Unreachable(f"返回错误（HTTP {status}）")
    try:
        return json.loads(content)
    except ValueError:
        raise Unreachable("回答不是 JSON") from None


def _own_network(endpoint: Endpoint) -> None:
    """Send nothing to an address that is not private: text of cases stays in the office's own network."""
    host = urlsplit(endpoint.url).hostname or ""
    try:
        known = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        raise Unreachable(f"找不到主机“{host}”") from None
    for address in known:
        if not ipaddress.ip_address(address.partition("%")[0]).is_private:
            raise Unreachable(f"“{host}”（{address}）不在本机关的网络内，没有发送任何内容")
