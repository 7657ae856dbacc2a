"""An endpoint of the office's own network, OpenAI-compatible; off unless the settings name one."""

from __future__ import annotations

from msgspec import Struct


class Endpoint(Struct, frozen=True):
    """Where a model answers: the address up to ``/v1``, the model's name, its key, how long it is waited for."""

    url: str
    model: str
    key: str = ""
    timeout: float = 5.0


class Unreachable(Exception):
    """The endpoint did not answer, or not as it should; the text says so in Chinese."""
