"""One call to an endpoint: to the office's own network only, no proxy, no redirect, bounded in time and size."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from yishenqing.endpoints.model import Endpoint, Unreachable

_LARGEST = 20_000_000  # bytes of an answer


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        """Follow nobody elsewhere: what is sent is meant for this address alone."""
        return


def call(endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> Any:
    """Return what the endpoint answers to ``body``, read as JSON.

    Raises:
        Unreachable: no answer in time, none that is JSON, or the address lies outside the office's network.
    """
    _own_network(endpoint)
    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = Request(  # noqa: S310 - settings allow http and https only
        f"{endpoint.url.rstrip('/')}{path}", json.dumps(body, ensure_ascii=False).encode(), headers, method="POST"
    )
    try:
        with _opener().open(request, timeout=endpoint.timeout) as answer:
            content = answer.read(_LARGEST + 1)
    except HTTPError as error:
        raise Unreachable(f"返回错误（HTTP {error.code}）") from None
    except (URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"没有回应（{_short(error)}）") from None
    if len(content) > _LARGEST:
        raise Unreachable("回答过长")
    try:
        return json.loads(content)
    except ValueError:
        raise Unreachable("回答不是 JSON") from None


def _opener() -> OpenerDirector:
    return build_opener(ProxyHandler({}), _NoRedirect)


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


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return "超时" if isinstance(reason, TimeoutError) else str(reason)[:80]
