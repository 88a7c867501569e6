"""Priorities of jobs, and the idempotency keys they were asked for under."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transcriptions", sa.Column("priority", sa.String(16), nullable=False, server_default="normal"))
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("transcription_id", sa.String(64), nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(
            ["transcription_id"],
            ["transcriptions.id"],
            name="fk_idempotency_keys_transcription_id_transcriptions",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_idempotency_keys_transcription_id", "idempotency_keys", ["transcription_id"])
    op.create_index("ix_idempotency_keys_created_at_ns", "idempotency_keys", ["created_at_ns"])


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.drop_column("transcriptions", "priority")
