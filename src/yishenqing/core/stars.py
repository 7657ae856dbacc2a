"""Show who a person is only as far as it must be: 姓某, the ends of a number, the county of an address."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yishenqing.core.masking import Span

# What the rules on who sees what may name; what ``masking`` finds is one of these.
KINDS: Mapping[str, str] = {
    "name": "姓名",
    "id": "证件号码",
    "phone": "电话",
    "email": "电子邮箱",
    "address": "地址",
    "account": "银行账号、车牌号和社交账号",
    "mail": "邮件号",
}
_AS = {"bank": "account", "plate": "account"}
_ENDS = {"id": (4, 4), "phone": (3, 4), "account": (2, 2), "mail": (2, 4)}  # characters shown at either end
_COUNTY = re.compile(r"^.*?(?:[县旗]|(?<=.)[市区](?!.*县))")
_STARS = "****"


def starred(kind: str, text: str) -> str:
    """Return a number, an address or a name with its telling part hidden."""
    plain = text.strip()
    if kind == "name":
        return f"{plain[:1]}某"
    if kind == "email":
        name, at, domain = plain.partition("@")
        return f"{name[:1]}{_STARS}{at}{domain}"
    if kind == "address":
        county = _COUNTY.match(plain)
        return f"{county[0] if county and county[0] != plain else ''}{_STARS}"
    first, last = _ENDS[kind]
    if len(plain) <= first + last:
        return "*" * len(plain)
    return f"{plain[:first]}{'*' * (len(plain) - first - last)}{plain[-last:]}"


def hidden(
    text: str,
    people: Sequence[str],
    values: Sequence[tuple[str, str]],
    kinds: Collection[str],
    aliases: Mapping[str, str],
    own: Collection[str] = (),
) -> str:
    """Return ``text`` with everything of these ``kinds`` hidden: what is known of the parties, and what has a form.

    ``people`` and ``values`` (kind and text) are the parties'; ``aliases`` say how each name is written instead;
    ``own`` are the organ's own telephone and address, which everybody may see.
    """
    from yishenqing.core import masking  # noqa: PLC0415 - its patterns are many, and most lookers may see all

    known = [("name", name) for name in people] + list(values)
    found = [span for kind, value in known for span in masking.said(text, kind, value)]
    found += [span for span in masking.numbers(text, own) if span.sure]
    out, at = [], 0
    for span in masking.apart(s for s in found if _kind(s) in kinds):
        alias = aliases.get("".join(span.text.split())) if span.kind == "name" else None
        out += [text[at : span.start], alias or starred(_kind(span), span.text)]
        at = span.end
    return "".join([*out, text[at:]])


def _kind(span: Span) -> str:
    return _AS.get(span.kind, span.kind)
