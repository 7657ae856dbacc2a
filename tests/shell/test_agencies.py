"""Several agencies in one database: each sees its own; the superior looks and changes nothing; no verb leaks."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from offices import APPLICATION, OPENED, USER, Calendar, use_database, walked, ysq
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError
from timing import configure

from yishenqing import Office
from yishenqing.core.errors import DataFault, NotFound, Refused, YishenqingError
from yishenqing.office.overseeing import LOOKS
from yishenqing.office.premises import database_url
from yishenqing.office.schema import tables
from yishenqing.office.verbs import verbs
from yishenqing.settings import read_settings

pytest_plugins = ["pg"]

OWN, FOREIGN = "yunxi-zrzy", "qinghe"
MARKED = "青禾秘"  # stands in everything that the foreign agency wrote
ASKED = f"{MARKED}规划"
DAY = date(2026, 3, 12)


BOTH = pytest.mark.parametrize("two", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def two(
    request: pytest.FixtureRequest, home: Path, template: Path, tmp_path: Path, quick_letters: None
) -> tuple[Path, Path, str]:
    """Two offices on one database; the second has a case. Returns both folders and the case's number."""
    other = tmp_path / "青禾"
    other.mkdir()
    (other / "office.yaml").write_bytes((home / "office.yaml").read_bytes())
    if getattr(request, "param", "sqlite") == "postgresql":
        use_database(home, request.getfixturevalue("postgres_url"))
        Office.upgrade(home)
    configure(other, agency=FOREIGN, name=f"{MARKED}局", database=database_url(home, read_settings(home)))
    configure(other, case_number="青{year}-{n:04d}", mark=MARKED)
    Office.init(other, USER)
    calendar = Calendar(OPENED)
    with Office.open(other, user=USER, today=calendar) as office:
        applicant = {**APPLICATION["applicant"], "name": f"{MARKED}某"}
        application = {**APPLICATION, "applicant": applicant, "items": [ASKED]}
        number: str = office.register(application)["number"]
        walked(office, calendar, number, "acknowledged")
    return home, other, number


def rows_of(home: Path, agency: str) -> dict[str, list[Any]]:
    engine = create_engine(database_url(home, read_settings(home)))
    with engine.connect() as connection:
        found = {
            t.name: sorted(map(repr, connection.execute(select(t).where(t.c.agency == agency))))
            for t in tables()
            if "agency" in t.c
        }
    engine.dispose()
    return found


# ``check`` reads the rules and no database, for half a minute; the others write down what was answered before.
NO_CASES = {"check", "draft_page", "report_papers", "supervision_papers"}


def share_keys(home: Path, other: Path) -> None:
    """Let one office hold the keys of another too, as where both are kept by one computing centre."""
    own, theirs = (json.loads((folder / "secrecy.key").read_text())["keys"] for folder in (home, other))
    (home / "secrecy.key").write_text(json.dumps({"keys": [*theirs, *own]}))


def arguments(number: str, tmp_path: Path) -> Mapping[str, Any]:
    """Return something for each parameter that a verb of the office may have; a new one is added here."""
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    queries = tmp_path / "queries.jsonl"
    queries.write_text(json.dumps({"id": "q", "text": ASKED}) + "\n")
    ledger = tmp_path / "list.csv"
    ledger.write_text(f"案件编号,邮件号码,寄出日期\n{number},XA123456789CN,2026-03-12\n")
    return {
        "application": APPLICATION,
        "number": number,
        "identifier": 1,
        "subject": number,
        "step": "withdrawn",
        "since": "2026-01-01T00:00:00.000000Z",
        "into": number,
        "items": [1],
        "reason": "试",
        "procedure": "complaint",
        "kind": "registration_receipt",
        "path": ledger,
        "folder": tmp_path / "printed",
        "queries": queries,
        "qrels": empty,
        "text": ASKED,
        "name": "无此案例",
        "decision": "open",
        "code": FOREIGN,
        "first": date(2026, 3, 1),
        "last": date(2026, 3, 2),
        "answer": {"number": number},
        "year": 2026,
        "month": 3,
        "cell": "granted.natural",
        "values": {},
        "approve": True,
        "names": ["P11"],
        "n": 1,
        "seed": "试",
        "user": USER,
        "target": tmp_path / "written",
        "superior": OWN,
        "listed": "2026-1",
        "opinion": "试",
        "numbers": [number],
        "find": 1,
    }


def tried(office: Office, verb: str, known: Mapping[str, Any], also: set[str]) -> tuple[str, YishenqingError | None]:
    """Return what a verb says, given all that it needs and ``also`` what it could be given; and how it refuses."""
    method = getattr(office, verb)
    taken = inspect.signature(method).parameters
    needed = [n for n, p in taken.items() if p.default is p.empty or n in also]
    assert set(needed) <= known.keys(), f"{verb}: 请在 arguments 中补上新参数"
    try:
        answer = method(**{name: known[name] for name in needed})
    except YishenqingError as error:
        return str(error), error
    return json.dumps(dict(answer) if isinstance(answer, Mapping) else answer, default=repr, ensure_ascii=False), None


