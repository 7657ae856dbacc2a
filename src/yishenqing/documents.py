"""Read YAML and JSON strictly: no key twice, no unknown key, every fault with its file, line and field.

PyYAML silently keeps the last of two equal keys and reads ``no`` as false; a file that decides statutory days
may do neither. So the node tree is taken from PyYAML and turned into values here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from msgspec import Struct, field

from yishenqing.core.errors import DataFault, Fault, NotFound, why

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")
Place = tuple[str | int, ...]

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST_NUMBER = 40
_DEEPEST = 100  # nothing here is deeper than ten
_INDENTED = re.compile(r"(?m)^[ ?-]{100}")  # each level of a block stands at least a column further right
_BRACKETS = re.compile(r"[\[\]{}]")
_BOOLS = {"true": True, "false": False}


class Document(Struct, frozen=True):
    """What a file says, and the line on which each of its fields stands."""

    data: Any
    file: str
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """Return the line of the field at ``place``, or of the nearest field around it."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return None

    def fault(self, text: str, place: Place = (), law: str = "") -> Fault:
        """Return a fault at ``place`` of this document."""
        name = ".".join(str(p + 1) if isinstance(p, int) else p for p in place)
        return Fault(text, self.file, self.line(place), name, law)


def read(path: Path) -> Document:
    """Read the YAML or JSON file at ``path``.

    Raises:
        NotFound: there is no such file.
        DataFault: it cannot be read, or is malformed; with line.
    """
    return parse(read_text(path), str(path), as_json=path.suffix.lower() == ".json")


def read_text(path: Path) -> str:
    """Return the UTF-8 text of ``path`` (a byte-order mark is dropped)."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"找不到文件“{path}”。") from None
    except IsADirectoryError:
        raise DataFault.of([Fault("这是一个文件夹，需要的是文件", str(path))]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataFault.of([Fault("不是 UTF-8 编码的文本，请另存为 UTF-8 后重试", str(path), line)]) from None
    except OSError as error:
        raise DataFault.of([Fault(f"无法读取（{why(error)}）", str(path))]) from None


def parse(text: str, file: str, *, as_json: bool = False) -> Document:
    """Turn ``text`` into values with their lines; ``file`` names it in faults."""
    if as_json:
        data = json_value(text, file)
        try:
            return Document(data, file, _nodes(text, file)[1])
        except DataFault:  # JSON that YAML cannot read (tabs): the values stand, only the lines are unknown
            return Document(data, file)
    data, lines = _nodes(text, file)
    return Document(data, file, lines)


def validated(adapter: TypeAdapter[T], document: Document) -> T:
    """Return the document as the type of ``adapter``; all faults at once, in Chinese, with lines."""
    from pydantic import ValidationError

    try:
        return adapter.validate_python(document.data)
    except ValidationError as error:
        raise DataFault.of(_faults(error, document)) from None


def json_value(text: str, file: str, line: int | None = None) -> Any:
    """Return the JSON document that stands on ``line`` of ``file`` (None: the whole file); no key twice.

    Raises:
        DataFault: it is malformed.
    """

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                raise DataFault.of([Fault(f"键“{key}”重复", file, line)])
            seen[key] = value
        return seen

    try:
        return json.loads(text, object_pairs_hook=no_twins)
    except json.JSONDecodeError as error:
        place = line or error.lineno
        raise DataFault.of([Fault(f"不是合法的 JSON（第{error.colno}列附近）", file, place)]) from None
    except RecursionError:
        raise DataFault.of([Fault("嵌套层数过多", file, line)]) from None
    except ValueError:  # Python refuses to turn thousands of digits into a number
        raise DataFault.of([Fault("数字过长", file, line)]) from None


def _nodes(text: str, file: str) -> tuple[Any, dict[Place, int]]:
    lines: dict[Place, int] = {}
    faults: list[Fault] = []
    try:
        _refuse_aliases(text, file)
        _refuse_depth(text, file)
        root = yaml.compose(text, Loader=_Loader)
        data = None if root is None else _value(root, (), lines, faults, file)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise DataFault.of([Fault(f"不是合法的 YAML（{error.problem or '格式有误'}）", file, line)]) from None
    except yaml.YAMLError as error:
        raise DataFault.of([Fault(f"不是合法的 YAML（{error}）", file)]) from None
    except RecursionError:
        raise DataFault.of([Fault("嵌套层数过多", file)]) from None
    if faults:
        raise DataFault.of(faults)
    return data, lines


def _refuse_aliases(text: str, file: str) -> None:
    """A few lines of aliases can stand for billions of values; no file here needs one."""
    if "*" not in text:
        return
    for token in yaml.scan(text, Loader=_Loader):
        if isinstance(token, yaml.AliasToken):
            raise DataFault.of([Fault(f"不能使用引用“*{token.value}”", file, token.start_mark.line + 1)])


def _refuse_depth(text: str, file: str) -> None:
    """LibYAML builds its tree with a function that calls itself, in C: depth ends the program without a word."""
    if not _INDENTED.search(text) and _brackets(text) <= _DEEPEST:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            depth -= 1
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise DataFault.of([Fault("嵌套层数过多", file, line)])


def _brackets(text: str) -> int:
    """Return how deep brackets could stand in each other, those in texts included."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _value(node: Any, place: Place, lines: dict[Place, int], faults: list[Fault], file: str) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, faults, file)
    if isinstance(node, yaml.SequenceNode):
        return [_value(n, (*place, i), lines, faults, file) for i, n in enumerate(node.value)]
    return _scalar(node, place, faults, file)


