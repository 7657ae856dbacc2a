"""An office's own settings: ``office.yaml`` in its folder, read strictly."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from yishenqing.core.errors import DataFault, Fault, NotFound
from yishenqing.core.readings import objections
from yishenqing.remembered import remembered
from yishenqing.shipped import shipped

if TYPE_CHECKING:
    from yishenqing.documents import Document

FILE = "office.yaml"
SUPERVISOR, AUDITOR = "supervisor", "auditor"
# Roles of an office that take no step of any workflow.
OFFICE_ROLES: Mapping[str, str] = {SUPERVISOR: "监督", AUDITOR: "审计"}
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Away:
    """Days, first and last included, on which somebody else stands in for a person."""

    __pydantic_config__: ClassVar = _STRICT
    since: date
    until: date
    to: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts, the roles this person holds, and where reminders reach this person."""

    __pydantic_config__: ClassVar = _STRICT
    name: str
    roles: tuple[str, ...]
    email: str = ""
    away: tuple[Away, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """Working days left at which an office is reminded of a clock; 0 is never, None leaves the workflow's own."""

    __pydantic_config__: ClassVar = _STRICT
    yellow: int | None = None
    red: int | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """The office's own mail server. The password stands in the environment, never in a file."""

    __pydantic_config__: ClassVar = _STRICT
    host: str
    from_: str = ""
    port: int | None = None
    security: Literal["starttls", "ssl", "none"] = "starttls"
    user: str = ""
    password_env: str = "YISHENQING_MAIL_PASSWORD"  # noqa: S105 - the name of a variable
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """How an office takes a check that it may switch: as a warning, or not at all (``skip``); and why."""

    __pydantic_config__: ClassVar = _STRICT
    take_as: Literal["warning", "skip"]
    reason: str


@dataclass(frozen=True, slots=True)
class Signature:
    """With what issued letters are signed electronically: a key of the office, or a command that it names."""

    __pydantic_config__: ClassVar = _STRICT
    pkcs12: str = ""
    password_env: str = "YISHENQING_SIGN_PASSWORD"  # noqa: S105 - the name of a variable
    command: tuple[str, ...] = ()
    trust: str = ""  # certificates (PEM) to which the signer's must go back, for the examination


@dataclass(frozen=True, slots=True)
class Lettering:
    """How letters in prose are laid out; no format leaves each template its own."""

    __pydantic_config__: ClassVar = _STRICT
    format: Literal["letter", "plain"] | None = None
    seal: bool = True  # a sealed letter's date stands four characters from the right, and room is kept
    enclose: bool = False  # the files of what a reply provides go inside its PDF
    sign: Signature | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model on the office's own network (OpenAI-compatible). The key stands in the environment, never in a file."""

    __pydantic_config__: ClassVar = _STRICT
    url: str
    model: str
    key_env: str = ""
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Models:
    """Models that may help; none is needed: ``embedding`` ranks precedents, ``writing`` words what officers may."""

    __pydantic_config__: ClassVar = _STRICT
    embedding: Model | None = None
    writing: Model | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    """How the command line knows who acts: the system's user (or --as), or a password; and how careful it is."""

    __pydantic_config__: ClassVar = _STRICT
    by: Literal["system", "password"] = "system"
    attempts: int = 5  # wrong passwords in a row, then the user is locked
    locked_minutes: int = 15
    session_hours: int = 8
    idle_minutes: int = 60
    shortest: int = 10  # characters of a password


@dataclass(frozen=True)
class Settings:
    """What the program must know of an office. Every text of it may stand in a letter."""

    __pydantic_config__: ClassVar = _STRICT
    agency: str
    name: str
    office: str
    mark: str
    address: str
    postcode: str
    phone: str
    fonds: str
    reconsideration_organ: str
    court: str
    people: Mapping[str, Person]
    reconsideration_online: str = ""  # where an application for reconsideration is handed in online
    case_number: str = "{year}-{n:04d}"
    letter_number: str = "{mark}{series}〔{year}〕{n}号"
    letter_numbers: Mapping[str, str] = field(default_factory=dict)  # of single series, where another form is used
    workflow: str = "disclosure"  # the procedure under which new cases are opened: the shipped one, or a variant
    database: str = ""
    sign_in: SignIn = field(default_factory=SignIn)
    switched_off: tuple[str, ...] = field(default=())
    stage_limits: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, int] = field(default_factory=dict)
    readings: Mapping[str, str] = field(default_factory=dict)  # of what the law leaves contested; others by default
    reminders: Mapping[str, Marks] = field(default_factory=dict)
    escalate_after: int = 2  # working days that an expired deadline may lie before the supervisors are told; 0: never
    mail: Mail | None = None
    hook: tuple[str, ...] = ()
    reassess_months: int | None = None  # None: as workflows/holdings.yaml says
    letters: Lettering = field(default_factory=Lettering)
    # The office's own licensed fonts by role: files, seen from its folder.
    fonts: Mapping[Literal["body", "title", "h1", "h2", "page", "latin"], str] = field(default_factory=dict)
    propose_applicants: int | None = None  # None: as workflows/recognition.yaml says
    archive_code: str = "{fonds}-WS·{year}-{retention}-YSQ-{item}"
    checkpoint_key: str = "checkpoint.key"  # seen from the office's folder
    inspection: Mapping[str, Adjusted] = field(default_factory=dict)  # checks before issue that are taken otherwise
    models: Models = field(default_factory=Models)  # none unless the office names some

    def roles_on(self, user: str, day: date) -> dict[str, str]:
        """Return the roles that ``user`` may act in on ``day``, each with whose it is (oneself, or who is away)."""
        roles = dict.fromkeys(self.people[user].roles, user)
        for other, person in self.people.items():
            if any(a.to == user and a.since <= day <= a.until for a in person.away):
                roles = {**dict.fromkeys(person.roles, other), **roles}
        return roles

    @property
    def staffed(self) -> frozenset[str]:
        """Return the roles that somebody holds."""
        return frozenset(role for person in self.people.values() for role in person.roles)

    @property
    def names(self) -> dict[str, str]:
        """Return what people call each of those who act."""
        return {user: person.name for user, person in self.people.items() if person.name}

    def holders(self, role: str) -> list[str]:
        """Return who holds ``role``."""
        return [user for user, person in self.people.items() if role in person.roles]

    def numbered_case(self, year: int, n: int) -> str:
        """Return the number of the ``n``-th case of ``year``."""
        return self.case_number.format(year=year, n=n)

    def item_of(self, year: int, number: str) -> str:
        """Return the 件号 of a case: its running number in the year, in four digits; another number as it is."""
        before, _, after = self.case_number.replace("{year}", str(year)).partition("{n")
        after = after.partition("}")[2]
        n = number.removeprefix(before).removesuffix(after)
        own = number == f"{before}{n}{after}" and n.isdecimal() and self.numbered_case(year, int(n)) == number
        return f"{int(n):04d}" if own else number

    def coded_file(self, year: int, retention: str, number: str, item: str) -> str:
        """Return the 档号 of a case file (DA/T 22-2015)."""
        return self.archive_code.format(fonds=self.fonds, year=year, retention=retention, number=number, item=item)

    def numbered_letter(self, series: str, year: int, n: int) -> str:
        """Return the number of the ``n``-th letter of a series in ``year``."""
        pattern = self.letter_numbers.get(series, self.letter_number)
        return pattern.format(mark=self.mark, series=series, year=year, n=n)


