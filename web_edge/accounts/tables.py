"""The tables of accounts. `migrations/` makes them; a test compares the two.

Secrets are kept hashed: passwords with Argon2id, random ones (refresh tokens, API keys, tickets) with SHA-256.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from web_edge.schema import metadata

users = Table(
    "users",
    metadata,
    Column("id", String(64), primary_key=True),
    # As it was checked and normalised; in lower case, so that it is one however it is typed.
    Column("email", String(320), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("disabled", Boolean, nullable=False),
    # Access tokens issued before this second count no more.
    Column("tokens_from_s", BigInteger, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Index("ix_users_email", "email", unique=True),
)

# One a sign-in; its refresh tokens follow each other, and a used one that is shown again ends them all.
token_families = Table(
    "token_families",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Column("revoked_at_ns", BigInteger),
    Index("ix_token_families_user_id", "user_id"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("family_id", ForeignKey("token_families.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at_ns", BigInteger, nullable=False),
    Column("used_at_ns", BigInteger),
    Index("ix_refresh_tokens_family_id", "family_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    # Unix seconds; 0 for never.
    Column("expires_at_s", BigInteger, nullable=False),
    Index("ix_api_keys_user_id", "user_id"),
)

# Of "" too, the one user of a server without accounts: no foreign key.
preferences = Table(
    "preferences",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("chosen", JSON, nullable=False),
)

socket_tickets = Table(
    "socket_tickets",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("scopes", JSON, nullable=False),
    # Of the API key that asked for it, "" for a token.
    Column("key_id", String(64), nullable=False, server_default=""),
    Column("expires_at_ns", BigInteger, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    # SQLite counts up by itself only what is an INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Index("ix_audit_log_at_ns", "at_ns"),
)
