"""What an office sets for itself: its names, its people, its choices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from msgspec import field

from yishenqing.core.written import Written

FILE = "office.yaml"
SUPERVISOR, AUDITOR = "supervisor", "auditor"
# Roles of an office that take no step of any workflow.
OFFICE_ROLES: Mapping[str, str] = {SUPERVISOR: "监督", AUDITOR: "审计"}


class Away(Written, frozen=True):
    """Days, first and last included, on which somebody else stands in for a person."""

    since: date
    until: date
    to: str


class Person(Written, frozen=True):
    """Somebody who acts, the roles this person holds, and where reminders reach this person."""

    name: str
    roles: tuple[str, ...]
    email: str = ""
    away: tuple[Away, ...] = ()


class Marks(Written, frozen=True):
    """Working days left at which an office is reminded of a clock; 0 is never, None leaves the workflow's own."""

    yellow: int | None = None
    red: int | None = None


class Mail(Written, frozen=True):
    """The office's own mail server. The password stands in the environment, never in a file."""

    host: str
    from_: str = ""
    port: int | None = None
    security: Literal["starttls", "ssl", "none"] = "starttls"
    user: str = ""
    password_env: str = "YISHENQING_MAIL_PASSWORD"  # noqa: S105 - the name of a variable
    quiet: str = ""


class Adjusted(Written, frozen=True):
    """How an office takes a check that it may switch: as a warning, or not at all (``skip``); and why."""

    take_as: Literal["warning", "skip"]
    reason: str


class Signature(Written, frozen=True):
    """With what issued letters are signed electronically: a key of the office, or a command that it names."""

    pkcs12: str = ""
    password_env: str = "YISHENQING_SIGN_PASSWORD"  # noqa: S105 - the name of a variable
    command: tuple[str, ...] = ()
    trust: str = ""  # certificates (PEM) to which the signer's must go back, for the examination


class Lettering(Written, frozen=True):
    """How letters in prose are laid out; no format leaves each template its own."""

    format: Literal["letter", "plain"] | None = None
    seal: bool = True  # a sealed letter's date stands four characters from the right, and room is kept
    enclose: bool = False  # the files of what a reply provides go inside its PDF
    sign: Signature | None = None


class Model(Written, frozen=True):
    """A model on the office's own network (OpenAI-compatible). The key stands in the environment, never in a file."""

    url: str
    model: str
    key_env: str = ""
    timeout: float = 5.0


class Models(Written, frozen=True):
    """Models that may help; none is needed: ``embedding`` ranks precedents, ``writing`` words what officers may."""

    embedding: Model | None = None
    writing: Model | None = None


class SignIn(Written, frozen=True):
    """How the command line knows who acts: the system's user (or --as), or a password; and how careful it is."""

    by: Literal["system", "password"] = "system"
    attempts: int = 5  # wrong passwords in a row, then the user is locked
    locked_minutes: int = 15
    session_hours: int = 8
    idle_minutes: int = 60
    shortest: int = 10  # characters of a password


class Secrecy(Written, frozen=True):
    """Where the master keys of the personal data lie (a file, or the variable that is named), and the cipher."""

    key: str = "secrecy.key"  # seen from the office's folder
    key_env: str = ""
    cipher: Literal["aes-256-gcm", "sm4-gcm"] = "aes-256-gcm"


class Receiver(Written, frozen=True):
    """Whom events of cases are sent to: a folder or a web address. The secret stands in a file or the environment."""

    folder: str = ""
    url: str = ""
    list_url: str = ""  # where it tells what it has, for the comparison
    secret_file: str = ""
    secret_env: str = ""
    ca: str = ""  # certificates (PEM) by which its own is known, where it is no public one
    mapping: str = ""  # how it names the fields of a case; none: it gets the events alone
    personal: tuple[str, ...] = ()  # what of a person it may be told unmasked, where its mapping names it too
    timeout: float = 60.0


class Exchange(Written, frozen=True):
    """Who gets the events of cases; nobody unless the office names somebody."""

    receivers: Mapping[str, Receiver] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()  # agencies that report by another line: of their cases nothing leaves


class Log(Written, frozen=True):
    """Where the program's own log goes (seen from the office's folder; empty: nowhere), and how much is kept."""

    file: str = ""
    level: Literal["info", "warning", "error"] = "info"
    megabytes: int = 10
    keep: int = 10


class Attachments(Written, frozen=True):
    """What an office takes as attachments: how large, and of which kinds (file endings without the dot)."""

    megabytes: int | None = None  # None: as the program has it
    kinds: tuple[str, ...] | None = None


class Settings(Written, frozen=True):
    """What the program must know of an office. Every text of it may stand in a letter."""

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
    wait_seconds: int = 60  # somebody who writes waits for others, who may be stuck
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
    checkpoint_days: int | None = None  # how often the tick makes one; None: as workflows/upkeep.yaml says; 0: never
    inspection: Mapping[str, Adjusted] = field(default_factory=dict)  # checks before issue that are taken otherwise
    secrecy: Secrecy = field(default_factory=Secrecy)
    models: Models = field(default_factory=Models)  # none unless the office names some
    exchange: Exchange = field(default_factory=Exchange)
    keys_kept_days: int = 10  # how long a call under a key may be repeated: longer than the longest holiday (8 days)
    log: Log = field(default_factory=Log)
    metrics_file: str = ""  # where ``run`` writes the figures for a monitor at each tick; empty: nowhere
    attachments: Attachments = field(default_factory=Attachments)

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
