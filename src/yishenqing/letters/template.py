"""Fill a letter's template in a sandbox: data is never markup, and what is missing is never printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yishenqing import documents
from yishenqing.core.errors import DataFault, Fault
from yishenqing.letters import bounds, lint
from yishenqing.letters.context import is_blank, lookup
from yishenqing.letters.markup import ISLAND_MARKS, LINE_MARK, SOURCE, numbered
from yishenqing.letters.model import APPLICANT, LetterKind, fact_of, read_kind

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment
    from markupsafe import Markup

_TOO_DEEP = (RecursionError, MemoryError, SyntaxError)  # the last two: what Python says of deeply nested code
_OFFERED = "offered_to_templates"
_PART = re.compile(r"[a-z_]+\.html")
_INSIDE = {"“": "‘", "”": "’", "‘": "“", "’": "”"}
_NATURAL = frozenset({"公民", "自然人", "个人"})


class Templates:
    """All templates of an office: its own folder first, then the shipped one."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Remember where to look; nothing is read yet."""
        self._folders = list(folders)
        self._ready: dict[Path, Template] = {}

    def path(self, name: str) -> Path | None:
        """Return the first file called ``name``, None when no folder has it."""
        return next((f / name for f in self._folders if (f / name).is_file()), None)

    @cached_property
    def _environment(self) -> SandboxedEnvironment:
        return _furnished(self._loader())

    def _loader(self) -> Any:
        from jinja2 import FunctionLoader

        return FunctionLoader(self._base)

    def _base(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        """A shared part whole; a kind of letter without its front matter, for the letter that takes it in."""
        path = self.path(name) if _PART.fullmatch(name) else None
        if path is None:
            return None
        shared = name.startswith("_")
        return documents.read_text(path) if shared else read_kind(path).body, str(path), lambda: True

    def fill(self, kind: LetterKind, context: Mapping[str, Any]) -> str:
        """Return the markup of ``kind`` filled with a prepared context.

        Raises:
            DataFault: the template is broken or uses what the context lacks; with file and line.
        """
        from jinja2 import TemplateError, TemplateSyntaxError

        values = _one_line(context) if kind.goes_out else context
        given = {
            **values,
            "you": _you(kind, context),
            "addressee": lookup(values, kind.addressee),
            "to_applicant": kind.to == APPLICANT,
            "island": _islands(values),
            "kind": kind.kind,
            "remedy_printed": kind.remedy != "none",
        }
        try:
            with bounds.budget() as budget:
                return "".join(budget.text(piece) for piece in self._compiled(kind).generate(given))
        except TemplateSyntaxError as error:
            raise DataFault.of([_syntax(kind, error)]) from None
        except _TOO_DEEP:
            raise DataFault.of([_too_deep(kind)]) from None
        except (TemplateError, TypeError, ValueError, AttributeError, ArithmeticError, LookupError) as error:
            raise DataFault.of([_failure(kind, error)]) from error

    def _compiled(self, kind: LetterKind) -> Template:
        if kind.path not in self._ready:
            source = self._source(kind)
            self._ready[kind.path] = self._environment.from_string(
                self._numbered(source) if kind.goes_out else source
            )
        return self._ready[kind.path]

    def _numbered(self, source: str) -> str:
        parts = self._environment.lex(source)
        return "".join(numbered(value, line) if kind == "data" else value for line, kind, value in parts)

    def _source(self, kind: LetterKind) -> str:
        base = "_letter.html" if kind.goes_out else "_form.html"
        before = "\n" * (kind.body_line - 1)  # the lines of the file stay the lines of faults
        return f"{{% extends '{base}' %}}{{% block body %}}{before}{kind.body}{{% endblock %}}"

    def faults(self, kind: LetterKind) -> list[Fault]:
        """Return what is wrong with the template of ``kind`` without filling it."""
        from jinja2 import TemplateSyntaxError

        old = lint.old_wording(kind)
        try:
            tree = self._environment.parse(self._source(kind))
            self._environment.from_string(self._source(kind))
        except TemplateSyntaxError as error:
            return [_syntax(kind, error), *old]
        except _TOO_DEEP:
            return [_too_deep(kind), *old]
        return [*lint.undeclared(kind, tree), *lint.sources(kind), *old]


def _furnished(loader: Any = None) -> SandboxedEnvironment:
    """Return an environment with the filters of letters and nothing else; all of them compile alike."""
    made = _environment_class()(loader=loader)
    made.filters = {name: f for name, f in made.filters.items() if name in bounds.FILTERS}
    made.filters |= {bounds.TURN: bounds.passed(), bounds.SIZED: bounds.sized}
    made.filters["date"] = chinese_date
    made.filters["compact"] = compact_date
    made.filters["bare"] = bare
    made.filters["nested"] = nested
    made.filters["own"] = _own_words()
    made.globals.clear()
    return made


@lru_cache(maxsize=256)  # an office has some forty letters; a process may serve several offices, day after day
def _code(source: str, name: str | None, filename: str | None) -> Any:
    """Return what Jinja compiles a text to, the same for every office: it costs a letter more than the filling."""
    from jinja2 import Environment

    return Environment.compile(_compiler(), source, name, filename)


@cache
def _compiler() -> SandboxedEnvironment:
    return _furnished()


class _CompiledOnce:
    """Compiles in the two ways that ``from_string`` and a loader ask for."""

    def compile(self, source: str, name: str | None = None, filename: str | None = None) -> Any:
        """Return the code of a text, kept for the whole process."""
        return _code(source, name, filename)


@cache
def _environment_class() -> Callable[..., SandboxedEnvironment]:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Missing(StrictUndefined):
        """What is not there may be asked about ({% if %}) but never printed, looped over or looked into."""

        __slots__ = ()

        def __bool__(self) -> bool:  # type: ignore[override]  # the strict one refuses even to be asked
            return False

        @property
        def _undefined_message(self) -> str:
            return f"缺少“{self._undefined_name}”这一项"

    class Environment(_CompiledOnce, ImmutableSandboxedEnvironment):  # type: ignore[misc]  # asked in two ways alone
        """``case.items`` is the item of the case, never a method of the dictionary."""

        intercepted_binops = bounds.BINARY

        def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
            return bounds.bounded(super()._parse(source, name, filename), filename)

        def _load_template(self, name: str, values: Any) -> Template:
            bounds.part_taken()
            return super()._load_template(name, values)

        def call_binop(self, _context: Any, operator: str, left: Any, right: Any) -> Any:
            return bounds.binary(operator, left, right, self.binop_table[operator])

        def is_safe_callable(self, obj: Any) -> bool:
            """A letter calls what it was given to call, no method of a text (``"x".ljust(10**9)``)."""
            return getattr(obj, _OFFERED, False) is True

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, Mapping):
                return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
            return super().getattr(obj, attribute)

    return partial(Environment, autoescape=True, undefined=Missing, auto_reload=False)


