"""Take in an application for disclosure: read the file strictly, and show the officer what needs a look.

Two kinds of trouble are kept apart. A malformed file is refused, all faults at once. A defective application
is taken in like any other, because the law answers it with a request for supplement and not with a closed
door: what is missing or implausible stands in ``Application.warnings``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, Reason
from yishenqing.core.identity import credit_code_fault, resident_id_fault
from yishenqing.core.plain import plain_of
from yishenqing.core.written import Written
from yishenqing.documents import Document, read, validated
from yishenqing.intake.shapes import As, Some, code, day, inside, optional, prose

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Channel = Literal["in_person", "registered_mail", "ordinary_mail", "online", "email", "fax", "oral"]
Kind = Literal["natural", "commercial", "research", "public_welfare", "legal_service", "other_org"]
Form = Literal["paper", "electronic", "inspection"]
Delivery = Literal["mail", "email", "in_person", "online"]
Request = Literal["disclosure", "correction"]  # 申请公开，或者要求更正（条例第四十一条）

_CONTENTS = "contents"
_RECEIPT = "receipt"
_NOT_AN_APPLICATION = "not_an_application"
_CORRECTION = "correction"

_Name = Annotated[str, As(prose(200))]
_Short = Annotated[str | None, As(optional(prose(200)))]
_Code = Annotated[str | None, As(optional(code(100)))]
_Item = Annotated[str, As(prose(2000, lines=True))]
_Lead = Annotated[str, As(prose(500))]
_Note = Annotated[str | None, As(optional(prose(2000, lines=True)))]
_Day = Annotated[date, As(day)]
_LaterDay = Annotated[date | None, As(lambda value: None if value is None or value == "" else day(value))]
_Path = Annotated[str, As(inside)]


class Agent(Written, frozen=True):
    """Who acts for the applicant; ``authority`` names the paper that says so (授权委托书)."""

    name: _Name
    id_type: _Short = None
    id_number: _Code = None
    phone: _Code = None
    authority: _Short = None


class Applicant(Written, frozen=True):
    """Who applies. Only kind and name must be there; identity and contact may be supplemented."""

    kind: Kind
    name: _Name
    id_type: _Short = None
    id_number: _Code = None
    phone: _Code = None
    email: _Code = None
    address: _Short = None
    postcode: _Code = None
    agent: Agent | None = None


class JointApplicant(Written, frozen=True):
    """Who applies together with the first: named in every letter, reached through the first one's contact."""

    name: _Name
    id_type: _Short = None
    id_number: _Code = None
    phone: _Code = None
    address: _Short = None


class Application(Written, frozen=True):
    """An application as it was received.

    ``arrived_on`` is the day it reached the organ, ``confirmed_on`` the day both sides confirmed it, where
    the channel asks for that. ``addressed_to`` is the section or person, other than the disclosure office, to
    whom a letter was addressed (国办公开办函〔2015〕207号). ``request`` is what is asked for: information, or that a
    record of oneself be put right; ``concerns`` the case in which that record was provided. ``leads`` (线索) are
    document numbers and the like that help the search, ``attachments`` paths relative to the application's file.
    """

    channel: Channel
    arrived_on: _Day
    applicant: Applicant
    items: Annotated[tuple[_Item, ...], Some(1, 100)]
    preferred_form: Form
    delivery: Delivery
    request: Request = "disclosure"
    concerns: _Code = None
    confirmed_on: _LaterDay = None
    joint_applicants: Annotated[tuple[JointApplicant, ...], Some(0, 100)] = ()
    addressed_to: _Short = None
    leads: Annotated[tuple[_Lead, ...], Some(0, 100)] = ()
    note: _Note = None
    attachments: Annotated[tuple[_Path, ...], Some(0, 100)] = ()

    def facts(self) -> dict[str, Any]:
        """Return the application as JSON-ready data for the ledger; ``parse_application`` reads it back."""
        facts = plain_of(self)
        facts["arrived_on"] = self.arrived_on.isoformat()
        facts["confirmed_on"] = self.confirmed_on.isoformat() if self.confirmed_on else None
        for name in ("items", "leads", "attachments", "joint_applicants"):
            facts[name] = list(facts[name])
        for name, usual in (("addressed_to", None), ("concerns", None), ("request", "disclosure")):
            if facts[name] == usual:  # an office's own procedure need not know what is hardly ever said
                del facts[name]
        return facts

    def warnings(self) -> list[Reason]:
        """Return what the officer should look at before going on; nothing of it is decided here."""
        looks = (_identity, _joint, _contact, _agent, _unproved if self.request == "correction" else _dressed_up)
        return [reason for look in looks for reason in look(self)]


