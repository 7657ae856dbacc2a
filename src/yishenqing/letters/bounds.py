"""How much a template may spend: turns of loops, shared parts, length, time; and what it may do at all.

Jinja2's sandbox keeps a template from the machine; it does not keep one from filling the memory with ``"x" * 10**9``
or from looping over everything in everything. A letter needs neither, so both are refused by name.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from jinja2 import nodes

LARGEST_FILE = 256 * 1024  # bytes of a template; the longest shipped one has 8 kB
_TURNS = 100_000  # of all loops of one letter together: its longest list has 300 rows
_PARTS = 1_000  # shared parts taken in
_DEEPEST = 20  # parts within parts; the shipped ones have three
_ROOT = "root"  # what Jinja2 calls the body of a template
_LONGEST = 4_000_000  # characters of a filled letter: some thousand pages
_LONGEST_VALUE = 200_000  # characters or members of what a template puts together
_SECONDS = 30.0  # a long letter takes milliseconds
# Those that neither multiply what they are given nor look into it.
FILTERS = frozenset(
    {
        "abs",
        "count",
        "d",
        "default",
        "e",
        "escape",
        "first",
        "float",
        "int",
        "join",
        "last",
        "length",
        "list",
        "lower",
    }
    | {"map", "max", "min", "reject", "rejectattr", "select", "selectattr", "sort", "string", "sum", "trim", "unique"}
    | {"upper"}
)
BINARY = frozenset(("*", "**", "%", "+"))
TURN, SIZED = "_turn", "_sized"


class TooMuch(ValueError):
    """A template wants more than a letter needs."""


class Budget:
    """What one letter may still spend."""

    def __init__(self) -> None:
        """Begin with all of it."""
        self._turns, self._parts, self._length = _TURNS, _PARTS, _LONGEST
        self._until = time.monotonic() + _SECONDS

    def turn(self, count: int) -> None:
        """Spend turns of a loop.

        Raises:
            TooMuch: there are none left.
        """
        self._turns -= count
        if self._turns < 0:
            raise TooMuch(f"循环超过{_TURNS}次")
        self._in_time()

    def part(self) -> None:
        """Spend a shared part.

        Raises:
            TooMuch: there are none left.
        """
        self._parts -= 1
        if self._parts < 0:
            raise TooMuch(f"引用其他模板超过{_PARTS}次")

    def text(self, piece: str) -> str:
        """Spend a piece of text; return it.

        Raises:
            TooMuch: the letter is too long, or takes too long.
        """
        self._length -= len(piece)
        if self._length < 0:
            raise TooMuch(f"填写的结果超过{_LONGEST}字")
        self._in_time()
        return piece

    def _in_time(self) -> None:
        if time.monotonic() > self._until:
            raise TooMuch(f"填写超过{_SECONDS:.0f}秒")


_SPENT: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def budget() -> Iterator[Budget]:
    """Give a letter its budget while it is filled."""
    fresh = Budget()
    token = _SPENT.set(fresh)
    try:
        yield fresh
    finally:
        _SPENT.reset(token)


def turned(_context: Any, value: Any) -> Any:
    """Return what a loop runs over, paid for: each time anew, which is why it asks for the context (``passed``)."""
    if not isinstance(value, Iterable):
        return value  # the loop itself says so
    found = value if isinstance(value, Sized) else list(value)
    if (spent := _SPENT.get()) is not None:
        spent.turn(len(found))
    return found


def passed() -> Callable[[Any, Any], Any]:
    """Return ``turned`` as a filter that Jinja2 does not work out beforehand where a loop runs over a constant."""
    from jinja2 import pass_context

    return pass_context(turned)


def part_taken() -> None:
    """Pay for a shared part.

    Raises:
        TooMuch: there were too many, or one takes in itself.
    """
    if (spent := _SPENT.get()) is None:
        return
    spent.part()
    frame, depth = inspect.currentframe(), 0
    while frame is not None:
        depth += frame.f_code.co_name == _ROOT
        frame = frame.f_back
    if depth > _DEEPEST:
        raise TooMuch(f"模板的引用超过{_DEEPEST}层，或者引用了自己")


def sized(value: Any) -> Any:
    """Return what a template has put together, unless it is longer than anything in a letter.

    Raises:
        TooMuch: it is.
    """
    if isinstance(value, (str, list, tuple)) and len(value) > _LONGEST_VALUE:
        raise TooMuch(f"模板中的一个值超过{_LONGEST_VALUE}字")
    return value


def binary(operator: str, left: Any, right: Any, do: Callable[[Any, Any], Any]) -> Any:
    """Reckon with numbers; of texts and lists only sums are made, which grow no faster than the template.

    Raises:
        TooMuch: a text is multiplied or filled in by ``%``, or a number raised to a power.
    """
    numbers = all(isinstance(v, (int, float)) for v in (left, right))
    if operator == "**" or (operator != "+" and not numbers):
        raise TooMuch(f"模板中不能对文字使用“{operator}”，也不能乘方")
    return sized(do(left, right))


def bounded(tree: nodes.Template, name: str | None) -> nodes.Template:
    """Return a template whose loops and joined texts pay for themselves.

    Raises:
        TemplateSyntaxError: it defines or imports macros, which no letter needs; with the line.
    """
    from jinja2 import TemplateSyntaxError
    from jinja2 import nodes as known

    never = (known.Macro, known.CallBlock, known.Import, known.FromImport, known.FilterBlock, known.AssignBlock)
    for node in tree.find_all(never):
        raise TemplateSyntaxError("模板中不能定义宏、引入其他模板的宏或者整段过滤", node.lineno, None, name)
    for loop in tree.find_all(known.For):
        if loop.recursive:
            raise TemplateSyntaxError("循环不能是递归的（recursive）", loop.lineno, None, name)
        loop.iter = _through(TURN, loop.iter)
    for put in tree.find_all(known.Assign):
        put.node = _through(SIZED, put.node)
    return tree


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    from jinja2 import nodes as known

    return known.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)