def read_settings(home: Path) -> Settings:
    """Read the settings of the office in ``home``.

    Raises:
        NotFound: there is no office in this folder.
        DataFault: the settings have faults; all of them, with lines.
    """
    path = home / FILE
    if not path.is_file():
        raise NotFound(f"“{home}”中没有机关设置（{FILE}）；请先运行 ysq init，或者用 --home 指定文件夹。")
    return remembered(Settings, path, home, _validated)


def _validated(path: Path) -> Settings:
    from pydantic import TypeAdapter  # noqa: PLC0415 - only a changed file is validated

    from yishenqing.documents import read, validated  # noqa: PLC0415

    document = _with_python_names(read(path))
    settings = validated(TypeAdapter(Settings), document)
    if faults := _faults(settings, document):
        raise DataFault.of(faults)
    return settings


def _faults(settings: Settings, document: Document) -> list[Fault]:
    faults = [
        document.fault("不能为空", (name,))
        for name in ("agency", "name", "office", "mark", "reconsideration_organ", "court")
        if not getattr(settings, name).strip()
    ]
    if not settings.people:
        faults.append(document.fault("至少要有一名人员", ("people",)))
    faults += [document.fault(text, ("readings", name)) for name, text in objections(settings.readings)]
    faults += [
        document.fault("不能小于1", (name,))
        for name in ("reassess_months", "propose_applicants")
        if (number := getattr(settings, name)) is not None and number < 1
    ]
    sign = settings.letters.sign
    if sign is not None and bool(sign.pkcs12.strip()) == bool(sign.command and sign.command[0].strip()):
        faults.append(
            document.fault("pkcs12（证书文件）和 command（签名的命令）写一项，也只能写一项", ("letters", "sign"))
        )
    faults += _model_faults(settings, document)
    if _PASSWORD_INSIDE.search(settings.database):
        text = "口令不写在这里；请放在环境变量 YISHENQING_DB_PASSWORD 或者本文件夹的 database.password（权限600）中"
        faults.append(document.fault(text, ("database",)))
    faults += [
        document.fault("不能小于1", ("sign_in", name))
        for name, number in asdict(settings.sign_in).items()
        if name != "by" and number < 1
    ]
    return [*faults, *_pattern_faults(settings, document), *_reminder_faults(settings, document)]


