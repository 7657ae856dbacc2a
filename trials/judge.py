"""What was lost: every promise that the officers were given, held against the database and the folder."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from trials import aftermath
from trials.aftermath import TOKEN, destroyed_in
from trials.deeds import Diary
from trials.ground import DUE_DAY, looked, opened
from yishenqing import Office
from yishenqing.core.errors import YishenqingError
from yishenqing.settings import read_settings
from yishenqing.store.vault import sealed_of


def losses(home: Path, diary: Diary, *, day: date | None = None) -> list[str]:
    """Return everything that is not as it was promised; nothing is the only good answer."""
    agency, lines = read_settings(home).agency, diary.read()
    with opened(home, day or DUE_DAY) as office:
        found = [f"核验：{fault}" for fault in office.audit()["faults"]]
        found += _entries(home, office, lines)
        found += _numbers(home, agency)
        found += _letters(home, agency, lines)
        found += _report(office)
        found += aftermath.ends(home, office, lines)
        found += aftermath.holds(home, agency, lines)
        found += aftermath.scans(home, office, lines)
        found += aftermath.keys(office)
        found += aftermath.sent_out(home, office)
    return found


def _entries(home: Path, office: Office, lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was answered stands in the ledger as answered; nothing stands there twice."""
    agency = office.settings.agency
    rows = looked(home, "SELECT number, seq, hash, step, payload FROM entries WHERE agency = :a", a=agency)
    known = {(number, seq): hashed for number, seq, hashed, *_ in rows}
    values = _values(office, {str(number) for number, *_ in rows})
    said = Counter(token for *_, step, payload in rows for token in _tokens(step, payload, values))
    for line in lines:
        if "done" not in line or "seq" not in line:
            continue
        stored = known.get((line["number"], line["seq"]))
        if stored is None:
            yield f"{line['number']} 第{line['seq']}条记录（{line['deed']}）已经答复办成，数据库中没有"
        elif stored != line["hash"]:
            yield f"{line['number']} 第{line['seq']}条记录（{line['deed']}）与答复的不符"
    gone = destroyed_in(home, agency)
    ended = {line["done"] for line in lines if line.get("deed") == "register" and line.get("number") in gone}
    worded = {"act:search_recorded", "register"}
    done = {line["done"] for line in lines if line.get("deed") in worded and "done" in line}
    for line in lines:
        token = line.get("tries")
        if token is None or line["deed"] not in worded:
            continue
        if said[token] > 1:
            yield f"{line['deed']}（{token}）办了一次，记了{said[token]}次"
        elif token in ended and said[token]:
            yield f"{line['deed']}（{token}）的案件已经销毁，它的文字还在"
        elif token in done - ended and not said[token]:
            yield f"{line['deed']}（{token}）已经答复办成，案卷中没有"


def _values(office: Office, numbers: Collection[str]) -> dict[str, str]:
    """Return all personal data by their digests, decrypted."""
    with office._transactions.reading() as connection:  # noqa: SLF001 - with the office's keys
        cases = [sealed_of(connection, office.settings.agency, number) for number in sorted(numbers)]
        return {name: value.value for case in cases for name, value in case.items()}


def _tokens(step: str, payload: str, values: Mapping[str, str]) -> set[str]:
    """Return the tokens that an entry was written with; what a split repeats is no second."""
    if step == "search_recorded":
        return set(TOKEN.findall(payload))
    facts = json.loads(payload)
    items = facts.get("items") if "split_from" not in facts and "applicant" in facts else None
    return set(TOKEN.findall(values.get(items["sealed"], ""))) if isinstance(items, dict) else set()


def _numbers(home: Path, agency: str) -> Iterator[str]:
    """Numbers of cases and letters run from one without a gap: none is lost, none is used twice."""
    own = looked(home, "SELECT number FROM cases WHERE agency = :a AND number LIKE '2026-____'", a=agency)
    for gap in _gaps([int(number[5:]) for (number,) in own]):
        yield f"案件编号缺第{gap}号"
    series: dict[Any, list[int]] = defaultdict(list)
    for name, year, n in looked(home, "SELECT series, year, n FROM letters WHERE agency = :a", a=agency):
        series[name, year].append(n)
    for (name, year), taken in series.items():
        for gap in _gaps(taken):
            yield f"{year}年“{name}”字文书缺第{gap}号"


