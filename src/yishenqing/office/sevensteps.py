"""七步法 as a list that fills itself: of each step what is known, what is missing, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from yishenqing.articles import article
from yishenqing.core.decide import permitted
from yishenqing.office.candidates import candidates
from yishenqing.office.casework import Row
from yishenqing.office.supplying import command

if TYPE_CHECKING:
    from datetime import date

    from yishenqing.inspection import Inspection
    from yishenqing.office.knowing import Known

DONE, OPEN, DOUBT = "done", "open", "doubt"
TITLES = {DONE: "已有结论", OPEN: "待办", DOUBT: "有疑问"}


class Step(Struct):
    """What is known of one of the seven steps, what is missing, and the commands that come next."""

    state: str = OPEN
    known: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)


class View(Struct, frozen=True, dict=True):
    """What the steps are worked out from."""

    known: Known
    inspection: Inspection
    today: date

    @property
    def number(self) -> str:
        """Return the case's number."""
        return self.known.case.row.number

    @cached_property
    def offers(self) -> frozenset[str]:
        """Return the steps that may be taken today."""
        day = max(self.today, self.known.case.standing.last_on or self.today)
        return frozenset(p.step for p in permitted(self.known.case.standing, day, day))

    def taken(self, step: str) -> Mapping[str, Any] | None:
        """Return the facts of the latest ``step``, opened; None where it was not taken."""
        return self.known.story.latest(step)

    def place(self, step: str) -> str:
        """Return where the latest entry of ``step`` stands."""
        seq = next((e.seq for e in reversed(self.known.case.entries) if e.step == step), 0)
        return f"案卷第{seq}条记录"

    def can(self, step: str, facts: Mapping[str, Any] | None = None) -> Iterator[str]:
        """Yield the command that takes ``step``, if it may be taken today."""
        if step in self.offers:
            yield command(self.number, step, self.known.case.workflow.steps[step], facts)


def seven_steps(view: View) -> list[Row]:
    """Return the seven steps in order, as far as the case's own procedure has them."""
    rows = []
    for name, question in view.known.advice.seven.items():
        step = _STEPS[name](view)
        if step.missing and step.state == OPEN and step.known and name != "answer":
            step.state = DOUBT
        rows.append(
            {
                "step": name,
                "title": question.title,
                "asks": question.asks,
                "law": question.law,
                "state": step.state,
                "state_title": TITLES[step.state],
                "known": step.known,
                "missing": step.missing,
                "next": step.next,
            }
        )
    return rows


def _supplement(view: View) -> Step:
    found, story = Step(), view.known.story
    found.known += [f"登记时的提示：{w['text']}（{w['law']}）" for w in story.received.get("warnings") or ()]
    for item in view.known.items:
        if item.vague:
            found.known.append(f"第{item.n}项用词可能不明确：{'、'.join(item.vague)}")
    if told := view.taken("supplement_requested"):
        found.known.append(f"已告知补正，最后一日{told.get('until')}（{view.place('supplement_requested')}）")
    for step, text in (("supplement_received", "已收到补正材料"), ("supplement_lapsed", "已认定逾期未补正")):
        if view.taken(step) is not None:
            found.known.append(f"{text}（{view.place(step)}）")
    waiting = view.known.case.standing.state == "awaiting_supplement"
    if waiting:
        found.missing.append("等待申请人补正")
        found.next += [*view.can("supplement_received"), *view.can("supplement_lapsed")]
    elif _accepted(view):
        found.state = DONE
    else:
        due = view.known.case.standing.deadlines(view.today).get("supplement_notice")
        until = f"，最迟{due.due}" if due and due.state == "running" else ""
        found.missing.append(f"审核内容、身份、联系方式是否齐备；需要补正的一次性告知{until}")
        vague = [i for i in view.known.items if i.vague]
        found.next += [*view.can("acknowledged"), *view.can("receipt_confirmed"), *view.can("written_down")]
        if vague and story.latest("supplement_requested") is None:
            words = "、".join(w for i in vague for w in i.vague)
            found.next += view.can(
                "supplement_requested", {"defects": [f"“{words}”没有指明具体的文件名称、文号或者其他特征"]}
            )
        found.next += view.can("accepted")
    return found


