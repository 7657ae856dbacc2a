"""The roles of a PostgreSQL database: what the program may do there, and nothing more.

The owner makes the tables (``init``, ``upgrade``). The application works as a member of ``ysq_app``: it cannot change
or delete an entry whatever the program says, cannot make a table, and sees the rows of one agency alone, the one that
its connection names. ``ysq_read`` looks only.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, text

from yishenqing.store.address import AGENCY

APPLICATION, READER = "ysq_app", "ysq_read"
# Which agency is above which must be known to all of them.
_SHARED = frozenset({"agencies"})
# From these the program never deletes a row, so it need not be able to.
_KEPT = frozenset(
    {
        *("cases", "counters", "reminders", "bases", "messages", "failures", "moves"),
        *("agencies", "users", "sessions", "data_keys", "exchange_events", "exchange_cases", "heartbeats"),
    }
)
# With the columns that its trigger leaves out: a text in them may be erased, which another trigger watches over.
_FINAL = text(
    "SELECT tgrelid::regclass::text, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = tgrelid "
    "AND attnum > 0 AND NOT attisdropped AND cardinality(tgattr::int2[]) > 0 AND attnum <> ALL (tgattr::int2[])) "
    "FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE '%\\_append\\_only'"
)


def statements(connection: Connection) -> Iterator[str]:
    """Yield what gives the roles their rights on the tables as they stand; may be run again after each upgrade."""
    inspector = inspect(connection)
    final = {table: list(columns) for table, columns in connection.execute(_FINAL)}
    for role in (APPLICATION, READER):
        yield f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {APPLICATION}, {READER}"
    yield f"GRANT USAGE ON SCHEMA public TO {APPLICATION}, {READER}"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {APPLICATION}, {READER}"
    yield f"REVOKE ALL ON users, sessions FROM {READER}"  # whoever reads needs no password's hash
    for table in sorted(inspector.get_table_names()):
        if table == "alembic_version":
            continue
        yield f"GRANT {_rights(table, final)} ON {table} TO {APPLICATION}"
        if table not in _SHARED and "agency" in {c["name"] for c in inspector.get_columns(table)}:
            yield from _own_rows(table)


def _rights(table: str, final: dict[str, list[str]]) -> str:
    if table in final:
        return ", ".join(["INSERT", *(f"UPDATE ({column})" for column in final[table])])
    return "INSERT, UPDATE" if table in _KEPT else "INSERT, UPDATE, DELETE"


def _own_rows(table: str) -> Iterator[str]:
    mine = f"(agency = current_setting('{AGENCY}', true))"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    for role in (APPLICATION, READER):
        yield f"DROP POLICY IF EXISTS {role}_rows ON {table}"
    yield f"CREATE POLICY {APPLICATION}_rows ON {table} TO {APPLICATION} USING {mine} WITH CHECK {mine}"
    yield f"CREATE POLICY {READER}_rows ON {table} FOR SELECT TO {READER} USING (true)"
