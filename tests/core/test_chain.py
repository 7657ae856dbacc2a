"""A ledger that was touched says where; a sealed value that was swapped does not hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yishenqing.core.ledger import (
    Entry,
    Sealed,
    append,
    canonical,
    chain_faults,
    digest,
    genesis,
    instant,
    is_placeholder,
    opened,
    placeholder,
    placeholders,
    read_facts,
    seal,
    sm3_digest,
)

CASE = ("云溪县自然资源局", "〔2026〕1号", "rulebook-digest")
TEXTS = st.text(max_size=12)
PLAIN = st.none() | st.booleans() | st.integers() | TEXTS
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))
SEALED = st.builds(seal, VALUES, TEXTS)


def chain(count: int, rehearsal: bool = False) -> list[Entry]:  # noqa: FBT001, FBT002
    entries: list[Entry] = []
    for n in range(count):
        entries.append(
            append(
                entries[-1] if entries else None,
                agency=CASE[0],
                number=CASE[1],
                rulebook=CASE[2],
                on=date(2026, 3, 2) + timedelta(days=n),
                recorded_at=f"2026-03-{n + 2:02}T01:00:00.000000Z",
                actor=f"经办人{n}",
                step="received" if n == 0 else "search_recorded",
                rehearsal=rehearsal,
                payload=canonical({"n": n}),
            )
        )
    return entries


def named(entries: list[Entry]) -> list[str]:
    return [fault.field for fault in chain_faults(entries, *CASE)]


ENTRIES = chain(6)
PLACES = st.integers(0, len(ENTRIES) - 1)
TOUCHED: dict[str, Callable[[Any], Any]] = {
    "on": lambda on: on + timedelta(days=1),
    "seq": lambda seq: seq + 7,
    "rehearsal": lambda rehearsal: not rehearsal,
    "prev": digest,
    "hash": digest,
}


def test_an_untouched_chain_has_no_fault() -> None:
    assert chain_faults(ENTRIES, *CASE) == []
    assert chain_faults([], *CASE) == []
    assert [e.seq for e in ENTRIES] == [1, 2, 3, 4, 5, 6]
    assert ENTRIES[0].prev == genesis(*CASE)
    assert all(e.computed_hash() == e.hash for e in ENTRIES)


@pytest.mark.parametrize("field", Entry._fields)
@pytest.mark.parametrize("place", range(len(ENTRIES)))
def test_every_change_of_every_field_is_found_and_named(field: str, place: int) -> None:
    old = ENTRIES[place]
    touch = TOUCHED.get(field, lambda text: text + " ")
    forged = old._replace(**{field: touch(getattr(old, field))})
    faults = chain_faults([*ENTRIES[:place], forged, *ENTRIES[place + 1 :]], *CASE)
    assert faults[0].field == f"entries.{forged.seq}"
    assert f"{CASE[1]} 第{forged.seq}条记录" in faults[0].text


@given(PLACES, TEXTS)
def test_a_change_with_a_new_hash_breaks_the_next_link(place: int, actor: str) -> None:
    assume(actor != ENTRIES[place].actor)
    forged = ENTRIES[place]._replace(actor=actor)
    forged = forged._replace(hash=forged.computed_hash())
    faults = named([*ENTRIES[:place], forged, *ENTRIES[place + 1 :]])
    # Only a new head escapes the chain itself: that is why the head is kept apart, in the case's row.
    assert faults == ([f"entries.{place + 2}"] if place + 1 < len(ENTRIES) else [])
    assert forged.hash != ENTRIES[place].hash


@given(st.integers(0, len(ENTRIES) - 2))
def test_a_deleted_entry_is_found_at_the_one_behind_it(place: int) -> None:
    assert named([*ENTRIES[:place], *ENTRIES[place + 1 :]]) == [f"entries.{place + 2}"]


@given(PLACES, PLACES)
def test_an_inserted_entry_is_found(place: int, source: int) -> None:
    assert named([*ENTRIES[:place], ENTRIES[source], *ENTRIES[place:]])


@settings(max_examples=200)
@given(st.permutations(ENTRIES))
def test_any_other_order_is_found(order: list[Entry]) -> None:
    first = next((i for i, (a, b) in enumerate(zip(order, ENTRIES, strict=True)) if a is not b), None)
    assert named(order) == ([] if first is None else [f"entries.{order[first].seq}"])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_entries_of_another_case_or_under_other_rules_do_not_fit(place: int) -> None:
    other = [*CASE]
    other[place] += "2"
    agency, number, rulebook = other
    assert chain_faults(ENTRIES, agency, number, rulebook)[0].field == "entries.1"


def test_a_rehearsal_stays_a_rehearsal() -> None:
    rehearsed = chain(3, rehearsal=True)
    assert chain_faults(rehearsed, *CASE) == []
    assert chain_faults([e._replace(rehearsal=False) for e in rehearsed], *CASE)


def test_an_entry_as_exported_can_be_read_back_whole() -> None:
    entry = ENTRIES[2]
    exported = json.loads(json.dumps(entry.as_json()))
    assert Entry(**{**exported, "on": date.fromisoformat(exported["on"])}) == entry
    assert entry.facts == {"n": 2}


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_no_two_ways_to_cut_a_text_give_one_digest(parts: list[str], others: list[str]) -> None:
    assert (digest(*parts) == digest(*others)) == (parts == others)


@settings(max_examples=200)
@given(VALUES)
def test_canonical_json_is_stable(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    assert "\n" not in text


@given(st.dictionaries(TEXTS, PLAIN, min_size=2, max_size=6), st.randoms())
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, Any], chance: Any) -> None:
    keys = list(value)
    chance.shuffle(keys)
    assert canonical({k: value[k] for k in keys}) == canonical(value)


def test_canonical_json_writes_dates_and_chinese_plainly() -> None:
    assert canonical({"乙": date(2026, 3, 2), "a": [1, True, None]}) == '{"a":[1,true,null],"乙":"2026-03-02"}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"x", object()])
def test_what_is_no_json_cannot_stand_in_an_entry(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical({"value": value})


@pytest.mark.parametrize("hours", [0, 8, -5])
def test_a_recording_time_is_utc_whatever_the_office_s_zone(hours: int) -> None:
    moment = datetime(2026, 3, 2, 1, 2, 3, 4, tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    assert instant(moment) == "2026-03-02T01:02:03.000004Z"


@settings(max_examples=200)
@given(VALUES, TEXTS, VALUES, TEXTS)
def test_a_seal_holds_for_its_own_value_and_salt_only(value: Any, salt: str, other: Any, other_salt: str) -> None:
    sealed = seal(value, salt)
    assert sealed.holds()
    assert json.loads(sealed.value) == value
    assert Sealed(sealed.digest, salt, canonical(other)).holds() == (canonical(other) == sealed.value)
    assert Sealed(sealed.digest, other_salt, sealed.value).holds() == (other_salt == salt)


@settings(max_examples=80)
@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.lists(SEALED, max_size=4))
def test_what_was_sealed_comes_back_in_its_place(facts: dict[str, Any], found: list[Sealed]) -> None:
    assume(not is_placeholder(facts) and not list(placeholders(facts)))
    store = {s.digest: json.loads(s.value) for s in found}
    entry = {"明": facts, "密": [placeholder(s) for s in found]}
    assert list(placeholders(entry)) == [s.digest for s in found]
    assert all(is_placeholder(p) for p in entry["密"])
    assert opened(entry, store.__getitem__) == {"明": facts, "密": [json.loads(s.value) for s in found]}


@pytest.mark.parametrize("value", ["sealed", {"sealed": "x", "more": 1}, {}, None, ["sealed"]])
def test_what_only_looks_like_a_placeholder_is_none(value: object) -> None:
    assert not is_placeholder(value)
    assert list(placeholders(value)) == []


def test_many_entries_are_read_at_once_and_what_is_broken_says_so_itself() -> None:
    entries = chain(3)
    read_facts(entries)
    assert [e.__dict__["facts"] for e in entries] == [{"n": 0}, {"n": 1}, {"n": 2}]
    for broken in ('{"n": ', '{"n":1},{"n":2}'):
        harmed = [chain(1)[0], chain(2)[1]._replace(payload=broken)]
        read_facts(harmed)
        assert harmed[0].facts == {"n": 0}
        with pytest.raises(ValueError, match=r"JSON|Expecting"):
            assert harmed[1].facts


JSON_TEXTS = st.sampled_from(
    ["NaN", "1e400", "-Infinity", '{"a":1,"a":2}', "12345678901234567890123", '"\\ud800"', "-0.0", '"\\u0000"']
)


@given(st.lists(st.dictionaries(TEXTS, VALUES, max_size=3).map(canonical) | JSON_TEXTS, max_size=5))
def test_many_entries_read_at_once_say_what_each_says_by_itself(payloads: list[str]) -> None:
    together, alone = ([e._replace(payload=p) for e, p in zip(chain(5), payloads, strict=False)] for _ in range(2))
    read_facts(together)
    assert [_told(e) for e in together] == [_told(e) for e in alone]


def _told(entry: Entry) -> str:
    try:
        return repr(entry.facts)
    except ValueError:
        return "unreadable"


def test_only_what_json_has_and_days_stand_in_an_entry() -> None:
    assert canonical({"b": date(2026, 3, 2), "a": "甲"}) == '{"a":"甲","b":"2026-03-02"}'
    with pytest.raises(TypeError, match="set cannot stand in an entry"):
        canonical({"a": {1}})


def test_a_paper_has_an_sm3_of_its_own_and_none_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    if "sm3" in hashlib.algorithms_available:
        found = {sm3_digest("盐", b"a", "甲"), sm3_digest("盐", b"b", "甲"), sm3_digest("盐", b"a", "乙")}
        assert {len(one) for one in found} == {64}
        assert len(found | {sm3_digest("", b"a", "甲")}) == 4

    def without(name: str, _content: bytes = b"") -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr("yishenqing.core.ledger.hashlib.new", without)
    assert sm3_digest("盐", b"a", "甲") == ""