def read_application(path: Path) -> Application:
    """Read the application in the JSON or YAML file at ``path``; its attachments must be there.

    Raises:
        NotFound: there is no such file.
        DataFault: the file is malformed; all faults at once, with file, line and field.
    """
    return _application(read(path), path.resolve().parent)


def parse_application(data: Mapping[str, Any]) -> Application:
    """Return the application that a host program holds as plain data; attachments are not looked for.

    Raises:
        DataFault: the data are malformed; all faults at once, with field.
    """
    return _application(Document(dict(data), ""), None)


@cache
def _adapter() -> TypeAdapter[Application]:
    from pydantic import TypeAdapter

    return TypeAdapter(Application)


def _application(document: Document, folder: Path | None) -> Application:
    faults = [*_order_of_days(document), *_concerning(document), *(_absent(document, folder) if folder else ())]
    try:
        application = validated(_adapter(), document)
    except DataFault as error:
        raise DataFault.of([*error.faults, *faults]) from None
    if faults:
        raise DataFault.of(faults)
    return application


def _order_of_days(document: Document) -> Iterator[Fault]:
    """Nothing can be confirmed before it has arrived."""
    data = document.data if isinstance(document.data, dict) else {}
    try:
        arrived, confirmed = day(data.get("arrived_on")), day(data.get("confirmed_on"))
    except ValueError:  # a date that is missing or impossible has a fault of its own
        return
    if confirmed < arrived:
        yield document.fault(
            f"双方确认之日（{confirmed}）不得早于申请到达之日（{arrived}）", ("confirmed_on",), article(_RECEIPT)
        )


def _concerning(document: Document) -> Iterator[Fault]:
    """Only a correction concerns what another case has provided."""
    data = document.data if isinstance(document.data, dict) else {}
    if data.get("concerns") and data.get("request") != "correction":
        yield document.fault(
            "只有更正申请（request: correction）才写所针对的案件", ("concerns",), article(_CORRECTION)
        )


def _absent(document: Document, folder: Path) -> Iterator[Fault]:
    """Attachments that are named but not there, or that a link leads out of the folder."""
    named = document.data.get("attachments") if isinstance(document.data, dict) else None
    for index, value in enumerate(named if isinstance(named, list) else ()):
        try:
            file = (folder / inside(value)).resolve()
        except ValueError:  # has a fault of its own
            continue
        if not (file.is_file() and file.is_relative_to(folder)):
            yield document.fault(f"找不到附件“{value}”", ("attachments", index))


# What the officer should look at.


def _identity(application: Application) -> Iterator[Reason]:
    applicant = application.applicant
    if applicant.id_number is None:
        yield Reason("缺少申请人身份证明（证件类型和号码），可以要求补正", article(_CONTENTS))
    elif applicant.id_type is None:
        yield Reason("未写明申请人身份证明的证件类型", article(_CONTENTS))
    fault = _number_fault(applicant.id_type, applicant.id_number)
    if fault:
        yield Reason(f"申请人：{fault}", article(_CONTENTS))


def _joint(application: Application) -> Iterator[Reason]:
    for other in application.joint_applicants:
        if other.id_number is None:
            yield Reason(f"缺少共同申请人{other.name}的身份证明，可以要求补正", article(_CONTENTS))
        elif fault := _number_fault(other.id_type, other.id_number):
            yield Reason(f"共同申请人{other.name}：{fault}", article(_CONTENTS))


def _number_fault(id_type: str | None, number: str | None) -> str | None:
    """Only the two numbers that a standard lets us check; a passport's number is taken as it stands."""
    if id_type is None or number is None:
        return None
    if re.fullmatch(r"(第?二代)?(居民)?身份证(号|号码|复印件)?|港澳台居民居住证", id_type):
        return resident_id_fault(number.upper())
    if re.search("信用代码|营业执照", id_type):
        return credit_code_fault(number.upper())
    return None


