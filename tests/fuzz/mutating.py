"""Spoils files the way people, programs and attackers do; the same seed spoils them the same way again."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import yaml

# What somebody puts where something else was meant.
NASTY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**12,
    10**400,
    1e308,
    "",
    " ",
    "\0",
    "x\0y",
    "\ud800",
    "\ufeff",
    "\u202e倒",
    "9" * 5000,
    "张" * 100_000,
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "=cmd|' /C calc'!A0",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31",
    "2026-03-02T00:00:00+08:00",
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"a": {"b": {"c": []}}},
    "0x1F",
    "1_000",
    "１２３",
    "NaN",
    ["x"] * 3000,
    float("inf"),
    float("nan"),
    "on",
    "~",
    "!!python/object:os.system",
    "*a",
    "&a",
    "- - -",
)
DEEP = 3000


def spoiled(content: bytes, chance: random.Random) -> bytes:
    """Return bytes that were cut, flipped, doubled, written in another encoding or had something put in."""
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        content = chance.choice(_BYTES)(content, chance)
    return content


def _flip(content: bytes, chance: random.Random) -> bytes:
    if not content:
        return b"\xff"
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _drop(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.randrange(1, 40) :]


def _double(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start : start + chance.randrange(1, 200)] * 2 + content[start:]


_PUT = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\r",
    b"\t",
    b'"',
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"- ",
    b"%",
    b"\x1b[2J",
    b"&a ",
    b"*a ",
    b"!!int ",
    b"<<: ",
    b"? ",
    b"|\n",
    b"\xe2\x80\xa8",
    b"{% for a in a %}",
    b"{{",
    b"}}",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"0" * 400,
    b"9" * 5000,
    b"--- \n",
    b"#",
)


def _put(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.choice(_PUT) + content[place:]


def _elsewhere_encoded(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(chance.choice(("gb18030", "utf-16", "utf-8-sig", "utf-32-be")), "replace")


def _deep(content: bytes, chance: random.Random) -> bytes:
    left, right = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"(", b")")))
    place = chance.randrange(len(content) + 1)
    return content[:place] + left * DEEP + right * DEEP + content[place:]


_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip,
    _cut,
    _drop,
    _double,
    _put,
    _put,
    _put,
    _elsewhere_encoded,
    _deep,
)


def respelt(value: Any, chance: random.Random) -> Any:
    """Return a value with some of what is in it replaced, taken away, doubled or renamed."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        value = _replaced(value, chance)
    return value


def _replaced(value: Any, chance: random.Random) -> Any:
    inside = bool(value) and chance.random() < 0.85
    if isinstance(value, dict) and inside:
        return _changed_keys(value, chance)
    if isinstance(value, list) and inside:
        return _changed_members(value, chance)
    return chance.choice(NASTY)


def _changed_keys(value: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    key = chance.choice(list(value))
    act = chance.randrange(6)
    if act == 0:
        return {k: v for k, v in value.items() if k != key}
    if act == 1:
        return {(f"{k}x" if k == key else k): v for k, v in value.items()}
    if act == 2:
        return {**value, str(chance.choice(NASTY))[:50]: chance.choice(NASTY)}
    return {**value, key: _replaced(value[key], chance)}


def _changed_members(value: list[Any], chance: random.Random) -> list[Any]:
    place = chance.randrange(len(value))
    act = chance.randrange(4)
    if act == 0:
        return [*value[:place], *value[place + 1 :]]
    if act == 1:
        return [*value, *value]
    return [*value[:place], _replaced(value[place], chance), *value[place + 1 :]]


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def as_yaml(value: Any) -> bytes:
    try:
        return yaml.safe_dump(value, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")
    except yaml.YAMLError:  # what YAML cannot write, JSON can: and JSON is YAML
        return as_json(value)


def rezipped(content: bytes, chance: random.Random) -> bytes:
    """Return an archive (XLSX, Word) with one of its parts spoiled, missing or doubled: its sums are right again."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        victim, act = chance.choice(names), chance.randrange(4)
        for name in names:
            part = old.read(name)
            if name != victim:
                new.writestr(name, part)
            elif act:
                new.writestr(name, spoiled(part, chance))
    return kept.getvalue()