@BOTH
def test_no_verb_reaches_a_foreign_case(two: tuple[Path, Path, str], tmp_path: Path) -> None:
    """Every verb that the office has, found by reflection, given the foreign case wherever it takes one."""
    home, _, number = two
    before, known = rows_of(home, FOREIGN), arguments(number, tmp_path)
    found: dict[str, str] = {}
    with Office.open(home, user=USER, today=lambda: DAY) as office:
        for verb in verbs(Office).keys() - NO_CASES:
            said, error = tried(office, verb, known, {"number", "numbers", "into", "superior"})
            takes_a_case = "number" in inspect.signature(getattr(office, verb)).parameters
            if verb == "has_case":
                assert said == "false"  # it answers, and what it says is that there is none
            elif takes_a_case and not isinstance(error, NotFound | DataFault):
                found[verb] = f"took a foreign case: {error}"
            if MARKED in said.replace(ASKED, "").replace(number, ""):
                found[verb] = said
        own = office.register(APPLICATION)["number"]
        for one, other in ((own, number), (number, own)):
            with pytest.raises(NotFound):
                office.merge(one, other, "试")
    assert found == {}
    assert rows_of(home, FOREIGN) == before


def test_the_same_number_means_each_agencys_own_case(two: tuple[Path, Path, str]) -> None:
    home, other, _ = two
    configure(other, case_number="{year}-{n:04d}")
    with Office.open(home, user=USER, today=lambda: OPENED) as mine:
        mine.register(APPLICATION)
        mine.register(APPLICATION)
        number = mine.act("2026-0002", "withdrawn", {"statement": "撤回", "attachments": str(home / "office.yaml")})
    with Office.open(other, user=USER, today=lambda: OPENED) as theirs:
        second = theirs.register(APPLICATION)
        assert (second["number"], second["state"]) == (number["number"], "registered")
        assert len(theirs.show("2026-0002")["entries"]) == 1


class TestSupervision:
    @pytest.fixture
    def placed(self, two: tuple[Path, Path, str]) -> tuple[Path, str]:
        home, other, number = two
        with Office.open(other, user=USER) as office:
            office.add_agency(FOREIGN, superior=OWN)
        return home, number

    @BOTH
    def test_the_superior_sees_what_the_agency_sees(self, placed: tuple[Path, str], two: Any) -> None:
        home, number = placed
        with Office.open(two[1], user=USER, today=lambda: DAY) as theirs:
            otherwise = theirs.show(number)["deadlines"]
        configure(two[1], stage_limits={"review": 3})
        with Office.open(two[1], user=USER, today=lambda: DAY) as theirs:
            theirs.tick()
            own = theirs.show(number)
        with Office.open(home, user=USER, today=lambda: DAY, agency=FOREIGN) as above:
            seen = above.show(number)
            assert [x["number"] for x in above.cases()["cases"]] == [number]
            assert {x["number"] for x in above.due()["cases"]} == {number}
        assert json.dumps(seen["deadlines"]) == json.dumps(own["deadlines"]) != json.dumps(otherwise)
        assert ("recognised" in own, "recognised" in seen) == (True, False)  # by a key that lies with the agency
        public = {"facts": None}
        assert [{**e, **public} for e in seen["entries"]] == [{**e, **public} for e in own["entries"]]
        facts = zip(seen["entries"], own["entries"], strict=True)
        assert all(a["facts"].keys() == b["facts"].keys() for a, b in facts)
        applicant = own["entries"][0]["facts"]["applicant"]
        known = [applicant[k] for k in ("name", "id_number", "phone", "address")]
        assert [value for value in known if value in json.dumps(seen["entries"], ensure_ascii=False)] == []
        share_keys(home, two[1])
        with Office.open(home, user=USER, today=lambda: DAY, agency=FOREIGN) as above:
            told = above.show(number)["entries"][0]["facts"]
        assert told["items"] == own["entries"][0]["facts"]["items"]
        assert told["applicant"]["name"] == "青某"
        assert [value for value in known if value in json.dumps(told, ensure_ascii=False)] == []
        with Office.open(home, user=USER) as office:
            assert [(e["event"], e["detail"]) for e in office.access_log()["events"]] == [("supervised", FOREIGN)] * 2

    def test_and_does_nothing_there(self, placed: tuple[Path, str], tmp_path: Path) -> None:
        home, number = placed
        before, known = rows_of(home, FOREIGN), arguments(number, tmp_path)
        with Office.open(home, user=USER, today=lambda: DAY, agency=FOREIGN) as above:
            said = {verb: tried(above, verb, known, set()) for verb in verbs(Office).keys() - LOOKS.keys() - NO_CASES}
        assert len(said) > 30
        assert [
            v for v, (text_, error) in said.items() if not isinstance(error, Refused) or "只能查看" not in text_
        ] == []
        for _, error in said.values():
            assert isinstance(error, Refused)
            assert (error.law, [p.step for p in error.permitted]) == (["条例第四十七条"], ["list", "show", "due"])
        assert rows_of(home, FOREIGN) == before

    @BOTH
    def test_the_database_itself_refuses_the_superior(self, placed: tuple[Path, str]) -> None:
        """Were a verb let through by mistake, the transactions refuse it; were those wrong, the connection does."""
        home, _ = placed
        with Office.open(home, user=USER, agency=FOREIGN) as above:
            with pytest.raises(Refused, match="只能查看") as refused, above._transactions.writing():
                pytest.fail("it may write")
            assert refused.value.law == ["条例第四十七条"]
            with above._transactions.engine.connect() as connection, pytest.raises(DBAPIError):
                connection.execute(text("UPDATE cases SET state = 'archived'"))

    def test_only_from_above_and_only_by_a_supervisor(self, placed: tuple[Path, str], two: Any) -> None:
        home, other, number = two
        with pytest.raises(Refused, match="不是本机关的下级机关，不能查看其案件；可以查看：（无）"):
            Office.open(other, user=USER, agency=OWN)
        with pytest.raises(NotFound, match="nowhere"):
            Office.open(home, user=USER, agency="nowhere")
        configure(home, people={USER: {"name": "经办人", "roles": ["handler"]}})
        with pytest.raises(Refused, match="须有监督岗"):
            Office.open(home, user=USER, agency=FOREIGN)
        assert number

    def test_is_one_option_of_the_command_line(self, placed: tuple[Path, str]) -> None:
        home, number = placed
        seen = ysq("show", number, "--agency", FOREIGN, "--home", home, "--as", USER)
        assert (seen.returncode, MARKED in seen.stdout) == (0, True), seen.stderr
        assert "ysq recognition rebuild" not in seen.stdout
        done = ysq("act", number, "accepted", "--agency", FOREIGN, "--home", home, "--as", USER)
        assert (done.returncode, "只能查看" in done.stderr) == (3, True)
        listed = ysq("agency", "list", "--home", home)
        assert re.search(rf"云溪县自然资源局（{OWN}）\n　{MARKED}局（{FOREIGN}）", listed.stdout)


