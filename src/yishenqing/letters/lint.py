"""Find what is wrong with a template before it is ever used: unknown fields, unlisted law, outdated wording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from yishenqing.articles import article, old_wordings
from yishenqing.core.errors import Fault
from yishenqing.letters.context import APPLICANTS_WORDS, PROSE_NEEDS, TOLD_TO_OTHERS, name_of
from yishenqing.letters.markup import SOURCE
from yishenqing.letters.model import APPLICANT, LetterKind

if TYPE_CHECKING:
    from jinja2 import nodes

ROOTS = frozenset({
    "organ", "case", "applicant", "letter", "facts", "due", "remedy",
    "search", "islands", "attachments", "file", "papers", "note", "destruction",
    "side", "fee", "document", "record", "history",
    "facts_title", "ground", "withheld", "items", "past", "beside",
})  # fmt: skip
_GIVEN = frozenset({"you", "island", "loop", "kind", "remedy_printed", "addressee", "to_applicant", "source"})
_ALWAYS = frozenset({"search", "islands", "attachments", "remedy", "letter.draft", "letter.number"})
_SRC = re.compile(r'src="([^"{]*)"')


def undeclared(kind: LetterKind, tree: nodes.Template) -> list[Fault]:
    """Return each field that is printed though the office need not hand it over."""
    guarded, local = _guarded(tree), _locals(tree)
    allowed = {*kind.needs, *((*PROSE_NEEDS, kind.addressee) if kind.goes_out else ()), *_ALWAYS, *guarded}
    if kind.remedy != "none":
        allowed |= {"remedy.text", "remedy.law"}
    faults: dict[tuple[str, int], Fault] = {}
    for place, line in _places(tree):
        root = place.split(".", 1)[0]
        if root in local or root in _GIVEN:
            continue
        if kind.to != APPLICANT and root in ROOTS and _hidden_from_others(place):
            text = f"寄给申请人以外的人，不得写入申请人的信息和案卷的其他内容（{name_of(place)}）"
            faults.setdefault(
                (place, line), Fault(text, str(kind.path), line, place, law=article("personal_information"))
            )
        elif root not in ROOTS:
            text = f"没有“{place}”这一项，可用的有：{'、'.join(sorted(ROOTS))}"
            faults.setdefault((place, line), Fault(text, str(kind.path), line, place))
        elif not any(place == a or place.startswith(a + ".") or a.startswith(place + ".") for a in allowed):
            text = f"用到了“{name_of(place)}”，但没有列入 needs，缺少时将无法出具"
            faults.setdefault((place, line), Fault(text, str(kind.path), line, place))
    return list(faults.values())


def _hidden_from_others(place: str) -> bool:
    parts = place.split(".")
    return (
        parts[0] not in TOLD_TO_OTHERS or parts == ["case"] or (parts[0] == "case" and parts[1] in APPLICANTS_WORDS)
    )


def _places(tree: nodes.Node) -> Iterator[tuple[str, int]]:
    """Yield each longest dotted place that is read, with its line."""
    from jinja2 import nodes as n

    inner = {id(g.node) for g in tree.find_all(n.Getattr)}
    for found in tree.find_all((n.Getattr, n.Name)):
        if id(found) in inner or (isinstance(found, n.Name) and found.ctx != "load"):
            continue
        place = _dotted(found)
        if place:
            yield place, found.lineno


def _dotted(node: nodes.Node) -> str:
    from jinja2 import nodes as n

    parts: list[str] = []
    while isinstance(node, n.Getattr):
        parts.append(node.attr)
        node = node.node
    return ".".join([node.name, *reversed(parts)]) if isinstance(node, n.Name) else ""


def _guarded(tree: nodes.Template) -> set[str]:
    """Return the places that the template itself asks about before it uses them."""
    from jinja2 import nodes as n

    tests: list[nodes.Expr] = [found.test for found in tree.find_all(n.If) if isinstance(found.test, n.Expr)]
    tests += [found.test for found in tree.find_all(n.CondExpr)]
    tests += [found.left for found in tree.find_all(n.Or)]
    return {place for test in tests for place, _ in _places(_wrapped(test))}


def _wrapped(test: nodes.Expr) -> nodes.Node:
    from jinja2 import nodes as n

    return n.Output([test])


def _locals(tree: nodes.Template) -> set[str]:
    from jinja2 import nodes as n

    return {name.name for name in tree.find_all(n.Name) if name.ctx in ("store", "param")}


def sources(kind: LetterKind) -> list[Fault]:
    """Every sentence that rests on the law must rest on a citation that the front matter lists."""
    faults = []
    for number, line in enumerate(kind.body.split("\n"), kind.body_line):
        for source in _SRC.findall(line):
            if not SOURCE.match(source):
                text = f"句子的来源“{source}”不合要求，应为 entry:环节、law:条款、precedent:编号、office 或者 officer"
                faults.append(Fault(text, str(kind.path), number))
            elif source.startswith("law:") and not source.removeprefix("law:").startswith(kind.law):
                text = f"句子的依据“{source.removeprefix('law:')}”没有列入 law"
                faults.append(Fault(text, str(kind.path), number))
    return faults


def old_wording(kind: LetterKind) -> list[Fault]:
    """Return each phrase that a later law has overtaken."""
    plain = re.sub(r"<[^>]*>", lambda m: "\n" * m[0].count("\n"), kind.body)
    return [
        Fault(f"过时的表述“{hit[0]}”：{old.text}", str(kind.path), kind.body_line + plain[: hit.start()].count("\n"),
              law=article(old.cited))
        for old in old_wordings()
        for hit in old.pattern.finditer(plain)
    ]  # fmt: skip


def outdated(text: str) -> list[tuple[str, str, str]]:
    """Return each phrase of ``text`` that a later law has overtaken, what the law says now, and the article."""
    return [(hit[0], old.text, article(old.cited)) for old in old_wordings() for hit in old.pattern.finditer(text)]