def _mapping(node: Any, place: Place, lines: dict[Place, int], faults: list[Fault], file: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(Fault("键必须是文字", file, line))
            continue
        key = key_node.value
        if key in result:
            faults.append(Fault(f"键“{key}”重复", file, line))
            continue
        result[key] = _value(value_node, (*place, key), lines, faults, file)
        lines[(*place, key)] = line
    return result


def _scalar(node: Any, place: Place, faults: list[Fault], file: str) -> Any:
    text, tag = node.value, node.tag.rsplit(":", 1)[-1]
    read = _SCALARS.get(tag)
    if read is None or (tag in ("int", "float") and ":" in text):  # YAML 1.1 reads 12:30 to the base of 60
        return text
    try:
        return read(text)
    except ValueError:
        name = ".".join(map(str, place))
        problem = "是不存在的日期" if tag == "timestamp" else "不是合法的数值"
        faults.append(Fault(f"“{text}”{problem}", file, node.start_mark.line + 1, name))
    return text


def _integer(text: str) -> int | str:
    if len(text) > _LONGEST_NUMBER:
        return text
    return _octal(text) if text.lstrip("+-").startswith("0") else int(text.replace("_", ""), 0)


def _day(text: str) -> date | str:
    return date.fromisoformat(text) if len(text) <= len("2026-03-02") else text


def _octal(text: str) -> int | str:
    """A number with a leading zero is a code (postcode, item number), not an octal number."""
    return 0 if text.strip("+-0") == "" and len(text.lstrip("+-")) == 1 else text


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "null": lambda _text: None,
    "bool": lambda text: _BOOLS.get(text.lower(), text),  # only true and false; yes, no, on and off stay words
    "int": _integer,
    "float": float,
    "timestamp": _day,
}


@cache
def _known_errors() -> dict[str, str]:
    return {
        "missing": "缺少必填项",
        "extra_forbidden": "未知的键",
        "string_type": "应为文字",
        "string_too_short": "不能为空",
        "string_too_long": "超过长度上限 {max_length}",
        "string_pattern_mismatch": "格式不符",
        "int_type": "应为整数",
        "int_parsing": "应为整数",
        "bool_type": "应为 true 或 false",
        "list_type": "应为列表",
        "tuple_type": "应为列表",
        "dict_type": "应为键值对",
        "model_type": "应为键值对",
        "too_short": "不能为空",
        "too_long": "超过数量上限 {max_length}",
        "date_type": "应为日期，如 2026-03-02",
        "date_parsing": "应为日期，如 2026-03-02",
        "date_from_datetime_parsing": "应为存在的日期，如 2026-03-02",
        "date_from_datetime_inexact": "应为日期，不带时刻",
        "literal_error": "只能是 {expected}",
        "enum": "只能是 {expected}",
        "greater_than_equal": "不得小于 {ge}",
        "greater_than": "必须大于 {gt}",
        "less_than_equal": "不得大于 {le}",
    }


def _faults(error: ValidationError, document: Document) -> list[Fault]:
    details = error.errors(include_url=False)
    missing = [d["loc"][-1] for d in details if d["type"] == "missing"]
    return [_fault(d, document, missing) for d in details]


def _in_chinese(choices: str) -> str:
    """Return pydantic's “'a', 'b' or 'c'” as a, b and c stand in a Chinese sentence."""
    return choices.replace(" or ", "、").replace(", ", "、").replace("'", "")


def _fault(detail: Any, document: Document, missing: list[Any]) -> Fault:
    place = tuple(p for p in detail["loc"] if not (isinstance(p, str) and p.startswith("function-")))
    kind, context = detail["type"], detail.get("ctx", {})
    text = _known_errors().get(kind)
    if text is not None:
        text = text.format_map({k: _in_chinese(str(v)) for k, v in context.items()})
    elif kind == "value_error":
        text = str(context.get("error", detail["msg"]))
    else:
        text = f"不合要求（{detail['msg']}）"
    if "未知" in text and (close := get_close_matches(str(place[-1]), [str(m) for m in missing], 1)):
        text += f"，是否想写“{close[0]}”？"
    return document.fault(text, place)
