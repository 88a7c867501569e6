"""Migrations and transactions on a real file."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, inspect, select

from music.errors import Reason, Unavailable
from web_edge.database import Database
from web_edge.schema import deletions, metadata

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database, None]:
    async with Database.open(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}") as database:
        yield database


async def tables(database: Database) -> set[str]:
    async with database.read() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_migrations_go_up_down_and_up_again(database: Database) -> None:
    everything = {*metadata.tables, "alembic_version"}
    await database.migrate()
    assert await tables(database) == everything
    await database.migrate("base")
    assert await tables(database) == {"alembic_version"}
    await database.migrate()
    await database.migrate()
    assert await tables(database) == everything


async def test_migrations_make_the_tables_the_code_expects(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    await database.migrate()
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_writers_queue_for_the_lock(database: Database) -> None:
    await database.migrate()

    async def write(writer: int) -> None:
        for number in range(10):
            async with database.write() as connection:
                count = (await connection.execute(select(func.count()).select_from(deletions))).scalar_one()
                row = {"transcription_id": f"{writer}/{number}", "deleted_at_ns": count, "purged": False}
                await connection.execute(insert(deletions).values(row))

    async with anyio.create_task_group() as group:
        for writer in range(5):
            group.start_soon(write, writer)
    async with database.read() as connection:
        counts = (await connection.execute(select(deletions.c.deleted_at_ns))).scalars()
        # Each writer saw what every one before it had written: none was lost, none overlapped.
        assert sorted(counts) == list(range(50))


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    await database.migrate()

    async def write_and_fail() -> None:
        async with database.write() as connection:
            await connection.execute(insert(deletions).values(transcription_id="a", deleted_at_ns=1, purged=False))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(deletions))).scalar_one() == 0


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    async with Database.open(f"sqlite+aiosqlite:///{tmp_path / 'no' / 'folder' / 'test.db'}") as database:
        with pytest.raises(Unavailable) as caught:
            await database.check()
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    # The driver stops the thread of a connection that never was without waiting for it.
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            await anyio.to_thread.run_sync(thread.join, 5)


async def test_a_database_without_its_tables_is_unavailable(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.read() as connection:
            await connection.execute(select(deletions))
