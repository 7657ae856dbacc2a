"""What the judge looks at beside ledgers and letters: how cases ended, what was sent, holds, keys, scans."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import MetaData, select

from trials.ground import RECEIVER, connected, looked
from yishenqing import Office
from yishenqing.core import destroying
from yishenqing.office import casework
from yishenqing.office.destroying import COPIES

TOKEN = re.compile("T[0-9a-f]+x[0-9a-f]{10}")
_HOURS = 5  # longer than any lease or pause of the exchange
_ROUNDS = 200
_RECOGNISED = ("request_persons", "request_texts")
_GRAMS = "search_grams"  # terms as numbers; SQLite lets nobody read them
Lines = Sequence[Mapping[str, Any]]


def destroyed_in(home: Path, agency: str) -> set[str]:
    """Return the cases whose ledgers say that they were destroyed."""
    query = "SELECT number FROM entries WHERE agency = :a AND step = :s"
    return {number for (number,) in looked(home, query, a=agency, s=destroying.STEP)}


def ends(home: Path, office: Office, lines: Lines) -> Iterator[str]:
    """Destruction is whole or not at all: by list, by case, in the database and on the disk."""
    agency = office.settings.agency
    query = "SELECT number, payload FROM entries WHERE agency = :a AND step = :s"
    found = looked(home, query, a=agency, s=destroying.STEP)
    carried = {number: json.loads(payload)["list"] for number, payload in found}
    yield from (f"{n}销毁了两次" for n, times in Counter(n for n, _ in found).items() if times > 1)
    lists = {one["list"]: one for one in office.destructions()["lists"]}
    yield from _lists(lists, carried, lines)
    yield from _gone(home, agency, carried)
    yield from _words(home, carried.keys(), lines)


def _lists(lists: Mapping[str, Any], carried: Mapping[str, str], lines: Lines) -> Iterator[str]:
    """A list that was approved was carried out for each of its cases; no other was for any."""
    approved = {name: {c["number"] for c in one["cases"]} for name, one in lists.items() if _approved(one)}
    for name, numbers in approved.items():
        yield from (f"销毁清册{name}已经批准，{n}没有销毁" for n in numbers if carried.get(n) != name)
    for number, name in carried.items():
        if number not in approved.get(name, ()):
            yield f"{number}依销毁清册{name}销毁，清册没有批准"
    asked = {line["tries"]: line for line in lines if "tries" in line and "list" in line}
    for line in lines:
        if line.get("done") in asked:
            name = asked[line["done"]]["list"]
            if name not in lists or lists[name]["decision"] is None:
                yield f"销毁清册{name}已经答复办成（{line['deed']}），数据库中没有决定"
            elif _approved(lists[name]) != (line["deed"] == "approve_destruction"):
                yield f"销毁清册{name}的决定与答复的不符"


def _approved(one: Mapping[str, Any]) -> bool:
    return one["decision"] is not None and bool(one["decision"]["approved"])


def _gone(home: Path, agency: str, carried: Collection[str]) -> Iterator[str]:
    """Of a destroyed case nothing is left but its ledger, its letters' register and the certificate."""
    states = dict(looked(home, "SELECT number, state FROM cases WHERE agency = :a", a=agency))
    left: dict[str, Counter[str]] = {}
    for table in ("sealed", "given_keys", "files", *_RECOGNISED):
        rows = looked(home, f"SELECT number FROM {table} WHERE agency = :a", a=agency)
        left[table] = Counter(number for (number,) in rows)
    for number in carried:
        if states.get(number) != destroying.STATE:
            yield f"{number}已经销毁，状态却是{states.get(number)}"
        counts = [left[table][number] for table in ("sealed", "given_keys", "files", *_RECOGNISED)]
        if counts != [0, 0, 1, 0, 0]:  # the certificate
            yield f"{number}已经销毁，数据库中还有{counts}"
        yield from (f"{number}已经销毁，文件夹“{f}”还有其内容" for f in COPIES if (home / f / number).exists())
    yield from (
        f"状态为已销毁的{n}没有销毁的记录" for n, s in states.items() if s == destroying.STATE and n not in carried
    )
    needed = {sha for (sha,) in looked(home, "SELECT sha256 FROM files WHERE agency = :a", a=agency)}
    query = "SELECT number, sha256, done_at FROM disposal_removals WHERE agency = :a"
    for number, sha256, done_at in looked(home, query, a=agency):
        if done_at is None:
            yield f"{number}的内容{sha256[:12]}一直没有从磁盘上清理"
        elif sha256 and sha256 not in needed and (home / "files" / sha256[:2] / sha256).exists():
            yield f"{number}的内容{sha256[:12]}记为清理，仍在磁盘上"


