"""An office's variant of a procedure: a small file that says what differs, laid over the procedure it extends.

The form is closed: new parts under their section (``steps``, ``states``, …), ``change`` (a place and what stands
there instead), ``more`` (a list and what is added to it), ``remove`` (places that go), ``after`` (the part of its
section that a new one follows), ``like`` (a new state joins another wherever a step may be taken in several states).
A place is written with dots; in a list, an item goes by its name: the guard, the clock, or the word itself. Every
place must be there; what results is judged like any other procedure, and what is wrong with it is said with the line
of the overlay.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from yishenqing.core.errors import DataFault, Fault
from yishenqing.documents import Document, Place

EXTENDS = "extends"
_SAID = ("id", "version", "title", "since", "law", "road")  # what a variant says of itself, in place of the base's
_NEEDED = ("id", "version", "title")
_SECTIONS = ("stages", "roles", "states", "sides", "figures", "channels", "clocks", "groups", "outcomes", "steps")
_VERBS = ("change", "more", "remove", "after", "like")
_NAMES = ("guard", "clock", "step")  # by which an item of a list is known
_QUOTED = re.compile("“([^”]+)”")


def is_overlay(document: Document) -> bool:
    """Tell whether the file is a variant of another procedure."""
    return isinstance(document.data, dict) and EXTENDS in document.data


def merged(base: Document, overlay: Document) -> Document:
    """Return the whole procedure, with the lines of the overlay for whatever the overlay touches.

    Raises:
        DataFault: the overlay has a word it does not know, or a place that the base does not have; all at once.
    """
    laying = _Laying(copy.deepcopy(base.data), overlay)
    laying.run()
    if laying.faults:
        raise DataFault.of(laying.faults)
    return Document(laying.data, overlay.file, laying.lines)


def blamed(fault: Fault, overlay: Document) -> Fault:
    """Return a fault of the whole with the overlay's line: the base has none, so a line of the overlay made it."""
    if fault.line is not None and fault.line != overlay.line((EXTENDS,)):
        return fault
    for name in _QUOTED.findall(fault.text):  # “没有状态“reviewed””: the line that took it away
        for place, line in overlay.lines.items():
            if place and place[0] in ("remove", "change") and _speaks_of(overlay, place, name):
                return replace(fault, line=line)
    return fault


def _speaks_of(overlay: Document, place: Place, name: str) -> bool:
    target: Any = place[1] if len(place) > 1 else ""
    if place[0] == "remove" and isinstance(target, int):
        target = overlay.data["remove"][target]
    return str(target).split(".")[-1] == name


