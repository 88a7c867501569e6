"""Everything a server keeps, in one file, and a new server made of it.

The database goes as rows (`tables`), so that a backup of SQLite can be restored into PostgreSQL and neither needs a
program of its own. Recordings go as they are stored, sealed: without the file of keys nobody hears them. The bus is
left out: it is transport, and what a session came to stands in the database.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio.to_thread
import obstore
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import update

from music.errors import InvalidInput, Reason, Unavailable
from music.events import EndReason
from web_edge.audio_files import STEM_SUFFIX, stem_of
from web_edge.database import MIGRATIONS, Database
from web_edge.rows import OVER, Source, Status
from web_edge.schema import transcriptions
from web_edge.settings import DATABASE_FILE, Settings
from web_edge.storage.keys import Keyring
from web_edge.storage.sealing import HEADER_BYTES, sealed_by
from web_edge.storage.stores import open_store, store_errors
from web_edge.transcriptions import Transcriptions
from web_edge.upkeep.archive import KEYS, RECORDINGS, TABLES, ArchiveWriter, checked_manifest, pieces_of, writing
from web_edge.upkeep.tables import dump_tables, filled_tables, load_tables


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds; `missing` counts recordings that were deleted while it was made, or lost before."""

    transcriptions: int
    recordings: int
    missing: int
    has_keys: bool


async def back_up(settings: Settings, path: Path, *, with_keys: bool) -> Contents:
    """Write a backup of a server, which may be running, to `path`.

    Raises Unavailable: DATABASE_UNAVAILABLE, STORAGE_UNAVAILABLE. InvalidInput: CONFIG_INVALID.
    """
    if not settings.database_url and not (settings.data_dir / DATABASE_FILE).exists():
        raise InvalidInput(Reason.FILE_NOT_FOUND, f"No server keeps its files in {settings.data_dir}.")
    with _disk_errors(path), tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as folder:
        async with Database.open(settings.database) as database:
            revision, counts = await dump_tables(database, Path(folder))
        if "transcriptions" not in counts:
            raise InvalidInput(Reason.CONFIG_INVALID, "The database is none of a server of ours.")
        names = _stored(Path(folder))
        about = {"version": version("genesis-music"), "schema": revision, "made_at_s": int(time.time()), "rows": counts}
        write = partial(_write, settings, path, Path(folder), about, names, with_keys=with_keys)
        return await anyio.to_thread.run_sync(write)


async def restore(settings: Settings, path: Path) -> Contents:
    """Make the server that `settings` describe, and that holds nothing yet, what the backup at `path` was.

    Jobs that were not done begin again, sessions that were played then have ended, and everybody signs in anew.

    Raises:
        InvalidInput: CONFIG_INVALID, it is no whole backup, is newer than we are, needs keys that are not here, or
            something is there already. Unavailable: DATABASE_UNAVAILABLE, STORAGE_UNAVAILABLE.
    """
    with _disk_errors(path):
        manifest = await anyio.to_thread.run_sync(checked_manifest, path)
        _check_revision(manifest["schema"])
        _check_folder(settings)
        async with Database.open(settings.database) as database:
            if filled := await _filled(database, settings):
                raise _not_empty(f"the database has {filled[0]}")
            contents = await anyio.to_thread.run_sync(_restore_recordings, settings, path, manifest)
            # Tables without rows may be there already, of another revision.
            await database.migrate("base")
            await database.migrate(manifest["schema"])
            with tarfile.open(path, mode="r:") as tar:
                await load_tables(database, _tables_in(tar, manifest))
            await database.migrate()
            await _settle(database)
    return contents


@dataclass(frozen=True, slots=True)
class _Names:
    """What is stored of the rows: recordings that they say there are, and stems that there may be."""

    recordings: dict[str, None]
    stems: list[str]


