"""Alembic runs inside the connection that the program gives it (see yishenqing.store.upgrade)."""

from alembic import context

from yishenqing.agencies.tables import metadata as agencies
from yishenqing.checkpoints.tables import metadata as checkpoints
from yishenqing.exchange.tables import metadata as exchange
from yishenqing.holdings.tables import metadata as holdings
from yishenqing.kinship.tables import metadata as kinship
from yishenqing.precedents.records import metadata as records
from yishenqing.precedents.tables import metadata as precedents
from yishenqing.released.tables import metadata as released
from yishenqing.reporting.tables import metadata as reporting
from yishenqing.retention.tables import metadata as retention
from yishenqing.search.tables import metadata as search
from yishenqing.store.tables import metadata as store
from yishenqing.watching.tables import metadata as watching

connection = context.config.attributes["connection"]
# Batch mode rebuilds SQLite tables and drops their triggers: a migration that uses it must recreate them.
tables = [
    store,
    agencies,
    checkpoints,
    exchange,
    precedents,
    records,
    holdings,
    kinship,
    released,
    reporting,
    retention,
    search,
    watching,
]
context.configure(connection=connection, target_metadata=tables, render_as_batch=True)
context.run_migrations()
