"""The letter book: all kinds of letters of an office, filled, inspected and printed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.core.version import __version__
from yishenqing.letters import fonts, markup, ownfonts, sheet, wordtext
from yishenqing.letters.context import item_contexts, missing_of_item, prepared, too_much_text
from yishenqing.letters.markup import Block
from yishenqing.letters.model import LetterKind, Passage, read_kind
from yishenqing.letters.style import Style
from yishenqing.letters.template import Templates

if TYPE_CHECKING:
    from yishenqing.letters.press import Enclosed


class Letterbook:
    """Letters from template folders; a file in an earlier folder replaces the same file of a later one."""

    def __init__(self, folders: Sequence[Path], style: Style | None = None) -> None:
        """Remember the folders (see ``shipped.layered("letters", own)``); templates are read when asked for."""
        self._style = style or Style()
        self._folders = [Path(f) for f in folders]
        self._templates = Templates(self._folders)
        self._kinds: dict[str, LetterKind] = {}

    def kinds(self) -> Mapping[str, LetterKind]:
        """Return every kind by name, in order of name.

        Raises:
            DataFault: some front matter is broken; all faults.
        """
        faults: list[Fault] = []
        found: dict[str, LetterKind] = {}
        for name in self._names():
            try:
                found[name] = self.kind(name)
            except DataFault as fault:
                faults += fault.faults
        if faults:
            raise DataFault.of(faults)
        return found

    def kind(self, name: str) -> LetterKind:
        """Return the kind called ``name``.

        Raises:
            NotFound: there is no such kind; the text lists those that exist.
            DataFault: its front matter is broken.
        """
        if name not in self._kinds:
            path = self._templates.path(f"{name}.html") if name in self._names() else None
            if path is None:
                raise NotFound(self._unknown(name))
            self._kinds[name] = read_kind(path)
        return self._kinds[name]

    def _names(self) -> list[str]:
        files = (f for folder in self._folders for f in folder.glob("*.html"))
        return sorted({f.stem for f in files if not f.name.startswith("_")})

    def _unknown(self, name: str) -> str:
        names = self._names()
        close = get_close_matches(name, names, 1)
        hint = f"，是否指“{close[0]}”？" if close else "。"
        return f"没有文书种类“{name}”{hint}现有：{'、'.join(names) or '无'}。"

    def faults(self) -> list[Fault]:
        """Return what is wrong with any template: front matter, syntax, undeclared fields, old wording."""
        found: list[Fault] = []
        for name in self._names():
            try:
                kind = self.kind(name)
            except DataFault as fault:
                found += fault.faults
                continue
            found += self._templates.faults(kind)
        return found

    def passages(self, kind: str, context: Mapping[str, Any]) -> list[Passage]:
        """Return the sentences of the letter, in order, each with its source.

        Raises:
            NotFound: there is no such kind.
            DataFault: a needed field is missing, or the template is broken.
        """
        found = self.kind(kind)
        return [p for block in self._blocks(found, self._prepared(found, context)) for p in block.passages]

    def prose(self, kind: str, context: Mapping[str, Any]) -> str:
        """Return the letter as plain text: number, title and paragraphs, one per line."""
        found = self.kind(kind)
        clean = self._prepared(found, context)
        number = _number(clean) if found.goes_out else None
        head = [number, found.title] if number else [found.title] if found.goes_out else []
        return "\n".join([*head, *_labelled(self._blocks(found, clean))])

    def pdf(self, kind: str, context: Mapping[str, Any], enclosed: Sequence[Enclosed] = ()) -> bytes:
        """Return the letter as PDF/A; the same context gives the same bytes. Files ``enclosed`` go inside.

        Raises:
            NotFound: there is no such kind.
            DataFault: a needed field is missing, a character has no glyph, the template is broken, this machine
                lacks the fonts or libraries, or the office's own fonts cannot be used (with the remedy).
        """
        fonts.require()
        ownfonts.require(self._style.fonts)
        found = self.kind(kind)
        clean = self._prepared(found, context)
        return self._letter(found, clean, enclosed) if found.goes_out else self._form(found, clean)

    def made_by(self) -> dict[str, str]:
        """Return what decides how letters look: the program, the templates, the fonts, the office's style.

        The same facts printed with the same four give the same bytes.
        """
        style = self._style
        look = [str(style.format), str(style.seal)]
        own = [part for role, path in sorted(style.fonts.items()) for part in (role.encode(), path.read_bytes())]
        return {
            "program": _versions(),
            "templates": self._templates_print,
            "fonts": _fingerprint([fonts.recipe().encode(), *own]),
            "style": _fingerprint(part.encode() for part in look),
        }

    @cached_property
    def _templates_print(self) -> str:
        names = {f.name for folder in self._folders for pattern in ("*.html", "*.css") for f in folder.glob(pattern)}
        paths = [(name, self._templates.path(name)) for name in sorted(names)]
        return _fingerprint(part for name, path in paths if path for part in (name.encode(), path.read_bytes()))

    def paragraphs(self, kind: str, context: Mapping[str, Any], islands: Collection[str]) -> list[wordtext.Paragraph]:
        """Return a letter in prose as paragraphs of locked text, and of the officer's own words on ``islands``.

        Raises:
            NotFound: there is no such kind.
            DataFault: as for ``passages``.
        """
        found = self.kind(kind)
        clean = self._prepared(found, context)
        head = sheet.Head(clean["organ"]["name"], found.title, _number(clean), letterhead=found.format == "letter")
        return wordtext.paragraphs(head, self._blocks(found, clean, empty_islands=True), islands)

    def _prepared(self, kind: LetterKind, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context made ready; a letter that answers item by item tells each as its own letter would."""
        clean = prepared(kind, context)
        faults = [f for name, item in item_contexts(kind, clean) for f in missing_of_item(self.kind(name), item)]
        if faults:
            raise DataFault.of(faults)
        return clean

    def _blocks(self, kind: LetterKind, clean: Mapping[str, Any], *, empty_islands: bool = False) -> list[Block]:
        filled = self._templates.fill(kind, clean)
        try:
            prose = kind.goes_out
            found = markup.blocks(filled, empty_islands=empty_islands) if prose else markup.table_blocks(filled)
        except markup.MarkupError as error:
            raise DataFault.of([Fault(error.text, str(kind.path), error.line)]) from None
        if faults := too_much_text(kind, [b.text for b in found]):
            raise DataFault.of(faults)
        return found

    def _letter(self, kind: LetterKind, clean: Mapping[str, Any], enclosed: Sequence[Enclosed]) -> bytes:
        from yishenqing.letters import press

        blocks = self._blocks(kind, clean)
        organ, letter = clean["organ"]["name"], clean["letter"]
        letterhead = (self._style.format or kind.format) == "letter"
        head = sheet.Head(organ, kind.title, _number(clean), letterhead=letterhead, seal=self._style.seal)
        metrics = fonts.metrics(self._style.by_role)
        marks = {name: bool(letter.get(name)) for name in ("draft", "rehearsal")}
        pages = sheet.lay_out(head, blocks, metrics, **marks)
        _refuse_missing(kind, sheet.characters(pages), metrics)
        return press.to_pdf(pages, metrics, press.About(kind.title, organ, letter["date"]), enclosed)

    def _form(self, kind: LetterKind, clean: Mapping[str, Any]) -> bytes:
        from yishenqing.letters import printer

        filled = self._templates.fill(kind, clean)
        blocks = self._blocks(kind, clean)
        printed = {(c, "fangsong") for block in blocks for c in block.text}
        _refuse_missing(kind, printed, fonts.metrics())
        organ, letter = clean.get("organ") or {}, clean.get("letter") or {}
        case = clean.get("case") or {}
        day, title = letter.get("date") or case.get("closed_on"), kind.titled(case.get("matter") or "")
        html = printer.document(filled, title=title, author=organ.get("name") or "", day=day, paper=kind.paper)
        return printer.to_pdf(html, self._sheet_of("form.css"))

    def _sheet_of(self, name: str) -> Path:
        path = self._templates.path(name)
        if path is None:
            raise NotFound(f"文书模板文件夹中缺少样式文件“{name}”。")
        return path


