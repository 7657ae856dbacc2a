"""The verbs by which a closed case becomes a precedent: masked, reviewed by an adviser, published; each recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from yishenqing.articles import article
from yishenqing.core.errors import DataFault, Fault, NotFound, Refused
from yishenqing.core.guards import WAY
from yishenqing.office import fates
from yishenqing.office.casework import Casework, Row
from yishenqing.office.ended import check_whole
from yishenqing.office.library import LibraryVerbs
from yishenqing.office.paperwork import Story, applicant_block
from yishenqing.store import issued as issued_store

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from yishenqing.office.concealing import Masked, Parties
    from yishenqing.precedents import Draft, Noted, Precedent

_GIVEN = ("title", "facts", "request", "holding", "reply", "topics", "level", "legal_basis", "law_note")
_LISTS = ("topics", "legal_basis")


class PublishVerbs(LibraryVerbs):
    """What makes precedents of the office's own cases."""

    def propose_precedent(
        self, number: str, given: Mapping[str, Any] | None = None, *, on: date | None = None, by: str | None = None
    ) -> Row:
        """Make a masked precedent of a closed case for the adviser; ``given`` texts replace the composed ones.

        Answers the masked record, ``masked`` (what stood where), and ``doubts``: what still looks like personal data.
        Nothing is published.

        Raises:
            NotFound: there is no such case.
            Refused: the case is not closed, was not answered, or the actor may not propose.
            DataFault: a text is unknown or missing.
        """
        noted = self._noted(by, on, self._library_customs.propose_by, "提出案例")
        with self._transactions.writing() as connection:
            case = self._load(connection, number, lock=True)
            self._check_closed(case)
            shelf = self._shelf(connection)
            identifier = shelf.name(number, len(case.entries), noted.on.year)
            story = Story.of(case.standing, self._opener(connection, number))
            masked = self._masked(connection, case, story, self._composed(case, story, identifier, given or {}))
            from yishenqing.precedents import Draft, Drafts

            draft = Draft(number, masked.record, masked.found, noted.actor, noted.on)
            Drafts(connection, self.settings.agency).put(draft)
            shelf.note(identifier, "proposed", noted, {"masked": dict(masked.found)})
            return {**self._as_proposed(draft), "masked": [_place(*place) for place in masked.places]}

    def proposed_precedents(self, number: str = "") -> Row:
        """Return the proposals that wait for their review, or the one of a case.

        Raises:
            NotFound: nothing is proposed of this case.
        """
        from yishenqing.precedents import Drafts

        with self._transactions.reading() as connection:
            found = Drafts(connection, self.settings.agency).all(number)
        if number and not found:
            raise _nothing_proposed(number)
        return {"proposals": [self._as_proposed(draft) for draft in found]}

    def review_precedent(
        self,
        number: str,
        *,
        approve: bool,
        reason: str = "",
        mask: Sequence[str] = (),
        keep: Sequence[str] = (),
        on: date | None = None,
        by: str | None = None,
    ) -> Row:
        """Review the proposal of a case: publish it, or return it with a reason.

        Whatever still looks like personal data must be decided: ``mask`` it, or ``keep`` it as none.

        Raises:
            NotFound: nothing is proposed of this case.
            Refused: the actor is no adviser or proposed it, the case has moved on, or a doubt is undecided.
            DataFault: it is returned without a reason.
        """
        noted = self._noted(by, on, self._library_customs.review_by, "审核案例")
        with self._transactions.writing() as connection:
            from yishenqing.precedents import Drafts

            drafts = Drafts(connection, self.settings.agency)
            draft = next(iter(drafts.all(number)), None)
            if draft is None:
                raise _nothing_proposed(number)
            same = self._check_reviewer(draft, noted)
            drafts.drop(draft.precedent.id)
            if not approve:
                return self._returned(connection, draft, noted, reason)
            return self._made_public(connection, draft, noted, {"reason": reason, "same_person": same}, mask, keep)

    def _returned(self, connection: Connection, draft: Draft, noted: Noted, reason: str) -> Row:
        if not reason.strip():
            raise DataFault.of([Fault("退回的，请写明理由", field="reason")])
        self._shelf(connection).note(draft.precedent.id, "returned", noted, {"reason": reason.strip()})
        return {"id": draft.precedent.id, "number": draft.number, "state": "returned", "reason": reason.strip()}

    def _made_public(
        self,
        connection: Connection,
        draft: Draft,
        noted: Noted,
        detail: Mapping[str, Any],
        mask: Sequence[str],
        keep: Sequence[str],
    ) -> Row:
        from yishenqing.office import concealing

        case = self._load(connection, draft.number, lock=True)
        self._check_closed(case)
        story = Story.of(case.standing, self._opener(connection, draft.number))
        _check_words(draft.precedent, mask)
        hidden = concealing.hide(draft.precedent, mask)
        record = concealing.mask(hidden, self._parties(connection, story, draft.number)).record
        left = concealing.doubts(record, [*keep, *self._public_words()])
        if left:
            raise Refused(_undecided(left), law=[article("third_party", self.today)])
        shelf = self._shelf(connection)
        overturned, fate = fates.of(case, (shelf.of_case(draft.number) or ("", None))[1])
        record = replace(record, overturned=overturned, fate=fate)
        kept = shelf.keep([record], replace(noted, source="本机关办结案件"))
        shelf.note(record.id, "published", noted, {**detail, "masked": len(mask), "kept": list(keep)})
        return {
            "id": record.id,
            "number": draft.number,
            "state": "published",
            "new": bool(kept.new),
            **_shown(record),
        }

    # ---- what is checked

    def _check_closed(self, case: Casework) -> None:
        number = case.row.number
        check_whole(case)
        if case.workflow.linked is not None:
            raise Refused(
                f"案件{number}是关联案件，其结果会自动写入原案的案例；请对原案办理。", law=[self._library_customs.law]
            )
        if not case.workflow.states[case.standing.state].final:
            title = case.workflow.states[case.standing.state].title
            raise Refused(f"案件{number}尚未办结（{title}），办结后才能做成案例。", law=[self._library_customs.law])
        if case.outcome is None:
            raise Refused(f"案件{number}没有办理结果，不能做成案例。", law=[self._library_customs.law])

    def _check_reviewer(self, draft: Draft, noted: Noted) -> bool:
        """Refuse a reviewer who proposed it; tell whether the office lets the same person do both."""
        same = draft.actor == noted.actor
        rule = self._library_customs.same_person
        if same and rule not in self.settings.switched_off:
            text = "案例由本人提出，须由另一人审核；人少的机关可以在 office.yaml 的 switched_off 中关闭"
            raise Refused(f"{text} {rule}。", law=[self._library_customs.law])
        return same

    # ---- what is composed

    def _composed(self, case: Casework, story: Story, identifier: str, given: Mapping[str, Any]) -> Precedent:
        from yishenqing.precedents import Precedent

        unknown = [Fault(f"没有这一项；可写：{'、'.join(_GIVEN)}", field=k) for k in given if k not in _GIVEN]
        if unknown:
            raise DataFault.of(unknown)
        words = {k: (_listed(v) if k in _LISTS else str(v).strip()) for k, v in given.items()}
        if "level" in words:
            words["level"] = self._level(str(words["level"]))
        composed = {**_composed(case, story), **words}
        if not composed["holding"]:
            hint = "案卷中没有承办人的说明；请写明要旨，如 holding=会议纪要已对外适用的，不能以过程性信息拒绝"
            raise DataFault.of([Fault(hint, field="holding")])
        return Precedent(
            id=identifier, source=f"{self.settings.name}办结案件", publisher=self.settings.name, **composed
        )

    def _masked(self, connection: Connection, case: Casework, story: Story, record: Precedent) -> Masked:
        from yishenqing.office import concealing

        masked = concealing.mask(replace(record, source=""), self._parties(connection, story, case.row.number))
        return replace(masked, record=replace(masked.record, source=record.source))

    def _parties(self, connection: Connection, story: Story, number: str) -> Parties:
        from yishenqing.office.concealing import Parties

        letters = issued_store.letters_of(connection, self.settings.agency, number)
        return Parties.of(story, self.settings, number, letters)

    def _public_words(self) -> tuple[str, ...]:
        """Return the organ's own names and addresses, which tell of nobody."""
        known = self.settings
        return tuple(
            w for w in (known.name, known.office, known.address, known.reconsideration_organ, known.court) if w
        )

    def _as_proposed(self, draft: Draft) -> Row:
        from yishenqing.core.masking import KINDS  # noqa: PLC0415 - its patterns are many
        from yishenqing.office import concealing

        return {
            "id": draft.precedent.id,
            "number": draft.number,
            "state": "proposed",
            "on": draft.on.isoformat(),
            "proposed_by": draft.actor,
            "counts": {KINDS[kind]: n for kind, n in draft.found.items()},
            "doubts": concealing.doubts(draft.precedent, self._public_words()),
            **_shown(draft.precedent),
        }