def _stored(tables: Path) -> _Names:
    names = _Names({}, [])
    with (tables / "transcriptions.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["audio_bytes"] is not None:
                names.recordings[row["id"]] = None
            if row.get("separation") is not None:
                names.stems.append(stem_of(row["id"]))
    return names


def _write(
    settings: Settings, path: Path, tables: Path, about: dict[str, Any], names: _Names, *, with_keys: bool
) -> Contents:
    store = open_store(settings.storage_url, settings.audio_dir)
    count, key_ids = 0, set[str]()
    with writing(path) as archive:
        for name in about["rows"]:
            archive.add_file(f"{TABLES}{name}.jsonl", tables / f"{name}.jsonl")
        for name in (*names.recordings, *names.stems):
            with store_errors(may_be_gone=True):
                key_ids.add(_add_recording(archive, name, obstore.get(store, name)))
                count += name in names.recordings
        missing = len(names.recordings) - count
        if with_keys:
            archive.add_file(KEYS, settings.keys)
        archive.finish({**about, "key_ids": sorted(key_ids), "missing": missing})
    return Contents(about["rows"]["transcriptions"], count, missing, with_keys)


def _add_recording(archive: ArchiveWriter, name: str, stored: obstore.GetResult) -> str:
    """Returns the id of its key."""
    head = b""

    def watched() -> Iterator[bytes]:
        nonlocal head
        for piece in stored.stream():
            head = head if len(head) >= HEADER_BYTES else (head + bytes(piece))[:HEADER_BYTES]
            yield bytes(piece)

    archive.add(RECORDINGS + name, stored.meta["size"], watched())
    return sealed_by(head).hex()


def _restore_recordings(settings: Settings, path: Path, manifest: dict[str, Any]) -> Contents:
    count, has_keys = 0, KEYS in manifest["members"]
    with tarfile.open(path, mode="r:") as tar:
        if has_keys and not settings.keys.exists():
            Keyring.restore(settings.keys, _file(tar, KEYS).read())
        _check_keys(settings, manifest)
        store = open_store(settings.storage_url, settings.audio_dir)
        for member in tar:
            if member.name.startswith(RECORDINGS):
                with store_errors():
                    obstore.put(store, member.name.removeprefix(RECORDINGS), pieces_of(_file(tar, member)))
                count += not member.name.endswith(STEM_SUFFIX)
    return Contents(manifest["rows"]["transcriptions"], count, manifest["missing"], has_keys)


def _check_keys(settings: Settings, manifest: dict[str, Any]) -> None:
    known = {identity.hex() for identity in Keyring.open(settings.keys).ids()} if settings.keys.exists() else set()
    if lacking := set(manifest["key_ids"]) - known:
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"The recordings are sealed with key {min(lacking)}, which is not in {settings.keys}. Put the file of keys "
            "of the server that was backed up there first.",
        )


def _tables_in(tar: tarfile.TarFile, manifest: dict[str, Any]) -> dict[str, Callable[[], Iterable[str]]]:
    def lines(member: str) -> Iterable[str]:
        return io.TextIOWrapper(_file(tar, member), encoding="utf-8")

    return {name: partial(lines, f"{TABLES}{name}.jsonl") for name in manifest["rows"]}


def _file(tar: tarfile.TarFile, member: str | tarfile.TarInfo) -> tarfile.ExFileObject:
    file = tar.extractfile(member)
    assert isinstance(file, tarfile.ExFileObject)  # noqa: S101 - the manifest was checked
    return file


def _check_revision(revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision not in known:
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"The backup has tables of revision {revision[:20]!r}, unknown to this version. Install a newer one.",
        )


def _check_folder(settings: Settings) -> None:
    """An empty folder, but for the keys; with recordings in a bucket, an empty one of ours."""
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    others = sorted(path.name for path in folder.iterdir() if path != settings.keys)
    if others:
        raise _not_empty(f"{folder} holds {others[0]}")
    if settings.storage_url:
        with store_errors():
            for batch in open_store(settings.storage_url, settings.audio_dir).list():
                raise _not_empty(f"{settings.storage_url} holds {batch[0]['path']}")


async def _filled(database: Database, settings: Settings) -> list[str]:
    """Tables with rows; a SQLite file is not even made for the question."""
    return await filled_tables(database) if settings.database_url else []


def _not_empty(found: str) -> InvalidInput:
    return InvalidInput(
        Reason.CONFIG_INVALID, f"A backup is restored where nothing is yet, but {found}. Choose another place."
    )


async def _settle(database: Database) -> None:
    """What was under way has no log any more: a job begins again, a session has ended where it was recorded to."""
    store = Transcriptions(database)
    for transcription_id, _ in await store.unfinished_uploads():
        await store.start_over(transcription_id)
    played = transcriptions.c.source == Source.STREAM
    ended = (
        update(transcriptions)
        .where(played, transcriptions.c.status.not_in(OVER))
        .values(
            status=Status.CANCELLED,
            end_reason=EndReason.CANCELLED.value,
            duration=transcriptions.c.processed_until,
            updated_at_ns=time.time_ns(),
        )
    )
    async with database.write() as connection:
        await connection.execute(ended)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Raises Unavailable: STORAGE_UNAVAILABLE for what the disk refuses within."""
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidInput(Reason.FILE_NOT_FOUND, f"There is no {error.filename or path}.") from error
    except OSError as error:
        raise Unavailable(Reason.STORAGE_UNAVAILABLE, f"{path}: {error.strerror or error}.") from error
