"""Which API key a socket's ticket was got with: it must not outlive the key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("socket_tickets", sa.Column("key_id", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("socket_tickets", "key_id")
