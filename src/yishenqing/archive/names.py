"""File names inside a package that every system can hold and every BagIt reader takes for the same name."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

# Forbidden on Windows, or escapes in a BagIt manifest (%): their full-width twins read the same.
_WIDE = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in '<>:"/\\|?*%'})
_MAX_BYTES = 200  # file systems stop at 255 bytes; a suffix for twins still fits
_LONGEST_ENDING = 10  # characters; what follows a dot and is longer is no file type
_DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}


def payload_name(wished: str, taken: Collection[str]) -> str:
    """Return ``wished`` as a safe file name that differs from every name in ``taken``, also in lower case."""
    stem, dot, ending = _plain(wished).rstrip(" .").rpartition(".")
    if not stem or len(ending) > _LONGEST_ENDING:
        stem, dot, ending = stem + dot + ending, "", ""
    stem = _cut(stem.strip(" .") or "未命名", _MAX_BYTES - len((dot + ending).encode()))
    if stem.lower() in _DEVICES:
        stem += "_"
    used = {name.lower() for name in taken}
    name, n = f"{stem}{dot}{ending}", 1
    while name.lower() in used:
        n += 1
        name = f"{stem}（{n}）{dot}{ending}"
    return name


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", text).translate(_WIDE).strip()
    # Control, format and separator characters break manifest lines or hide the true ending of a name.
    odd = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return "".join("_" if unicodedata.category(c) in odd else c for c in text)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode("utf-8", "ignore").rstrip(" .")
