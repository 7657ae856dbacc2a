"""Models on the office's own network: fused, masked, held against the law, and nothing lost when they are gone."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, USER, Calendar
from test_drafts_golden import searched

from yishenqing.core.errors import DataFault
from yishenqing.endpoints import Endpoint, Unreachable, fused, nearest, vectors
from yishenqing.endpoints.calling import call
from yishenqing.office import Office
from yishenqing.office.masking import masked
from yishenqing.settings import read_settings

QUESTION = "会议纪要已经对外适用还能以过程性信息拒绝吗"
ID, MOBILE = "999101196805170231", "19900000001"
SECRET = ("周德旺", ID, MOBILE, "柳湾村二组17号")
SAID = {
    "no_rule": "法律、法规、规章没有应当公开的规定。依照《政府信息公开条例》第十六条第二款，属于讨论记录。"
    "依照《政府信息公开条例》第八十八条，可以不予公开。另见云政办发〔2031〕9号。",
    "severing": "讨论意见与结论交织，不能区分。",
}


class Fake(ThreadingHTTPServer):
    """An OpenAI-compatible server that remembers what it was sent, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sent: list[tuple[str, Any, str]] = []
        self.answer: Callable[[str, Any], bytes] = answering
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append((self.path, body, self.headers.get("Authorization") or ""))
        content = self.server.answer(self.path, body)
        self.send_response(self.server.status)
        self.send_header("Location", "http://203.0.113.1/")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


def answering(path: str, body: Any) -> bytes:
    if path.endswith("/embeddings"):
        rows = [{"index": n, "embedding": meaning(text)} for n, text in enumerate(body["input"])]
        return json.dumps({"data": rows[::-1]}).encode()
    content = "```json\n" + json.dumps(SAID, ensure_ascii=False) + "\n```"
    return json.dumps({"choices": [{"message": {"content": content}}]}, ensure_ascii=False).encode()


def meaning(text: str) -> list[float]:
    """A model to which a text means how much it speaks of archives."""
    return [1.0 + text.count("档案"), 1.0]


@pytest.fixture
def fake() -> Iterator[Fake]:
    server = Fake()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def number(office: Office, calendar: Calendar, quick_letters: None) -> str:
    asked = f"本人周德旺（身份证{ID}，电话{MOBILE}）申请公开关于柳湾村二组17号征收的会议纪要"
    made: str = office.register({**APPLICATION, "items": [asked]})["number"]
    for day, step, facts in searched("找到会议纪要"):
        calendar.day = max(calendar.day, type(calendar.day).fromisoformat(day))
        office.act(made, step, facts)
    return made


def named(home: Path, calendar: Calendar, **models: Mapping[str, Any]) -> Office:
    """Open the office with models in its settings."""
    path = home / "office.yaml"
    path.write_text(path.read_text("utf-8") + f"\nmodels: {json.dumps(models)}\n", "utf-8")
    return Office.open(home, user=USER, today=calendar)


def ids(found: Mapping[str, Any]) -> list[str]:
    return [m["id"] for m in found["matches"]]


def test_a_search_is_fused_with_what_the_model_finds_nearest(
    office: Office, home: Path, calendar: Calendar, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "s3cret")
    plain = ids(office.precedents("信息不存在", 10))
    with named(home, calendar, embedding={"url": fake.url, "model": "m", "key_env": "KEY"}) as other:
        first = ids(other.precedents("档案馆里的信息不存在", 10))
        asked = len(fake.sent[0][1]["input"])
        again = ids(other.precedents("档案馆里的信息不存在", 10))
    assert fake.sent[0][2] == "Bearer s3cret"
    assert first == again
    assert len(fake.sent) == 1  # the second time every vector is remembered
    assert asked > 1
    assert first != ids(office.precedents("档案馆里的信息不存在", 10))
    assert plain == ids(office.precedents("信息不存在", 10))


def test_nothing_is_sent_unmasked(home: Path, calendar: Calendar, fake: Fake, number: str) -> None:
    models = {"url": fake.url, "model": "m"}
    with named(home, calendar, embedding=models, writing=models) as other:
        other.draft(number, "denied_process", {"way": "discussion"}, write=True)
        other.advise(number)
        other.precedents(f"{ID}的案卷")
    sent = json.dumps([body for _, body, _ in fake.sent], ensure_ascii=False)
    assert {path for path, _, _ in fake.sent} == {"/v1/embeddings", "/v1/chat/completions"}
    assert "会议纪要" in sent
    assert [word for word in SECRET if word in sent] == []


