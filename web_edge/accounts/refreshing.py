"""Refresh tokens: each is good once and brings the next one.

A sign-in begins a family. A token that was used already is a copy in somebody else's hands, or was: the whole family
ends, and whoever was honest signs in again (RFC 9700, 4.14.2). Two that come at the same moment are no exception; of
one page's tabs only one refreshes at a time.
"""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.api_keys import digest
from music.errors import Reason, Unauthenticated
from web_edge.accounts.tables import refresh_tokens, token_families, users
from web_edge.database import Database


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Whose it is and what comes next."""

    user_id: str
    token: str


class TokenReused(Unauthenticated):
    """A used token was shown again. `user_id` and `is_first`: whether that ended the family, or an earlier one did."""

    def __init__(self, user_id: str, *, is_first: bool) -> None:
        super().__init__(Reason.TOKEN_INVALID, "This sign-in has ended; sign in again.")
        self.user_id = user_id
        self.is_first = is_first


class RefreshTokens:
    """Every method is one transaction; it raises Unavailable: DATABASE_UNAVAILABLE when the database is away.

    Args:
        lifetime_s: of a token that is not used.
    """

    def __init__(self, database: Database, lifetime_s: int) -> None:
        self._database = database
        self.lifetime_s = lifetime_s

    async def begin(self, user_id: str) -> str:
        """A new family's first token."""
        family_id, now = uuid.uuid4().hex, time.time_ns()
        async with self._database.write() as connection:
            await self._clear(connection, now)
            await connection.execute(
                insert(token_families).values(id=family_id, user_id=user_id, created_at_ns=now, revoked_at_ns=None)
            )
            return await self._add(connection, family_id, now)

    async def rotate(self, token: str) -> Refreshed:
        """The next token for one that is good.

        Raises:
            TokenReused: it was used before. Unauthenticated: TOKEN_INVALID.
        """
        sha256, now = digest(token), time.time_ns()
        reused: TokenReused | None = None
        async with self._database.write() as connection:
            # Whoever marks it as used has it; the database lets one only.
            unused = (refresh_tokens.c.sha256 == sha256) & refresh_tokens.c.used_at_ns.is_(None)
            mark = update(refresh_tokens).where(unused, refresh_tokens.c.expires_at_ns > now).values(used_at_ns=now)
            is_ours = (await connection.execute(mark)).rowcount == 1
            family = await self._family_of(connection, sha256)
            if family is None:
                raise _unknown()
            if is_ours and family.revoked_at_ns is None:
                return Refreshed(family.user_id, await self._add(connection, family.id, now))
            if family.was_used and not is_ours:
                is_first = await self._revoke(connection, family.id, now)
                reused = TokenReused(family.user_id, is_first=is_first)
        # Raised once the family's end is written down.
        raise reused or _unknown()

    async def end(self, token: str) -> str | None:
        """End the family of a token; whose it was, None when it is none of ours or over already."""
        now = time.time_ns()
        async with self._database.write() as connection:
            family = await self._family_of(connection, digest(token))
            if family is None or not await self._revoke(connection, family.id, now):
                return None
        return family.user_id

    async def _add(self, connection: AsyncConnection, family_id: str, now: int) -> str:
        token = secrets.token_urlsafe(32)
        expires = now + self.lifetime_s * 1_000_000_000
        row = {"sha256": digest(token), "family_id": family_id, "expires_at_ns": expires, "used_at_ns": None}
        await connection.execute(insert(refresh_tokens).values(row))
        return token

    async def _revoke(self, connection: AsyncConnection, family_id: str, now: int) -> bool:
        still = (token_families.c.id == family_id) & token_families.c.revoked_at_ns.is_(None)
        return (await connection.execute(update(token_families).where(still).values(revoked_at_ns=now))).rowcount == 1

    async def _family_of(self, connection: AsyncConnection, sha256: str) -> _Family | None:
        query = (
            select(
                token_families.c.id,
                token_families.c.user_id,
                token_families.c.revoked_at_ns,
                refresh_tokens.c.used_at_ns.is_not(None).label("was_used"),
            )
            .join(refresh_tokens, refresh_tokens.c.family_id == token_families.c.id)
            .join(users, (users.c.id == token_families.c.user_id) & users.c.disabled.is_(False))
            .where(refresh_tokens.c.sha256 == sha256)
        )
        row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else _Family(row["id"], row["user_id"], row["revoked_at_ns"], bool(row["was_used"]))

    async def _clear(self, connection: AsyncConnection, now: int) -> None:
        """Families of which nothing is good any more go."""
        good = select(refresh_tokens.c.family_id).where(refresh_tokens.c.expires_at_ns > now)
        await connection.execute(delete(token_families).where(token_families.c.id.not_in(good)))


@dataclass(frozen=True, slots=True)
class _Family:
    id: str
    user_id: str
    revoked_at_ns: int | None
    was_used: bool


def _unknown() -> Unauthenticated:
    return Unauthenticated(Reason.TOKEN_INVALID, "This sign-in has ended; sign in again.")
