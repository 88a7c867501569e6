"""Accounts: users, their tokens, keys, preferences and tickets, the audit log, and whose a transcription is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was made before there were accounts stays the property of nobody.
    op.add_column("transcriptions", sa.Column("owner", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_transcriptions_owner_created_at_ns_id", "transcriptions", ["owner", "created_at_ns", "id"])
    _create_users()
    _create_tokens()
    op.create_table(
        "preferences",
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("chosen", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_preferences"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at_ns", "audit_log", ["at_ns"])


def downgrade() -> None:
    for table in (
        "audit_log",
        "preferences",
        "socket_tickets",
        "api_keys",
        "refresh_tokens",
        "token_families",
        "users",
    ):
        op.drop_table(table)
    op.drop_index("ix_transcriptions_owner_created_at_ns_id", "transcriptions")
    # In place: copying the table would take its notes along when the old one is dropped.
    op.drop_column("transcriptions", "owner")


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("tokens_from_s", sa.BigInteger, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_email", "users", ["email"], unique=True)


def _create_tokens() -> None:
    op.create_table(
        "token_families",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_token_families"),
        _belongs_to("token_families", "user_id", "users"),
    )
    op.create_index("ix_token_families_user_id", "token_families", ["user_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("family_id", sa.String(64), nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.Column("used_at_ns", sa.BigInteger),
        sa.PrimaryKeyConstraint("sha256", name="pk_refresh_tokens"),
        _belongs_to("refresh_tokens", "family_id", "token_families"),
    )
    op.create_index("ix_refresh_tokens_family_id", "refresh_tokens", ["family_id"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_at_s", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        _belongs_to("api_keys", "user_id", "users"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])
    op.create_table(
        "socket_tickets",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("expires_at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_socket_tickets"),
        _belongs_to("socket_tickets", "user_id", "users"),
    )


def _belongs_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}", ondelete="CASCADE")
