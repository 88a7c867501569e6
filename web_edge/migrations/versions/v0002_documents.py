"""Documents derived from a transcription's log: every revision of where its notes go on the neck."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("transcription_id", sa.String(64), nullable=False),
        sa.Column("log_sequence", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
        sa.Column("places", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", "revision", name="pk_documents"),
        sa.ForeignKeyConstraint(
            ["transcription_id"],
            ["transcriptions.id"],
            name="fk_documents_transcription_id_transcriptions",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_documents_transcription_id", "documents", ["transcription_id"])


def downgrade() -> None:
    op.drop_table("documents")
