"""The database: one engine, short transactions, migrations at start.

SQLite's Python driver opens transactions late and by itself; under two writers that ends in "database is locked"
however long the busy timeout is. So BEGIN is ours: `write()` begins IMMEDIATE and queues for the lock, `read()` never
takes it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, exc, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from music.errors import InvalidInput, Reason, Unavailable

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
BUSY_TIMEOUT_MS = 5_000
_WRITES = "genesis_writes"
_NO_SUCH_TABLE, _NO_CHARACTER = "42P01", "22021"
"""States of PostgreSQL; SQLite calls the one an operational error, and keeps what is the other."""
_WRITERS_LOCK = 0x67656E65736973
"""Any number that nobody else takes: "genesis"."""


class Database:
    """Reads and writes in short transactions of their own.

    Whoever opens it closes it: `async with Database.open(url) as database`.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{_WRITES: True})

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Database]:
        """Opens the engine; no connection is made before the first transaction."""
        engine = create_async_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
        try:
            yield cls(engine)
        finally:
            with anyio.CancelScope(shield=True):
                await engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the database and changes nothing.

        Raises:
            Unavailable: DATABASE_UNAVAILABLE.
        """
        async with self._transaction(self._engine) as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end of the block, or undone by an exception.

        Raises:
            Unavailable: DATABASE_UNAVAILABLE, also when another writer held the lock for too long.
        """
        async with self._transaction(self._writer) as connection:
            if connection.dialect.name == "postgresql":
                # Writers take turns, as SQLite has them do: what one has read is still so when it writes, and no
                # transaction need be begun again.
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"))
            yield connection

    async def migrate(self, revision: str = "head") -> None:
        """Bring the tables up to `revision` (a revision's name or "head"), or down to "base"."""
        async with self.write() as connection:
            await connection.run_sync(_migrate, revision, down=revision == "base")

    async def migrate_down(self, revision: str) -> None:
        """Bring the tables back to an earlier revision."""
        async with self.write() as connection:
            await connection.run_sync(_migrate, revision, down=True)

    async def check(self) -> None:
        """Raises Unavailable: DATABASE_UNAVAILABLE."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        # Transactions are short and bounded by the busy timeout; a cancellation in the middle of one would cost the
        # connection and leave the driver's thread behind.
        with anyio.CancelScope(shield=True):
            try:
                async with engine.begin() as connection:
                    yield connection
            except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, ConnectionError) as error:
                raise _away() from error
            except exc.DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state == _NO_SUCH_TABLE:
                    raise _away() from error
                if isinstance(error, exc.DataError) or state == _NO_CHARACTER:
                    message = "A name or text holds what is no character. Leave it out."
                    raise InvalidInput(Reason.REQUEST_INVALID, message) from error
                raise


def _away() -> Unavailable:
    return Unavailable(Reason.DATABASE_UNAVAILABLE, "The database does not answer. Try again in a moment.")


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(connection: Connection, revision: str, *, down: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    attributes: dict[Any, Any] = config.attributes
    attributes["connection"] = connection
    if down:
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
