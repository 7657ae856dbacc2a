"""Every sample application on its road: what is proposed, what a person must supply, then a letter that passes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from offices import Calendar

from yishenqing.core import citing
from yishenqing.core.errors import Refused
from yishenqing.intake import read_application
from yishenqing.office import Office

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "applications"
ROWS: list[Mapping[str, Any]] = yaml.safe_load((Path(__file__).parent / "advice_samples.yaml").read_text("utf-8"))


def opened(office: Office, calendar: Calendar, row: Mapping[str, Any]) -> str:
    """Register the sample and take it along its road."""
    path = next(SAMPLES.glob(f"{row['样例']}.*"))
    received = read_application(path)
    calendar.day = max(received.arrived_on, received.confirmed_on or received.arrived_on)
    number: str = office.register(path)["number"]
    for step, facts in row["经过"]:
        office.act(number, step, facts)
    return number


def every_sentence_stands(office: Office, calendar: Calendar, number: str, outcome: str, way: str) -> None:
    """No draft cites an article outside the table, and no sentence is without a source, whatever is chosen."""
    law = office._rules().law
    for sentence in office.draft(number, outcome, {"way": way} if way else {})["sentences"]:
        assert sentence["source"], sentence
        assert sentence["from"], sentence
        assert citing.unresolved(law, sentence["text"], calendar.day) == [], sentence


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r["样例"])
def test_a_sample_is_drafted_and_passes_once_a_person_has_supplied_what_is_named(
    office: Office, calendar: Calendar, quick_letters: None, row: Mapping[str, Any]
) -> None:
    number = opened(office, calendar, row)
    found = office.draft(number)
    proposed = [".".join(filter(None, (i["outcome"], i["way"]))) for i in found["items"]]
    assert proposed == row["提出"]
    lacking = [m["field"] for m in found["missing"]] + [u["step"] for u in found["unmet"]]
    assert sorted(lacking) == sorted(row["尚缺"])
    assert (found["faults"] is None) == bool(row["尚缺"])
    for other in dict.fromkeys((c["outcome"], c["way"]) for c in found["candidates"] if c["item"] < 2):
        every_sentence_stands(office, calendar, number, *other)
    decided = {
        f"{i['item']}.{k}" if i["item"] else k: i[k] for i in found["items"] for k in ("outcome", "way") if i[k]
    }
    if not row["尚缺"]:
        with pytest.raises(Refused, match="办理结果由承办人决定"):
            office.draft(number, take=True)
    if "4.outcome" in row["补充"]:
        del decided["4.way"]
    taken = office.draft(number, facts={**decided, **row["补充"]}, take=True)
    assert (taken["missing"], taken["unmet"], taken["taken"]) == ([], [], True)
    inspected = office.inspect(number)
    assert inspected["faults"] == []
    assert [w["check"] for w in inspected["warnings"]] == row.get("提示", [])
    case = office.draft(number)
    assert not case["acts"]
    assert [s["text"] for s in case["sentences"]] == [s["text"] for s in taken["sentences"]]
    assert office.verify(number) == []


def test_each_item_rests_on_its_own_sources_and_quotes_are_nested(office: Office, calendar: Calendar) -> None:
    row = next(r for r in ROWS if r["样例"] == "05")
    found = office.draft(opened(office, calendar, row))
    told = [s for s in found["sentences"] if s["text"].startswith("理由是：")]
    assert [s["basis"] for s in told] == [[s["basis"][0]] for s in told]
    assert len({s["basis"][0] for s in told}) == 2
    assert any(s["text"].startswith("2.关于“与该批次用地有关的‘一书四方案’（") for s in found["sentences"])