def test_words_of_a_model_fill_only_islands_and_invented_clauses_are_struck(
    home: Path, calendar: Calendar, fake: Fake, number: str
) -> None:
    with named(home, calendar, writing={"url": fake.url, "model": "m"}) as other:
        found = other.draft(number, "denied_process", {"way": "discussion"}, write=True)
        asked = fake.sent[0][1]["messages"][1]["content"].split("\n")[-2:]
        assert {line.partition("：")[0] for line in asked} <= {"- severing", "- reasoning"}
        struck = {s["text"]: s["why"] for s in found["struck"]}
        text = "".join(s["text"] for s in found["sentences"])
        assert "讨论意见与结论交织，不能区分。" in text
        assert "第八十八条" not in text
        assert [m["field"] for m in found["missing"]] == ["no_rule"]  # no island: a person says it
        line = next(s for s in found["sentences"] if "交织" in s["text"])
        assert "模型 m 拟写" in line["basis"]
        assert struck == {}
        fake.answer = lambda *_: chat({"severing": "".join(SAID["no_rule"].partition("。")[2])})
        found = other.draft(number, "denied_process", {"way": "discussion"}, write=True)
        why = [s["why"] for s in found["struck"]]
        assert "第八十八条" in why[0]
        assert "云政办发〔2031〕9号" in why[1]
        assert "属于讨论记录。" in "".join(s["text"] for s in found["sentences"])
        fake.answer = answering
        taken = other.draft(number, "denied_process", {"way": "discussion", "no_rule": "没有"}, write=True, take=True)
        kept = other.show(number)["entries"][-1]["facts"]["draft"]["sources"]
        assert (taken["taken"], kept["severing"], kept["no_rule"]) == (True, "模型 m 拟写", "承办人填写")


def chat(said: Any) -> bytes:
    content = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return json.dumps({"choices": [{"message": {"content": content}}]}).encode()


