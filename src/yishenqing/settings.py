"""An office's own settings: ``office.yaml`` in its folder, read strictly."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.remembered import remembered
from yishenqing.shipped import shipped

if TYPE_CHECKING:
    from yishenqing.documents import Document

FILE = "office.yaml"
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts, and the roles this person holds."""

    __pydantic_config__: ClassVar = _STRICT
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """What the program must know of an office. Every text of it may stand in a letter."""

    __pydantic_config__: ClassVar = _STRICT
    agency: str
    name: str
    office: str
    mark: str
    address: str
    postcode: str
    phone: str
    fonds: str
    reconsideration_organ: str
    court: str
    people: Mapping[str, Person]
    case_number: str = "{year}-{n:04d}"
    letter_number: str = "{mark}{series}〔{year}〕{n}号"
    database: str = ""
    switched_off: tuple[str, ...] = field(default=())
    stage_limits: Mapping[str, int] = field(default_factory=dict)

    def numbered_case(self, year: int, n: int) -> str:
        """Return the number of the ``n``-th case of ``year``."""
        return self.case_number.format(year=year, n=n)

    def numbered_letter(self, series: str, year: int, n: int) -> str:
        """Return the number of the ``n``-th letter of a series in ``year``."""
        return self.letter_number.format(mark=self.mark, series=series, year=year, n=n)


def read_settings(home: Path) -> Settings:
    """Read the settings of the office in ``home``.

    Raises:
        NotFound: there is no office in this folder.
        DataFault: the settings have faults; all of them, with lines.
    """
    path = home / FILE
    if not path.is_file():
        raise NotFound(f"“{home}”中没有机关设置（{FILE}）；请先运行 ysq init，或者用 --home 指定文件夹。")
    return remembered(Settings, path, home, _validated)


def _validated(path: Path) -> Settings:
    from pydantic import TypeAdapter  # noqa: PLC0415 - only a changed file is validated

    from yishenqing.documents import read, validated  # noqa: PLC0415

    document = read(path)
    settings = validated(TypeAdapter(Settings), document)
    if faults := _faults(settings, document):
        raise DataFault.of(faults)
    return settings


def _faults(settings: Settings, document: Document) -> list[Fault]:
    faults = [
        document.fault("不能为空", (name,))
        for name in ("agency", "name", "office", "mark", "reconsideration_organ", "court")
        if not getattr(settings, name).strip()
    ]
    if not settings.people:
        faults.append(document.fault("至少要有一名人员", ("people",)))
    return [*faults, *_pattern_faults(settings, document)]


def _pattern_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    """Numbers become file names and must never repeat."""
    patterns = {
        "case_number": lambda _series, year, n: settings.numbered_case(year, n),
        "letter_number": settings.numbered_letter,
    }
    for name, sample in patterns.items():
        try:
            known = {sample(series, year, n) for series in ("告", "回") for year in (2026, 2027) for n in (1, 2)}
        except (KeyError, ValueError, IndexError, AttributeError):
            yield document.fault("样式有误：只能使用{year}、{n}、{mark}、{series}", (name,))
            continue
        if name == "letter_number" and len(known) < _ALL_DIFFERENT:
            yield document.fault("样式须含{series}、{year}和{n}，否则编号会重复", (name,))
        if name == "case_number":
            yield from (document.fault(text, (name,)) for text in _case_number_faults(known))


def _case_number_faults(known: set[str]) -> Iterator[str]:
    if len(known) < _ALL_DIFFERENT // 2:
        yield "样式须含{year}和{n}，否则编号会重复"
    if any(c in _NOT_IN_NAMES or not c.isprintable() for number in known for c in number):
        yield '编号要用作文件夹名，不能含有 / \\ : * ? " < > | 和不可见字符'
    if any(number.strip(". ") != number for number in known):
        yield "编号不能以点或者空格开头、结尾"


_ALL_DIFFERENT = 8  # two series, two years, two numbers
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')


def write_settings(home: Path, user: str) -> Path:
    """Write the sample settings, giving ``user`` every role; existing settings are left alone."""
    path = home / FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        text = (shipped("samples") / FILE).read_text(encoding="utf-8")
        quoted = json.dumps(user, ensure_ascii=False)  # a YAML string too, whatever the user is called
        unfinished = home / f".{FILE}-{os.getpid()}"
        unfinished.write_text(text.replace("__USER__", quoted), encoding="utf-8")
        unfinished.replace(path)  # whole or not at all
    return path
