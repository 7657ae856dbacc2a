"""What officers do in a trial: every verb that writes, each as something that can be counted afterwards.

A deed says beforehand what it is about to do (its token stands in what it writes, where the verb takes words), and
afterwards what it was answered. Whoever is killed in between has said the first only.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from trials.ground import KEPT_UNTIL, OPENED, SIGNER, application, opened
from yishenqing import Office
from yishenqing.core.errors import YishenqingError

ROAD: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("acknowledged", {}),
    ("accepted", {"handler": "征地管理科"}),
    ("search_recorded", {"systems": "档案系统", "keywords": "征收公告", "result": "检索到一份"}),
    ("drafted", {"outcome": "granted", "provided": "土地征收公告"}),
    ("reviewed", {"opinion": "同意"}),
    ("secrecy_reviewed", {"conclusion": "releasable"}),
    ("signed", {}),
    ("replied", {"method": "mail", "posted_on": OPENED.isoformat(), "tracking": "XA1"}),
    ("delivered", {"signed_by": "申请人本人"}),
    ("archived", {"retention": "D10"}),
)
HOLDING = "被征收人的分户补偿情况应当向其公布。"
HOLDINGS = """标题,文号,制作日期,公开属性,依据,理由,复核日期,公开网址
{token}征收公告,云政发〔2025〕3号,2025-03-05,主动公开,,,,门户网站
{token}会议纪要,云府纪〔2025〕7号,2025-04-01,不予公开,条例第十六条第二款,讨论记录,2026-03-10,
"""
# Verbs that only look (what is noted of a look is the journal's, which the audit walks) or write elsewhere.
LOOKS = frozenset(
    [
        "access_log",
        "advise",
        "agencies",
        "archive",
        "archive_many",
        "audit",
        "cases",
        "check",
        "checkpoints",
        "destructions",
        "draft_page",
        "due",
        "ended",
        "exchange_check",
        "exchange_reconcile",
        "exchange_status",
        "export_ledger",
        "export_precedents",
        "failures",
        "has_case",
        "holding",
        "holdings",
        "holdings_due",
        "inspect",
        "keys",
        "letter",
        "letter_again",
        "letter_docx",
        "masked_copy",
        "metrics",
        "month",
        "precedent",
        "precedent_batch",
        "precedent_evaluation",
        "precedent_history",
        "precedent_report",
        "precedents",
        "print_batch",
        "proposals",
        "proposed_precedents",
        "reads",
        "released",
        "reminders_since",
        "report",
        "report_cell",
        "report_papers",
        "report_titles",
        "retention",
        "retention_due",
        "sample",
        "search",
        "search_holdings",
        "show",
        "supervision",
        "supervision_papers",
        "triage",
        "verify",
    ]
)
# Written once in an office's life, by one person: their tests stand beside them.
ONCE = frozenset({"add_agency", "import_calendar", "read_docx", "decide_proposal", "settle_find"})


class Diary(Struct):
    """What officers said before and after each deed, in one file; a line is written whole or not at all."""

    path: Path

    def say(self, **words: Any) -> None:
        line = json.dumps(words, ensure_ascii=False) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def read(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


class Officer(Struct):
    """One person at work in one process."""

    office: Office
    diary: Diary
    chance: random.Random
    folder: Path
    name: str
    known: list[str] = field(default_factory=list)
    done: int = 0

    def token(self) -> str:
        return f"T{self.name}x{self.chance.getrandbits(40):010x}"

    def say_done(self, begun: tuple[str, float], deed: str, found: Mapping[str, Any] | None = None) -> None:
        """Write down that ``deed`` was answered, after how long, and which entry the answer ends with."""
        token, since = begun
        ms = round(1000 * (time.perf_counter() - since), 1)
        last = found["entries"][-1] if found is not None else None
        told = {"number": found["number"], "seq": last["seq"], "hash": last["hash"]} if found and last else {}
        letters = [x["number"] for x in found["letters"]] if found is not None and deed != "register" else []
        self.diary.say(done=token, deed=deed, letters=letters, ms=ms, at=round(time.time(), 1), **told)
        self.done += 1

    def say_tries(self, deed: str, **told: Any) -> tuple[str, float]:
        """Write down what is about to be done; return the token that marks it, and the moment."""
        token = self.token()
        self.diary.say(tries=token, deed=deed, **told)
        return token, time.perf_counter()

    def act(self, number: str, step: str, facts: Mapping[str, Any]) -> None:
        begun = self.say_tries(f"act:{step}", number=number)
        given = {**facts, "keywords": f"征收公告 {begun[0]}"} if "keywords" in facts else facts
        self.say_done(begun, f"act:{step}", self.office.act(number, step, given))

    def register(self, items: int = 1) -> str:
        begun = self.say_tries("register")
        asked = application(self.chance)
        texts = [f"{asked['items'][0]}（{begun[0]}之{n}）" for n in range(items)]
        found = self.office.register({**asked, "items": texts})
        self.say_done(begun, "register", found)
        self.known.append(found["number"])
        return str(found["number"])

    def plain(self, deed: str, verb: Callable[[str], Any], **told: Any) -> Any:
        """Take a verb that answers with something other than a case."""
        begun = self.say_tries(deed, **told)
        found = verb(begun[0])
        self.say_done(begun, deed, found if deed in ("link", "split", "merge", "move") else None)
        return found


def register(officer: Officer) -> None:
    officer.register()


def walk(officer: Officer) -> None:
    """Take a new case along the whole road: steps with letters, steps without, the end."""
    number = officer.register()
    for step, facts in ROAD:
        officer.act(number, step, facts)


def search(officer: Officer) -> None:
    """Add to a case that others may be adding to."""
    number = officer.chance.choice(officer.known) if officer.known else officer.register()
    step, facts = ROAD[officer.chance.randrange(3)]
    officer.act(number, step, facts)


def link(officer: Officer) -> None:
    number = officer.register()
    officer.act(number, *ROAD[0])
    facts = {"received_on": OPENED.isoformat(), "organ": "县政府办", "matter": "逾期"}
    officer.plain("link", lambda token: officer.office.link(number, "complaint", {**facts, "matter": token}))


def split_and_merge(officer: Officer) -> None:
    number = officer.register(items=3)
    officer.act(number, *ROAD[0])
    found = officer.plain("split", lambda token: officer.office.split(number, [2, 3], token))
    officer.act(found["split_into"], *ROAD[0])
    officer.plain("merge", lambda token: officer.office.merge(found["split_into"], number, token))


def move(officer: Officer) -> None:
    number = officer.register()
    officer.act(number, *ROAD[0])
    officer.plain("move", lambda token: officer.office.move(number, token, "city_legal"))


def draft(officer: Officer) -> None:
    number = officer.register()
    for step, facts in ROAD[:3]:
        officer.act(number, step, facts)
    said = {"way": "provided", "provided": "土地征收公告"}
    officer.plain("draft", lambda _: officer.office.draft(number, "granted", said, take=True))


def publish(officer: Officer) -> None:
    number = officer.register()
    for step, facts in ROAD:
        officer.act(number, step, facts)
    office = officer.office
    found = officer.plain("propose_precedent", lambda _: office.propose_precedent(number, {"holding": HOLDING}))
    doubts = [d["text"] for d in found["doubts"]]
    officer.plain("review_precedent", lambda _: office.review_precedent(number, approve=True, mask=doubts))
    officer.plain("withdraw_precedent", lambda token: office.withdraw_precedent(found["id"], token))


def use(officer: Officer) -> None:
    number = officer.register()
    for step, facts in ROAD[:3]:
        officer.act(number, step, facts)
    officer.plain("use_precedents", lambda _: officer.office.use_precedents(number, ["P11"]))


def library(officer: Officer) -> None:
    path = officer.folder / f"{officer.name}.jsonl"
    token = officer.token()
    path.write_text(
        json.dumps({"id": token, "title": "征收公告", "facts": f"申请{token}"}, ensure_ascii=False) + "\n"
    )
    officer.plain("import_precedents", lambda _: officer.office.import_precedents(path))


def holdings(officer: Officer) -> None:
    path = officer.folder / f"{officer.name}.csv"
    path.write_text(HOLDINGS.format(token=officer.token()), encoding="utf-8")
    officer.plain("import_holdings", lambda _: officer.office.import_holdings(path))
    closed = officer.office.holdings("不予公开")["holdings"]
    which = officer.chance.choice(closed)["id"]
    officer.plain("assess", lambda token: officer.office.assess(which, "kept", token))


def takeover(officer: Officer) -> None:
    path = officer.folder / f"{officer.name}-旧.jsonl"
    rows = [
        {
            "number": officer.token(),
            "received_on": "2025-03-03",
            "applicant": {"kind": "natural"},
            "outcome": "granted",
        }
        | {"replied_on": "2025-03-20", "remedies": []}
        for _ in range(3)
    ]
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    officer.plain("import_ledger", lambda _: officer.office.import_ledger(path))


def mailed(officer: Officer) -> None:
    number = officer.register()
    for step, facts in ROAD[:7]:
        officer.act(number, step, facts)
    path = officer.folder / f"{officer.name}-邮.csv"
    path.write_text(f"案件编号,邮件号码,寄出日期\n{number},XA123456789CN,{OPENED}\n", encoding="utf-8")
    officer.plain("track_batch", lambda _: officer.office.track_batch(path, record=True))


def sent(officer: Officer) -> None:
    """Send what waits, and one case anew from its first event."""
    office = officer.office
    officer.plain("exchange_send", lambda _: office.exchange_send())
    number = officer.chance.choice(officer.known) if officer.known else officer.register()
    officer.plain("exchange_resend", lambda _: office.exchange_resend([number]))


def held(officer: Officer) -> None:
    office, number = officer.office, officer.register()
    officer.plain("hold", lambda token: office.hold(number, token))
    officer.plain("lift_hold", lambda token: office.lift_hold(number, token))


def destroyed(officer: Officer) -> None:
    """Take cases to the end of what they are kept for: the list sent back, held, then carried out by another."""
    numbers = [_archived(officer) for _ in range(2)]
    with opened(officer.office.home, KEPT_UNTIL) as office:
        listed = _proposed(officer, office, numbers)
        with opened(officer.office.home, KEPT_UNTIL, SIGNER) as signing:
            _sent_back(officer, signing, listed)
            office.hold(numbers[1], "审计")
            listed = _proposed(officer, office, numbers[:1])
            _approved(officer, signing, listed)
            office.lift_hold(numbers[1], "审计结束")


def destroyed_together(officer: Officer) -> None:
    """Several cases on one list: all of them go, or none."""
    numbers = [_archived(officer) for _ in range(2)]
    with (
        opened(officer.office.home, KEPT_UNTIL) as office,
        opened(officer.office.home, KEPT_UNTIL, SIGNER) as signing,
    ):
        _approved(officer, signing, _proposed(officer, office, numbers))


def _archived(officer: Officer) -> str:
    number = officer.register()
    for step, facts in ROAD:
        officer.act(number, step, facts)
    return number


def _proposed(officer: Officer, office: Office, numbers: Sequence[str]) -> str:
    found = officer.plain("propose_destruction", lambda token: office.propose_destruction(token, numbers))
    return str(found["lists"][0]["list"])


def _sent_back(officer: Officer, office: Office, listed: str) -> None:
    officer.plain("refuse_destruction", lambda token: office.refuse_destruction(listed, token), list=listed)


def _approved(officer: Officer, office: Office, listed: str) -> None:
    officer.plain("approve_destruction", lambda _: office.approve_destruction(listed), list=listed)


def rotated(officer: Officer) -> None:
    """Exchange the keys; what a dead one left half done is gone on with first."""
    office = officer.office
    officer.plain("encrypt", lambda _: office.encrypt())
    officer.plain("rotate_keys", lambda _: office.rotate_keys())


def scanned(officer: Officer) -> None:
    officer.plain("scan_released", lambda _: officer.office.scan_released())


def beaten(officer: Officer) -> None:
    officer.plain("beat", lambda _: officer.office.beat(60))


def tick(officer: Officer) -> None:
    officer.plain("tick", lambda _: officer.office.tick())


def checkpoint(officer: Officer) -> None:
    officer.plain("checkpoint", lambda _: officer.office.checkpoint())


def report(officer: Officer) -> None:
    officer.plain("report_enter", lambda _: officer.office.report_enter(2025, {"penalties.decided": "1"}))


def published(officer: Officer) -> None:
    officer.plain("report_publish", lambda _: officer.office.report_publish(2025))


def rebuilt(officer: Officer) -> None:
    officer.plain("report_rebuild", lambda _: officer.office.report_rebuild())
    officer.plain("rebuild_recognition", lambda _: officer.office.rebuild_recognition())
    officer.plain("rebuild_search", lambda _: officer.office.rebuild_search())


def look(officer: Officer) -> None:
    """A look writes too: into the journal of who saw what."""
    if officer.known:
        officer.office.show(officer.chance.choice(officer.known))


Deed = Callable[[Officer], None]
# How often each is done beside the others; what takes long is done seldom.
DEEDS: Mapping[Deed, int] = {
    walk: 8,
    search: 8,
    register: 4,
    link: 4,
    split_and_merge: 4,
    move: 3,
    draft: 3,
    publish: 3,
    use: 2,
    library: 2,
    holdings: 3,
    takeover: 2,
    mailed: 3,
    tick: 4,
    checkpoint: 2,
    report: 1,
    published: 1,
    rebuilt: 1,
    sent: 3,
    held: 2,
    destroyed: 2,
    destroyed_together: 2,
    rotated: 1,
    scanned: 1,
    beaten: 1,
    look: 4,
}
LIGHT: tuple[Deed, ...] = (walk, search, register, link, split_and_merge, tick)


def work(officer: Officer, deeds: Mapping[Deed, int] = DEEDS, *, times: int = 0) -> None:
    """Do deeds by chance until one is killed, or ``times``; what is refused is written down and goes by."""
    turn = 0
    while not times or turn < times:
        turn += 1
        (deed,) = officer.chance.choices(list(deeds), list(deeds.values()))
        try:
            deed(officer)
        except YishenqingError as error:
            officer.diary.say(refused=type(error).__name__, code=error.code, text=str(error), deed=deed.__name__)
