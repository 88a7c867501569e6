"""The audit log: what was done to accounts, by whom and from where. Never what was played, never a secret."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import insert, select

from web_edge.accounts.tables import audit_log
from web_edge.database import Database


class Action(StrEnum):
    """What can stand in the log."""

    REGISTERED = "registered"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a name, not a secret
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - as above
    ACCOUNT_DELETED = "account_deleted"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    ROLE_CHANGED = "role_changed"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"


@dataclass(frozen=True, slots=True)
class Entry:
    """`actor` and `subject` are ids of accounts or keys, "" for nobody known; `address` is whence it came."""

    at_ns: int
    actor: str
    action: str
    subject: str
    address: str


class AuditLog:
    """Appended to, and read by administrators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, action: Action, *, actor: str, subject: str = "", address: str = "") -> None:
        """Raises Unavailable: DATABASE_UNAVAILABLE."""
        row = {"at_ns": time.time_ns(), "actor": actor, "action": action.value, "subject": subject, "address": address}
        async with self._database.write() as connection:
            await connection.execute(insert(audit_log).values(row))

    async def latest(self, limit: int) -> list[Entry]:
        """The newest first."""
        query = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [Entry(row["at_ns"], row["actor"], row["action"], row["subject"], row["address"]) for row in rows]
