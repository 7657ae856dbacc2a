"""The private fonts: where they lie, whether printing can work here, and how wide each character is.

``ysq fonts build`` makes them (see :mod:`fontbuild`); once made it does nothing.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault

if TYPE_CHECKING:
    from yishenqing.letters.typeface import Typeface

EM = 1000
ROLES: Mapping[str, tuple[str, ...]] = {
    "fangsong": ("YSQ Latin", "YSQ FangSong", "YSQ Song"),
    "kai": ("YSQ Latin", "YSQ Kai", "YSQ Song"),
    "title": ("YSQ XiaoBiaoSong", "YSQ Song"),
    "hei": ("YSQ Hei", "YSQ Song"),
    "song": ("YSQ Song",),
}
_BUILD = "ysq fonts build"
_OWN = "own:"
_LIBRARIES = (  # any one of the names; what it is for; the package that brings it
    (("libpango-1.0.so.0", "libpango-1.0-0"), "排版库 Pango", "libpango-1.0-0"),
    (("libpangoft2-1.0.so.0", "libpangoft2-1.0-0"), "排版库 PangoFT2", "libpangoft2-1.0-0"),
    (("libharfbuzz-subset.so.0", "libharfbuzz-subset-0"), "字体子集库 HarfBuzz-Subset", "libharfbuzz-subset0"),
)


class Family(Struct, frozen=True):
    """What one font covers and how wide its characters are (in 1/1000 em)."""

    starts: Sequence[int]
    ends: Sequence[int]
    advances: Mapping[int, int]
    ink: Mapping[int, tuple[int, int]]

    def covers(self, char: str) -> bool:
        """Return whether the font has a glyph for ``char``."""
        code = ord(char)
        place = bisect_right(self.starts, code) - 1
        return place >= 0 and code <= self.ends[place]

    def advance(self, char: str) -> float:
        """Return the width of ``char``."""
        return self.advances.get(ord(char), EM)

    def box(self, char: str) -> tuple[int, int] | None:
        """Return the lowest and the highest ink of ``char``; None where it was not measured."""
        return self.ink.get(ord(char))


class Measured(Protocol):
    """A font as it is measured: one of those that are built, or an office's own."""

    def covers(self, char: str) -> bool:
        """Return whether the font has a glyph for ``char``."""

    def advance(self, char: str) -> float:
        """Return the width of ``char`` in 1/1000 em."""

    def box(self, char: str) -> tuple[int, int] | None:
        """Return the lowest and the highest ink of ``char`` in 1/1000 em."""


class Metrics:
    """Widths and coverage of the fonts of each role: an office's own before those that were built."""

    def __init__(self, folder: Path, families: Mapping[str, Measured], own: Mapping[str, Typeface]) -> None:
        """Keep the families of ``folder`` and the office's ``own`` by role; :func:`metrics` reads them."""
        self._folder, self._own = folder, own
        self._families = {**families, **{f"{_OWN}{role}": face for role, face in own.items()}}
        self._chains = {role: _chain(role, chain, own) for role, chain in ROLES.items()}
        self._known: dict[tuple[str, str], tuple[str, float] | None] = {}

    def _find(self, char: str, role: str) -> tuple[str, float] | None:
        key = (char, role)
        if key not in self._known:
            name = next((n for n in self._chains[role] if self._families[n].covers(char)), None)
            self._known[key] = None if name is None else (name, self._families[name].advance(char))
        return self._known[key]

    def covers(self, char: str, role: str = "fangsong") -> bool:
        """Return whether some font of ``role`` has a glyph for ``char``."""
        return self._find(char, role) is not None

    def family(self, char: str, role: str) -> str:
        """Return the name of the font in which ``char`` is printed.

        Raises:
            KeyError: no font of the role has it; ask :meth:`covers` first.
        """
        found = self._find(char, role)
        if found is None:
            raise KeyError(char)
        return found[0]

    def typeface(self, family: str) -> Typeface:
        """Return the font called ``family``."""
        from yishenqing.letters.typeface import typeface

        if family.startswith(_OWN):
            return self._own[family.removeprefix(_OWN)]
        return typeface(self._folder / f"{family.replace(' ', '-')}.ttf")

    def width(self, text: str, role: str = "fangsong") -> float:
        """Return the width of ``text`` in em, without letter spacing."""
        return sum((self._find(c, role) or ("", EM))[1] for c in text) / EM

    def ink(self, text: str, role: str = "title") -> tuple[float, float]:
        """Return the lowest and the highest ink of ``text`` in em above the baseline."""
        boxes = [self._families[found[0]].box(c) for c in text if (found := self._find(c, role))]
        known = [b for b in boxes if b]
        if not known:
            return -0.08, 0.85  # a usual hanzi; the text is in the fallback font, whose ink is not measured
        return min(b[0] for b in known) / EM, max(b[1] for b in known) / EM


