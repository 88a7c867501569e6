"""Recordings in a folder and in a store that is none: whole or not there, in any part, with any key."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest
from obstore.store import LocalStore, MemoryStore, ObjectStore

from music.errors import InvalidInput, Reason, Unavailable
from tests.web_edge.conftest import WAIT_S, edge_process
from web_edge.audio_files import AudioFiles
from web_edge.settings import Settings
from web_edge.storage.keys import Keyring
from web_edge.storage.sealing import SEGMENT_BYTES
from web_edge.storage.stores import open_store

pytestmark = pytest.mark.anyio
RECORDING = random.Random(2).randbytes(20 * SEGMENT_BYTES + 777)
ID, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path / "keys")


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "s3":
        return open_store(request.getfixturevalue("bucket"), tmp_path)
    return LocalStore(tmp_path / "audio", mkdir=True) if request.param == "folder" else MemoryStore()


@pytest.fixture
def files(store: ObjectStore, keys: Keyring) -> AudioFiles:
    return AudioFiles(store, keys, 100_000_000)


async def put(files: AudioFiles, name: str = ID) -> None:
    async with files.receive(name) as incoming:
        for start in range(0, len(RECORDING), 100_000):
            await incoming.write(RECORDING[start : start + 100_000])
        stored = await incoming.finish("song.wav")
    assert stored.byte_count == len(RECORDING)


async def read(files: AudioFiles, start: int = 0, stop: int | None = None, name: str = ID) -> bytes:
    return b"".join([piece async for piece in files.pieces(name, start, stop)])


def names(store: ObjectStore) -> list[str]:
    return sorted(entry["path"] for entry in store.list().collect())


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*") if path.is_file()]


async def test_any_part_comes_back(files: AudioFiles) -> None:
    await put(files)
    assert await read(files) == RECORDING
    edges = [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, 17 * SEGMENT_BYTES + 5, len(RECORDING) - 1, len(RECORDING)]
    for start in edges:
        for stop in [*edges, len(RECORDING) + 99]:
            assert await read(files, start, stop) == RECORDING[start:stop]


async def test_nothing_of_it_can_be_read_in_the_store(files: AudioFiles, store: ObjectStore) -> None:
    await put(files)
    stored = bytes(store.get(ID).bytes())
    assert RECORDING[:16] not in stored
    assert RECORDING[-16:] not in stored


async def test_what_is_not_finished_never_was(files: AudioFiles, store: ObjectStore, tmp_path: Path) -> None:
    async def break_off() -> None:
        async with files.receive(ID) as incoming:
            for _ in range(10):
                await incoming.write(RECORDING)  # more than the store takes at once
            assert names(store) == []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    async with files.receive(ID) as incoming:
        await incoming.write(b"x")
    with pytest.raises(InvalidInput):
        async with files.receive(ID) as incoming:
            await incoming.finish("empty")
    assert names(store) == []
    assert files_in(tmp_path / "audio") == []
    with pytest.raises(Unavailable) as caught:
        await read(files)
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


async def test_a_rotation_seals_all_anew_and_changes_no_byte_of_any(files: AudioFiles, keys: Keyring) -> None:
    await put(files)
    await put(files, OTHER)
    old = keys.ids()[0]
    added = keys.add()
    assert await files.reseal() == 2
    assert await files.reseal() == 0
    assert await files.key_ids() == {added}
    keys.forget([old])
    assert await read(files) == await read(files, name=OTHER) == RECORDING


async def test_one_under_anothers_name_does_not_open(files: AudioFiles, store: ObjectStore) -> None:
    await put(files)
    store.copy(ID, OTHER) if hasattr(store, "copy") else store.put(OTHER, store.get(ID).bytes())
    with pytest.raises(Unavailable):
        await read(files, name=OTHER)


async def test_a_sweep_removes_what_nobody_knows(files: AudioFiles, store: ObjectStore, tmp_path: Path) -> None:
    await put(files)
    await put(files, OTHER)
    store.put("somebody/else", b"x")
    if isinstance(store, LocalStore):
        (tmp_path / "audio" / f"{'c' * 32}#1").write_bytes(b"half")
    await files.tidy({ID})
    if not isinstance(store, LocalStore):
        assert names(store) == [ID, OTHER, "somebody/else"]
        assert await files.sweep({ID}, older_than_s=3_600) == 0
        assert await files.sweep({ID}) == 1
    kept = [ID] if isinstance(store, LocalStore) else [ID, "somebody/else"]
    assert names(store) == kept
    assert files_in(tmp_path / "audio") in ([ID], [])
    await files.remove(ID)
    await files.remove(ID)


async def test_a_folder_that_takes_nothing_is_a_problem_of_ours(keys: Keyring, tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "audio", mkdir=True)
    (tmp_path / "audio").rmdir()
    (tmp_path / "audio").write_text("a file where the folder was")
    with pytest.raises(Unavailable) as caught:
        await put(AudioFiles(store, keys, 100_000_000))
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


@pytest.mark.parametrize("url", ["nowhere", "ftp://host/x", "s3:"])
def test_an_address_that_is_no_store_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_store(url, tmp_path)
    assert caught.value.reason is Reason.CONFIG_INVALID


async def test_a_kill_in_the_middle_of_an_upload_leaves_nothing(edge_settings: Settings, tmp_path: Path) -> None:
    folder = anyio.Path(edge_settings.audio_dir)

    async def half() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * (1 << 20)
        while not [path async for path in folder.glob("*")]:  # noqa: ASYNC110 - another process writes it
            await anyio.sleep(0.02)
        process.kill()
        await process.wait()

    async with edge_process(edge_settings, tmp_path / "first") as (process, client):
        with pytest.raises(httpx.HTTPError):
            await client.post("/api/transcribe", content=half(), headers={"content-type": "audio/wav"})
    left = [path.name async for path in folder.glob("*")]
    assert left
    assert all("#" in name for name in left)
    async with edge_process(edge_settings, tmp_path / "second") as (process, client):
        assert (await client.get("/api/transcribe")).json()["items"] == []
        assert [path async for path in folder.glob("*")] == []
        process.terminate()
        with anyio.fail_after(WAIT_S):
            await process.wait()
