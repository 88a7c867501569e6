"""`genesis admin backup` and `restore`: a server that runs is copied, and another one is made of the copy."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from pathlib import Path

import anyio
import pytest
from sqlalchemy import insert, select, text, update

from music.errors import InvalidInput, Reason
from tests.support.command import Done, genesis
from tests.support.postgres import fresh_database
from tests.web_edge.conftest import Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.accounts.audit import Action, AuditLog
from web_edge.accounts.users import Users
from web_edge.app import open_audio_files
from web_edge.audio_files import stem_of
from web_edge.database import Database
from web_edge.rows import Source, Status
from web_edge.schema import transcriptions
from web_edge.settings import Settings
from web_edge.upkeep.backup import back_up, restore

pytestmark = pytest.mark.anyio
TITLE = "“Ö”\n"


def admin(verb: str, file: Path, settings: Settings, *options: str) -> Done:
    environment = {"GENESIS_EDGE_DATABASE_URL": settings.database_url, "GENESIS_EDGE_STORAGE_URL": settings.storage_url}
    return genesis("admin", verb, str(file), "--data-dir", str(settings.data_dir), *options, environment=environment)


async def content(edge: Edge, transcription_id: str) -> tuple[object, bytes]:
    result = await edge.http.get(f"/api/transcribe/{transcription_id}/result")
    audio = await edge.http.get(f"/api/transcribe/{transcription_id}/audio")
    assert (result.status_code, audio.status_code) == (200, 200)
    return result.json(), audio.content


@pytest.mark.parametrize("kinds", ["sqlite postgresql", "postgresql sqlite"])
async def test_a_server_is_made_again_of_a_backup_on_either_database(
    kinds: str, edge_settings: Settings, orchestrator: FakeOrchestrator, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls = [
        await fresh_database(request.getfixturevalue("postgres")) if kind == "postgresql" else ""
        for kind in kinds.split()
    ]
    old = edge_settings.model_copy(update={"database_url": urls[0]})
    new = edge_settings.model_copy(update={"database_url": urls[1], "data_dir": tmp_path / "new"})
    file = tmp_path / "backup.tar"
    async with running_edge(old) as edge:
        await edge.until_ready()
        song = bytes(range(256)) * 1_000
        done = await edge.upload(song)
        await edge.until(done, "completed")
        before = await content(edge, done)
        async with Database.open(old.database) as database:
            await Users(database).create("someone@example.com", "hash")
            await AuditLog(database).add(Action.REGISTERED, actor="someone")
        orchestrator.gate = type(orchestrator.gate)()
        under_way = await edge.upload(song)
        await edge.until(under_way, "processing")
        # It runs, and writes, while it is copied.
        made = admin("backup", file, old, "--with-keys")
        assert (made.status, made.stdout) == (0, f"2 transcriptions, 2 recordings: {file}\n"), made.stderr
        await edge.http.delete(f"/api/transcribe/{done}")
        orchestrator.gate.set()
    assert file.stat().st_mode & 0o777 == 0o600
    if new.database_url:
        async with Database.open(new.database) as database:
            await database.migrate()
    restored = admin("restore", file, new)
    assert (restored.status, restored.stdout) == (0, "2 transcriptions, 2 recordings are restored\n"), restored.stderr
    async with running_edge(new) as edge:
        await edge.until_ready()
        assert await content(edge, done) == before
        assert before[1] == song
        # What was under way begins again, and is done.
        await edge.until(under_way, "completed")
    async with Database.open(new.database) as database:
        assert [user.email for user in await Users(database).all()] == ["someone@example.com"]
        log = AuditLog(database)
        await log.add(Action.SIGNED_IN, actor="someone")
        assert [entry.action for entry in await log.latest(9)] == ["signed_in", "registered"]


@pytest.fixture
async def plain(tmp_path: Path) -> tuple[Settings, Path]:
    """A server with one session that is played, and its backup."""
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    async with Database.open(settings.database) as database:
        await database.migrate()
        row = {
            **dict.fromkeys(("attempt", "durable_sequence", "processed_until", "created_at_ns", "updated_at_ns"), 1),
            "id": "a" * 32,
            "title": TITLE,
            "status": Status.PROCESSING,
            "source": Source.STREAM,
            "config": {"x": [1.5, None]},
            "models": [],
        }
        async with database.write() as connection:
            await connection.execute(insert(transcriptions).values(row))
    file = tmp_path / "backup.tar"
    await back_up(settings, file, with_keys=False)
    return settings, file


async def store_stem(settings: Settings, job: str) -> None:
    """As if a voice had been taken out of it."""
    async with open_audio_files(settings).receive(stem_of(job)) as incoming:
        await incoming.write(b"fLaC")
        await incoming.finish("stem.flac")
    chosen = update(transcriptions).where(transcriptions.c.id == job)
    async with Database.open(settings.database) as database, database.write() as connection:
        await connection.execute(chosen.values(separation=["vocals_removed", 0, "", 0, 0.0]))


async def refuse(settings: Settings, file: Path, what: str) -> None:
    """A restore is refused, and says why."""
    with pytest.raises(InvalidInput, match=what) as caught:
        await restore(settings, file)
    assert caught.value.reason is Reason.CONFIG_INVALID


async def test_a_session_that_was_played_has_ended_and_words_stay_what_they_were(
    plain: tuple[Settings, Path], tmp_path: Path
) -> None:
    new = Settings(data_dir=tmp_path / "new")
    await restore(new, plain[1])
    async with Database.open(new.database) as database, database.read() as connection:
        row = (await connection.execute(select(transcriptions))).mappings().one()
    assert (row["status"], row["title"], row["config"]) == ("cancelled", TITLE, {"x": [1.5, None]})


async def test_a_backup_that_was_changed_anywhere_is_refused_and_changes_nothing(
    plain: tuple[Settings, Path], tmp_path: Path
) -> None:
    file, new = plain[1], Settings(data_dir=tmp_path / "new")
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        places = [member.offset_data + 5 for member in tar if member.size]
    damaged = [whole[: len(whole) // 2], whole[:1_000], b"", b"no tar"]
    damaged += [whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :] for place in places]
    for data in damaged:
        file.write_bytes(data)
        await refuse(new, file, "no backup of ours that is whole")
    with tarfile.open(file, "w") as tar:
        member = tarfile.TarInfo("../evil")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    await refuse(new, file, "it holds '../evil'")
    assert not new.data_dir.exists()
    assert not (tmp_path / "evil").exists()


async def test_a_backup_without_its_keys_is_restored_only_where_they_are(edge: Edge, tmp_path: Path) -> None:
    job = await edge.upload()
    await edge.until(job, "completed")
    await store_stem(edge.settings, job)
    file, new = tmp_path / "backup.tar", Settings(data_dir=tmp_path / "new")
    await back_up(edge.settings, file, with_keys=False)
    await refuse(new, file, "sealed with key")
    new.keys.write_bytes(edge.settings.keys.read_bytes())
    assert (await restore(new, file)).recordings == 1
    assert [piece async for piece in open_audio_files(new).pieces(stem_of(job))] == [b"fLaC"]
    await refuse(new, file, "restored where nothing is yet")


async def test_the_backup_of_a_newer_version_is_refused(plain: tuple[Settings, Path], tmp_path: Path) -> None:
    settings, file = plain
    async with Database.open(settings.database) as database, database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await back_up(settings, file, with_keys=False)
    await refuse(Settings(data_dir=tmp_path / "new"), file, "9999")


async def test_a_disk_that_is_full_leaves_no_backup_and_no_part_of_one(
    plain: tuple[Settings, Path], tmp_path: Path
) -> None:
    place = anyio.Path(tmp_path / "small")
    await place.mkdir()
    async with Database.open(plain[0].database) as database, database.write() as connection:
        await connection.execute(update(transcriptions).values(title="x" * 200_000))
    command = [sys.executable, "-m", "genesis", "admin", "backup", str(place / "b.tar"), "--data-dir"]
    # More than the lock file of SQLite, less than the rows.
    limited = ["prlimit", "--fsize=65536", *command, str(plain[0].data_dir)]
    done = await anyio.run_process(limited, check=False, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    assert (done.returncode, done.stderr.decode().partition(":")[0]) == (4, "STORAGE_UNAVAILABLE"), done.stderr
    assert [path async for path in place.iterdir()] == []


async def test_no_backup_is_made_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        await back_up(Settings(data_dir=tmp_path / "none"), tmp_path / "b.tar", with_keys=False)
    assert caught.value.reason is Reason.FILE_NOT_FOUND
    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []
