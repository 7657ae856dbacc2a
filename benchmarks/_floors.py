"""The floor on PostgreSQL: ``raw6`` of act.py, the same six statements by the bare driver."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from benchmarks.act import PAYLOAD, RAW_TABLES

_SERIAL = "id SERIAL PRIMARY KEY, payload"


class RawServer:
    """Idempotency key, case read and locked, case update, event, deadline, outbox; no rule, no law."""

    def __init__(self, address: str, *, make: bool = False, cases: int = 4000) -> None:
        """Connect to ``address``; with ``make`` the tables are made and filled first."""
        import psycopg  # noqa: PLC0415 - the rows on SQLite need none

        self.connection: Any = psycopg.connect(address)
        if make:
            for statement in filter(None, map(str.strip, RAW_TABLES.split(";"))):
                self.connection.execute(statement.replace("id INTEGER PRIMARY KEY, payload", _SERIAL))
            with self.connection.cursor() as cursor:
                rows = [(n, "handling", 1, 0, "0" * 64) for n in range(cases)]
                cursor.executemany("INSERT INTO cases VALUES (%s, %s, %s, %s, %s)", rows)
            self.connection.commit()

    def act(self, case: int) -> None:
        """Do the six statements and commit."""
        run, moment = self.connection.execute, datetime.now(UTC).isoformat()
        run("INSERT INTO idem VALUES (%s, %s)", (uuid.uuid4().hex, case))
        query = "SELECT state, version, seq, last_hash FROM cases WHERE id = %s FOR UPDATE"
        state, version, seq, prev = run(query, (case,)).fetchone()
        text = json.dumps([case, seq + 1, moment, "u1", state, PAYLOAD, prev], ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).hexdigest()
        run(
            "UPDATE cases SET version = version + 1, seq = %s, last_hash = %s WHERE id = %s AND version = %s",
            (seq + 1, digest, case, version),
        )
        event = (case, seq + 1, moment, "u1", PAYLOAD, prev, digest)
        run("INSERT INTO events VALUES (%s, %s, %s, %s, %s, %s, %s)", event)
        run(
            "INSERT INTO deadlines VALUES (%s, %s, %s) "
            "ON CONFLICT (case_id, kind) DO UPDATE SET due_at = excluded.due_at",
            (case, "reply", moment),
        )
        run("INSERT INTO outbox (payload, created_at) VALUES (%s, %s)", (PAYLOAD, moment))
        self.connection.commit()

    def close(self) -> None:
        """Let go of the server."""
        self.connection.close()
