"""Numbers as statutes write them, and back."""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_VALUES = {**{c: n for n, c in enumerate(_DIGITS)}, "〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
LARGEST = 9_999  # that ``numeral`` writes
NUMERAL = "[0-9零〇一二两三四五六七八九十百千]"


def numeral(number: int) -> str:
    """Return ``number`` (0 to ``LARGEST``) as statutes write it: 36 is 三十六, 105 is 一百零五."""
    digits = [int(d) for d in str(number)]
    result = ""
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit:
            result += _DIGITS[digit] + _PLACES[place]
        elif result and not result.endswith("零"):
            result += "零"
    result = result.rstrip("零") or "零"
    return result.removeprefix("一") if result.startswith("一十") else result


def value(text: str) -> int:
    """Return the number that ``text`` writes: 36, 三十六, 二〇二三 (figure by figure)."""
    if text.isdecimal():
        return int(text)
    if not set(text) & set(_UNITS):
        return int("".join(str(_VALUES[c]) if c in _VALUES else c for c in text))
    total, digit = 0, 0
    for character in text:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = _VALUES[character] if character in _VALUES else int(character)
    return total + digit
