"""Read the rendered markup of a prose letter into blocks of sourced sentences.

The markup is small on purpose (see letters/README.md): ``<to>``, ``<p>``, ``<h1>``, ``<h2>``, ``<enclosure>``,
``<sign>``, ``<date>``, each holding ``<s src="…">`` sentences and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from msgspec import Struct

from yishenqing.letters.model import Island, Passage

BLOCKS = ("to", "p", "h1", "h2", "enclosure", "sign", "date")
SOURCE = re.compile(r"^(?:entry:[A-Za-z0-9_.-]+|law:.*第.+条.*|precedent:[\w.-]+|office|officer)$")
LINE_MARK = "\ufdd0"  # stands for a newline inside data, so that the template's own line ends can be dropped
_LINE = re.compile("\ufdd1([0-9]+)\ufdd2")  # the number of the template's line, see numbered()
# The officer's own words: a name, then the text, also where there is none yet. Data cannot hold these characters.
ISLAND_MARKS = ("\ufdd3", "\ufdd4", "\ufdd5")
_ISLAND = re.compile("{}([a-z0-9_.]+){}(.*?){}".format(*ISLAND_MARKS), re.DOTALL)
_LINE_START = re.compile(r"(?<=\n)(?=[ \t]*<)")
_INDENT = re.compile(r"[ \t]*\n[ \t]*")


class Block(Struct, frozen=True):
    """One paragraph of the letter: what it is and its sentences, in order."""

    kind: str
    passages: Sequence[Passage]

    @property
    def text(self) -> str:
        """Return the whole paragraph as it is printed."""
        return ("\t" if self.kind == "row" else "").join(p.text for p in self.passages)


def numbered(text: str, line: int) -> str:
    """Mark the lines of template text that begin with a tag, so that faults can name them after loops and conditions.

    Args:
        text: literal text of a template (nothing of the template language in it).
        line: the line of its first character.
    """
    return _LINE_START.sub(lambda m: f"\ufdd1{line + text.count(chr(10), 0, m.start())}\ufdd2", text)


class MarkupError(Exception):
    """The markup breaks the rules of the template language; ``line`` is that of the template, when known."""

    def __init__(self, text: str, line: int | None) -> None:
        """Keep the Chinese text and the line."""
        super().__init__(text)
        self.text, self.line = text, line


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._block: str | None = None
        self._source: str | None = None
        self._passages: list[Passage] = []
        self._text = ""
        self._line: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS and self._block is None:
            if attrs:
                self._fail(f"<{tag}> 不能带属性")
            self._block, self._passages = tag, []
        elif tag == "s" and self._block is not None and self._source is None:
            self._source, self._text = self._src(dict(attrs)), ""
        elif tag in (*BLOCKS, "s"):
            self._fail(f"<{tag}> 的位置不对：段落不能嵌套，句子 <s> 应在段落之内")
        else:
            self._fail(f"不认识的标记 <{tag}>，只能用 {'、'.join(BLOCKS)} 和 s")

    def _src(self, attrs: dict[str, str | None]) -> str:
        source = attrs.get("src") or ""
        if set(attrs) != {"src"} or not SOURCE.match(source):
            self._fail(
                f"句子的来源“{source}”不合要求，应为 entry:环节、law:条款、precedent:编号、office 或者 officer"
            )
        return source

    def handle_endtag(self, tag: str) -> None:
        if tag == "s" and self._source is not None:
            if self._text.strip():
                self._passages.append(Passage(self._text, self._source, len(self.blocks)))
            self._source = None
        elif tag == self._block and self._source is None:
            if self._passages:
                self.blocks.append(Block(tag, tuple(self._passages)))
            self._block = None
        else:
            self._fail(f"</{tag}> 没有对应的开始标记")

    def handle_data(self, data: str) -> None:
        text, *marked = _LINE.split(data)
        self._take(text)
        for line, following in zip(marked[::2], marked[1::2], strict=True):
            self._line = int(line)
            self._take(following)

    def _take(self, text: str) -> None:
        if self._source is not None:
            self._text += text
        elif text.strip():
            self._fail(f'“{text.strip()[:12]}”没有标明来源，请放在 <s src="…"> 之内')

    def handle_comment(self, _data: str) -> None:
        self._fail("模板中的注释请用 {# … #}")

    def handle_decl(self, _decl: str) -> None:
        self._fail("不允许的声明")

    def handle_pi(self, _data: str) -> None:
        self._fail("不允许的指令")

    def unknown_decl(self, _data: str) -> None:
        self._fail("不允许的声明")

    def _fail(self, text: str) -> None:
        raise MarkupError(text, self._line)

    def finish(self) -> list[Block]:
        self.close()
        if self._block is not None:
            self._fail(f"<{self._block}> 没有结束")
        return self.blocks


def blocks(markup: str, *, empty_islands: bool = False) -> list[Block]:
    """Return the blocks of ``markup``; line ends and indentation of the template vanish.

    With ``empty_islands`` places where the officer may write, and has not, are there as passages without text.

    Raises:
        MarkupError: an unknown mark, text without a source, or marks that do not match.
    """
    reader = _Reader()
    reader.feed(markup)
    found: list[Block] = []
    for block in reader.finish():
        read = [_with_islands(p, len(found)) for p in block.passages]
        kept = tuple(p for p in read if p.text.strip() or (empty_islands and p.islands))
        found += [Block(block.kind, kept)] if kept else []
    return found


def _with_islands(passage: Passage, paragraph: int) -> Passage:
    """Take the marks of the islands out of the text and remember where they were."""
    text, islands, read = "", [], 0
    whole = _joined(passage.text)
    for mark in _ISLAND.finditer(whole):
        text += whole[read : mark.start()]
        islands.append(Island(mark[1], len(text), len(text) + len(mark[2])))
        text, read = text + mark[2], mark.end()
    return Passage(text + whole[read:], passage.source, paragraph, tuple(islands))


def _joined(text: str) -> str:
    return _INDENT.sub("", text).replace(LINE_MARK, "\n")


class _Table(HTMLParser):
    """The text of a form: each row, heading or paragraph is a block, each cell a passage."""

    _ROWS = frozenset({"tr", "p", "h1", "h2", "caption", "div"})
    _CELLS = frozenset({"td", "th"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._cells: list[str] = [""]

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._mark(tag)

    def handle_endtag(self, tag: str) -> None:
        self._mark(tag)

    def _mark(self, tag: str) -> None:
        if tag in self._ROWS:
            self.flush()
        elif tag in self._CELLS:
            self._cells.append("")

    def handle_data(self, data: str) -> None:
        self._cells[-1] += data

    def flush(self) -> None:
        texts = [t for t in (_INDENT.sub("", cell).strip() for cell in self._cells) if t]
        if texts:
            self.blocks.append(Block("row", tuple(Passage(t, "office", len(self.blocks)) for t in texts)))
        self._cells = [""]


def table_blocks(html: str) -> list[Block]:
    """Return the text of a form, row by row; its source is the office's own record."""
    reader = _Table()
    reader.feed(html)
    reader.close()
    reader.flush()
    return reader.blocks