def _nature(view: View) -> Step:
    found = Step()
    for item in view.known.items:
        best = item.sorted[0]
        words = f"：{'、'.join(best.matched)}" if best.matched else ""
        found.known.append(f"第{item.n}项像是{best.title}（{best.law}）{words}")
        for other in item.sorted[1:]:
            if other.kind != "application" and other.score:
                found.known.append(f"　也有{other.title}的字样：{'、'.join(other.matched)}（{other.law}）")
        if best.kind != "application":
            found.state = DOUBT
            found.missing.append(f"第{item.n}项：{best.advice}")
    found.known += list(_repeats(view))
    person = view.known.recognised.get("same_person") or {}
    if person.get("count"):
        text = f"同一申请人近{person['within_months']}个月另有{person['count']}件申请"
        found.known.append(f"{text}；数量、频次明显超过合理范围的，可以要求说明理由（{article('excessive')}）")
        found.next += view.can("reasons_requested")
    if found.state == OPEN and _accepted(view):
        found.state = DONE
    return found


def _accepted(view: View) -> bool:
    return any(view.taken(s) is not None for s in ("accepted", "supplement_lapsed", "answered_on_spot"))


def _repeats(view: View) -> Iterator[str]:
    for item in view.known.items:
        for earlier in item.alike:
            who = "同一申请人" if earlier["same_person"] else "其他申请人"
            how = "相同" if earlier["exact"] else f"相近（{earlier['score']:.0%}）"
            fate = (
                f"{earlier['replied_on']}已答复“{earlier['finding_title']}”"
                if earlier.get("answered")
                else "尚未答复"
            )
            yield f"第{item.n}项与{earlier['number']}案第{earlier['earlier_item']}项内容{how}，{who}，{fate}"


def _duty(view: View) -> Step:
    found = Step()
    for item in view.known.items:
        for route in item.routes[:1]:
            who = f"由{route['organ']}负责公开" if route["organ"] else f"由本机关{route['department']}承办"
            found.known.append(f"第{item.n}项　分办表：{route['topic']}·{route['stage']}{who}（{route['law']}）")
            if route["organ"]:
                found.missing.append(
                    f"第{item.n}项：核对是否由本机关负责公开；不是的，告知{route['organ']}及联系方式"
                )
    if accepted := (view.taken("reassigned") or view.taken("accepted")):
        found.known.append(f"承办：{accepted.get('handler')}（{view.place('accepted')}）")
        found.state = DOUBT if found.missing else DONE
    else:
        found.missing.append("尚未分办")
        departments = [r["department"] for i in view.known.items for r in i.routes if r["department"]]
        found.next += view.can("accepted", {"handler": departments[0]} if departments else {})
    for one in view.known.case.standing.beside:
        if one.kind == "organ":
            state = view.known.case.workflow.sides["organ"].states[one.state]
            found.known.append(f"征求其他机关意见：{state.title}")
            if not state.final:
                found.missing.append("等待其他机关意见")
    return found


def _held(view: View) -> Step:
    found, searches = Step(), view.known.story.all("search_recorded")
    for search in searches:
        said = f"{'、'.join(search['systems'])}；检索词{'、'.join(search['keywords'])}；{search['result']}"
        found.known.append(f"已检索：{said}（{view.place('search_recorded')}）")
    for item in view.known.items:
        for holding in item.holdings[:2]:
            place = f"，公开于{holding['place']}" if holding["place"] else ""
            title = f"《{holding['title']}》{holding['number']}"
            found.known.append(
                f"第{item.n}项　登记簿第{holding['id']}号{title}（{holding['attribute_title']}）{place}"
            )
    leads = [str(x) for x in view.known.story.received.get("leads") or ()]
    checked = {str(n).strip() for s in searches for n in s.get("leads") or ()}
    found.missing += [f"线索第{n}条“{lead}”尚未核查" for n, lead in enumerate(leads, 1) if str(n) not in checked]
    wanted, systems = view.known.case.standing.figure("search_sources"), {x for s in searches for x in s["systems"]}
    if not searches:
        found.missing.append("尚未记录检索情况")
    elif len(systems) < wanted:
        found.missing.append(f"答复信息不存在的，检索范围至少{wanted}处，现有{len(systems)}处")
    if searches and not found.missing:
        found.state = DONE
        return found
    facts = {"keywords": _keywords(view), **({"leads": [str(n) for n in range(1, len(leads) + 1)]} if leads else {})}
    found.next += view.can("search_recorded", {k: v for k, v in facts.items() if v})
    return found


def _keywords(view: View) -> list[str]:
    from yishenqing.office.knowing import leads_of

    given = [str(x) for x in view.known.story.received.get("leads") or ()]
    return list(
        dict.fromkeys((*given, *(x for i in view.known.items for x in leads_of(i.text, (), view.inspection))))
    )


