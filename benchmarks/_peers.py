"""Other engines doing what an act does, as far as each of them does it; who is not installed says so.

django-fsm-2: the row locked, the transition, save, an event, a deadline, commit (no chain, no rules of law).
SpiffWorkflow: its state read, one task done, its state written (no event, no deadline). dbos: one recorded step that
does nothing.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any

from benchmarks.act import PAYLOAD

_STATES = ("registered", "under_review", "accepted", "drafting", "legal_review")
_CASES = 400


def django_fsm(folder: Path) -> Callable[[], object]:
    """Return one advance of a case by django-fsm-2 on SQLite."""
    import django  # type: ignore[import-not-found] # noqa: PLC0415 - a peer, seldom installed
    from django.conf import settings  # type: ignore[import-not-found] # noqa: PLC0415 - as above

    pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    options = {"transaction_mode": "IMMEDIATE", "timeout": 60, "init_command": pragmas}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "dj.db"), "OPTIONS": options}
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[], USE_TZ=True)
    django.setup()
    from django.db import connection, models, transaction  # type: ignore[import-not-found] # noqa: PLC0415 - as above
    from django_fsm import FSMField, transition  # type: ignore[import-not-found] # noqa: PLC0415 - as above

    named: dict[str, Any] = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "bench"})}
    state = FSMField(default=_STATES[0], protected=True)
    steps = {}
    for source, target in zip(_STATES, (*_STATES[1:], _STATES[3]), strict=True):

        def step(_self: Any) -> None:
            """Nothing but the change of state."""

        step.__name__ = f"leave_{source}"
        steps[step.__name__] = transition(field=state, source=source, target=target)(step)
    case_type: Any = type(
        "Case", (models.Model,), {**named, "state": state, **steps, "version": models.IntegerField(default=1)}
    )
    event_type: Any = type(
        "Event",
        (models.Model,),
        {
            **named,
            "case": models.ForeignKey(case_type, on_delete=models.PROTECT),
            "at": models.DateTimeField(auto_now_add=True),
            "payload": models.TextField(),
        },
    )
    meta = type("Meta", (), {"app_label": "bench", "unique_together": [("case", "kind")]})
    deadline_type: Any = type(
        "Deadline",
        (models.Model,),
        {
            **named,
            "Meta": meta,
            "case": models.ForeignKey(case_type, on_delete=models.PROTECT),
            "kind": models.TextField(),
            "due_at": models.DateTimeField(),
        },
    )
    with connection.schema_editor() as editor:
        for one in (case_type, event_type, deadline_type):
            editor.create_model(one)
    case_type.objects.bulk_create([case_type() for _ in range(_CASES)])
    keys = cycle(range(1, _CASES + 1))

    def advance() -> None:
        with transaction.atomic():
            case = case_type.objects.select_for_update().get(pk=next(keys))
            getattr(case, f"leave_{case.state}")()
            case.version += 1
            case.save(update_fields=["state", "version"])
            event_type.objects.create(case=case, payload=PAYLOAD)
            due = deadline_type(case=case, kind="reply", due_at=datetime.now(UTC) + timedelta(days=28))
            deadline_type.objects.bulk_create(
                [due], update_conflicts=True, unique_fields=["case", "kind"], update_fields=["due_at"]
            )

    return advance


def spiff(folder: Path) -> Callable[[], object]:
    """Return one task done by SpiffWorkflow, its state kept on SQLite."""
    from lxml import etree  # type: ignore[import-untyped] # noqa: PLC0415 - as above
    from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-not-found] # noqa: PLC0415 - as above
    from SpiffWorkflow.bpmn.parser import BpmnParser  # type: ignore[import-not-found] # noqa: PLC0415 - as above
    from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer  # type: ignore[import-not-found] # noqa: PLC0415 - as above
    from SpiffWorkflow.util.task import TaskState  # type: ignore[import-not-found] # noqa: PLC0415 - as above

    parser, serializer = BpmnParser(), BpmnWorkflowSerializer()
    parser.add_bpmn_xml(etree.fromstring(_bpmn().encode()))
    fresh = BpmnWorkflow(parser.get_spec("foi"))
    fresh.do_engine_steps()
    first = serializer.serialize_json(fresh)
    connection = sqlite3.connect(folder / "spiff.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE wf (id INTEGER PRIMARY KEY, step INTEGER, js TEXT)")
    connection.executemany("INSERT INTO wf VALUES (?, 0, ?)", [(n, first) for n in range(_CASES)])
    keys = cycle(range(_CASES))

    def advance() -> None:
        key = next(keys)
        connection.execute("BEGIN IMMEDIATE")
        step, text = connection.execute("SELECT step, js FROM wf WHERE id = ?", (key,)).fetchone()
        if step >= len(_STATES):
            step, text = 0, first
        workflow = serializer.deserialize_json(text)
        next(iter(workflow.get_tasks(state=TaskState.READY, manual=True))).run()
        workflow.do_engine_steps()
        kept = serializer.serialize_json(workflow)
        connection.execute("UPDATE wf SET step = ?, js = ? WHERE id = ?", (step + 1, kept, key))
        connection.execute("COMMIT")

    return advance


def _bpmn() -> str:
    flows = "".join(
        f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>'
        for n, (a, b) in enumerate(zip(("start", *_STATES), (*_STATES, "end"), strict=True))
    )
    tasks = "".join(f'<userTask id="{s}" name="{s}"/>' for s in _STATES)
    return (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="bench">'
        f'<process id="foi" isExecutable="true"><startEvent id="start"/>{tasks}<endEvent id="end"/>{flows}'
        "</process></definitions>"
    )


def dbos_steps(address: str) -> Callable[[], object]:
    """Return one recorded step of dbos on PostgreSQL; ten stand in one of its workflows."""
    from dbos import DBOS  # type: ignore[import-not-found] # noqa: PLC0415 - as above

    quiet = {"log_level": "CRITICAL", "console_log_level": "CRITICAL"}
    DBOS(config={"name": "bench", "system_database_url": address, **quiet})

    @DBOS.step()  # type: ignore[untyped-decorator] # a peer's own
    def nothing(n: int) -> int:
        return n

    @DBOS.workflow()  # type: ignore[untyped-decorator] # as above
    def ten() -> int:
        return sum(nothing(n) for n in range(10))

    DBOS.launch()
    logging.getLogger("dbos").setLevel(logging.CRITICAL)
    left = count()

    def step() -> None:
        if next(left) % 10 == 0:  # ten steps at every tenth call
            ten()

    return step
