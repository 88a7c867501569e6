"""Run by alembic for every command; the connection comes from `Database.migrate`, which also commits."""

from __future__ import annotations

from alembic import context

# Importing it adds its tables.
from web_edge.accounts import tables as _tables  # noqa: F401
from web_edge.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column in place; batches copy the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
