"""An edge whose disk takes no more, and one whose database is held by somebody else: said so, and over when that is."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import psutil
import pytest

from music.errors import Reason
from tests.web_edge.conftest import Edge, edge_process
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio
SONG = bytes(range(256)) * 16_384
TUS = {"Tus-Resumable": "1.0.0"}


@contextmanager
def full_disk(pid: int, most_bytes: int) -> Iterator[None]:
    """Within the block no file of a process grows beyond that; the kernel refuses as a disk does that is full."""
    process = psutil.Process(pid)
    _, most = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (most_bytes, most))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, most))


def check_refused(answer: httpx.Response, reason: Reason) -> None:
    assert (answer.status_code, answer.json()["reason"]) == (503, reason), answer.text
    assert int(answer.headers["retry-after"]) > 0


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


async def test_on_a_full_disk_an_upload_is_refused_and_nothing_of_it_stays(
    edge_settings: Settings, orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    async with edge_process(edge_settings, tmp_path / "port") as (process, http):
        edge = Edge("", http, edge_settings)
        await edge.until_ready()
        with full_disk(process.pid, 2_000_000):
            check_refused(
                await http.post("/api/transcribe", files={"file": ("a.wav", SONG)}), Reason.STORAGE_UNAVAILABLE
            )
            assert (await http.get("/api/transcribe")).json()["items"] == []
            assert files_in(edge_settings.audio_dir) == []
            # What is small enough goes on.
            await edge.until(await edge.upload(SONG[:100_000]), "completed")
        job = await edge.upload(SONG)
        await edge.until(job, "completed")
        assert orchestrator.received[job] == len(SONG)


async def test_an_upload_in_parts_goes_on_when_there_is_room_again(edge_settings: Settings, tmp_path: Path) -> None:
    async with edge_process(edge_settings, tmp_path / "port") as (process, http):
        edge = Edge("", http, edge_settings)
        await edge.until_ready()
        begun = await http.post("/api/uploads", headers={**TUS, "Upload-Length": str(len(SONG))})
        upload = begun.headers["location"]
        headers = {**TUS, "Content-Type": "application/offset+octet-stream"}
        with full_disk(process.pid, 2_000_000):
            refused = await http.patch(upload, headers={**headers, "Upload-Offset": "0"}, content=SONG)
            check_refused(refused, Reason.STORAGE_UNAVAILABLE)
            offset = int((await http.head(upload, headers=TUS)).headers["upload-offset"])
            assert 1_800_000 < offset < 2_000_000
        last = await http.patch(upload, headers={**headers, "Upload-Offset": str(offset)}, content=SONG[offset:])
        assert last.status_code == 204, last.text
        job = last.headers["genesis-transcription"].rpartition("/")[2]
        await edge.until(job, "completed")
        assert (await http.get(f"/api/transcribe/{job}/audio")).content == SONG


async def test_a_database_that_is_held_or_full_is_said_to_be_and_what_is_under_way_is_done_afterwards(
    edge_settings: Settings, orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    async with edge_process(edge_settings, tmp_path / "port") as (process, http):
        edge = Edge("", http, edge_settings)
        await edge.until_ready()
        orchestrator.gate = anyio.Event()
        under_way = await edge.upload(SONG[:100_000])
        await edge.until(under_way, "processing")
        held = sqlite3.connect(edge_settings.data_dir / "genesis.db", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        orchestrator.gate.set()
        check_refused(await http.post("/api/transcribe", files={"file": SONG}), Reason.DATABASE_UNAVAILABLE)
        # Reading goes on, and shows nothing of it.
        assert [item["id"] for item in (await http.get("/api/transcribe")).json()["items"]] == [under_way]
        assert files_in(edge_settings.audio_dir) == [under_way]
        held.rollback()
        held.close()
        await edge.until(under_way, "completed")
        # Less than the database has already.
        with full_disk(process.pid, 1_000):
            refused = await http.patch("/api/me/preferences", json={"theme": "dark"})
            check_refused(refused, Reason.DATABASE_UNAVAILABLE)
        assert (await http.patch("/api/me/preferences", json={"theme": "dark"})).status_code == 200