def _release(view: View) -> Step:
    found, most = Step(), view.known.advice.figures["cases"]
    several = len(view.known.items) > 1
    for item in view.known.items:
        place = f"第{item.n}项　" if several else ""
        for one in candidates(view.known, item):
            found.known.append(f"{place}{one.title}（{'、'.join(one.law)}）：{'；'.join(h.why for h in one.hints)}")
            row = one.as_json(most)
            found.known += [
                f"　［{p['bearing']}］{p['id']} {p['title']}（{p['fate']}）" for p in (*row["for"], *row["against"])
            ]
            if row["risk"]["corrected"]:
                found.known.append(f"　！{row['risk']['text']}")
    for aside in view.known.case.standing.beside:
        if aside.kind in ("third_party", "secrecy_ruling"):
            side = view.known.case.workflow.sides[aside.kind]
            found.known.append(f"{side.title}：{side.states[aside.state].title}")
            if not side.states[aside.state].final:
                found.missing.append(f"{side.title}尚未结束")
    if view.taken("drafted"):
        found.state = DOUBT if found.missing else DONE
        return found
    found.missing.append("尚未确定办理结果")
    found.next.append(f"ysq draft {view.number}")
    likely = {c.outcome for i in view.known.items for c in candidates(view.known, i)}
    if "denied_third_party" in likely and view.taken("third_party_consulted") is None:
        found.next += view.can("third_party_consulted")
    return found


def _manner(view: View) -> Step:
    from yishenqing.advice import needs_help

    found, received = Step(), view.known.story.received
    fields = view.known.case.workflow.steps[view.known.case.workflow.opening].fields
    form, delivery = fields["preferred_form"].choices, fields["delivery"].choices
    wish = f"{form[received['preferred_form']]}，{delivery[received['delivery']]}"
    found.known.append(
        f"申请人要求：{wish}（{article('form_of_supply')}，{view.place(view.known.case.workflow.opening)}）"
    )
    if words := needs_help(view.known.advice, view.known.request):
        found.known.append(f"申请人可能需要帮助：{'、'.join(words)}（{article('help')}）")
    applicant = received.get("applicant")
    if isinstance(applicant, dict):
        lacking = {"mail": "address", "email": "email"}.get(str(received["delivery"]), "")
        if lacking and not applicant.get(lacking):
            found.missing.append(f"申请人没有留下{'地址' if lacking == 'address' else '邮箱'}，无法按要求的方式送达")
    for one in view.known.case.standing.beside:
        if one.kind == "fee":
            found.known.append(f"信息处理费：{view.known.case.workflow.sides['fee'].states[one.state].title}")
    if drafted := view.taken("drafted"):
        if drafted.get("severing"):
            found.known.append(f"区分处理的考虑：{drafted['severing']}（{view.place('drafted')}）")
        found.state = DOUBT if found.missing else DONE
    else:
        found.missing.append(f"含有不应公开的内容的，考虑能否区分处理（{article('severing')}）")
    return found


def _answer(view: View) -> Step:
    found, case = Step(), view.known.case
    due = case.standing.deadlines(view.today).get("reply")
    if due is not None:
        left = case.standing.workdays.left(due.due)
        days = f"还剩{left}个工作日" if left >= 0 else f"已超{-left}个工作日"
        state = {"met": "已履行", "closed": "已终止"}.get(due.state, days)
        found.known.append(
            f"答复期限{due.due}{'（暂定）' if due.provisional else ''}，{state}（{article('reply_period')}）"
        )
    if outcome := case.outcome:
        found.known.append(f"办理结果：{case.workflow.outcomes[outcome].title}")
    if case.standing.last("replied") is not None:
        found.state = DONE
        return found
    found.next.append(f"ysq draft {view.number}" if not view.taken("drafted") else f"ysq inspect {view.number}")
    for step in _ONWARD:
        found.next += view.can(step)
    if not view.taken("drafted"):
        found.missing.append("尚未拟制答复")
    return found


_ONWARD = ("reviewed", "secrecy_reviewed", "signed", "replied", "delivered", "archived")
_STEPS: Mapping[str, Callable[[View], Step]] = {
    "supplement": _supplement,
    "nature": _nature,
    "duty": _duty,
    "held": _held,
    "release": _release,
    "manner": _manner,
    "answer": _answer,
}