class TestTheTree:
    def test_grows_downwards(self, home: Path) -> None:
        with Office.open(home, user=USER) as office:
            office.add_agency("zhen", "某镇人民政府")
            office.add_agency("zhan", "某镇服务站", "zhen")
            found = office.agencies()["agencies"]
            assert [(a["agency"], a["superior"]) for a in found] == [(OWN, None), ("zhen", OWN), ("zhan", "zhen")]

    @pytest.mark.parametrize(
        ("code", "name", "superior", "kind"),
        [
            ("new", "新", "city", Refused),  # under somebody else's
            ("city", "市", OWN, Refused),  # taking an agency that is there already
            (OWN, "", "", DataFault),
            (OWN, "", OWN, Refused),  # itself
            (OWN, "", "zhen", Refused),  # one's own subordinate
            ("new", "", "", DataFault),
            ("a b", "名", "", DataFault),
            ("new", "名", "nowhere", NotFound),
        ],
    )
    def test_cannot_be_bent(self, home: Path, code: str, name: str, superior: str, kind: type[Exception]) -> None:
        with Office.open(home, user=USER) as office:
            office.add_agency("zhen", "某镇")
            with office._transactions.writing() as connection:
                connection.execute(
                    text("INSERT INTO agencies VALUES ('city', '某市', '', '', '2026-01-01T00:00:00.000000Z')")
                )
            before = office.agencies()
            with pytest.raises(kind):
                office.add_agency(code, name, superior)
            assert office.agencies() == before

    def test_an_agency_consents_once_to_its_superior(self, two: tuple[Path, Path, str]) -> None:
        home, other, _ = two
        with Office.open(other, user=USER) as office:
            assert office.add_agency(FOREIGN, superior=OWN)["superior"]["agency"] == OWN
            with pytest.raises(Refused, match="上级机关"):
                office.add_agency(FOREIGN, superior=FOREIGN)
            office.add_agency("cun", "某村")
            with pytest.raises(Refused):
                office.add_agency(FOREIGN, superior="cun")
        with Office.open(home, user=USER) as above:
            assert [a["agency"] for a in above.agencies()["agencies"]] == [OWN, FOREIGN, "cun"]


def test_open_cases_of_one_agency_are_not_the_others_reminders(
    two: tuple[Path, Path, str], in_state: Callable[[str], str]
) -> None:
    home, _, number = two
    with Office.open(home, user=USER, today=lambda: date(2026, 4, 20)) as office:
        told = office.tick()["reminders"]
    assert number not in {r["number"] for r in told}


@pytest.mark.parametrize("words", [("tick",), ("doctor",), ("metrics",), ("check",), ("upgrade",), ("user", "list")])
def test_what_knows_of_its_own_office_alone_looks_at_no_other(home: Path, words: tuple[str, ...]) -> None:
    done = ysq(*words, "--agency", "qinghe", "--home", home, "--as", USER)
    assert (done.returncode, "不能与 --agency 合用" in done.stderr) == (2, True)