def _fingerprint(parts: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()[:16]


@cache
def _versions() -> str:
    """The program, and the libraries whose version may change a byte."""
    libraries = (f"{name} {version(name)}" for name in ("pydyf", "uharfbuzz", "weasyprint"))
    return "；".join((__version__, *libraries, f"zlib {zlib.ZLIB_RUNTIME_VERSION}"))


def _labelled(blocks: Sequence[Block]) -> list[str]:
    """Return the paragraphs as text, the enclosures with their label and numbers as on the page."""
    names = [b for b in blocks if b.kind == "enclosure"]
    return [sheet.enclosure_label(b, names) + b.text if b.kind == "enclosure" else b.text for b in blocks]


def _number(context: Mapping[str, Any]) -> str | None:
    """Return the number to print; a draft has none, whatever was handed over."""
    letter = context.get("letter") or {}
    return None if letter.get("draft") else letter.get("number")


def _refuse_missing(kind: LetterKind, printed: set[tuple[str, str]], metrics: fonts.Metrics) -> None:
    missing = sorted({c for c, role in printed if not c.isspace() and not metrics.covers(c, role)})
    if missing:
        text = "所用字体中没有下列字，不能印制，请核对或者改用通行写法："
        names = "、".join(f"“{c}”（U+{ord(c):04X}）" for c in missing[:20])
        raise DataFault.of([Fault(text + names, str(kind.path))])
