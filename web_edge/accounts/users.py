"""Accounts in the database."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ColumnElement, RowMapping, delete, exc, insert, select, update

from access.caller import Role
from music.errors import Conflict, InvalidInput, NotFound, Reason
from web_edge.accounts.tables import preferences, token_families, users
from web_edge.database import Database


@dataclass(frozen=True, slots=True)
class User:
    """One account. Access tokens issued before `tokens_from_s` (Unix time) count no more."""

    id: str
    email: str
    password_hash: str
    role: Role
    disabled: bool
    tokens_from_s: int
    created_at_ns: int


class Users:
    """Every method is one transaction; it raises Unavailable: DATABASE_UNAVAILABLE when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, email: str, password_hash: str, role: Role = Role.USER) -> User:
        """Raises Conflict: ACCOUNT_EXISTS. `email` comes from `checked_email`."""
        user = User(uuid.uuid4().hex, email, password_hash, role, False, 0, time.time_ns())
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(users).values(
                        id=user.id,
                        email=email,
                        password_hash=password_hash,
                        role=role.value,
                        disabled=False,
                        tokens_from_s=0,
                        created_at_ns=user.created_at_ns,
                    )
                )
        except exc.IntegrityError:
            raise Conflict(
                Reason.ACCOUNT_EXISTS, "There is an account of this address already; sign in with it."
            ) from None
        return user

    async def find(self, user_id: str) -> User | None:
        return await self._find(users.c.id == user_id)

    async def find_email(self, email: str) -> User | None:
        return await self._find(users.c.email == email)

    async def get(self, user_id: str) -> User:
        """Raises NotFound: NOT_FOUND."""
        user = await self.find(user_id)
        if user is None:
            raise NotFound(Reason.NOT_FOUND, "There is no such account.")
        return user

    async def all(self, limit: int = 1_000) -> list[User]:
        """The oldest first."""
        query = select(users).order_by(users.c.created_at_ns, users.c.id).limit(limit)
        async with self._database.read() as connection:
            return [_user(row) for row in (await connection.execute(query)).mappings()]

    async def revoked_since(self, moment_s: int) -> list[User]:
        """Whose tokens from before a moment after `moment_s` count no more."""
        query = select(users).where(users.c.tokens_from_s > moment_s)
        async with self._database.read() as connection:
            return [_user(row) for row in (await connection.execute(query)).mappings()]

    async def set_password(self, user_id: str, password_hash: str, tokens_from_s: int) -> None:
        """And everybody who was signed in is so no more."""
        await self._set(user_id, password_hash=password_hash, tokens_from_s=tokens_from_s)
        await self._end_families(user_id)

    async def keep_hash(self, user_id: str, password_hash: str) -> None:
        """The same password, hashed anew."""
        await self._set(user_id, password_hash=password_hash)

    async def set_role(self, user_id: str, role: Role, tokens_from_s: int) -> None:
        """Raises NotFound: NOT_FOUND."""
        await self._set(user_id, role=role.value, tokens_from_s=tokens_from_s)

    async def set_disabled(self, user_id: str, *, disabled: bool, tokens_from_s: int) -> None:
        """Raises NotFound: NOT_FOUND."""
        await self._set(user_id, disabled=disabled, tokens_from_s=tokens_from_s)
        if disabled:
            await self._end_families(user_id)

    async def delete(self, user_id: str) -> None:
        """With its tokens, keys, tickets and preferences; what else it owns is for `account.Hooks`."""
        async with self._database.write() as connection:
            await connection.execute(delete(preferences).where(preferences.c.owner == user_id))
            await connection.execute(delete(users).where(users.c.id == user_id))

    async def _set(self, user_id: str, **values: object) -> None:
        async with self._database.write() as connection:
            changed = await connection.execute(update(users).where(users.c.id == user_id).values(**values))
        if changed.rowcount == 0:
            raise NotFound(Reason.NOT_FOUND, "There is no such account.")

    async def _end_families(self, user_id: str) -> None:
        of_it = (token_families.c.user_id == user_id) & token_families.c.revoked_at_ns.is_(None)
        async with self._database.write() as connection:
            await connection.execute(update(token_families).where(of_it).values(revoked_at_ns=time.time_ns()))

    async def _find(self, which: ColumnElement[bool]) -> User | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(users).where(which))).mappings().one_or_none()
        return None if row is None else _user(row)


def checked_email(email: str) -> str:
    """The address as it is kept. Raises InvalidInput: REQUEST_INVALID."""
    try:
        return validate_email(email[:400], check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise InvalidInput(Reason.REQUEST_INVALID, f"This is no e-mail address: {error}") from None


def _user(row: RowMapping) -> User:
    return User(**{**row, "role": Role(row["role"])})