def _model_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    for name in ("embedding", "writing"):
        model = getattr(settings.models, name)
        if model is None:
            continue
        if not _ENDPOINT.fullmatch(model.url):
            yield document.fault("应为本机关网络内的地址，如 http://10.1.2.3:8000/v1", ("models", name, "url"))
        if not model.model.strip():
            yield document.fault("不能为空", ("models", name, "model"))
        if not 0 < model.timeout <= _PATIENCE:
            yield document.fault(f"应大于0，不超过{_PATIENCE}秒", ("models", name, "timeout"))


def _with_python_names(document: Document) -> Document:
    """``from`` is a word of the settings and a keyword of Python."""
    data = document.data
    mail = data.get("mail") if isinstance(data, dict) else None
    if not isinstance(mail, dict) or "from" not in mail:
        return document
    return replace(document, data={**data, "mail": {("from_" if k == "from" else k): v for k, v in mail.items()}})


def _reminder_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    for clock, marks in settings.reminders.items():
        if min(marks.yellow or 0, marks.red or 0) < 0:
            yield document.fault("提前的工作日数不能小于0", ("reminders", clock))
        if marks.yellow and marks.red and marks.yellow <= marks.red:
            yield document.fault("黄灯（yellow）应早于红灯（red），即提前更多工作日", ("reminders", clock))
    if settings.escalate_after < 0:
        yield document.fault("不能小于0；填0为不上报", ("escalate_after",))
    yield from _people_faults(settings, document)
    if settings.hook and not settings.hook[0].strip():
        yield document.fault("缺少要运行的命令", ("hook",))
    if settings.mail is not None:
        yield from (document.fault(text, ("mail", name)) for name, text in _mail_faults(settings.mail))


def _people_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    for user, person in settings.people.items():
        for n, away in enumerate(person.away):
            if away.to not in settings.people or away.to == user:
                yield document.fault(f"代理人“{away.to}”不在人员之中", ("people", user, "away", n, "to"))
            if away.until < away.since:
                yield document.fault("最后一日早于第一日", ("people", user, "away", n, "until"))
        if person.email and not _ADDRESS.fullmatch(person.email):
            yield document.fault(f"“{person.email}”不是邮箱地址", ("people", user, "email"))


def _mail_faults(mail: Mail) -> Iterator[tuple[str, str]]:
    if not mail.host.strip():
        yield "host", "不能为空"
    if not _ADDRESS.fullmatch(mail.from_):
        yield "from", "应为发件的邮箱地址" if not mail.from_ else f"“{mail.from_}”不是邮箱地址"
    if mail.port is not None and not 0 < mail.port < _PORTS:
        yield "port", "不是端口号"
    if mail.user and mail.security == "none":
        yield "security", "不加密的连接（none）不能传送口令；请改用 starttls 或 ssl，或者删去 user"
    if mail.user and not mail.password_env:
        yield "password_env", "写明存放口令的环境变量"
    if mail.quiet and not _HOURS.fullmatch(mail.quiet):
        yield "quiet", "应写作 20:00-08:00"


def _pattern_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    """Numbers become file names and must never repeat."""
    patterns = {
        "case_number": lambda _series, year, n: settings.numbered_case(year, n),
        "letter_number": settings.numbered_letter,
    }
    for name, sample in patterns.items():
        try:
            known = {sample(series, year, n) for series in ("告", "回") for year in (2026, 2027) for n in (1, 2)}
        except (KeyError, ValueError, IndexError, AttributeError):
            yield document.fault("样式有误：只能使用{year}、{n}、{mark}、{series}", (name,))
            continue
        if name == "letter_number" and len(known) < _ALL_DIFFERENT:
            yield document.fault("样式须含{series}、{year}和{n}，否则编号会重复", (name,))
        if name == "case_number":
            yield from (document.fault(text, (name,)) for text in _case_number_faults(known))
    yield from _own_pattern_faults(settings, document)
    try:
        codes = {settings.coded_file(y, "D10", n, n) for y in (2026, 2027) for n in ("0001", "0002")}
    except (KeyError, ValueError, IndexError, AttributeError):
        yield document.fault("样式有误：只能使用{fonds}、{year}、{retention}、{number}、{item}", ("archive_code",))
        return
    if len(codes) < _ALL_DIFFERENT // 2:
        yield document.fault("样式须含{year}，以及{item}或者{number}，否则档号会重复", ("archive_code",))


