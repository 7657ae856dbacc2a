"""What a precedent is, and what a search says about one."""

from __future__ import annotations

import json

from msgspec import Struct

from yishenqing.core.errors import DataFault, Fault
from yishenqing.core.plain import plain_of, read_back
from yishenqing.core.written import Written
from yishenqing.search import Passage

# What the organ did, by the rows of table three of the annual report, in the words of that table.
OUTCOMES: dict[str, str] = {
    "granted": "予以公开",
    "partial": "部分公开",
    "denied_state_secret": "不予公开：属于国家秘密",
    "denied_law_forbidden": "不予公开：其他法律行政法规禁止公开",
    "denied_three_safety": "不予公开：危及“三安全一稳定”",
    "denied_third_party": "不予公开：保护第三方合法权益",
    "denied_internal": "不予公开：属于三类内部事务信息",
    "denied_process": "不予公开：属于四类过程性信息",
    "denied_enforcement_file": "不予公开：属于行政执法案卷",
    "denied_admin_query": "不予公开：属于行政查询事项",
    "unable_not_held": "无法提供：本机关不掌握相关政府信息",
    "unable_need_create": "无法提供：没有现成信息需要另行制作",
    "unable_unclear": "无法提供：补正后申请内容仍不明确",
    "noproc_petition": "不予处理：信访举报投诉类申请",
    "noproc_repeat": "不予处理：重复申请",
    "noproc_publication": "不予处理：要求提供公开出版物",
    "noproc_mass": "不予处理：无正当理由大量反复申请",
    "noproc_reissue": "不予处理：要求行政机关确认或重新出具已获取信息",
    "other_no_correction": "其他处理：申请人逾期不补正，不再处理",
    "other_no_payment": "其他处理：申请人逾期不缴费，不再处理",
    "other_other": "其他处理：其他",
}

_FAMILIES = {"不予公开": "denied", "无法提供": "unable", "不予处理": "noproc", "其他处理": "other"}


def outcome_code(said: str) -> str:
    """Return the code of the outcome, or of the group of outcomes, that ``said`` means: denied, 不予公开, 过程性信息.

    Raises:
        DataFault: it means none, or several of different groups.
    """
    if said in OUTCOMES or said in _FAMILIES.values():
        return said
    if said in _FAMILIES:
        return _FAMILIES[said]
    found = [code for code, title in OUTCOMES.items() if said == title] or [
        code for code, title in OUTCOMES.items() if said in title
    ]
    if len(found) == 1:
        return found[0]
    several = f"可以指{'、'.join(OUTCOMES[code] for code in found)}，请写明一种" if found else "不是办理结果"
    known = "" if found else f"，可用：{'、'.join((*_FAMILIES, *OUTCOMES.values()))}"
    raise DataFault.of([Fault(f"“{said}”{several}{known}", field="outcome")])


VERIFICATIONS = ("已核", "二手", "待核")
LEVELS = ("own", "city")  # seen in the agency alone, or by every agency of the city (province)

TEXT_FIELDS = ("title", "facts", "request", "holding", "reply")


class Precedent(Written, frozen=True, kw_only=True):
    """One decided case: what was asked, what the organ did, and what became of it.

    ``outcome`` is a key of ``OUTCOMES`` and says what the organ did (None: no answer, or no row fits);
    ``overturned`` is None while the end is unknown. ``decided_on`` is a year, a month or a day in ISO form.
    ``verification`` is one of ``VERIFICATIONS``; ``law_note`` warns of law that has changed since. ``fate`` says in
    words how it ended. ``level`` is one of ``LEVELS``; ``publisher`` is the organ that shares it. ``marks`` are
    worked out when the record is kept (``Shelf``) and said wherever it shows.
    """

    id: str
    title: str = ""
    facts: str = ""
    request: str = ""
    outcome: str | None = None
    legal_basis: tuple[str, ...] = ()
    holding: str = ""
    reply: str = ""
    overturned: bool | None = None
    decided_on: str | None = None
    source: str = ""
    topics: tuple[str, ...] = ()
    verification: str | None = None
    law_note: str | None = None
    fate: str = ""
    level: str = "own"
    publisher: str = ""
    marks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the record in the words of the contract; the additions only where they say something."""
        data = plain_of(self) | {name: list(getattr(self, name)) for name in _LISTS}
        return {k: v for k, v in data.items() if k not in _ADDED or v != _ADDED[k]}

    def dumped(self) -> str:
        """Return the record as one line of JSON."""
        return json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def loaded(cls, text: str) -> Precedent:
        """Return the record that ``dumped`` wrote.

        Raises:
            ValueError: it was changed since.
        """
        return read_back(cls, text)


_LISTS = ("legal_basis", "topics", "marks")
# What the contract does not know, with what goes without saying.
_ADDED: dict[str, object] = {
    "verification": None,
    "law_note": None,
    "fate": "",
    "level": "own",
    "publisher": "",
    "marks": [],
}


class Match(Struct, frozen=True):
    """One precedent found: a score without unit (comparable within one search only) and why, in Chinese."""

    id: str
    score: float
    title: str
    why: tuple[str, ...]
    precedent: Precedent
    passage: tuple[str, Passage]  # which part of the record, and its passage

    def as_json(self) -> dict[str, object]:
        """Return the match in the words of the contract, with the passage that says most of what was asked."""
        place, shown = self.passage
        told = {"id": self.id, "score": self.score, "title": self.title, "why": list(self.why)}
        return {**told, "passage": {"field": place, **shown.as_json()}}
