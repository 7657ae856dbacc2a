"""What leaves for other systems, as data: the vocabulary of events, and how a receiver names things."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.core.written import Written
from yishenqing.remembered import remembered
from yishenqing.shipped import layered

if TYPE_CHECKING:
    from yishenqing.documents import Document

FOLDER = "exchange"
_EVENTS = "events"
# What a receiver may be told of a case. The closed list: the data name nothing else.
PERSONAL: Mapping[str, str] = {
    "applicant.name": "申请人姓名或者名称",
    "applicant.id_type": "证件类型",
    "applicant.id_number": "证件号码",
    "applicant.phone": "电话",
    "applicant.email": "电子邮箱",
    "applicant.address": "通信地址",
    "applicant.postcode": "邮政编码",
    "request": "申请内容",
    "reply_text": "答复全文",
}
SOURCES: Mapping[str, str] = {
    **PERSONAL,
    "number": "案件编号",
    "agency": "机关代码",
    "agency_name": "机关名称",
    "workflow": "流程",
    "received_on": "收到申请之日",
    "channel": "申请渠道",
    "applicant.kind": "申请人类型",
    "stage": "办理阶段",
    "state": "办理状态",
    "outcome": "办理结果",
    "replied_on": "答复之日",
    "delivered_on": "送达之日",
    "archived_on": "归档之日",
    "reply_number": "答复文书编号",
    "reply_title": "答复文书名称",
    "reply_sha256": "答复文书的 SHA-256",
    "due": "答复期限届满之日",
}
_IN_PLACE = {"length", "sha256"}


class Kind(Written, frozen=True):
    """A kind of event: which entries of a ledger are one."""

    title: str
    opening: bool = False
    correcting: bool = False
    moving: bool = False
    stage: bool = False
    final: bool = False
    steps: tuple[str, ...] = ()


class Vocabulary(Written, frozen=True):
    """The kinds of events, and the figures of sending. Every figure is data."""

    title: str
    events: Mapping[str, Kind]
    batch: int
    lease_seconds: int
    first_pause_seconds: int
    longest_pause_seconds: int
    attempts: int

    def kinds(self, step: str, marks: frozenset[str]) -> list[str]:
        """Return the kinds that an entry is: by its step, and by what it is to its case (``marks``)."""
        return [
            name
            for name, kind in self.events.items()
            if step in kind.steps or any(getattr(kind, mark) for mark in marks)
        ]


class Column(Written, frozen=True):
    """One field of a receiver: where it comes from, what it is called there, how long it may be."""

    title: str
    of: str = ""
    value: str = ""
    through: str = ""
    limit: int = 0
    instead: str = ""
    required: bool = False
    personal: bool = False


class Mapped(Written, frozen=True):
    """How a receiver names the fields of a case and what stands in them."""

    title: str
    key: str
    fields: Mapping[str, Column]
    batch: int = 0
    events: tuple[str, ...] = ()
    linked: bool = False  # cases that hang on another (复议, 诉讼, 投诉) are told as cases too
    vocabulary: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_vocabulary(home: Path | None) -> Vocabulary:
    """Return the office's vocabulary of events, or the shipped one.

    Raises:
        DataFault: the file has faults; all of them, with lines.
    """
    return remembered(Vocabulary, _path(_EVENTS, home), home, _read_vocabulary)


def read_mapping(name: str, home: Path | None) -> Mapped:
    """Return the mapping called ``name``, the office's own before a shipped one.

    Raises:
        NotFound: there is none of that name.
        DataFault: the file has faults; all of them, with lines.
    """
    return remembered(Mapped, _path(name, home), home, _read_mapping)


def _path(name: str, home: Path | None) -> Path:
    folders = [folder / FOLDER for folder in layered("workflows", home)]
    found = next((p for f in folders if (p := f / f"{name}.yaml").is_file()), None)
    if found is None:
        known = sorted({p.stem for f in folders for p in f.glob("*.yaml")} - {_EVENTS})
        raise NotFound(f"没有字段对应表“{name}”（workflows/{FOLDER}/{name}.yaml）；现有：{'、'.join(known)}。")
    return found


def _read_vocabulary(path: Path) -> Vocabulary:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    found = validated(TypeAdapter(Vocabulary), document)
    figures = ("batch", "lease_seconds", "first_pause_seconds", "longest_pause_seconds", "attempts")
    if faults := [document.fault("不能小于1", (name,)) for name in figures if getattr(found, name) < 1]:
        raise DataFault.of(faults)
    return found


def _read_mapping(path: Path) -> Mapped:
    from pydantic import TypeAdapter

    from yishenqing.documents import read, validated

    document = read(path)
    found = validated(TypeAdapter(Mapped), document)
    if faults := list(_faults(found, document)):
        raise DataFault.of(faults)
    return found


def _faults(mapping: Mapped, document: Document) -> Iterator[Fault]:
    if mapping.key not in mapping.fields or mapping.fields[mapping.key].of != "number":
        yield document.fault("应为取案件编号（of: number）的一栏", ("key",))
    if mapping.batch < 0:
        yield document.fault("不能小于0", ("batch",))
    for name, column in mapping.fields.items():
        place = ("fields", name)
        if bool(column.of) == bool(column.value):
            yield document.fault("of（取自案件）和 value（固定的值）写一项，也只能写一项", place)
        elif column.of and column.of not in SOURCES:
            yield document.fault(f"没有“{column.of}”这一项；可以取：{'、'.join(SOURCES)}", (*place, "of"))
        if column.through and column.through not in mapping.vocabulary:
            yield document.fault(f"没有词表“{column.through}”", (*place, "through"))
        if column.limit < 0 or (column.instead and not column.limit):
            yield document.fault("长度上限应大于0；写了 instead 的须写 limit", (*place, "limit"))
        if column.personal and column.of not in PERSONAL:
            yield document.fault("这一项不是个人信息，不必写", (*place, "personal"))
        if not _fits(column.instead):
            yield document.fault("只能使用{length}和{sha256}", (*place, "instead"))


def _fits(pattern: str) -> bool:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None} <= _IN_PLACE
    except ValueError:
        return False
