"""What a letter template declares about itself, and what a rendered letter consists of."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Struct

from yishenqing import documents
from yishenqing.core.errors import DataFault, Fault

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Remedy = Literal["none", "by_outcome", "third_party", "free_choice"]
APPLICANT = "applicant"
DISCLOSURE = "政府信息公开申请"
Format = Literal["letter", "plain", "form"]
_SHORTEST, _LONGEST = 90, 420  # mm that a side of a form's paper may measure
_CITATION = re.compile(r"^[^第\s]+第.+条")
_ISLAND = re.compile(r"""\b(?:island|own)\(["']([a-z_]+)["']""")


class LetterKind(Struct, frozen=True):
    """One kind of letter: its front matter and where its template stands.

    ``needs`` are dotted places in the context that must be filled before anything is printed; ``series`` is the
    mark of its number series, None when it carries no number; ``body_line`` is the line after the front matter.
    ``remedy`` is none, that of the outcome, or one named in the law data whatever the outcome. ``to`` is the
    applicant, or the place of the fact that names somebody else, who is told nothing of the applicant. ``paper`` is
    the width and height in mm of a form that is not A4; ``mailed`` is false for a letter that no post carries.
    """

    kind: str
    title: str
    when: str
    law: tuple[str, ...]
    needs: tuple[str, ...]
    remedy: Remedy
    series: str | None
    format: Format
    path: Path
    body: str
    body_line: int
    need_lines: tuple[int | None, ...]
    to: str = APPLICANT
    paper: tuple[int, int] | None = None
    mailed: bool = True

    @property
    def goes_out(self) -> bool:
        """Return whether the letter leaves the office (a form stays in the file)."""
        return self.format != "form"

    def titled(self, matter: str) -> str:
        """Return the title in a case about ``matter``: a form made for disclosure bears the matter of its case."""
        return self.title if self.goes_out or not matter else self.title.replace(DISCLOSURE, matter)

    @property
    def addressee(self) -> str:
        """Return the place in the context that names whom the letter addresses."""
        return "applicant.name" if self.to == APPLICANT else self.to

    @property
    def islands(self) -> tuple[str, ...]:
        """Return the names of the islands of the template: the facts that are the officer's own words."""
        return tuple(dict.fromkeys(_ISLAND.findall(self.body)))


_FACTS_OF_ISLANDS = {"explanation": "reasoning"}


def fact_of(island: str) -> str:
    """Return the fact that is told on an island: the one of its name, or what the officer has added (explanation)."""
    return _FACTS_OF_ISLANDS.get(island, island)


class Island(Struct, frozen=True):
    """The officer's own words within a sentence: from ``start`` to ``end`` of its text.

    ``name`` is that of the template, after a number and a dot where the letter answers several items.
    """

    name: str
    start: int
    end: int


class Passage(Struct, frozen=True):
    """One sentence of a letter and where it comes from; the source is never printed.

    ``source`` is ``entry:<step>``, ``law:<citation>``, ``precedent:<id>``, ``office`` or ``officer``;
    ``paragraph`` counts from 0.
    """

    text: str
    source: str
    paragraph: int
    islands: tuple[Island, ...] = ()


@cache
def _front_matter() -> TypeAdapter[Any]:
    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

    side = Annotated[int, Field(ge=_SHORTEST, le=_LONGEST)]

    class FrontMatter(BaseModel):
        model_config = ConfigDict(extra="forbid")

        kind: Annotated[str, Field(min_length=1)]
        title: Annotated[str, Field(min_length=1)]
        when: Annotated[str, Field(min_length=1)]
        law: list[Annotated[str, Field(min_length=1)]]
        needs: list[Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_0-9]+)*$")]]
        remedy: Remedy
        series: Annotated[str, Field(min_length=1, max_length=4)] | None
        format: Format
        to: Annotated[str, Field(pattern=r"^(applicant|facts\.[a-z_]+)$")] = APPLICANT
        paper: tuple[side, side] | None = None
        mailed: bool = True

    return TypeAdapter(FrontMatter)


def read_kind(path: Path) -> LetterKind:
    """Read the template at ``path``.

    Raises:
        DataFault: the front matter is missing, malformed or contradicts itself; all faults, with lines.
    """
    head, body, body_line = _split(documents.read_text(path), path)
    document = documents.parse(head, str(path))
    matter = documents.validated(_front_matter(), document)
    faults = _contradictions(matter, document, path)
    if faults:
        raise DataFault.of(faults)
    return LetterKind(
        kind=matter.kind,
        title=matter.title,
        when=matter.when,
        law=tuple(matter.law),
        needs=tuple(matter.needs),
        remedy=matter.remedy,
        series=matter.series,
        format=matter.format,
        path=path,
        body=body,
        body_line=body_line,
        need_lines=tuple(document.line(("needs", i)) for i in range(len(matter.needs))),
        to=matter.to,
        paper=matter.paper,
        mailed=matter.mailed,
    )


def _split(text: str, path: Path) -> tuple[str, str, int]:
    lines = text.split("\n")
    ends = [i for i, line in enumerate(lines) if line.rstrip() == "---"]
    if len(ends) < 2 or ends[0] != 0:  # noqa: PLR2004 - the front matter has a first and a last mark
        text = "文书模板应以一行“---”开头，写明文书要素后再以一行“---”结束"
        raise DataFault.of([Fault(text, str(path), 1)])
    head = "\n" + "\n".join(lines[1 : ends[1]]) + "\n"  # the empty line keeps the line numbers of the file
    return head, "\n".join(lines[ends[1] + 1 :]), ends[1] + 2


def _contradictions(matter: Any, document: documents.Document, path: Path) -> list[Fault]:
    faults = []
    if matter.kind != path.stem:
        faults.append(document.fault(f"文书种类应与文件名一致（“{path.stem}”）", ("kind",)))
    if matter.format != "form" and not matter.law:
        faults.append(document.fault("对外发出的文书必须写明法律依据，如“条例第三十条”", ("law",)))
    if matter.format != "form" and matter.paper is not None:
        faults.append(document.fault("对外发出的文书用 A4 纸（GB/T 9704-2012），不能另定纸张", ("paper",)))
    for i, citation in enumerate(matter.law):
        if not _CITATION.match(citation):
            faults.append(document.fault(f"“{citation}”不是条款引用，应如“条例第三十条”", ("law", i)))
    return faults
