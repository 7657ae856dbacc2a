"""The inspection before issue, by a table that lawyers can read: each planted fault is named, a sound case is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace
from offices import APPLICATION, USER

from yishenqing.almanac import workdays
from yishenqing.core.deadline import as_date
from yishenqing.core.facts import shaped
from yishenqing.core.ledger import Entry, append, canonical
from yishenqing.inspection import Alike, Earlier, Finding, Paper, inspected, read_inspection
from yishenqing.intake.attachments import read_attachments
from yishenqing.letters import Letterbook, Passage
from yishenqing.office.acting import Act, Registry, letter_kind
from yishenqing.office.casework import Casework, Practice
from yishenqing.office.inspecting import Around, Inspector, Issuing
from yishenqing.rulebook import Rulebook, read_rulebook
from yishenqing.settings import Settings, read_settings
from yishenqing.shipped import shipped
from yishenqing.store.ledger import CaseRow
from yishenqing.store.vault import Papers

TABLE = yaml.safe_load((Path(__file__).parent / "inspection.yaml").read_text(encoding="utf-8"))
Row = Mapping[str, Any]
_OPENED: list[dict[str, Any]] = [
    {"步骤": "acknowledged", "日期": "2026-03-02"},
    {"步骤": "accepted", "日期": "2026-03-04", "handler": "征地管理科"},
]
# Asked for by the procedure when it is drafted; here only the rest of the evidence.
NOT_PLANTED: set[str] = set()
NUMBER = "云自然资依申请告〔2026〕1号"


class Said(Letterbook):
    """A letter book some of whose words somebody has changed."""

    def __init__(self, folders: Sequence[Path], changed: Mapping[str, str]) -> None:
        super().__init__(folders)
        self._changed = changed

    def passages(self, kind: str, context: Mapping[str, Any]) -> list[Passage]:
        found = super().passages(kind, context)
        for old, new in self._changed.items():
            assert any(old in p.text for p in found), old
            found = [Passage(p.text.replace(old, new), p.source, p.paragraph) for p in found]
        return found


@pytest.fixture(scope="module")
def rules() -> Rulebook:
    return read_rulebook()


@pytest.fixture
def settings(template: Path) -> Settings:
    return read_settings(template)


def recorded(row: Row) -> list[dict[str, Any]]:
    """Return the entries of a row of the table after the application, in the order of their days."""
    told = [dict(x) for x in TABLE["案情"][row["案情"]]]
    told = [*(_OPENED if told[0]["步骤"] != "acknowledged" else []), *told]
    told = [x for x in told if x["步骤"] not in row.get("删", ())]
    for step, changes in row.get("改", {}).items():
        found = [x for x in told if x["步骤"] == step]
        assert found, step
        found[-1].update(changes)
    for more in row.get("加", ()):
        place = next(n for n, x in enumerate(told) if str(x["日期"]) > str(more["日期"]))
        told.insert(place, dict(more))
    return told


def facts_of(rules: Rulebook, told: Row) -> dict[str, Any]:
    step = rules.workflow.steps[told["步骤"]]
    raw = {k: v for k, v in told.items() if k not in ("步骤", "日期") and v is not None}
    return shaped(rules.workflow, step, {k: v.isoformat() if isinstance(v, date) else v for k, v in raw.items()})


def received(rules: Rulebook, changes: Row) -> dict[str, Any]:
    applicant = {**APPLICATION["applicant"], "agent": changes.get("agent")}
    raw = {
        "channel": changes.get("channel", "in_person"),
        "applicant_kind": "natural",
        "applicant": applicant,
        "items": changes.get("items", APPLICATION["items"]),
        "leads": changes.get("leads", []),
        "preferred_form": "paper",
        "delivery": "mail",
        "joint_applicants": [{"name": n} for n in changes.get("joint", [])],
    }
    return shaped(rules.workflow, rules.workflow.steps["received"], raw)


def entries(rules: Rulebook, rows: Sequence[tuple[str, Any, Mapping[str, Any]]]) -> list[Entry]:
    found: list[Entry] = []
    for step, on, facts in rows:
        last = found[-1] if found else None
        found.append(
            append(
                last, agency="a", number="2026-0001", rulebook="r", on=as_date(str(on)) or date.min,
                recorded_at="2026-03-02T00:00:00.000000Z", actor=USER, step=step, rehearsal=True,
                payload=canonical(facts),
            )
        )  # fmt: skip
    return found


def findings(rules: Rulebook, settings: Settings, home: Path, row: Row) -> list[Finding]:
    """Return what the inspection finds in a row of the table."""
    issue = {"日期": "2026-03-23", "步骤": "signed", **row.get("签发", {})}
    on = as_date(str(issue["日期"])) or date.min
    known = [("received", "2026-03-02", received(rules, row.get("申请", {})))]
    told = [x for x in recorded(row) if str(x["日期"]) <= on.isoformat()]
    known += [(x["步骤"], x["日期"], facts_of(rules, x)) for x in told]
    practice = Practice("a", workdays(date(2026, 11, 21)))

    def case(rows: Sequence[tuple[str, Any, Mapping[str, Any]]]) -> Casework:
        made = entries(rules, rows)
        head = CaseRow("a", "2026-0001", "r", date(2026, 3, 2), "", None, len(made), made[-1].hash)
        return practice.casework(head, made, rules)

    before, facts = case(known), facts_of(rules, issue)
    act = Act(str(issue["步骤"]), on, USER, {}, facts, "", rehearsal=True)
    book = Said([shipped("letters")], row.get("换", {}))
    registry = Registry(settings, lambda: book, Papers(home), lambda: rules.law, lambda: read_attachments(None))
    step = rules.workflow.steps[act.step]
    kind = row.get("文书") or letter_kind(before, step, facts)
    later = [(x["步骤"], x["日期"], facts_of(rules, x)) for x in row.get("此后", ())]
    whole = case([*known, (act.step, on, facts), *later]) if later else None
    inspector = Inspector(home, settings, registry, book, Papers(home))
    earlier = [
        Earlier(**{"reply": True, "same_applicant": True, "delivered": True, "items": (), **x})
        for x in row.get("先前", ())
    ]
    alike = [Alike(**x) for x in row.get("相近", ())]
    issuing = Issuing(before, act, facts, book.kind(kind), NUMBER, whole)
    inspection, _ = inspector._checks()
    subject = inspector._subject(issuing, lambda f: f, Around({}, earlier, alike), strict=False)
    papers = [Paper(n, t) for n, t in row.get("附件", {}).items()]
    return inspected(replace(subject, papers=papers), inspection)


@pytest.mark.parametrize("row", TABLE["没有错误"], ids=lambda r: r["案情"])
def test_a_sound_case_passes(rules: Rulebook, settings: Settings, tmp_path: Path, row: Row) -> None:
    assert [str(f) for f in findings(rules, settings, tmp_path, row)] == []


@pytest.mark.parametrize("row", TABLE["错误"], ids=lambda r: r["说明"])
def test_a_planted_fault_is_named_with_its_place_and_article(
    rules: Rulebook, settings: Settings, tmp_path: Path, row: Row
) -> None:
    found = findings(rules, settings, tmp_path, row)
    wanted = [tuple(x) for x in row["结果"]]
    told = [(f.check, f.kind, f.place, f.law) for f in found]
    assert [(c, k, w[2] if p.startswith(w[2]) else p, a) for (c, k, p, a), w in zip(told, wanted, strict=False)] == (
        wanted
    ), told
    assert len(told) == len(wanted), [str(f) for f in found]
    assert all(f.text and f.advice for f in found)


def test_each_of_the_27_common_faults_is_planted() -> None:
    planted = {int(row["说明"].split()[0]) for row in TABLE["错误"]}
    assert planted == set(range(1, 28))


def test_every_check_is_planted_at_least_once() -> None:
    planted = {x[0] for row in TABLE["错误"] for x in row["结果"]}
    assert read_inspection(None).checks.keys() - planted == NOT_PLANTED