def _own_pattern_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    """A series with a pattern of its own never gives a number that it, or another series, gives once more."""
    given: dict[str, str] = {}
    others = [s for s in ("告", "回") if s not in settings.letter_numbers]
    for series in (*others, *settings.letter_numbers):
        try:
            known = [settings.numbered_letter(series, year, n) for year in (2026, 2027) for n in (1, 2, 12, 112)]
        except (KeyError, ValueError, IndexError, AttributeError):
            if series in settings.letter_numbers:
                yield document.fault("样式有误：只能使用{year}、{n}、{mark}、{series}", ("letter_numbers", series))
            continue
        if series in settings.letter_numbers and len(set(known)) < len(known):
            yield document.fault("样式须含{year}和{n}，否则编号会重复", ("letter_numbers", series))
        elif twice := next((given[n] for n in known if n in given), None):
            yield document.fault(f"与“{twice}”系列的编号相同", ("letter_numbers", series))
        given |= dict.fromkeys(known, series)


def _case_number_faults(known: set[str]) -> Iterator[str]:
    if len(known) < _ALL_DIFFERENT // 2:
        yield "样式须含{year}和{n}，否则编号会重复"
    if any(c in _NOT_IN_NAMES or not c.isprintable() for number in known for c in number):
        yield '编号要用作文件夹名，不能含有 / \\ : * ? " < > | 和不可见字符'
    if any(number.strip(". ") != number for number in known):
        yield "编号不能以点或者空格开头、结尾"


# Written to headers and given to a server: printable, no blanks, no brackets.
_ADDRESS = re.compile(r"[!-;=?A-~]+@[0-9A-Za-z.-]+")
_HOURS = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d")
_PASSWORD_INSIDE = re.compile(r"://[^/@]*?:[^@/]+@|[?&]password=")
_PORTS = 65536
_ENDPOINT = re.compile(r"https?://[0-9A-Za-z.\-\[\]:]+(?:/[!-;=?-~]*)?")
_PATIENCE = 120  # seconds that a command may wait for a model
_ALL_DIFFERENT = 8  # two series, two years, two numbers
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')


def write_settings(home: Path, user: str, workflow: str = "", database: str = "") -> Path:
    """Write the sample settings, giving ``user`` every role; existing settings are left alone.

    Raises:
        DataFault: there are settings already, and they name another ``workflow`` or ``database`` than is wished.
    """
    path = home / FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        text = (shipped("samples") / FILE).read_text(encoding="utf-8")
        quoted = json.dumps(user, ensure_ascii=False)  # a YAML string too, whatever the user is called
        text = text.replace("__USER__", quoted)
        if workflow:
            text = re.sub(r"(?m)^workflow: \w+", lambda _: f"workflow: {workflow}", text)
        if database:
            text = _with_database(text, database)
        _write_whole(path, text)
        return path
    if workflow and (known := read_settings(home).workflow) != workflow:
        text = f"机关设置已经存在，所用流程是“{known}”；要改用“{workflow}”，请修改其中的 workflow"
        raise DataFault.of([Fault(text, str(path), field="workflow")])
    if database and read_settings(home).database != database:
        text = "机关设置已经存在，数据库不是这一个；已有案件要迁到 PostgreSQL 的，请用 ysq move-database --to 地址"
        raise DataFault.of([Fault(text, str(path), field="database")])
    return path


def change_database(home: Path, database: str) -> None:
    """Name another database in the office's settings; every other line stays as it is.

    Raises:
        DataFault: the settings have no line for the database where one is looked for.
    """
    path = home / FILE
    text = path.read_text(encoding="utf-8")
    changed = _with_database(text, database)
    if changed == text:
        changed = f"{text.rstrip()}\ndatabase: {json.dumps(database)}\n"
    _write_whole(path, changed)
    if read_settings(home).database != database:
        raise DataFault.of([Fault("请把 database 改成新的地址", str(path), field="database")])


def _with_database(text: str, database: str) -> str:
    return re.sub(r"(?m)^database:.*$", lambda _: f"database: {json.dumps(database)}", text)


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}-{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)  # whole or not at all