def _composed(case: Casework, story: Story) -> dict[str, Any]:
    """Return the texts of a precedent as the case tells them; day and numbers that would lead back are left out."""
    workflow, outcome = case.workflow, case.workflow.outcomes[str(case.outcome)]
    drafted = story.latest("drafted") or {}
    said = str(drafted.get("reasoning") or drafted.get("withheld") or "")
    way = outcome.told(str(drafted.get(WAY) or ""))
    items = story.items
    channel = workflow.channels.get(str(story.received.get("channel") or ""))
    searched = str((story.latest("search_recorded") or {}).get("result") or "")
    kind = applicant_block(story)["kind_title"]
    about = [
        f"申请人（{kind}）{f'以{channel.title}方式' if channel else ''}提出申请，要求公开：{'；'.join(items)}。",
        f"检索情况：{searched}。" if searched else "",
        f"机关的处理：{outcome.title}。",
    ]
    replied = next((on for step, on, _ in reversed(story.facts) if workflow.steps[step].meets), story.facts[-1][1])
    first = items[0] if items else "政府信息"
    return {
        "title": f"申请公开{first}{f'等{len(items)}项' if len(items) > 1 else ''}案",
        "facts": "".join(about),
        "request": "；".join(items),
        "outcome": case.outcome,
        "legal_basis": tuple(way.law if way and way.law else outcome.law),
        "holding": said,
        "reply": said,
        "decided_on": f"{replied:%Y-%m}",
    }


