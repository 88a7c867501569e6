"""What is too old goes, and what crashes left; what is young stays."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest
from sqlalchemy import func, insert, select, update

from bus.connection import Bus
from bus.session_log import read_rest
from music.errors import NotFound
from tests.support.command import genesis
from tests.support.postgres import fresh_database
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from web_edge.accounts.audit import Action, AuditLog
from web_edge.accounts.tables import audit_log, socket_tickets, token_families, users
from web_edge.app import open_audio_files, open_parts
from web_edge.audio_files import stem_of
from web_edge.database import Database
from web_edge.schema import deletions, idempotency_keys, transcriptions
from web_edge.settings import Settings
from web_edge.transcriptions import Transcriptions
from web_edge.upkeep.leases import Lease
from web_edge.upkeep.sweeping import Sweeper, Swept

pytestmark = pytest.mark.anyio
_DAY_NS = 86_400 * 10**9


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Database, None]:
    is_postgres = request.param == "postgresql"
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    if is_postgres:
        url = await fresh_database(request.getfixturevalue("postgres"))
    async with Database.open(url) as database:
        await database.migrate()
        yield database


async def test_one_has_a_lease_until_it_is_over(database: Database) -> None:
    ours, theirs = Lease(database, "sweep", "a"), Lease(database, "sweep", "b")
    taken: list[str] = []

    async def take(lease: Lease) -> None:
        if await lease.take(60):
            taken.append(lease.holder)

    async with anyio.create_task_group() as group:
        for lease in (ours, theirs):
            group.start_soon(take, lease)
    assert len(taken) == 1
    winner, other = (ours, theirs) if taken == ["a"] else (theirs, ours)
    assert await winner.take(60)
    await other.give_back()
    assert not await other.take(60)
    assert await Lease(database, "another", "b").take(60)
    assert await winner.take(0)
    assert await other.take(60)
    await other.give_back()
    assert await winner.take(60)


async def age(settings: Settings, transcription_id: str, days: float) -> None:
    """Have it been made so long ago."""
    made = update(transcriptions).where(transcriptions.c.id == transcription_id)
    async with Database.open(settings.database) as database, database.write() as connection:
        await connection.execute(made.values(created_at_ns=time.time_ns() - int(days * _DAY_NS)))


async def until_answered(edge: Edge, path: str, status: int) -> None:
    with anyio.fail_after(WAIT_S):
        while (await edge.http.get(path)).status_code != status:  # noqa: ASYNC110 - behind a socket
            await anyio.sleep(0.02)


async def test_what_is_too_old_goes_with_its_recording_and_its_events(edge_settings: Settings, bus: Bus) -> None:
    settings = edge_settings.model_copy(update={"keep_results_days": 2, "sweep_s": 0.05})
    async with running_edge(settings) as edge:
        await edge.until_ready()
        old, young = await edge.upload(), await edge.upload()
        for one in (old, young):
            await edge.until(one, "completed")
        await age(settings, young, 1.9)
        await age(settings, old, 2.1)
        await until_answered(edge, f"/api/transcribe/{old}", 404)
        await edge.status(young)
        with anyio.fail_after(WAIT_S):
            while (settings.audio_dir / old).exists():  # noqa: ASYNC110 - the edge removes it
                await anyio.sleep(0.02)
        assert (settings.audio_dir / young).exists()
        with anyio.fail_after(WAIT_S):
            while True:
                try:
                    [event async for event in read_rest(bus, old, 0)]
                except NotFound:
                    break
                await anyio.sleep(0.02)
        assert [event async for event in read_rest(bus, young, 0)]


async def test_a_recording_that_is_too_old_goes_and_what_came_of_it_stays(edge_settings: Settings) -> None:
    settings = edge_settings.model_copy(update={"keep_recordings_days": 7, "sweep_s": 0.05})
    async with running_edge(settings) as edge:
        await edge.until_ready()
        old = await edge.upload()
        await edge.until(old, "completed")
        await age(settings, old, 8)
        await until_answered(edge, f"/api/transcribe/{old}/audio", 404)
        assert (await edge.http.get(f"/api/transcribe/{old}/result")).json()["notes"]
        with anyio.fail_after(WAIT_S):
            while (settings.audio_dir / old).exists():  # noqa: ASYNC110 - the edge removes it
                await anyio.sleep(0.02)


async def test_a_stem_of_a_session_that_was_played_goes_with_the_recordings(edge_settings: Settings) -> None:
    settings = edge_settings.model_copy(update={"keep_recordings_days": 7})
    files, names = open_audio_files(settings), [digit * 32 for digit in "ab"]
    settings.data_dir.mkdir(exist_ok=True)
    async with Database.open(settings.database) as database:
        await database.migrate()
        for name, days in zip(names, (8, 6), strict=True):
            await add_played(database, name)
            await age(settings, name, days)
            async with files.receive(stem_of(name)) as incoming:
                await incoming.write(b"fLaC")
                await incoming.finish("stem.flac")
            hours_ago = time.time() - 7_200
            os.utime(settings.audio_dir / stem_of(name), (hours_ago, hours_ago))
        sweeper = Sweeper(settings, database, files, open_parts(settings), Transcriptions(database).delete)
        assert await sweeper.sweep() == Swept(files=1)
        assert await Transcriptions(database).find(names[0]) is not None
    assert [path.name async for path in anyio.Path(settings.audio_dir).iterdir()] == [stem_of(names[1])]


async def add_played(database: Database, name: str) -> None:
    row = {
        **dict.fromkeys(("attempt", "durable_sequence", "processed_until", "created_at_ns", "updated_at_ns"), 1),
        "id": name,
        "title": "",
        "status": "completed",
        "source": "stream",
        "separation": ["vocals_removed", 0, "", 0, 0.0],
        "config": {"audio": {"encoding": "AUDIO_ENCODING_PCM_F32LE"}},
        "models": [],
    }
    async with database.write() as connection:
        await connection.execute(insert(transcriptions).values(row))


async def test_nothing_is_too_old_unless_told(edge_settings: Settings) -> None:
    async with running_edge(edge_settings) as edge:
        await edge.until_ready()
        old = await edge.upload()
        await edge.until(old, "completed")
        await age(edge_settings, old, 10_000)
    files, store = open_audio_files(edge_settings), open_parts(edge_settings)
    async with Database.open(edge_settings.database) as database:
        sweeper = Sweeper(edge_settings, database, files, store, Transcriptions(database).delete)
        assert await sweeper.sweep() == Swept()
    assert await anyio.Path(edge_settings.audio_dir / old).exists()


async def test_a_purge_removes_what_was_left_and_nothing_else(edge_settings: Settings) -> None:
    settings, hours_ago = edge_settings, time.time() - 7_200
    async with running_edge(settings) as edge:
        await edge.until_ready()
        kept, old = await edge.upload(), await edge.upload()
        for one in (kept, old):
            await edge.until(one, "completed")
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}
        uploads = [(await edge.http.post("/api/uploads", headers=tus)).headers["location"] for _ in range(2)]
    await age(settings, old, 400)
    orphan, newcomer = settings.audio_dir / ("f" * 32), settings.audio_dir / ("e" * 32)
    for path in (orphan, newcomer):
        path.write_bytes(b"nobody's")
    os.utime(orphan, (hours_ago, hours_ago))
    expired, going_on = (location.rpartition("/")[2] for location in uploads)
    plan = settings.uploads_dir / f"{expired}.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), "expires_s": hours_ago}))
    for path in settings.uploads_dir.glob(f"{expired}*"):
        os.utime(path, (hours_ago, hours_ago))
    async with Database.open(settings.database) as database:
        await leave_rows(database, kept)
        asked = {"GENESIS_EDGE_KEEP_RESULTS_DAYS": "365", "GENESIS_EDGE_KEEP_AUDIT_DAYS": "30"}
        purged = genesis("admin", "purge", "--data-dir", str(settings.data_dir), environment=asked)
        assert purged.stdout.startswith("1 transcriptions, 0 recordings of others, 1 files"), purged.stderr
        assert purged.stdout.endswith("and 5 rows are gone\n")
        assert [entry.subject for entry in await AuditLog(database).latest(9)] == ["new"]
        async with database.read() as connection:
            for table in (idempotency_keys, socket_tickets, token_families):
                assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() == 0, table.name
            assert (await connection.execute(select(deletions.c.transcription_id))).scalars().all() == [old]
        assert await Lease(database, "sweep", "somebody").take(60)
        sweeper = Sweeper(settings, database, open_audio_files(settings), open_parts(settings), refuse)
        assert await sweeper.sweep() is None
    assert sorted(path.name for path in settings.audio_dir.iterdir()) == sorted([kept, newcomer.name])
    assert {path.stem for path in settings.uploads_dir.iterdir()} == {going_on}


async def refuse(transcription_id: str) -> None:
    raise AssertionError(transcription_id)


async def leave_rows(database: Database, transcription_id: str) -> None:
    """What nobody asks for any more, one of each, and a young entry of the audit log."""
    long_ago = time.time_ns() - 40 * _DAY_NS
    user = {"id": "u", "email": "u@example.com", "password_hash": "", "role": "user", "disabled": False}
    async with database.write() as connection:
        await connection.execute(insert(users).values(**user, tokens_from_s=0, created_at_ns=0))
        key = {"owner": "", "key": "k", "fingerprint": "", "transcription_id": transcription_id}
        await connection.execute(insert(idempotency_keys).values(**key, created_at_ns=long_ago))
        ticket = {"sha256": "t", "user_id": "u", "scopes": [], "expires_at_ns": long_ago}
        await connection.execute(insert(socket_tickets).values(ticket))
        await connection.execute(insert(token_families).values(id="f", user_id="u", created_at_ns=long_ago))
        gone = {"transcription_id": "d", "deleted_at_ns": long_ago, "purged": True}
        await connection.execute(insert(deletions).values(gone))
    audit = AuditLog(database)
    await audit.add(Action.SIGNED_IN, actor="u", subject="old")
    async with database.write() as connection:
        await connection.execute(update(audit_log).values(at_ns=long_ago))
    await audit.add(Action.SIGNED_IN, actor="u", subject="new")
