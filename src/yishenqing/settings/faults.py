"""What is wrong with an office's settings beside the types of their values: every fault, with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from yishenqing.core.errors import Fault
from yishenqing.core.readings import objections
from yishenqing.settings.model import Mail, Settings

if TYPE_CHECKING:
    from yishenqing.documents import Document


def faults_of(settings: Settings, document: Document) -> list[Fault]:
    """Return what is wrong with settings whose every value has the right type."""
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
        for name in ("reassess_months", "propose_applicants", "keys_kept_days")
        if (number := getattr(settings, name)) is not None and number < 1
    ]
    if settings.checkpoint_days is not None and settings.checkpoint_days < 0:
        faults.append(document.fault("不能小于0", ("checkpoint_days",)))
    sign = settings.letters.sign
    if sign is not None and bool(sign.pkcs12.strip()) == bool(sign.command and sign.command[0].strip()):
        faults.append(
            document.fault("pkcs12（证书文件）和 command（签名的命令）写一项，也只能写一项", ("letters", "sign"))
        )
    faults += _model_faults(settings, document)
    faults += [document.fault(text, place) for place, text in _keeping_faults(settings)]
    faults += [
        document.fault(_NAME_THE_VARIABLE, place)
        for place, name in _names_of_secrets(settings)
        if not _VARIABLE.match(name)
    ]
    if _PASSWORD_INSIDE.search(settings.database):
        text = "口令不写在这里；请放在环境变量 YISHENQING_DB_PASSWORD 或者本文件夹的 database.password（权限600）中"
        faults.append(document.fault(text, ("database",)))
    faults += [
        document.fault("不能小于1", ("sign_in", name))
        for name, number in asdict(settings.sign_in).items()
        if name != "by" and number < 1
    ]
    faults += _exchange_faults(settings, document)
    return [*faults, *_pattern_faults(settings, document), *_reminder_faults(settings, document)]


def _names_of_secrets(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what should name a variable of the environment: whoever writes the secret itself there is told."""
    if settings.mail is not None and settings.mail.password_env:
        yield ("mail", "password_env"), settings.mail.password_env
    if settings.letters.sign is not None:
        yield ("letters", "sign", "password_env"), settings.letters.sign.password_env
    for name in ("embedding", "writing"):
        if (model := getattr(settings.models, name)) is not None and model.key_env:
            yield ("models", name, "key_env"), model.key_env


def _keeping_faults(settings: Settings) -> Iterator[tuple[tuple[str, str], str]]:
    for name in ("megabytes", "keep"):
        if getattr(settings.log, name) < 1:
            yield ("log", name), "不能小于1"
    taken = settings.attachments
    if taken.megabytes is not None and taken.megabytes < 1:
        yield ("attachments", "megabytes"), "不能小于1"
    for kind in taken.kinds or ():
        if not _ENDING.fullmatch(kind):
            yield ("attachments", "kinds"), f"“{kind}”应为不带点的扩展名，如 pdf"


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


def _exchange_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    for name, receiver in settings.exchange.receivers.items():
        place = ("exchange", "receivers", name)
        if not _NAME.fullmatch(name):
            yield document.fault("名称用英文字母、数字、短横线", place)
        if bool(receiver.folder) == bool(receiver.url):
            yield document.fault("folder（文件夹）和 url（网址）写一项，也只能写一项", place)
        for address in ("url", "list_url"):
            if (text := getattr(receiver, address)) and not _ENDPOINT.fullmatch(text):
                yield document.fault("应为网址，如 https://ysq.example.gov.cn/events", (*place, address))
        if receiver.url and bool(receiver.secret_file) == bool(receiver.secret_env):
            text = "secret_file（存放密钥的文件）和 secret_env（存放密钥的环境变量）写一项，也只能写一项"
            yield document.fault(text, place)
        if receiver.personal and not receiver.mapping:
            yield document.fault("没有字段对应表（mapping）的，不发送任何个人信息", (*place, "personal"))
        if not 0 < receiver.timeout <= _PATIENCE:
            yield document.fault(f"应大于0，不超过{_PATIENCE}秒", (*place, "timeout"))


def _reminder_faults(settings: Settings, document: Document) -> Iterator[Fault]:
    for clock, marks in settings.reminders.items():
        if min(marks.yellow or 0, marks.red or 0) < 0:
            yield document.fault("提前的工作日数不能小于0", ("reminders", clock))
        if marks.yellow and marks.red and marks.yellow <= marks.red:
            yield document.fault("黄灯（yellow）应早于红灯（red），即提前更多工作日", ("reminders", clock))
    if settings.wait_seconds < 1:
        yield document.fault("至少为1秒", ("wait_seconds",))
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
_NAME = re.compile(r"[0-9A-Za-z-]+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_NAME_THE_VARIABLE = "应为环境变量的名称（大写字母、数字、下划线）；口令和密钥本身不写在这里"
_ENDING = re.compile(r"[0-9a-z]{1,10}")
_ENDPOINT = re.compile(r"https?://[0-9A-Za-z.\-\[\]:]+(?:/[!-;=?-~]*)?")
_PATIENCE = 120  # seconds that a command may wait for a model
_ALL_DIFFERENT = 8  # two series, two years, two numbers
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')
