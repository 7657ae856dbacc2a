"""Variants: overlays that ship, and overlays with faults, each said with the file and the line of the overlay."""

from __future__ import annotations

from pathlib import Path

import pytest

from yishenqing.core.errors import DataFault, NotFound
from yishenqing.core.graph import graph_of
from yishenqing.office import Office
from yishenqing.rulebook import openable, procedures, read_all, read_rulebook
from yishenqing.settings import read_settings

HEAD = "extends: disclosure\nid: own\nversion: '1'\ntitle: 本机关的变体\n"  # four lines


def overlay(home: Path, text: str, name: str = "own") -> Path:
    path = home / "workflows" / "variants" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_ships_is_sound() -> None:
    known, faults = read_all()
    assert faults == []
    assert openable() == ["disclosure", "city_legal", "township"]
    assert {r.workflow.extends for r in known.values()} == {"", "disclosure"}


def test_in_the_city_nothing_is_signed_before_legal_review() -> None:
    flow = read_rulebook(None, "city_legal").workflow
    graph = graph_of(flow)
    assert graph.destination("reviewed", "secrecy_reviewed") == "legal_review"
    assert graph.destination("legal_review", "legal_reviewed") == "cleared"
    assert graph.destination("legal_review", "signed") is None
    assert {"returned", "extended", "third_party_answered", "withdrawn", "corrected"} <= {
        *graph.steps_from("legal_review")
    }
    assert [g.step for g in flow.steps["signed"].guards if g.guard == "after"][-1] == "legal_reviewed"
    assert list(flow.states).index("legal_review") == list(flow.states).index("reviewed") + 1


def test_in_the_township_who_drafts_never_signs() -> None:
    (guard,) = [
        g for g in read_rulebook(None, "township").workflow.steps["signed"].guards if g.guard == "another_person"
    ]
    assert (guard.step, guard.switch) == ("drafted", "")
    (base,) = [g for g in read_rulebook().workflow.steps["signed"].guards if g.guard == "another_person"]
    assert base.switch == "separate_signer"


def test_everything_else_is_the_procedure_that_is_extended(tmp_path: Path) -> None:
    overlay(tmp_path, HEAD)
    own, base = read_rulebook(tmp_path, "own").workflow, read_rulebook().workflow
    assert (own.steps, own.states, own.clocks, own.outcomes) == (base.steps, base.states, base.clocks, base.outcomes)
    assert (own.id, own.extends, own.title) == ("own", "disclosure", "本机关的变体")
    assert "own" in procedures(tmp_path)


def test_the_words_of_an_overlay(tmp_path: Path) -> None:
    text = HEAD + (
        "clocks: {own_check: {title: 自查, owed_by: organ, law: 条例第四十五条}}\n"
        "change: {steps.signed.title: 签批, clocks.reply.yellow: 8}\n"
        "more: {steps.accepted.by: [handler]}\n"
        "remove: [steps.urged, steps.signed.guards.another_person]\n"
    )
    overlay(tmp_path, text)
    flow = read_rulebook(tmp_path, "own").workflow
    assert "own_check" in flow.clocks
    assert (flow.steps["signed"].title, flow.clocks["reply"].yellow) == ("签批", 8)
    assert flow.steps["accepted"].by == ("reviewer", "handler")
    assert "urged" not in flow.steps
    assert "another_person" not in {g.guard for g in flow.steps["signed"].guards}


BAD: list[tuple[str, int, str]] = [
    ("change:\n  steps.sigend.title: 签批\n", 6, "原流程没有“steps.sigend”"),
    ("change:\n  steps.signed.titel: 签批\n", 6, "未知的键"),
    ("change:\n  signed: 签批\n", 6, "应写作“部分.代号"),
    ("change:\n  steps.signed.guards.twice.law: 条例第一条\n", 6, "原流程没有“steps.signed.guards.twice”；有："),
    ("more:\n  steps.signed.title: [x]\n", 6, "more 只能向列表添加"),
    ("more:\n  steps.signed.by: signer\n", 6, "more 只能向列表添加"),
    ("remove: [steps.nosuch]\n", 5, "原流程没有“steps.nosuch”"),
    ("remove: steps.urged\n", 5, "应为列表"),
    ("remove:\n  - steps.urged\n  - states.reviewed\n", 7, "没有状态“reviewed”"),
    ("steps:\n  signed: {title: 签批}\n", 6, "原流程已有“steps.signed”"),
    (
        "steps:\n  own:\n    title: 试\n    by: [nobody]\n    from: [handling]\n    law: [条例第四十五条]\n",
        6,
        "没有岗位“nobody”",
    ),
    (
        "steps:\n  own:\n    title: 试\n    by: [handler]\n    from: [handling]\n    law: [条例第九百条]\n",
        6,
        "没有收录第九百条",
    ),
    ("steps:\n  own:\n    title: 试\n    wann: 1\n", 8, "未知的键"),
    ("after:\n  states.own: reviewed\n", 6, "after 只能安排本文件新增的内容"),
    ("states: {own: {title: 试, stage: reply}}\nafter:\n  states.own: nosuch\n", 7, "没有“states.nosuch”"),
    ("like:\n  states.own: cleared\n", 6, "like 只能让本文件新增的状态"),
    ("steeps: {}\n", 5, "未知的键；变体文件可以用"),
    ("change: [1]\n", 5, "应为键值对"),
    ("change:\n  states.handling.owner: nobody\n", 6, "没有岗位“nobody”"),
]


@pytest.mark.parametrize(("text", "line", "says"), BAD, ids=[says for _, _, says in BAD])
def test_a_fault_is_said_with_the_overlays_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = overlay(tmp_path, HEAD + text)
    with pytest.raises(DataFault) as caught:
        read_rulebook(tmp_path, "own")
    found = [f for f in caught.value.faults if says in f.text]
    assert [(f.file, f.line) for f in found[:1]] == [(str(path), line)], [str(f) for f in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("extends: nosuch\nid: own\nversion: '1'\ntitle: 试\n", "没有流程“nosuch”可供扩展"),
        ("extends: township\nid: own\nversion: '1'\ntitle: 试\n", "没有流程“township”可供扩展"),
        ("extends: disclosure\nid: other\nversion: '1'\ntitle: 试\n", "应与文件名“own.yaml”一致"),
        ("extends: disclosure\nid: own\nversion: '1'\n", "缺少“title”"),
    ],
)
def test_an_overlay_says_what_it_extends_and_what_it_is(tmp_path: Path, text: str, says: str) -> None:
    path = overlay(tmp_path, text)
    with pytest.raises(DataFault, match=says) as caught:
        read_rulebook(tmp_path, "own")
    assert caught.value.faults[0].file == str(path)
    assert caught.value.faults[0].line is not None


def test_an_office_chooses_at_its_beginning(tmp_path: Path) -> None:
    Office.init(tmp_path / "a", "me", "township")
    assert read_settings(tmp_path / "a").workflow == "township"
    Office.init(tmp_path / "b", "me")
    assert read_settings(tmp_path / "b").workflow == "disclosure"
    Office.init(tmp_path / "a", "me", "township")
    with pytest.raises(DataFault, match="所用流程是“township”"):
        Office.init(tmp_path / "a", "me", "city_legal")
    with pytest.raises(NotFound, match="现有：disclosure、city_legal、township"):
        Office.init(tmp_path / "c", "me", "litigation")
    assert not (tmp_path / "c").exists()
