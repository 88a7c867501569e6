"""Transcriptions with their notes and gaps, and what was deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transcriptions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("audio_bytes", sa.BigInteger),
        sa.Column("audio_sha256", sa.String(64)),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("models", sa.JSON, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("durable_sequence", sa.BigInteger, nullable=False),
        sa.Column("processed_until", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.BigInteger),
        sa.Column("end_reason", sa.String(16)),
        sa.Column("error_reason", sa.String(64)),
        sa.Column("error_message", sa.Text),
        sa.Column("started_at_ns", sa.BigInteger),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("updated_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transcriptions"),
    )
    op.create_index("ix_transcriptions_created_at_ns_id", "transcriptions", ["created_at_ns", "id"])
    op.create_index("ix_transcriptions_source_status", "transcriptions", ["source", "status"])
    op.create_table(
        "notes",
        sa.Column("transcription_id", sa.String(64), nullable=False),
        sa.Column("note_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("onset", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger),
        sa.Column("pitch", sa.Integer, nullable=False),
        sa.Column("velocity", sa.Float, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("string", sa.Integer),
        sa.Column("fret", sa.Integer),
        sa.Column("extra", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("transcription_id", "note_id", name="pk_notes"),
        _belongs_to_transcription("notes"),
    )
    op.create_table(
        "gaps",
        sa.Column("transcription_id", sa.String(64), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("transcription_id", "start", "end", name="pk_gaps"),
        _belongs_to_transcription("gaps"),
    )
    op.create_table(
        "deletions",
        sa.Column("transcription_id", sa.String(64), nullable=False),
        sa.Column("deleted_at_ns", sa.BigInteger, nullable=False),
        sa.Column("purged", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("transcription_id", name="pk_deletions"),
    )


def downgrade() -> None:
    for table in ("deletions", "gaps", "notes", "transcriptions"):
        op.drop_table(table)


def _belongs_to_transcription(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["transcription_id"],
        ["transcriptions.id"],
        name=f"fk_{table}_transcription_id_transcriptions",
        ondelete="CASCADE",
    )
