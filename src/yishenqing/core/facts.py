"""Facts as people write them (``until=2026-03-20``) turned into facts of the type that the step declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.workflow import Field, Step, Workflow

_YES = frozenset({"是", "true", "yes", "1"})
_NO = frozenset({"否", "false", "no", "0"})
_LONGEST = 20_000


def shaped(workflow: Workflow, step: Step, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``raw`` with each value in the type of its field; dates stay dates, absent values are left out.

    Raises:
        DataFault: an unknown fact, or a value that is not of its type; all of them at once.
    """
    faults, facts = [], {}
    for name, value in raw.items():
        known = step.fields.get(name)
        if known is None:
            names = "、".join(f"{n}（{f.title}）" for n, f in step.fields.items()) or "无"
            faults.append(Fault(f"“{step.title}”没有这一事实；可以填写：{names}", field=name))
            continue
        if value in (None, ""):
            continue
        try:
            read = _READERS[known.type](value, known, workflow)
        except ValueError as error:
            faults.append(Fault(f"{known.title}：{error}", field=name))
        else:
            if read not in ("", []):
                facts[name] = read
    if faults:
        raise DataFault.of(faults)
    counted = {n: len(facts[f.counts]) for n, f in step.fields.items() if f.counts and facts.get(f.counts)}
    return {**facts, **counted}


def _text(value: Any, _known: Field, _workflow: Workflow) -> str:
    if not isinstance(value, str):
        raise ValueError("应为文字")  # noqa: TRY004 - gathered with the other faults of the facts
    return bounded(value)


def bounded(text: str) -> str:
    """Return ``text`` trimmed.

    Raises:
        ValueError: it is too long, or holds control characters or invisible direction marks.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise ValueError(f"超过{_LONGEST}字")
    if hidden := _INVISIBLE.search(text):
        raise ValueError(f"含有不可见的控制字符（U+{ord(hidden.group()):04X}）")
    return text


# Control characters but line ends and tabs, direction marks, lone surrogates, which no UTF-8 text can hold.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _date(value: Any, _known: Field, _workflow: Workflow) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = str(value)
    try:
        read = date.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.isoformat() != text:  # fromisoformat also reads 20260302 and 2026-W10-1
        raise ValueError(f"“{value}”不是存在的日期，应写作 2026-03-02")
    return read


def _int(value: Any, _known: Field, _workflow: Workflow) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("应为整数")  # noqa: TRY004 - gathered with the other faults of the facts
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"“{value}”不是整数") from None


def _bool(value: Any, _known: Field, _workflow: Workflow) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _YES | _NO:
        raise ValueError(f"“{value}”应为“是”或“否”")
    return word in _YES


def _choice(value: Any, known: Field, _workflow: Workflow) -> str:
    return _one_of(str(value), known.choices)


def _outcome(value: Any, _known: Field, workflow: Workflow) -> str:
    return _one_of(str(value), {k: o.title for k, o in workflow.outcomes.items()})


def _channel(value: Any, _known: Field, workflow: Workflow) -> str:
    return _one_of(str(value), {k: c.title for k, c in workflow.channels.items()})


def _one_of(value: str, choices: Mapping[str, str]) -> str:
    by_title = {title: code for code, title in choices.items()}
    code = by_title.get(value, value)
    if code not in choices:
        names = "、".join(f"{c}（{t}）" for c, t in choices.items())
        raise ValueError(f"“{value}”不在可选之列：{names}")
    return code


def _list(value: Any, known: Field, workflow: Workflow) -> list[str]:
    items = value if isinstance(value, list | tuple) else str(value).replace("；", ";").split(";")
    texts = [_text(item, known, workflow) for item in items]
    return [t for t in texts if t]


def _as_given(value: Any, _known: Field, _workflow: Workflow) -> Any:
    return value


_READERS: Mapping[str, Callable[[Any, Field, Workflow], Any]] = {
    "text": _text,
    "date": _date,
    "int": _int,
    "bool": _bool,
    "choice": _choice,
    "outcome": _outcome,
    "channel": _channel,
    "list": _list,
    "case": _text,
    "file": _as_given,
    "object": _as_given,
}