def _words(home: Path, carried: Collection[str], lines: Lines) -> Iterator[str]:
    """What a destroyed case was asked in stands nowhere any more: in no row and in no file, nor is it found."""
    query = "SELECT ref FROM search_documents WHERE collection = 'cases'"
    yield from (f"{n}已经销毁，检索还找得到" for (n,) in looked(home, query) if n in carried)
    gone = {line["done"]: line["number"] for line in lines if line.get("deed") == "register" and "done" in line}
    gone = {token: number for token, number in gone.items() if number in carried}
    if not gone:
        return
    engine = connected(home)
    with engine.connect() as connection:
        known = MetaData()
        known.reflect(connection)
        for table in known.sorted_tables:
            if table.name == _GRAMS:
                continue
            said = {t for row in connection.execute(select(table)) for t in TOKEN.findall(str(row))}
            yield from (f"{gone[t]}已经销毁，{table.name}中还有它的文字" for t in said & gone.keys())
    engine.dispose()
    for path in home.rglob("*"):
        if path.is_file():
            said = {t.decode() for t in re.findall(TOKEN.pattern.encode(), path.read_bytes())}
            yield from (f"{gone[t]}已经销毁，“{path.name}”中还有它的文字" for t in said & gone.keys())


def holds(home: Path, agency: str, lines: Lines) -> Iterator[str]:
    """Holds are placed and lifted in turn, each as often as it was said."""
    query = "SELECT number, placed, reason FROM retention_holds WHERE agency = :a ORDER BY number, n"
    said: Counter[str] = Counter()
    turns: dict[str, list[bool]] = defaultdict(list)
    for number, placed, reason in looked(home, query, a=agency):
        turns[number].append(bool(placed))
        said[reason] += 1
    for number, placed_ in turns.items():
        if placed_ != [n % 2 == 0 for n in range(len(placed_))]:
            yield f"{number}的暂缓销毁不是设定、解除相间：{placed_}"
    done = {line["done"] for line in lines if "done" in line}
    for line in lines:
        if line.get("deed") in ("hold", "lift_hold") and "tries" in line:
            token = line["tries"]
            if said[token] > 1 or (token in done and not said[token]):
                yield f"{line['deed']}（{token}）记了{said[token]}次"


def sent_out(home: Path, office: Office) -> Iterator[str]:
    """Every event that is to be told reached the receiver, in its order; what the dead held is sent by others."""
    later = datetime.now(UTC)
    for _ in range(_ROUNDS):
        later += timedelta(hours=_HOURS)
        sender = replace(office._sender(), now=lambda at=later: at)  # noqa: SLF001 - a clock of ours
        found = sender.round()
        if not found["receivers"][0]["waiting"]:
            break
    else:
        yield f"事项一直发不出去：{found['failed'][:3]}"
    rows = "SELECT number, seq, revision FROM exchange_events WHERE agency = :a ORDER BY number, seq"
    noted: dict[str, dict[int, int]] = defaultdict(dict)
    for number, seq, revision in looked(home, rows, a=office.settings.agency):
        noted[number][seq] = revision
    had: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for path in sorted((home / RECEIVER).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            had[event["number"]].append((event["seq"], event["revision"]))
    for number, wanted in noted.items():
        order = [seq for seq, revision in dict.fromkeys(had[number]) if wanted.get(seq) == revision]
        if order != sorted(wanted):
            yield f"{number}应当发出的事项是{sorted(wanted)}，接收方先后收到{order}"
    yield from _noted(office, noted)


def _noted(office: Office, noted: Mapping[str, Mapping[int, int]]) -> Iterator[str]:
    """Each entry that others are told of was noted with it; a moved case by the rules of its time."""
    departures = office._departures  # noqa: SLF001 - as the sender has it
    assert departures is not None
    with office._transactions.reading() as connection:  # noqa: SLF001 - with the office's keys
        for number in noted:
            case = casework.load(connection, office._practice, number)  # noqa: SLF001 - as the sender has it
            if any(e.step == case.workflow.moving for e in case.entries):
                continue
            wanted = [seq for seq, _ in departures.all_of(case, RECEIVER)]
            if wanted != sorted(noted[number]):
                yield f"{number}应当告知的记录是{wanted}，记下的是{sorted(noted[number])}"


def keys(office: Office) -> Iterator[str]:
    """An exchange of keys that was cut off is gone on with, and then everything is encrypted with the current one."""
    yield from (f"加密：{fault}" for fault in office.encrypt()["faults"])
    left = office.keys()["left"]
    if any(left.values()):
        yield f"加密以后还有没有加密的：{left}"


def scans(home: Path, office: Office, lines: Lines) -> Iterator[str]:
    """A scan comes to its end whoever died over it; a heartbeat stands once for each machine."""
    if office.scan_released()["scan"]["finished_at"] is None:
        yield "已公开文书的复查没有做完"
    beats = looked(home, "SELECT machine FROM heartbeats WHERE agency = :a", a=office.settings.agency)
    if len(beats) != len(set(beats)) or (not beats and any(x.get("deed") == "beat" and "done" in x for x in lines)):
        yield f"心跳记了{len(beats)}条"