def chinese_date(value: Any) -> str:
    """Return a day as a letter writes it: 2026年3月5日, no leading zeros (GB/T 9704 7.3.5.4); a blank stays one."""
    if is_blank(value):
        return str(value)
    if not isinstance(value, date):
        raise TypeError(f"“{value}”不是日期")
    return f"{value.year}年{value.month}月{value.day}日"


def compact_date(value: Any) -> str:
    """Return a day as archive lists write it: 20260305 (DA/T 22-2015)."""
    return value.strftime("%Y%m%d") if isinstance(value, date) else str(value)


def bare(value: Any) -> str:
    """Return an officer's words without their last full stop or semicolon, so that the letter sets its own."""
    return str(value).rstrip(" 。；;，,、")


def nested(value: Any) -> str:
    """Return words as they stand between double quotes: theirs are single, those within double (GB/T 15834)."""
    found, depth = [], 0
    for char in str(value):
        depth += {"“": 1, "”": -1}.get(char, 0) if depth or char == "“" else 0
        found.append(_INSIDE.get(char, char) if depth or char in "“”" else char)
    return "".join(found)


def _islands(values: Mapping[str, Any]) -> Callable[..., Markup]:
    """Place the officer's own words: ``{{ island("name") }}`` gives one sourced sentence each, or an empty place.

    Where a letter answers several items, ``island("name", part)`` gives those of one item, and the bodies that it
    takes in give none of their own.
    """
    from jinja2 import pass_context
    from markupsafe import Markup, escape

    @pass_context
    def island(context: Any, name: str, part: Mapping[str, Any] | None = None) -> Markup:
        if part is None and context.get("part"):
            return Markup("")
        words = [{"text": part["facts"].get(fact_of(name)) or ""}] if part else values["islands"].get(name)
        found = []
        for sentence in words or [{"text": ""}]:
            source = sentence.get("source") or "officer"
            if not SOURCE.match(source):
                raise ValueError(f"“{name}”中一句话的来源“{source}”不合要求")
            marked = _marked(name, escape(sentence["text"]), part)
            found.append(Markup('<s src="{}">{}</s>').format(source, marked))
        return Markup("").join(found)

    setattr(island, _OFFERED, True)
    return island