class _Laying(Struct):
    """One overlay being laid over the data of its base."""

    data: dict[str, Any]
    overlay: Document
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def run(self) -> None:
        """Lay the overlay over the data: first what goes, then what changes, then what is new."""
        self._head()
        self._remove(self.overlay.data.get("remove", []))
        for verb, lay in (("change", self._change), ("more", self._more)):
            for target, value in self._mapping(verb).items():
                lay(target, value)
        for section in _SECTIONS:
            for name, value in self._mapping(section).items():
                self._add(section, name, value)
        for target, before in self._mapping("after").items():
            self._order(target, before)
        for target, other in self._mapping("like").items():
            self._join(target, other)

    def _head(self) -> None:
        said = self.overlay.data
        for key in said.keys() - {EXTENDS, *_SAID, *_SECTIONS, *_VERBS}:
            known = "、".join((EXTENDS, *_SAID, *_SECTIONS, *_VERBS))
            self._fault(f"未知的键；变体文件可以用：{known}", (key,))
        for key in _NEEDED:
            if not said.get(key):
                self._fault(f"缺少“{key}”", ())
        self.lines[()] = self.overlay.line((EXTENDS,)) or 1
        self.data[EXTENDS] = said[EXTENDS]
        for key in _SAID:
            if key in said:
                self.data[key] = said[key]
                self._touch((key,), (key,))

    def _mapping(self, key: str) -> Mapping[str, Any]:
        found = self.overlay.data.get(key, {})
        if not isinstance(found, dict):
            self._fault("应为键值对", (key,))
            return {}
        return found

    def _fault(self, text: str, place: Place) -> None:
        self.faults.append(self.overlay.fault(text, place))

    def _touch(self, place: Place, source: Place) -> None:
        """Remember that what stands at ``place`` of the whole, and below it, comes from ``source`` of the overlay."""
        for known, line in self.overlay.lines.items():
            if known[: len(source)] == source:
                self.lines[(*place, *known[len(source) :])] = line
        for end in range(2, len(place)):
            self.lines.setdefault(place[:end], self.overlay.line(source) or 1)

    def _add(self, section: str, name: str, value: Any) -> None:
        known = self.data.setdefault(section, {})
        if name in known:
            self._fault(f"原流程已有“{section}.{name}”，要改写请用 change", (section, name))
            return
        known[name] = value
        self._touch((section, name), (section, name))

    def _change(self, target: str, value: Any) -> None:
        where = self._parent(target, ("change", target), may_be_new=True)
        if where is not None:
            holder, key, place = where
            holder[key] = value
            self._touch(place, ("change", target))

    def _more(self, target: str, value: Any) -> None:
        source = ("more", target)
        where = self._parent(target, source, may_be_new=True)
        if where is None:
            return
        holder, key, place = where
        known = holder[key] if isinstance(holder, list) or key in holder else []
        if not isinstance(known, list) or not isinstance(value, list):
            self._fault(f"more 只能向列表添加内容，“{target}”应写作列表", source)
            return
        holder[key] = [*known, *value]
        for offset in range(len(value)):
            self._touch((*place, len(known) + offset), (*source, offset))

    def _remove(self, targets: Any) -> None:
        if not isinstance(targets, list):
            self._fault("应为列表", ("remove",))
            return
        for index, target in enumerate(targets):
            where = self._parent(str(target), ("remove", index))
            if where is not None:
                holder, key, place = where
                del holder[key]
                for end in range(2, len(place)):
                    self.lines.setdefault(place[:end], self.overlay.line(("remove", index)) or 1)

    def _order(self, target: str, before: Any) -> None:
        """Let a new part follow ``before`` in its section: diagrams read the states in the file's order."""
        section, _, name = target.partition(".")
        known = self.data.get(section)
        mine = self.overlay.data.get(section)
        if section not in _SECTIONS or not isinstance(mine, dict) or name not in mine:
            self._fault(f"after 只能安排本文件新增的内容，没有“{target}”", ("after", target))
        elif not isinstance(known, dict) or str(before) not in known or before == name:
            self._fault(f"没有“{section}.{before}”", ("after", target))
        else:
            moved = known.pop(name)
            self.data[section] = {}
            for key, value in known.items():
                self.data[section][key] = value
                if key == before:
                    self.data[section][name] = moved

    def _join(self, target: str, other: Any) -> None:
        """Let a new state stand beside ``other`` in every ``from`` that names several states.

        A ``from`` of ``other`` alone is of the step that moves it on, which is no business of the new state.
        """
        name = target.removeprefix("states.")
        if name not in self._mapping("states") or str(other) not in self.data.get("states", {}):
            self._fault(f"like 只能让本文件新增的状态与已有的状态一样，没有“{target}”或者“{other}”", ("like", target))
            return
        for step, known in self.data["steps"].items():
            sources = known.get("from", []) if isinstance(known, dict) else []
            if isinstance(sources, list) and len(sources) > 1 and other in sources and name not in sources:
                known["from"] = [*sources, name]
                self.lines.setdefault(("steps", step), self.overlay.line(("like", target)) or 1)

    def _parent(self, target: str, source: Place, *, may_be_new: bool = False) -> tuple[Any, Any, Place] | None:
        """Return what holds ``target``, under which key or index, and its place; None where there is none (a fault).

        With ``may_be_new`` the last word may be missing from a part that is there: an optional word of it.
        """
        words = target.split(".")
        if len(words) < len(("section", "name")) or words[0] not in _SECTIONS:
            self._fault(f"“{target}”应写作“部分.代号…”，部分可以是：{'、'.join(_SECTIONS)}", source)
            return None
        holder: Any = self.data
        place: list[str | int] = []
        for depth, word in enumerate(words):
            last = depth == len(words) - 1
            key = _key(holder, word)
            if key is None and last and may_be_new and isinstance(holder, dict) and depth > 1:
                key = word
            if key is None:
                self._fault(f"原流程没有“{'.'.join(words[: depth + 1])}”{_near(holder)}", source)
                return None
            place.append(key)
            if last:
                return holder, key, tuple(place)
            holder = holder[key]
        return None


def _key(holder: Any, word: str) -> str | int | None:
    """Return the key or index by which ``holder`` knows ``word``."""
    if isinstance(holder, dict):
        return word if word in holder else None
    if isinstance(holder, list):
        found = [n for n, item in enumerate(holder) if word in _names(item)]
        return found[0] if len(found) == 1 else None
    return None


def _names(item: Any) -> list[str]:
    """Return how an item of a list may be called: by itself, by its first name, or by that and what it speaks of."""
    if not isinstance(item, dict):
        return [str(item)]
    said = [str(item[name]) for name in (*_NAMES, "field") if item.get(name)]
    return [said[0], ":".join(said)] if said else []


def _near(holder: Any) -> str:
    """Return what stands there instead, so that a slip of the pen is seen at once."""
    known = list(holder) if isinstance(holder, dict) else []
    if isinstance(holder, list):
        known = [name for item in holder for name in _names(item)[-1:]]
    return f"；有：{'、'.join(map(str, known))}" if known else ""