def _contact(application: Application) -> Iterator[Reason]:
    applicant = application.applicant
    by_agent = applicant.agent.phone if applicant.agent else None
    if not (applicant.phone or applicant.email or applicant.address or by_agent):
        yield Reason("缺少申请人联系方式，可以要求补正", article(_CONTENTS))
    if application.delivery == "mail" and not applicant.address:
        yield Reason("要求邮寄，但没有写明通信地址", article(_CONTENTS))
    if application.delivery == "email" and not applicant.email:
        yield Reason("要求以电子邮件送达，但没有写明电子邮箱", article(_CONTENTS))
    for name, value, pattern in (
        ("联系电话", applicant.phone, _PHONE),
        ("代理人联系电话", by_agent, _PHONE),
        ("电子邮箱", applicant.email, _EMAIL),
        ("邮政编码", applicant.postcode, _POSTCODE),
    ):
        if value is not None and not pattern.fullmatch(value):
            yield Reason(f"{name}“{value}”疑似有误，请核对", article(_CONTENTS))


_MOBILE = r"(?:\+?86-?)?1[3-9][0-9]{9}"
_LANDLINE = r"(?:\(?0[0-9]{2,3}\)?-?)?[2-9][0-9]{6,7}(?:[-转][0-9]{1,6})?"
_ONE_PHONE = rf"(?:{_MOBILE}|{_LANDLINE}|[48]00[0-9-]{{7,9}})"
_PHONE = re.compile(rf"{_ONE_PHONE}(?:[/、,;]{_ONE_PHONE})*")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;.]+(?:\.[^@\s,;.]+)+")
_POSTCODE = re.compile(r"[0-9]{6}")


def _agent(application: Application) -> Iterator[Reason]:
    agent = application.applicant.agent
    if agent is None:
        return
    if agent.authority is None:
        yield Reason(f"代理人{agent.name}没有提交授权委托书，可以要求补正", article(_CONTENTS))
    if agent.id_number is None:
        yield Reason(f"缺少代理人{agent.name}的身份证明，可以要求补正", article(_CONTENTS))
    fault = _number_fault(agent.id_type, agent.id_number)
    if fault:
        yield Reason(f"代理人{agent.name}：{fault}", article(_CONTENTS))


_DRESSED_UP = re.compile(
    r"请问|请解释|请说明|为什么|为何|凭什么|是否合法|是否合理|是否违法|怎么办|咨询|投诉|举报|信访|控告|"
    r"(?:要求|请求)(?:依法)?(?:查处|处理|处罚|追究|赔偿)|[吗呢]?[？?]$"
)


def _dressed_up(application: Application) -> Iterator[Reason]:
    """Words that often mark a complaint or a question; whether it is one, a person decides."""
    for number, item in enumerate(application.items, start=1):
        words = list(dict.fromkeys(_DRESSED_UP.findall(item)))
        if words:
            quoted = "".join(f"“{word}”" for word in words)
            yield Reason(
                f"第{number}项有{quoted}等字样，请判断是否以申请公开的形式进行咨询、信访、投诉、举报（仅作提示）",
                article(_NOT_AN_APPLICATION),
            )
        if _CORRECTING.search(item):
            yield Reason(
                f"第{number}项像是要求更正与申请人自身相关的记录；经审核确是的，由审核岗转为更正申请："
                "ysq move 编号 --to correction --reason …（仅作提示）",
                article(_CORRECTION),
            )


_CORRECTING = re.compile(
    r"(?:要求|请求|申请|请|予以|依法)(?:将|对)?[^。；]{0,30}(?:更正|改正|纠正)(?!公告|通知)|(?:记载|登记|记录|信息)(?:有误|错误|不准确)"
)


def _unproved(application: Application) -> Iterator[Reason]:
    """A correction is asked for with evidence; without any there is nothing to examine yet."""
    if not application.attachments:
        yield Reason("要求更正的，应当有证据证明记录不准确；没有随附证据，请联系申请人补充", article(_CORRECTION))