def _own_words() -> Callable[..., Markup]:
    """Mark a fact inside a sentence as the officer's own words: ``{{ facts.risk | bare | own("risk") }}``."""
    from jinja2 import pass_context
    from markupsafe import escape

    @pass_context
    def own(context: Any, value: Any, name: str) -> Markup:
        return _marked(name, escape(value), context.get("part"))

    return own


def _marked(name: str, words: Markup, part: Mapping[str, Any] | None) -> Markup:
    """Put the marks of an island around ``words``; that of an item bears the item's number."""
    from markupsafe import Markup

    begin, named, end = ISLAND_MARKS
    item = f"{part['n']}." if part else ""
    return Markup("{}{}{}{}{}{}").format(begin, item, name, named, words, end)


def _you(kind: LetterKind, context: Mapping[str, Any]) -> str:
    if kind.to != APPLICANT:  # a person or a body: the facts do not say which
        return "你方"
    return you_of((context.get("applicant") or {}).get("kind_title") or "")


def you_of(title: str) -> str:
    """Return how a letter speaks to an applicant of the kind called ``title``."""
    return "你" if title in _NATURAL else "你单位"


def _one_line(value: Any) -> Any:
    """Mark the line ends inside data, so that those of the template can be dropped without touching them."""
    if isinstance(value, str):
        return re.sub(r" *\n[ \n]*", LINE_MARK, value)
    if isinstance(value, Mapping):
        return {k: _one_line(v) for k, v in value.items()}
    return [_one_line(v) for v in value] if isinstance(value, list) else value


def _syntax(kind: LetterKind, error: Any) -> Fault:
    file = error.filename if error.filename and error.filename.endswith(".html") else str(kind.path)
    return Fault(f"模板语法有误（{_in_chinese(error.message)}）", file, error.lineno)


_MESSAGES = (  # what Jinja2 says, and the same for a person who reads no English
    (re.compile(r"No filter named '(.+?)'.*"), r"没有“| \1”这种写法"),
    (re.compile(r"Encountered unknown tag '(.+?)'.*"), r"不认识的指令“\1”，或者没有与之对应的开头"),
    (re.compile(r"[Uu]nexpected end of template.*"), "有的 {% if %} 或者 {% for %} 没有结束"),
    (re.compile(r"unexpected (?:char )?'(.+?)'.*"), r"此处不应出现“\1”"),
    (re.compile(r"expected token '(.+?)', got '(.+?)'"), r"此处应为“\1”，却是“\2”"),
    (re.compile(r"Missing end of (?:comment|raw).*"), "注释没有结束"),
)


def _in_chinese(message: str | None) -> str:
    for pattern, text in _MESSAGES:
        found = pattern.match(message or "")
        if found:
            return found.expand(text)
    return message or "原因不明"


def _too_deep(kind: LetterKind) -> Fault:
    return Fault("模板嵌套过深，或者引用了自己", str(kind.path))


def _failure(kind: LetterKind, error: Exception) -> Fault:
    """Name the template line: the last frame of the traceback that Jinja rewrote to the template."""
    file, line, trace = str(kind.path), None, error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == "<template>" or name.endswith(".html"):
            file = str(kind.path) if name == "<template>" else name
            line = trace.tb_lineno
        trace = trace.tb_next
    return Fault(f"模板无法填写（{error}）", file, line)
