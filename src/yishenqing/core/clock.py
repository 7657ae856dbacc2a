"""The statutory clock: from dated facts to deadlines that show their work.

A pure function of (facts, workflow, law, working days). The fold runs the facts through the clock words of their
steps; the count then turns each running clock into a date with the reasons and articles that lead to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from yishenqing.core.deadline import (
    Alternative,
    Counting,
    Deadline,
    Fact,
    Later,
    as_date,
    keyed,
    union,
)
from yishenqing.core.errors import Reason
from yishenqing.core.law import UNIT_TITLES, Law, Unit, Value
from yishenqing.core.readings import Option, Readings
from yishenqing.core.receipt import Receipt, first_receipt, governed_from, receipt_of
from yishenqing.core.remedies import remedies
from yishenqing.core.runs import Pause, Run, nominal, state_of, worded
from yishenqing.core.workdays import Count, Workdays
from yishenqing.core.workflow import Channel, Effect, Start, Step, Workflow


class _Fold:
    """Runs facts through the clock words of their steps."""

    def __init__(
        self,
        workflow: Workflow,
        law: Law,
        workdays: Workdays,
        facts: Sequence[Fact],
        figures: Mapping[str, int],
        readings: Readings,
    ) -> None:
        self.workflow, self.law, self.workdays, self.facts = workflow, law, workdays, facts
        self.figures, self.readings = figures, readings
        first = first_receipt(workflow, facts, workdays, readings)
        self._receipt = (facts[0], first) if first is not None else None
        self.opened_on = governed_from(workflow, facts, first)
        self.turns_on: set[str] = set()  # the contested readings that these facts turn on
        self.runs: dict[str, Run] = {}
        self.place = 0  # the number of the fact at hand
        self.looked_until: date | None = None  # the last working day on which it depends what is counted
        if first is not None:  # arriving on a rest day may decide from when, and by whose law, it is counted
            self._look(max(facts[0].on, first.on or facts[0].on))

    def _look(self, day: date) -> date:
        """Note that it depends on the working days up to ``day`` what is counted."""
        self.looked_until = max(day, self.looked_until or day)
        return day

    def run(self) -> None:
        effects, correcting = _effects(self.workflow), self.workflow.correcting
        for place, fact in enumerate(self.facts, 1):
            # A long case is long by what touches no clock: searches, notes.
            if effects[fact.step] or fact.step == correcting:
                self.place = place
                self.apply(fact, effects[fact.step])

    def apply(self, fact: Fact, effects: Sequence[tuple[_Handle, Start | Effect]]) -> None:
        step = self.workflow.steps[fact.step]
        if fact.step == self.workflow.correcting:
            self._note_correction(step, fact)
        # Whether another clock was kept is asked of the moment before this act changes anything.
        kept = {e.within: self._kept(e.within, fact.on) for e in step.stops if e.within}
        for handle, effect in effects:
            handle(self, step, effect, fact, kept)

    def _note_correction(self, step: Step, said: Fact) -> None:
        """Put a correction among the reasons of the clocks that the corrected entry started."""
        of, name = int(said.facts["of"]), str(said.facts["field"])
        fields = self.workflow.steps[self.facts[of - 1].step].fields
        title = fields[name].title if name in fields else "办理日期"
        what = f"第{of}条记录的“{title}”更正为{said.facts['value']}"
        text = f"{said.on}{step.title}：{what}（{said.facts['reason']}）"
        for run in self.runs.values():
            if run.source == of:
                run.remarks.append(Reason(text, step.law[0]))

    def _find(self, clock: str, fact: Fact) -> Run | None:
        """Return the clock that ``fact`` speaks of: the one of its id, else the only one of its kind."""
        return self.runs.get(keyed(clock, fact.id)) or self.runs.get(clock)

    def _kept(self, clock: str, on: date) -> bool:
        run = self.runs.get(clock)
        return run is not None and on <= self._look(self.count(run, on).day)

    def _unconfirmed(self) -> str:
        """Say what a clock waits for, and how that is recorded where the case has gone on past the step for it."""
        flow, text = self.workflow, "双方确认之前尚未起算"
        state = next((to for f in reversed(self.facts) if (to := flow.steps[f.step].to)), flow.initial)
        taken, corrected = flow.steps.get(flow.confirming), flow.steps.get(flow.correcting)
        day = flow.steps[flow.opening].fields.get("confirmed_on")
        if taken is None or corrected is None or day is None or state in taken.from_:
            return text
        way_out = f"确认以后，请办理“{corrected.title}”，更正第1条记录的“{day.title}”（confirmed_on）"
        return f"{text}；本案已不能办理“{taken.title}”，{way_out}"

    def start(self, step: Step, effect: Start, fact: Fact, _kept: Mapping[str, bool]) -> None:
        if not self._applies(effect, fact):
            return
        clock = self.workflow.clocks[effect.clock]
        begun, reasons = self._begun(step, effect, fact)
        identifier = fact.id
        run = Run(effect.clock, identifier, clock, begun or fact.on, reasons, lambda: Reason("", effect.law))
        if effect.until or effect.same_as:
            fixed = run.fixed = self._fixed(effect, fact)
            run.term = lambda: Reason(f"{clock.title}至{fixed}止", effect.law)
        elif effect.figure:
            self._allow(run, effect.figure)
        elif not self._measure(run, effect.term or clock.term):
            return  # the law of the day knew no such period (旧条例 set none for 补正)
        if begun is None:
            run.stopped_on, run.waiting = fact.on, self._unconfirmed()
        key = keyed(effect.clock, identifier)
        old = self.runs.get(key)
        # A wait for somebody's opinion goes on, whatever starts the period anew; an ordered day waits for nobody.
        if old is not None and run.fixed is None:
            run.pauses = [p for p in old.pauses if p.open(fact.on)]
        run.source = self.place
        self.runs[key] = run

    def _applies(self, effect: Start, fact: Fact) -> bool:
        old = self.runs.get(effect.clock)
        return not (
            (effect.only_if_stopped and (old is None or old.stopped_on is None))
            or (effect.if_remedy and effect.if_remedy not in self._remedies_on(fact.on))
            or (effect.if_true and not fact.facts.get(effect.if_true))
            or (effect.unless_true and fact.facts.get(effect.unless_true))
            or (effect.until and as_date(fact.facts.get(effect.until)) is None)
            or (effect.same_as and effect.same_as not in self.runs)
            or (effect.while_stopped and not self._stands_still(effect.while_stopped))
        )

    def _stands_still(self, clock: str) -> bool:
        run = self.runs.get(clock)
        return run is not None and run.stopped_on is not None

    def _remedies_on(self, on: date) -> set[str]:
        """The remedies that the outcome leaves by the law of the day (复议前置 only since 2024)."""
        known = {
            name: self.law.remedies[name] for name in remedies(self.workflow, self.law, self.facts[: self.place])
        }
        return {r.before if r.before and on < r.since else name for name, r in known.items()}

    def _fixed(self, effect: Start, fact: Fact) -> date:
        if effect.same_as:
            return self._look(self.count(self.runs[effect.same_as], fact.on).day)
        return as_date(fact.facts.get(effect.until)) or fact.on

    def _begun(self, step: Step, effect: Start, fact: Fact) -> tuple[date | None, Callable[[], Sequence[Reason]]]:
        if effect.counted_from == "on":
            return fact.on, lambda: [Reason(f"{fact.on}{step.title}", effect.law)]
        if effect.counted_from != "receipt":
            day, title = as_date(fact.facts.get(effect.counted_from)), step.fields[effect.counted_from].title
            text = f"{day}{title}" if day else f"{fact.on}{step.title}（未填写“{title}”，自办理之日起算）"
            return day or fact.on, lambda: [Reason(text, effect.law)]
        channel = self.workflow.channels.get(str(fact.facts.get("channel", "")))
        if channel is None:
            return fact.on, lambda: [Reason(f"{fact.on}收到申请", effect.law)]
        receipt = self._received(fact, channel)
        self.turns_on.update(receipt.turns_on)
        return receipt.on, receipt.reasons

    def _received(self, fact: Fact, channel: Channel) -> Receipt:
        """Several clocks start with the same application: its day of receipt is worked out once."""
        if self._receipt is None or self._receipt[0] is not fact:
            self._receipt = (fact, receipt_of(channel, fact, self.readings, self.workdays))
            self._look(max(fact.on, self._receipt[1].on or fact.on))
        return self._receipt[1]

    def _measure(self, run: Run, name: str) -> bool:
        of_day = self.opened_on if run.clock.law_of == "case" else run.started_on
        term = self.law.terms[name]
        value = term.on(of_day)
        if value is None:
            self.workdays.require(run.started_on)
            return False
        run.length, run.unit, run.rolls = value.value, term.unit, term.rolls
        run.term = lambda: _term(value, term.unit)
        if run.clock.law_of == "start":  # what an earlier law gave began under that law
            run.law = value.law
        return True

    def _allow(self, run: Run, name: str) -> None:
        """Give the run as many working days as the office allows itself."""
        figure = self.workflow.figures[name]
        days = run.length = self.figures.get(name, figure.value)
        run.term = lambda: Reason(f"本机关自定{figure.title}{days}个工作日", figure.law)

    def meet(self, step: Step, effect: Effect, fact: Fact, _kept: Mapping[str, bool]) -> None:
        run = self._find(effect.clock, fact)
        if run is not None and run.met_on is None:
            run.met_on = as_date(fact.facts.get(effect.field)) or fact.on
            run.remarks.append(Reason(f"{run.met_on}{step.title}", effect.law))

    def close(self, step: Step, effect: Effect, fact: Fact, _kept: Mapping[str, bool]) -> None:
        for run in self.runs.values():  # all of the kind: what ends the case ends the waits for everybody
            if run.name == effect.clock and run.met_on is None:
                run.closed, run.met_on = True, fact.on
                run.remarks.append(Reason(f"{fact.on}{step.title}，此后不再计算", effect.law))

    def stop(self, step: Step, effect: Effect, fact: Fact, kept: Mapping[str, bool]) -> None:
        run = self.runs.get(effect.clock)
        if run is None:
            return
        if effect.within and not kept[effect.within]:
            title = self.workflow.clocks[effect.within].title
            late = f"已超过{title}" if effect.within in self.runs else f"（当时的规定没有{title}）"
            contested = effect.reading if effect.within in self.runs else ""
            if self._read(contested, run) != "restarts":
                text = f"{fact.on}{step.title}{late}，原期限继续计算（从严）"
                run.remarks.append(Reason(text, effect.law))
                return
        run.stopped_on = fact.on
        run.waiting = f"{fact.on}{step.title}，答复此前不再计算，以后重新起算"

    def _read(self, name: str, run: Run) -> str:
        """Return how the contested point ``name`` is read (empty: nothing is contested), and have ``run`` say so."""
        if not name:
            return ""
        self.turns_on.add(name)
        run.remarks += self.readings.departure(name)
        return self.readings.word(name)

    def pause(self, step: Step, effect: Effect, fact: Fact, _kept: Mapping[str, bool]) -> None:
        run = self.runs.get(effect.clock)
        if run is None or (run.fixed is not None and run.length is None):  # a day that was ordered stays
            return
        limit = self._find(effect.at_most, fact) if effect.at_most else None
        at_most = self._look(self.count(limit, fact.on).day) if limit else None
        since, title = fact.on, step.title
        received = as_date(fact.facts.get(effect.field)) or since
        if received != since and self._read(effect.reading, run) == "received":
            since, title = received, step.fields[effect.field].title
        run.pauses.append(Pause((fact.step, fact.id), since, None, title, effect.law, at_most))

    def resume(self, _step: Step, effect: Effect, fact: Fact, _kept: Mapping[str, bool]) -> None:
        run = self.runs.get(effect.clock)
        for pause in run.pauses if run else ():
            if pause.answered is None and pause.key == (effect.answers, fact.id):
                pause.answered = fact.on
                return

    def set(self, step: Step, effect: Effect, fact: Fact, _kept: Mapping[str, bool]) -> None:
        run = self.runs.get(effect.clock)
        day = as_date(fact.facts.get(effect.field))
        if run is not None and day is not None:
            run.fixed = day
            run.remarks.append(Reason(f"{fact.on}{step.title}，期限改为{day}", effect.law))

    def extend(self, step: Step, effect: Effect, fact: Fact, _kept: Mapping[str, bool]) -> None:
        run = self.runs.get(effect.clock)
        days = fact.facts.get(effect.field)
        if run is not None and isinstance(days, int):
            run.extension += days
            run.remarks.append(Reason(f"{fact.on}{step.title}{days}个工作日", effect.law))

    def count(self, run: Run, today: date) -> Count:
        """Return the last day of ``run``, seen from ``today`` (an open pause is counted up to today)."""
        if run.fixed is not None:
            return Count(run.fixed)
        how = self.counting(run, today)
        if how is None:
            return self.workdays.roll(nominal(run, self._from(run, today)))
        return how.last_day(self.workdays)

    def counting(self, run: Run, today: date) -> Counting | None:
        """Return what ``count`` counts: None for a fixed day and for periods in days or months."""
        if run.fixed is not None or run.unit != "workday":
            return None
        start = self._from(run, today)
        if not run.pauses:
            return Counting(start, (run.length or 0) + run.extension)
        spans = [(max(p.since, start), p.until(today)) for p in run.pauses]
        return Counting(start, (run.length or 0) + run.extension, tuple(union(spans)))

    @staticmethod
    def _from(run: Run, today: date) -> date:
        """The day counted from: a stopped clock begins anew today at the earliest."""
        return max(today, run.stopped_on) if run.stopped_on is not None else run.started_on

    def deadline(self, run: Run, today: date) -> Deadline:
        today = min(today, run.met_on or today)  # what is done stands still, whoever looks later
        how = self.counting(run, today)
        count = how.last_day(self.workdays) if how else self.count(run, today)
        state = state_of(run, count.day, today)
        paused = state == "stopped"
        return Deadline(
            clock=run.name,
            title=run.clock.title,
            due=count.day,
            state=state,
            provisional=paused or (count.provisional and state == "running"),
            owed_by=run.clock.owed_by,
            reasons=Later(lambda: worded(run, self.workdays, count, state, today)),
            started_on=run.started_on,
            length=run.length,
            met_on=run.met_on,
            id=run.id,
            waiting=paused and run.stopped_on is None,
            counting=how,
            looked_until=self.looked_until,
        )


def _term(value: Value, unit: Unit) -> Reason:
    text = f"自次日起算{value.value}{UNIT_TITLES[unit]}" if value.value else "须于当日办理"
    return Reason(text, value.law)


_WORDS: Mapping[str, Callable[[_Fold, Step, Any, Fact, Mapping[str, bool]], None]] = {
    # Starts come first: a pause ends with the clock of its own question, a fee notice has the old last day.
    "starts": _Fold.start,
    "meets": _Fold.meet,
    "closes": _Fold.close,
    "stops": _Fold.stop,
    "pauses": _Fold.pause,
    "resumes": _Fold.resume,
    "extends": _Fold.extend,
    "sets": _Fold.set,
}


_Handle = Callable[[_Fold, Step, Any, Fact, Mapping[str, bool]], None]


@lru_cache(maxsize=64)
def _effects(workflow: Workflow) -> Mapping[str, Sequence[tuple[_Handle, Start | Effect]]]:
    """Return what each step does to clocks, in the order in which the words are carried out."""
    return {
        name: [(handle, effect) for word, handle in _WORDS.items() for effect in getattr(step, word)]
        for name, step in workflow.steps.items()
    }


def touches(workflow: Workflow, step: str) -> bool:
    """Tell whether taking ``step`` may move a deadline: it touches a clock, corrects a fact, or changes the rules."""
    return bool(_effects(workflow)[step]) or step in (workflow.correcting, workflow.moving)


def deadlines(
    workflow: Workflow,
    law: Law,
    workdays: Workdays,
    facts: Sequence[Fact],
    today: date,
    figures: Mapping[str, int] | None = None,
    chosen: Mapping[str, str] | None = None,
) -> dict[str, Deadline]:
    """Return every clock that the facts have started, by its name, as seen on ``today``.

    ``figures`` are the office's own numbers, where they differ from the workflow's; ``chosen`` its own readings of
    what is contested: the dates by every other reading that these facts turn on stand beside as alternatives.

    Raises:
        CalendarGap: a past year that is needed has no notice.
    """
    if not facts:
        return {}

    def folded(readings: Readings) -> _Fold:
        fold = _Fold(workflow, law, workdays, facts, figures or {}, readings)
        fold.run()
        return fold

    fold = folded(Readings(workflow.readings, chosen or {}))
    found = {key: fold.deadline(run, today) for key, run in fold.runs.items()}
    for name in workflow.readings if fold.turns_on else ():
        for readings, option in fold.readings.others(name) if name in fold.turns_on else ():
            found = _beside(found, folded(readings), option, today)
    return found


def _beside(found: Mapping[str, Deadline], other: _Fold, option: Option, today: date) -> dict[str, Deadline]:
    """Put the dates that another reading gives beside those found."""
    told = dict(found)
    for key, deadline in found.items():
        run = other.runs.get(key)
        seen = other.deadline(run, today) if run is not None else deadline
        if seen.due != deadline.due:
            strict = f"从严为{seen.due}，" if seen.due < deadline.due else ""
            earliest = "（尚未起算，所示为最早可能的日期）" if seen.state == "stopped" else ""
            more = Alternative(seen.due, f"{strict}{option}{earliest}")
            told[key] = deadline._replace(alternatives=(*deadline.alternatives, more))
    return told
