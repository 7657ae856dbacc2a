"""Every check under its id, once; and the whole inspection of a letter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from yishenqing.inspection import delivery, evidence, grounds, periods, personal, wording
from yishenqing.inspection.model import Check, Finding, Found, Inspection, Kind, Subject

CHECKS: Mapping[str, Callable[[Subject, Check], Iterator[Found]]] = {
    "late_reply": periods.late_reply,
    "late_extension": periods.late_extension,
    "start_day": periods.start_day,
    "second_supplement": periods.second_supplement,
    "late_supplement": periods.late_supplement,
    "fee_late": periods.fee_late,
    "fee_formula": periods.fee_formula,
    "fee_unreckoned": periods.fee_unreckoned,
    "search_narrow": grounds.search_narrow,
    "leads_in_request": grounds.leads_in_request,
    "right_organ": grounds.right_organ,
    "ready_data": grounds.ready_data,
    "place_told": grounds.place_told,
    "silence_misread": grounds.silence_misread,
    "subtype": grounds.subtype,
    "process_open": grounds.process_open,
    "secret_mark": grounds.secret_mark,
    "petition_nouns": grounds.petition_nouns,
    "request_is_petition": grounds.request_is_petition,
    "repeat_linked": grounds.repeat_linked,
    "answered_otherwise": grounds.answered_otherwise,
    "mass_reasons": grounds.mass_reasons,
    "special_law": grounds.special_law,
    "own_name": wording.own_name,
    "items_answered": wording.items_answered,
    "items_lumped": wording.items_lumped,
    "citation_in_force": wording.citation_in_force,
    "citation_unknown": wording.citation_unknown,
    "clause_of_outcome": wording.clause_of_outcome,
    "old_wording": wording.old_wording,
    "remedy": wording.remedy,
    "facts_equal": wording.facts_equal,
    "outcome_letter": wording.outcome_letter,
    "letter_complete": wording.letter_complete,
    "form_followed": delivery.form_followed,
    "postal": delivery.postal,
    "proxy_papers": delivery.proxy_papers,
    "joint_named": delivery.joint_named,
    "leak_identity": personal.leak_identity,
    "leak_contact": personal.leak_contact,
    "attachment_unread": personal.attachment_unread,
}
# These ask for nothing but evidence, which the procedure itself lists.
EVIDENCE_ONLY = frozenset(
    {"search_proved", "leads_checked", "severing", "third_party", "repeat_stated", evidence.REST}
)


def inspected(
    subject: Subject, inspection: Inspection, taken_as: Mapping[str, Kind | None] | None = None
) -> list[Finding]:
    """Return everything that the checks find, in the order of the data; faults and warnings together.

    ``taken_as`` says which checks the office takes as warnings, and which not at all (None).
    """
    lacking = list(evidence.missing(subject)) if subject.letter.reply else []
    scope = "reply" if subject.letter.reply else "notice"
    taken_as, findings = taken_as or {}, []
    for name, check in inspection.checks.items():
        kind = taken_as.get(name, check.kind)
        if kind is None or scope not in check.letters:
            continue
        found = [*evidence.of_check(name, check, inspection, lacking)]
        if name in CHECKS:
            found += CHECKS[name](subject, check)
        findings += [_finding(name, check, kind, one) for one in dict.fromkeys(found)]
    return findings


def _finding(name: str, check: Check, kind: Kind, found: Found) -> Finding:
    kind = kind if found.mendable else "warning"
    return Finding(name, check.title, kind, found.text, found.law or check.law, found.place, check.advice)
