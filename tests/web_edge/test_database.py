"""Migrations and transactions on a real file."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, inspect, select, text

from access.caller import Caller
from music.errors import Conflict, InvalidInput, Reason, Unauthenticated, Unavailable
from web_edge.accounts.audit import Action, AuditLog
from web_edge.accounts.preferences import Preferences
from web_edge.accounts.refreshing import RefreshTokens
from web_edge.accounts.tables import preferences, refresh_tokens, socket_tickets, token_families, users
from web_edge.accounts.tickets import Tickets
from web_edge.accounts.users import Users
from web_edge.database import Database
from web_edge.schema import deletions, metadata, notes, transcriptions

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Database, None]:
    """An empty database of either kind."""
    is_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres") if is_postgres else f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    async with Database.open(url) as database:
        if is_postgres:
            async with database.write() as connection:
                await connection.execute(text("DROP SCHEMA public CASCADE"))
                await connection.execute(text("CREATE SCHEMA public"))
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


async def test_what_was_there_before_there_were_accounts_stays(database: Database) -> None:
    await database.migrate("0002")
    row = "INSERT INTO transcriptions (id, title, status, source, config, models, attempt, durable_sequence, "
    row += "processed_until, created_at_ns, updated_at_ns) "
    row += "VALUES ('a', '', 'completed', 'stream', '{}', '[]', 1, 1, 1, 1, 1)"
    note = "INSERT INTO notes (transcription_id, note_id, state, onset, pitch, velocity, confidence, extra) "
    note += "VALUES ('a', 'n', 'ended', 1, 64, 1.0, 1.0, '{}')"
    async with database.write() as connection:
        await connection.execute(text(row))
        await connection.execute(text(note))
    await database.migrate()
    async with database.read() as connection:
        assert (await connection.execute(select(transcriptions.c.owner))).scalars().all() == [""]
    await database.migrate_down("0002")
    async with database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(notes))).scalar_one() == 1


async def test_an_account_takes_what_is_its_along(database: Database) -> None:
    await database.migrate()
    store = Users(database)
    user = await store.create("a@example.com", "hash")
    with pytest.raises(Conflict):
        await store.create("a@example.com", "hash")
    refreshing = RefreshTokens(database, 60)
    token = await refreshing.begin(user.id)
    won: list[str] = []

    async def rotate() -> None:
        with suppress(Unauthenticated):
            won.append((await refreshing.rotate(token)).token)

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(rotate)
    assert len(won) == 1
    ticket = await Tickets(database).issue(Caller(user.id))
    await AuditLog(database).add(Action.SIGNED_IN, actor=user.id)
    await Preferences(database).change(user.id, {"theme": "dark"})
    assert (await Preferences(database).change(user.id, {"tuning": "drop_d"}))["theme"] == "dark"
    await store.delete(user.id)
    async with database.read() as connection:
        for table in (users, refresh_tokens, token_families, socket_tickets, preferences):
            assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() == 0, table.name
    with pytest.raises(Unauthenticated):
        await Tickets(database).redeem(ticket)
    assert [entry.action for entry in await AuditLog(database).latest(9)] == ["signed_in"]


async def test_migrations_make_the_tables_the_code_expects(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    await database.migrate()
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_database_that_is_away_is_unavailable(unused_tcp_port: int) -> None:
    async with Database.open(f"postgresql+asyncpg://genesis@127.0.0.1:{unused_tcp_port}/postgres") as database:
        with pytest.raises(Unavailable) as caught:
            await database.check()
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE


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


async def test_a_text_that_no_database_keeps_is_the_callers_fault(database: Database) -> None:
    await database.migrate()
    is_refused = False
    try:
        async with database.read() as connection:
            assert (await connection.execute(select(users).where(users.c.id == "a\0b"))).first() is None
    except InvalidInput:
        is_refused = True
    async with database.read() as connection:
        # SQLite keeps it.
        assert is_refused == (connection.dialect.name == "postgresql")
