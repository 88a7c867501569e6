"""Rows that nobody asks for any more."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, select

from web_edge.accounts.tables import audit_log, refresh_tokens, socket_tickets, token_families
from web_edge.database import Database
from web_edge.idempotency import KEPT_NS
from web_edge.schema import deletions, idempotency_keys
from wire.subjects import RETENTION

_DELETIONS_NS: Final = (2 * RETENTION) // timedelta(microseconds=1) * 1_000
"""A log that could bring back what was deleted has gone from the bus by itself long before."""


async def remove_leftovers(database: Database, audit_before_ns: int) -> int:
    """Expired keys of requests, tickets, sign-ins and memories of deletions; what the audit log has of before.

    Returns the number of rows. Raises Unavailable: DATABASE_UNAVAILABLE.
    """
    now = time.time_ns()
    good = select(refresh_tokens.c.family_id).where(refresh_tokens.c.expires_at_ns > now)
    old: tuple[tuple[Table, ColumnElement[bool]], ...] = (
        (idempotency_keys, idempotency_keys.c.created_at_ns < now - KEPT_NS),
        (socket_tickets, socket_tickets.c.expires_at_ns < now),
        (token_families, token_families.c.id.not_in(good)),
        (deletions, deletions.c.purged & (deletions.c.deleted_at_ns < now - _DELETIONS_NS)),
        (audit_log, audit_log.c.at_ns < audit_before_ns),
    )
    count = 0
    for table, which in old:
        async with database.write() as connection:
            count += (await connection.execute(delete(table).where(which))).rowcount
    return count