def _nothing_proposed(number: str) -> NotFound:
    return NotFound(f"案件{number}没有待审核的案例；请先用 ysq precedent publish {number} 提出。")


def _listed(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list | tuple) else str(value).replace("；", ";").split(";")
    return tuple(p.strip() for p in parts if str(p).strip())


def _shown(record: Precedent) -> Row:
    return {"record": record.as_json()}


def _place(kind: str, text: str, by: str) -> Row:
    from yishenqing.core.masking import KINDS  # noqa: PLC0415 - its patterns are many

    return {"kind": KINDS[kind], "text": text, "by": by}


def _check_words(record: Precedent, mask: Sequence[str]) -> None:
    """A word that stands nowhere was mistyped; what it meant would stay visible."""
    text = record.dumped()
    missing = [word for word in mask if not word.strip() or word not in text]
    if missing:
        raise DataFault.of([Fault(f"“{word}”不在案例文稿中，请照原样写", field="mask") for word in missing])


def _undecided(left: Sequence[Mapping[str, str]]) -> str:
    lines = "".join(f"\n  {d['text']}（{d['kind']}）：…{d['around']}…" for d in left)
    return (
        f"以下{len(left)}处仍像个人信息，须逐一认定后才能发布：遮盖的加 --mask 原文，"
        f"不是个人信息的加 --keep 原文。{lines}"
    )
