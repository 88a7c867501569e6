"""An edge whose recordings lie in a bucket of a real server that speaks S3."""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from music.errors import Reason, Unavailable
from tests.support.s3 import BUCKET
from tests.web_edge.conftest import running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.app import open_audio_files
from web_edge.settings import Settings
from web_edge.upkeep.backup import back_up, restore

pytestmark = pytest.mark.anyio
# Of several parts, as a bucket takes it.
SONG = random.Random(7).randbytes(20_000_000)


@pytest.fixture
def settings(edge_settings: Settings, bucket: str) -> Settings:
    return edge_settings.model_copy(update={"storage_url": bucket})


async def objects(server: str) -> str:
    """What the bucket says is in it, and what is half in it."""
    async with httpx.AsyncClient() as http:
        listed = await http.get(f"{server}/{BUCKET}?list-type=2")
        on_their_way = await http.get(f"{server}/{BUCKET}?uploads")
    return listed.text + on_their_way.text


async def test_a_recording_comes_goes_and_is_read_in_parts(
    settings: Settings, s3_server: str, orchestrator: FakeOrchestrator
) -> None:
    async with httpx.AsyncClient() as http:
        for foreign in ("recordings/of-others", "elsewhere/" + "f" * 32):
            (await http.put(f"{s3_server}/{BUCKET}/{foreign}", content=b"theirs")).raise_for_status()
    async with running_edge(settings) as edge:
        await edge.until_ready()
        job = await edge.upload(SONG)
        await edge.until(job, "completed")
        assert orchestrator.received[job] == len(SONG)
        part = await edge.http.get(f"/api/transcribe/{job}/audio", headers={"Range": "bytes=9999990-10000009"})
        assert (part.status_code, part.content) == (206, SONG[9_999_990:10_000_010])
        async with httpx.AsyncClient() as http:
            stored = (await http.get(f"{s3_server}/{BUCKET}/recordings/{job}")).content
        assert len(stored) > len(SONG)
        assert SONG[1_000_000:1_000_100] not in stored
    async with running_edge(settings) as edge:
        await edge.until_ready()
        assert (await edge.http.get(f"/api/transcribe/{job}/audio")).content == SONG
        assert (await edge.http.delete(f"/api/transcribe/{job}")).status_code == 204
        left = await objects(s3_server)
        assert job not in left
        assert "recordings/of-others" in left
        assert "elsewhere/" + "f" * 32 in left


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(SONG), 1 << 20):
        yield SONG[start : start + (1 << 20)]


async def test_of_an_upload_that_breaks_off_nothing_stays(edge_settings: Settings, bucket: str, s3_server: str) -> None:
    settings = edge_settings.model_copy(update={"storage_url": bucket, "max_upload_bytes": 12_000_000})
    async with running_edge(settings) as edge:
        await edge.until_ready()
        refused = await edge.http.post("/api/transcribe", files={"file": ("a.wav", SONG)})
        assert (refused.status_code, refused.json()["reason"]) == (413, Reason.AUDIO_TOO_LARGE)
        refused = await edge.http.post("/api/transcribe", content=pieces(), headers={"Content-Type": "audio/wav"})
        assert refused.status_code == 413
        left = await objects(s3_server)
        assert "<Key>" not in left


async def test_a_bucket_that_is_away_is_said_to_be(
    edge_settings: Settings, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*nobody.getsockname()))
        files = open_audio_files(edge_settings.model_copy(update={"storage_url": bucket}))
    with pytest.raises(Unavailable) as caught:
        await files.key_ids()
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


async def test_a_backup_moves_recordings_from_a_bucket_to_a_folder(
    settings: Settings, edge_settings: Settings, tmp_path: Path
) -> None:
    async with running_edge(settings) as edge:
        await edge.until_ready()
        job = await edge.upload(SONG)
        await edge.until(job, "completed")
    await back_up(settings, tmp_path / "b.tar", with_keys=True)
    new = edge_settings.model_copy(update={"data_dir": tmp_path / "new"})
    assert (await restore(new, tmp_path / "b.tar")).recordings == 1
    files = open_audio_files(new)
    assert b"".join([piece async for piece in files.pieces(job)]) == SONG