@pytest.mark.parametrize(
    "answer",
    [b"", b"{", b"[]", b'{"data": []}', b'{"data": [{"index": 0}]}', chat("not json"), chat("[1]"), b"\xff" * 50],
)
def test_a_model_that_answers_nonsense_changes_nothing(
    office: Office, home: Path, calendar: Calendar, fake: Fake, number: str, answer: bytes
) -> None:
    fake.answer = lambda *_: answer
    models = {"url": fake.url, "model": "m"}
    before, listed = office.draft(number), office.precedents(QUESTION)
    with named(home, calendar, embedding=models, writing=models) as other:
        after, found = other.draft(number, write=True), other.precedents(QUESTION)
    assert after["notes"]
    assert found.pop("notes")
    assert found == listed
    assert {k: v for k, v in after.items() if k != "notes"} == {k: v for k, v in before.items() if k != "notes"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://no-such-host.invalid/v1", "http://8.8.8.8/v1"])
def test_with_the_network_cut_nothing_changes(
    office: Office, home: Path, calendar: Calendar, number: str, url: str
) -> None:
    models = {"url": url, "model": "m", "timeout": 1}
    before, listed, steps = office.draft(number), office.precedents(QUESTION), office.advise(number)
    begun = time.monotonic()
    with named(home, calendar, embedding=models, writing=models) as other:
        found = other.precedents(QUESTION)
        after, advised = other.draft(number, write=True), other.advise(number)
    assert time.monotonic() - begun < 30
    (note,) = found.pop("notes")
    assert "嵌入模型" in note
    assert ("8.8.8.8" not in url) or "没有发送任何内容" in note
    assert found == listed
    for one, other_ in ((after, before), (advised, steps)):
        assert {k: v for k, v in one.items() if k != "notes"} == {k: v for k, v in other_.items() if k != "notes"}


def test_a_slow_model_is_waited_for_once(home: Path, calendar: Calendar, fake: Fake, number: str) -> None:
    fake.answer = lambda *_: time.sleep(1.5) or b"{}"  # type: ignore[func-returns-value]
    with named(home, calendar, embedding={"url": fake.url, "model": "m", "timeout": 0.3}) as other:
        begun = time.monotonic()
        found = other.advise(number)
        assert time.monotonic() - begun < 10
    assert [n for n in found["notes"] if "超时" in n]
    assert len(fake.sent) == 1


@pytest.mark.parametrize("head", [b"", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["in its head", "in its body"])
def test_whoever_sends_a_byte_now_and_then_is_not_waited_for(head: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            line, _ = server.accept()
            with line, contextlib.suppress(OSError):
                line.sendall(head)
                for _ in range(200):
                    line.sendall(b"H")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(Unreachable, match="超时"):
            call(Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}", "m", timeout=0.4), "/embeddings", {})
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_a_vector_of_no_numbers_is_no_answer_and_is_not_kept(fake: Fake, tmp_path: Path, value: str) -> None:
    kept = tmp_path / "vectors.db"
    fake.answer = lambda *_: f'{{"data": [{{"index": 0, "embedding": [1.0, {value}]}}]}}'.encode()
    with pytest.raises(Unreachable, match="不是数"):
        vectors(Endpoint(fake.url, "m"), ["甲"], kept)
    fake.answer = answering
    assert list(vectors(Endpoint(fake.url, "m"), ["甲"], kept)[0]) == meaning("甲")
    with sqlite3.connect(kept) as spoilt:  # by an earlier version
        spoilt.execute("UPDATE vectors SET vector = ?", (array("f", [float("nan"), 1.0]).tobytes(),))
    assert list(vectors(Endpoint(fake.url, "m"), ["甲"], kept)[0]) == meaning("甲")


@pytest.mark.parametrize(("status", "text"), [(500, "HTTP 500"), (302, "HTTP 302"), (401, "HTTP 401")])
def test_errors_and_redirects_are_told_and_not_followed(fake: Fake, status: int, text: str) -> None:
    fake.status, fake.answer = status, lambda *_: b"{}"
    with pytest.raises(Unreachable, match=text):
        call(Endpoint(fake.url, "m"), "/embeddings", {})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"embedding": {"url": "ftp://x/v1", "model": "m"}}, "应为本机关网络内的地址"),
        ({"embedding": {"url": "http://10.0.0.1/v1", "model": " "}}, "不能为空"),
        ({"writing": {"url": "http://10.0.0.1/v1", "model": "m", "timeout": 0}}, "应大于0"),
        ({"writing": {"url": "http://10.0.0.1/v1", "model": "m", "key": "s3cret"}}, "key"),
    ],
)
def test_settings_are_read_strictly(home: Path, calendar: Calendar, given: Mapping[str, Any], text: str) -> None:
    with pytest.raises(DataFault, match=text):
        named(home, calendar, **given)


def test_there_is_no_model_unless_one_is_named(home: Path) -> None:
    models = read_settings(home).models
    assert (models.embedding, models.writing) == (None, None)


def test_remembered_vectors_may_be_broken_or_deleted(fake: Fake, tmp_path: Path) -> None:
    kept = tmp_path / ".cache" / "vectors.db"
    endpoint = Endpoint(fake.url, "m")
    first = vectors(endpoint, ["档案", "公告"], kept)
    kept.write_bytes(b"damaged" * 100)
    assert vectors(endpoint, ["档案", "公告"], kept) == first
    assert len(fake.sent) == 2
    assert nearest(array("f", [1, 0]), {"b": array("f", [0, 1]), "a": array("f", [2, 0.1])}) == ["a", "b"]
    assert fused([["a", "b", "c"], ["c", "b", "a"]]) == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (f"身份证{ID}", ID),
        ("卡号６２２２０２１２３４５６７８９０１２８", "6222021234567890128"),
        ("电话０９９９－５５５０１００，手机199 0000 0001", "5550100"),
        ("信箱 zhou@example.invalid", "zhou@"),
        ("张三丰的申请", "张三丰"),
        ("张三丰、张三的申请", "张三"),
    ],
)
def test_masking_takes_out_numbers_and_the_people_of_the_case(text: str, gone: str) -> None:
    assert gone not in re.sub(r"\s", "", masked(text, {"张三丰": "申请人", "张三": "第三方"}))
    assert masked("云政土〔2024〕56号") == "云政土〔2024〕56号"
