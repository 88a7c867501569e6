"""API keys in the database, and their copy on the bus for the gRPC door."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import RowMapping, delete, func, insert, select

from access.api_keys import KeyRecord, id_in, make_key
from access.caller import Scope
from access.directory import drop_key, find_key, known_key_ids, put_key
from music.errors import NotFound, Overloaded, Reason
from web_edge.accounts.tables import api_keys, users
from web_edge.bus_link import BusLink
from web_edge.database import Database

MOST_KEYS = 50

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What its owner is told of a key. `prefix` is how it begins; the whole is shown once, when it is made."""

    record: KeyRecord
    name: str
    created_at_ns: int

    @property
    def prefix(self) -> str:
        return f"gm_{self.record.id}_"


class ApiKeys:
    """Every method is one transaction; it raises Unavailable: DATABASE_UNAVAILABLE when the database is away."""

    def __init__(self, database: Database, bus: BusLink) -> None:
        self._database = database
        self._bus = bus

    async def create(self, user_id: str, name: str, scopes: Iterable[Scope], expires_at_s: int) -> tuple[str, ApiKey]:
        """The key's text, and what is kept. Raises Overloaded: QUOTA_REACHED. Unavailable: BUS_UNAVAILABLE."""
        made = make_key()
        record = KeyRecord(made.id, made.sha256, user_id, frozenset(scopes), expires_at_s)
        now = time.time_ns()
        bus = self._bus.require()
        async with self._database.write() as connection:
            count = select(func.count()).select_from(api_keys).where(api_keys.c.user_id == user_id)
            if (await connection.execute(count)).scalar_one() >= MOST_KEYS:
                raise Overloaded(Reason.QUOTA_REACHED, f"You have {MOST_KEYS} keys; revoke one first.")
            await connection.execute(
                insert(api_keys).values(
                    id=record.id,
                    user_id=user_id,
                    name=name,
                    sha256=record.sha256,
                    scopes=sorted(record.scopes),
                    created_at_ns=now,
                    expires_at_s=expires_at_s,
                )
            )
        await put_key(bus, record)
        return made.text, ApiKey(record, name, now)

    async def list(self, user_id: str) -> list[ApiKey]:
        query = select(api_keys).where(api_keys.c.user_id == user_id).order_by(api_keys.c.created_at_ns)
        async with self._database.read() as connection:
            return [_key(row) for row in (await connection.execute(query)).mappings()]

    async def find(self, text: str) -> KeyRecord | None:
        """The key that this is, if it counts: not revoked, not expired, its owner not disabled."""
        query = (
            select(api_keys)
            .join(users, (users.c.id == api_keys.c.user_id) & users.c.disabled.is_(False))
            .where(api_keys.c.id == (id_in(text) or ""))
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None or not _key(row).record.fits(text, time.time()):
            return None
        return _key(row).record

    async def revoke(self, user_id: str, key_id: str) -> None:
        """Raises NotFound: NOT_FOUND, also for a key of somebody else. Unavailable: BUS_UNAVAILABLE, and it counts."""
        bus = self._bus.require()
        its = (api_keys.c.id == key_id) & (api_keys.c.user_id == user_id)
        async with self._database.read() as connection:
            is_there = (await connection.execute(select(api_keys.c.id).where(its))).first() is not None
        if not is_there:
            raise NotFound(Reason.NOT_FOUND, "There is no such key.")
        # First where it is not asked again: should the second step fail, the caller knows that it must repeat the call.
        await drop_key(bus, key_id)
        async with self._database.write() as connection:
            await connection.execute(delete(api_keys).where(its))

    async def withdraw(self, user_id: str) -> None:
        """Take an account's keys off the bus; the database keeps them, if it keeps the account."""
        for key in await self.list(user_id):
            await drop_key(self._bus.require(), key.record.id)

    async def reconcile(self) -> None:
        """Make the bus's copy what the database says: it may be old, or gone. Raises Unavailable: BUS_UNAVAILABLE."""
        bus = self._bus.require()
        query = select(api_keys).join(users, (users.c.id == api_keys.c.user_id) & users.c.disabled.is_(False))
        async with self._database.read() as connection:
            records = {row["id"]: _key(row).record for row in (await connection.execute(query)).mappings()}
        for key_id in records.keys() | await known_key_ids(bus):
            told, record = await find_key(bus, key_id), records.get(key_id)
            if record is not None and told != record:
                await put_key(bus, record)
                log.info("keys.told", key=key_id)
            elif record is None and told is not None:
                await drop_key(bus, key_id)
                log.info("keys.withdrawn", key=key_id)


def _key(row: RowMapping) -> ApiKey:
    scopes = frozenset(Scope(scope) for scope in row["scopes"])
    record = KeyRecord(row["id"], row["sha256"], row["user_id"], scopes, row["expires_at_s"])
    return ApiKey(record, row["name"], row["created_at_ns"])
