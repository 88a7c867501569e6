"""Tickets: what a page shows when it opens a WebSocket, which cannot carry a header. Good once, and for seconds."""

from __future__ import annotations

import secrets
import time

from sqlalchemy import delete, insert, select

from access.api_keys import digest
from access.caller import Caller, Role, Scope
from music.errors import Reason, Unauthenticated
from web_edge.accounts.tables import socket_tickets, users
from web_edge.database import Database

LIFETIME_S = 30


class Tickets:
    """In the database, so that a ticket from one edge is good once at all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, caller: Caller) -> str:
        """A ticket for what the caller may do now. Raises Unavailable: DATABASE_UNAVAILABLE, as does `redeem`."""
        ticket, now = secrets.token_urlsafe(32), time.time_ns()
        async with self._database.write() as connection:
            await connection.execute(delete(socket_tickets).where(socket_tickets.c.expires_at_ns < now))
            await connection.execute(
                insert(socket_tickets).values(
                    sha256=digest(ticket),
                    user_id=caller.id,
                    scopes=sorted(caller.scopes),
                    key_id=caller.key_id,
                    expires_at_ns=now + LIFETIME_S * 1_000_000_000,
                )
            )
        return ticket

    async def redeem(self, ticket: str) -> Caller:
        """Whose it is; from now on it is nobody's. Raises Unauthenticated: TOKEN_INVALID."""
        its = socket_tickets.c.sha256 == digest(ticket)
        query = (
            select(socket_tickets, users.c.role)
            .join(users, (users.c.id == socket_tickets.c.user_id) & users.c.disabled.is_(False))
            .where(its, socket_tickets.c.expires_at_ns > time.time_ns())
        )
        async with self._database.write() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
            # Two that come at once both read it; one of them deletes it.
            is_ours = (await connection.execute(delete(socket_tickets).where(its))).rowcount == 1
        if row is None or not is_ours:
            raise Unauthenticated(Reason.TOKEN_INVALID, "This ticket was used or is too old; ask for another.")
        scopes = frozenset(Scope(scope) for scope in row["scopes"])
        return Caller(row["user_id"], Role(row["role"]), scopes, row["key_id"])
