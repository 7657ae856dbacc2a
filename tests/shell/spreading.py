"""A PostgreSQL schema spread over hash partitions by agency."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text


def partition(connection: Connection, parts: int = 4) -> None:
    """Spread every table over hash partitions by agency: a stand-in for machines, which refuse the same keys.

    The tables must be empty. Constraints, indexes and triggers are made anew from what the database says of them.
    """
    inspector = inspect(connection)
    spread = [t for t in inspector.get_table_names() if "agency" in {c["name"] for c in inspector.get_columns(t)}]
    keys = {t: connection.execute(_FOREIGN, {"t": t}).all() for t in spread}
    triggers = {t: connection.execute(_TRIGGERS, {"t": t}).scalars().all() for t in spread}
    for table in spread:
        for name, _ in keys[table]:
            connection.execute(text(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"'))
    for table in spread:
        connection.execute(text(f'ALTER TABLE "{table}" RENAME TO "{table}_plain"'))
        like = f'CREATE TABLE "{table}" (LIKE "{table}_plain" INCLUDING ALL) PARTITION BY HASH (agency)'
        connection.execute(text(like))
        for n in range(parts):
            values = f"FOR VALUES WITH (MODULUS {parts}, REMAINDER {n})"
            connection.execute(text(f'CREATE TABLE "{table}_{n}" PARTITION OF "{table}" {values}'))
        connection.execute(text(f'DROP TABLE "{table}_plain"'))
    for table in spread:
        for name, definition in keys[table]:
            connection.execute(text(f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}'))
        for definition in triggers[table]:
            connection.execute(text(definition))


_FOREIGN = text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = to_regclass(:t)"
)
_TRIGGERS = text("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = to_regclass(:t)")
