"""Runs migrations on the connection it is handed; it opens none of its own."""

from __future__ import annotations

from alembic import context

from geoalert.store.columns import render_item
from geoalert.store.migrations import include

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    include_object=include,
    render_item=render_item,
    render_as_batch=attributes["connection"].dialect.name == "sqlite",
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