def _chain(role: str, built: tuple[str, ...], own: Mapping[str, Typeface]) -> tuple[str, ...]:
    """Return where a character of ``role`` is looked for: the office's font stands before the one it replaces."""
    latin = (f"{_OWN}latin",) if "latin" in own and "YSQ Latin" in built else ()
    if role not in own:
        return (*latin, *built)
    digits = tuple(f for f in built if f == "YSQ Latin")
    return (*latin, *digits, f"{_OWN}{role}", *(f for f in built if f not in digits))


def folder() -> Path:
    """Return where the fonts lie or would be built: ``$YISHENQING_FONTS``, else the user's cache."""
    named = os.environ.get("YISHENQING_FONTS")
    if named:
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "yishenqing" / f"fonts-{recipe()}"


@cache
def recipe() -> str:
    """Return what names the way the fonts are built; another recipe has a folder of its own."""
    from yishenqing.letters import fontbuild

    text = repr((fontbuild.RECIPES, fontbuild.PACKAGES, fontbuild.RECIPE_VERSION))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def check() -> list[Fault]:
    """Return what this machine lacks for printing letters, each with its remedy; empty when all is there."""
    faults = missing_libraries()
    if not present():
        faults.append(Fault(f"尚未制作公文字体，请运行：{_BUILD}", str(folder())))
    return faults


def missing_libraries() -> list[Fault]:
    """Return the system libraries that printing needs and this machine lacks, each with its remedy."""
    return [
        Fault(f"缺少{title}，请运行：apt-get install {package}", field=package)
        for names, title, package in _LIBRARIES
        if not any(_loads(name) for name in names)
    ]


def present() -> bool:
    """Return whether the fonts have been built or installed."""
    return (folder() / "metrics.json").is_file()


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def require() -> Path:
    """Return the fonts' folder after making sure that letters can be printed.

    Raises:
        DataFault: a library or the fonts are missing; with the remedy.
    """
    faults = check()
    if faults:
        raise DataFault.of(faults)
    return folder()


def built() -> Path:
    """Return the folder of the fonts.

    Raises:
        DataFault: they have not been built; with the remedy.
    """
    if not present():
        raise DataFault.of([Fault(f"尚未制作公文字体，请运行：{_BUILD}", str(folder()))])
    return folder()


def metrics(own: Mapping[str, Path] | None = None) -> Metrics:
    """Return the measures of the fonts of this machine, with an office's ``own`` by role (see :mod:`ownfonts`).

    Raises:
        DataFault: the fonts have not been built; with the remedy.
    """
    path = built() / "metrics.json"
    return _metrics(path, tuple(sorted((own or {}).items())))


@cache
def _metrics(path: Path, own: tuple[tuple[str, Path], ...]) -> Metrics:
    from yishenqing.letters.typeface import typeface

    return Metrics(path.parent, _families(path), {role: typeface(file) for role, file in own})


@cache
def _families(path: Path) -> Mapping[str, Family]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {name: _family(entry) for name, entry in data.items()}


def _family(entry: Mapping[str, Any]) -> Family:
    return Family(
        starts=[a for a, _ in entry["covers"]],
        ends=[b for _, b in entry["covers"]],
        advances={int(code): width for code, width in entry["advances"].items()},
        ink={int(code): (box[0], box[1]) for code, box in entry.get("ink", {}).items()},
    )


def build(debs: Path | None = None, tell: Callable[[str], None] = lambda _: None) -> Path:
    """Build the fonts where they are looked for; does nothing when they are there.

    Raises:
        DataFault: see ``fontbuild.build``.
    """
    from yishenqing.letters import fontbuild

    if not present():
        fontbuild.build(folder(), debs, tell)
    return folder()


def main(arguments: Sequence[str]) -> int:
    """Run ``build [--from FOLDER]`` or ``check``; print in Chinese; return the exit code. For the set-up script."""
    if list(arguments) == ["check"]:
        faults = check()
        for fault in faults:
            _tell(str(fault))
        return DataFault.exit_code if faults else 0
    if not arguments or arguments[0] != "build" or len(arguments) not in (1, 3):
        _tell(f"用法：{_BUILD} [--from 软件包所在文件夹]，或者 check")
        return 2
    try:
        target = build(Path(arguments[2]) if len(arguments) > 1 else None, _tell)
    except DataFault as fault:
        _tell(str(fault))
        return fault.exit_code
    _tell(f"公文字体已经就绪：{target}")
    return 0


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