def _gaps(numbers: Sequence[int]) -> list[int]:
    return sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))


def _letters(home: Path, agency: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A letter is issued or not: what was answered is there, and the folder shows nothing that was not issued."""
    query = "SELECT number, letter_number, sha256 FROM letters WHERE agency = :a"
    issued = {(number, name): sha256 for number, name, sha256 in looked(home, query, a=agency)}
    for line in lines:
        for name in line.get("letters", ()):
            if (line["number"], name) not in issued:
                yield f"{line['number']} 的文书{name}已经答复出具，发文登记中没有"
    gone = destroyed_in(home, agency)  # what of these is left on the disk is judged where cases end
    for (number, name), sha256 in issued.items():
        if (
            number not in gone
            and not (home / "files" / sha256[:2] / sha256).is_file()
            and not list((home / "files").rglob(sha256))
        ):
            yield f"{number} 的文书{name}没有内容"
    names = {(number, name) for number, name in issued}
    for path in (home / "issued").glob("*/*"):
        if not any(path.parent.name == number and path.name.startswith(_safe(name)) for number, name in names):
            yield f"“{path}”看上去已经出具，发文登记中没有"


def _safe(name: str) -> str:
    return "".join("_" if c in '/\\:*?"<>|\0' else c for c in name)


def _report(office: Office) -> Iterator[str]:
    """What the annual report counts was written with each act; rebuilt from the ledgers it must say the same."""
    before = office.report(2026)
    office.report_rebuild()
    after = office.report(2026)
    for part in ("table3", "table4"):
        if before[part] != after[part]:
            yield f"年度报告的{part}与案卷记录推出的不符"


def timer_losses(home: Path, *, day: date = DUE_DAY, told: Path | None = None) -> list[str]:
    """Return what is wrong with the reminders after the last tick of ``day``: not given, or given twice."""
    agency = read_settings(home).agency
    left = looked(home, "SELECT number, clock FROM deadlines WHERE agency = :a AND remind_on <= :d", a=agency, d=day)
    found = [f"{number}的“{clock}”到期未提醒" for number, clock in left]
    given = looked(home, "SELECT number, clock, mark, due FROM reminders WHERE agency = :a", a=agency)
    due = looked(home, "SELECT number FROM cases WHERE agency = :a AND number LIKE 'C-%'", a=agency)
    yellow = Counter(number for number, clock, mark, _ in given if (clock, mark) == ("reply", "yellow"))
    found += [f"{number}的提醒遗漏" for (number,) in due if not yellow[number]]
    found += [f"{number}的提醒给了{n}次" for number, n in yellow.items() if n > 1]
    return found + _messages(home, agency, told)


def _messages(home: Path, agency: str, told: Path | None) -> list[str]:
    """Each reminder is told each person once; what a hook was told twice bears one key."""
    rows = looked(home, "SELECT channel, person, content FROM messages WHERE agency = :a", a=agency)
    said: Counter[tuple[str, ...]] = Counter()
    for channel, person, content in rows:
        for one in json.loads(content)["reminders"]:
            said[channel, person, one["number"], one["clock"], one["mark"], one["due"]] += 1
    found = [f"{'、'.join(key)}的消息写了{n}次" for key, n in said.items() if n > 1]
    if told is not None and told.exists():
        keys = {json.loads(line)["key"] for line in told.read_text(encoding="utf-8").splitlines() if line[-1:] == "}"}
        query = "SELECT id FROM messages WHERE agency = :a AND channel = 'hook' AND sent_at IS NOT NULL"
        found += [f"消息{name}记为送出而没有送出" for (name,) in looked(home, query, a=agency) if name not in keys]
    return found


def ticked_out(home: Path, day: date = DUE_DAY, rounds: int = 8) -> list[str]:
    """Let one process take up whatever dead ones left; return what it could not do."""
    faults: list[str] = []
    with opened(home, day) as office:
        for _ in range(rounds):
            try:
                found = office.tick()
            except YishenqingError as error:
                faults = [error.text]
                continue
            faults = [str(f["text"]) for f in found["faults"]]
            if not found["reminders"] and not faults:
                break
    return faults
