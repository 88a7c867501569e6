"""Run by alembic for every command; the connection comes from `Database.migrate`, which also commits."""

from __future__ import annotations

from alembic import context

from web_edge.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column in place; batches copy the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
