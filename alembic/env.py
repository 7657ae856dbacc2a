"""Alembic runs inside the connection that the program gives it (see yishenqing.store.upgrade)."""

from alembic import context

from yishenqing.checkpoints.tables import metadata as checkpoints
from yishenqing.holdings.tables import metadata as holdings
from yishenqing.kinship.tables import metadata as kinship
from yishenqing.precedents.tables import metadata as precedents
from yishenqing.store.tables import metadata as store

connection = context.config.attributes["connection"]
# Batch mode rebuilds SQLite tables and drops their triggers: a migration that uses it must recreate them.
target = [store, precedents, holdings, kinship, checkpoints]
context.configure(connection=connection, target_metadata=target, render_as_batch=True)
context.run_migrations()
