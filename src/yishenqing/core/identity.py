"""The check characters of the numbers that tell who somebody is: identity, credit code, bank card.

A wrong number is never a reason to turn somebody away here: the functions say what is wrong, in words that an
officer can pass on, and who asked decides what follows.
"""

from __future__ import annotations

from calendar import monthrange

_DIGITS = "0123456789"
_LENGTH = 18

# GB 11643-1999 takes its check character from ISO 7064, MOD 11-2: every single wrong character and every
# swap of two neighbours is found.
_RESIDENT_MODULUS = 11
_RESIDENT_CHECKS = _DIGITS + "X"
_FIRST_YEAR_OF_BIRTH = 1850
_MONTHS = range(1, 13)

# GB 32100-2015: letters that look like digits (I, O, S, V, Z) are not used; weights are the powers of 3.
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_MODULUS = 31
_CREDIT_BASE = 3
_LUHN = 10


def resident_check(body: str) -> str:
    """Return the check character that GB 11643 puts behind ``body`` (17 digits)."""
    weighted = sum(int(digit) * pow(2, _LENGTH - 1 - place, _RESIDENT_MODULUS) for place, digit in enumerate(body))
    return _RESIDENT_CHECKS[(1 - weighted) % _RESIDENT_MODULUS]


def credit_check(body: str) -> str:
    """Return the check character that GB 32100 puts behind ``body`` (17 characters of its alphabet)."""
    weighted = sum(
        _CREDIT_ALPHABET.index(character) * pow(_CREDIT_BASE, place, _CREDIT_MODULUS)
        for place, character in enumerate(body)
    )
    return _CREDIT_ALPHABET[-weighted % _CREDIT_MODULUS]


def resident_id_fault(number: str) -> str | None:
    """Return what is wrong with a citizen's identity number (GB 11643), or None.

    Checked are length, characters, the date of birth and the check character; not whether the place code or
    the person exists. Expects half-width characters and a capital X.
    """
    body, check = number[:-1], number[-1:]
    if len(number) != _LENGTH:
        return f"居民身份证号码应为{_LENGTH}位，现为{len(number)}位"
    if not _consists_of(body, _DIGITS) or check not in _RESIDENT_CHECKS:
        return "居民身份证号码应为17位数字加1位数字或者大写字母X"
    if not _is_date(int(body[6:10]), int(body[10:12]), int(body[12:14])):
        return f"居民身份证号码中的出生日期“{body[6:14]}”不存在"
    if check != resident_check(body):
        return "居民身份证号码的校验码不符，可能写错或者抄错"
    return None


def credit_code_fault(number: str) -> str | None:
    """Return what is wrong with a unified social credit code (GB 32100), or None.

    Checked are length, characters and the check character; not whether the code was ever given out. Expects
    half-width capitals.
    """
    if len(number) != _LENGTH:
        return f"统一社会信用代码应为{_LENGTH}位，现为{len(number)}位"
    if not _consists_of(number, _CREDIT_ALPHABET):
        return "统一社会信用代码只能由数字和大写字母（不含I、O、S、V、Z）组成"
    if number[-1] != credit_check(number[:-1]):
        return "统一社会信用代码的校验码不符，可能写错或者抄错"
    return None


def luhn(digits: str) -> bool:
    """Tell whether the digits bear the check digit of a bank card (ISO/IEC 7812, Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // _LUHN + doubled % _LUHN
    return total % _LUHN == 0


def _consists_of(text: str, alphabet: str) -> bool:
    return all(character in alphabet for character in text)


def _is_date(year: int, month: int, day: int) -> bool:
    return year >= _FIRST_YEAR_OF_BIRTH and month in _MONTHS and 1 <= day <= monthrange(year, month)[1]
