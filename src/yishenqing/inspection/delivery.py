"""Checks of how it is given and to whom: the form asked for, the post, the agent's papers, all joint applicants."""

from __future__ import annotations

from collections.abc import Iterator

from yishenqing.inspection.leads import plain
from yishenqing.inspection.model import Check, Found, Subject
from yishenqing.inspection.places import in_case, in_letter

_SENT, _DRAFTED, _MAIL = ("replied", "resent"), "drafted", "mail"
# How what the applicant chose is called where it is sent.
_MEANT = {"mail": "mail", "in_person": "in_person", "email": "electronic", "online": "electronic"}


def form_followed(subject: Subject, _check: Check) -> Iterator[Found]:
    """The form and the way that the applicant asked for (条例第四十条)."""
    fields = subject.standing.workflow.steps[subject.told[0].step].fields
    if "delivery" not in fields:
        return
    asked = str(subject.received.get("delivery") or "")
    title = fields["delivery"].choices.get(asked, asked)
    for n, told in subject.numbered(_DRAFTED)[-1:]:
        method = str(told.facts.get("method") or "")
        if method and title not in method and method != asked:
            yield Found(f"申请人要求“{title}”，拟以“{method}”提供", in_case(subject, n))
    inspection = str(subject.received.get("preferred_form") or "") == "inspection"
    for n, told in [x for step in _SENT for x in subject.numbered(step)]:
        method = str(told.facts.get("method") or "")
        if method != _MEANT.get(asked, method) and not (inspection and method == "inspection"):
            known = subject.standing.workflow.steps[told.step].fields["method"].choices
            yield Found(f"申请人要求“{title}”，以“{known.get(method, method)}”发出", in_case(subject, n))


def postal(subject: Subject, check: Check) -> Iterator[Found]:
    """Through the postal enterprise, with the number of the item (国办公开办函〔2016〕235号, 邮政法第五十五条)."""
    for n, told in [x for step in _SENT for x in subject.numbered(step)]:
        if told.facts.get("method") != _MAIL:
            continue
        tracking = str(told.facts.get("tracking") or "")
        couriers = [w for w in check.words.get("couriers", ()) if w in tracking]
        number = plain(tracking).upper()
        couriers += [p for p in check.words.get("prefixes", ()) if number.startswith(p) and not _postal(number)]
        if couriers:
            yield Found(f"邮件号“{tracking}”是快递企业（{couriers[0]}）的", in_case(subject, n), mendable=False)
        elif not tracking:
            yield Found("邮寄而没有记明邮件号", in_case(subject, n), mendable=False)


def _postal(number: str) -> bool:
    """Tell whether the number is built as the Universal Postal Union has it: two letters, digits, the country."""
    return number.endswith("CN") and number[2:-2].isdigit()


def proxy_papers(subject: Subject, _check: Check) -> Iterator[Found]:
    """A power of attorney and the identity of both."""
    applicant = subject.received.get("applicant")
    agent = applicant.get("agent") if isinstance(applicant, dict) else None
    if not isinstance(applicant, dict) or not agent:
        return
    lacking = [] if agent.get("authority") else ["授权委托书"]
    lacking += [] if agent.get("id_number") else ["代理人的身份证明"]
    lacking += [] if applicant.get("id_number") else ["委托人的身份证明"]
    if lacking:
        yield Found(f"代理人{agent.get('name')}：没有{'、'.join(lacking)}", in_case(subject, 1))


def joint_named(subject: Subject, _check: Check) -> Iterator[Found]:
    """Everybody who applied together is addressed."""
    others = subject.received.get("joint_applicants")
    if not isinstance(others, list) or not subject.letter.sentences or not subject.letter.to_applicant:
        return
    salutation = subject.letter.sentences[0]
    for other in others:
        if str(other.get("name")) not in salutation.text:
            yield Found(f"称谓中没有共同申请人“{other.get('name')}”", in_letter(subject, salutation))
