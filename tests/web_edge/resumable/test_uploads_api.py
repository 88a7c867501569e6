"""tus 1.0 against a real edge: cut off, gone on with, killed, given up."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest

from music.errors import Reason
from tests.web_edge.conftest import WAIT_S, Edge, edge_process, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio
TUS = {"Tus-Resumable": "1.0.0"}
SOUND = bytes(range(256)) * 4096


def encoded(**metadata: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items())


async def begun(http: httpx.AsyncClient, length: int = len(SOUND), **metadata: str) -> str:
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": encoded(filename="a.wav", **metadata)}
    answer = await http.post("/api/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-expires"].endswith("GMT")
    return answer.headers["location"]


async def added(
    http: httpx.AsyncClient, upload: str, offset: int, data: bytes, checksum: str | None = None
) -> httpx.Response:
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    if checksum is not None:
        headers["Upload-Checksum"] = checksum
    return await http.patch(upload, headers=headers, content=data)


async def offset_at(http: httpx.AsyncClient, upload: str) -> int:
    answer = await http.head(upload, headers=TUS)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    return int(answer.headers["upload-offset"])


async def test_an_upload_in_parts_becomes_a_job(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    upload = await begun(edge.http, capo="2", priority="high")
    assert (await edge.http.get("/api/transcribe")).json()["items"] == []
    first = await added(edge.http, upload, 0, SOUND[:1000])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "1000")
    assert await offset_at(edge.http, upload) == 1000
    last = await added(edge.http, upload, 1000, SOUND[1000:])
    job = last.headers["genesis-transcription"].rpartition("/")[2]
    done = await edge.until(job, "completed")
    assert (done["title"], done["priority"]) == ("a.wav", "high")
    assert orchestrator.configs[job].instrument.capo == 2
    assert (await edge.http.get(f"/api/transcribe/{job}/audio")).content == SOUND
    # A client that missed the last answer asks again and makes nothing twice.
    again = await edge.http.head(upload, headers=TUS)
    assert (again.headers["upload-offset"], again.headers["genesis-transcription"]) == (
        str(len(SOUND)),
        f"/api/transcribe/{job}",
    )
    assert len((await edge.http.get("/api/transcribe")).json()["items"]) == 1
    assert left_in(edge.settings) == [f"{job}.json"]


async def test_what_came_before_a_cut_is_kept(edge: Edge) -> None:
    upload = await begun(edge.http)
    host, _, port = edge.host.rpartition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        head = (
            f"PATCH {upload} HTTP/1.1\r\nHost: {edge.host}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(SOUND)}\r\n\r\n"
        )
        await stream.send(head.encode() + SOUND[:300_000])
    with anyio.fail_after(WAIT_S):
        while await offset_at(edge.http, upload) < 300_000:  # noqa: ASYNC110 - behind a socket
            await anyio.sleep(0.02)
    rest = await added(edge.http, upload, 300_000, SOUND[300_000:])
    job = rest.headers["genesis-transcription"].rpartition("/")[2]
    assert (await edge.http.get(f"/api/transcribe/{job}/audio")).content == SOUND


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
async def test_bytes_with_a_wrong_checksum_are_not_kept(edge: Edge, algorithm: str) -> None:
    upload = await begun(edge.http)

    def checksum(data: bytes) -> str:
        return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"

    assert (await added(edge.http, upload, 0, SOUND[:5000], checksum(SOUND[:5000]))).status_code == 204
    wrong = await added(edge.http, upload, 5000, SOUND[5000:], checksum(b"other"))
    assert (wrong.status_code, wrong.json()["status"]) == (460, 460)
    assert await offset_at(edge.http, upload) == 5000
    right = await added(edge.http, upload, 5000, SOUND[5000:], checksum(SOUND[5000:]))
    job = right.headers["genesis-transcription"].rpartition("/")[2]
    assert (await edge.http.get(f"/api/transcribe/{job}/audio")).content == SOUND


async def test_what_the_protocol_does_not_allow_is_refused(edge: Edge) -> None:
    upload = await begun(edge.http, 100)
    cases = [
        (await edge.http.post("/api/uploads", headers={"Upload-Length": "1"}), 412, Reason.REQUEST_INVALID),
        (await edge.http.post("/api/uploads", headers={**TUS, "Upload-Length": "0"}), 422, Reason.AUDIO_EMPTY),
        (await edge.http.post("/api/uploads", headers={**TUS, "Upload-Length": "9" * 14}), 413, Reason.AUDIO_TOO_LARGE),
        (await edge.http.post("/api/uploads", headers={**TUS, "Upload-Length": "-1"}), 422, Reason.REQUEST_INVALID),
        (await edge.http.post("/api/uploads", headers=TUS), 422, Reason.REQUEST_INVALID),
        (
            await edge.http.post("/api/uploads", headers={**TUS, "Upload-Length": "1", "Upload-Metadata": "a !"}),
            422,
            Reason.REQUEST_INVALID,
        ),
        (
            await edge.http.post(
                "/api/uploads", headers={**TUS, "Upload-Length": "1", "Upload-Metadata": encoded(capo="high")}
            ),
            422,
            Reason.CAPO_INVALID,
        ),
        (await added(edge.http, upload, 7, b"x"), 409, Reason.JOB_STATE_CONFLICT),
        (await added(edge.http, upload, 0, b"x" * 101), 413, Reason.AUDIO_TOO_LARGE),
        (await added(edge.http, upload, 0, b"x", "md5 aaaa"), 422, Reason.REQUEST_INVALID),
        (await edge.http.patch(upload, headers={**TUS, "Upload-Offset": "0"}), 415, Reason.ENCODING_UNSUPPORTED),
        (await added(edge.http, "/api/uploads/..%2f..%2fx", 0, b"x"), 405, Reason.METHOD_NOT_ALLOWED),
        (await added(edge.http, "/api/uploads/unknown", 0, b"x"), 404, Reason.NOT_FOUND),
        (await added(edge.http, "/api/uploads/" + "a" * 300, 0, b"x"), 404, Reason.NOT_FOUND),
    ]
    for answer, status, reason in cases:
        assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert all(answer.headers["tus-resumable"] == "1.0.0" for answer, *_ in cases[:-3])
    assert (await edge.http.head("/api/uploads/unknown", headers=TUS)).status_code == 404


async def test_an_upload_can_be_given_up(edge: Edge) -> None:
    offered = await edge.http.options("/api/uploads")
    assert "termination" in offered.headers["tus-extension"]
    assert int(offered.headers["tus-max-size"]) == edge.settings.max_upload_bytes
    upload = await begun(edge.http)
    await added(edge.http, upload, 0, SOUND[:1000])
    assert (await edge.http.delete(upload, headers=TUS)).status_code == 204
    assert (await edge.http.head(upload, headers=TUS)).status_code == 404
    assert left_in(edge.settings) == []


async def test_after_the_kill_of_its_edge_the_client_goes_on(
    edge_settings: Settings, orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield SOUND[:500_000]
        await killed.wait()

    killed = anyio.Event()
    async with edge_process(edge_settings, tmp_path / "first") as (process, client):
        upload = await begun(client)
        async with anyio.create_task_group() as group:

            async def send() -> None:
                headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
                with pytest.raises(httpx.TransportError):
                    await client.patch(upload, headers=headers, content=slowly())

            group.start_soon(send)
            part = edge_settings.data_dir / "uploads" / (upload.rpartition("/")[2] + ".part")
            with anyio.fail_after(WAIT_S):
                while size_of(part) < 400_000:  # noqa: ASYNC110 - another process writes it
                    await anyio.sleep(0.02)
            assert (await client.get("/api/transcribe")).json()["items"] == []
            process.kill()
            await process.wait()
            killed.set()
    async with running_edge(edge_settings) as edge:
        offset = await offset_at(edge.http, upload)
        assert 400_000 <= offset <= 500_000
        last = await added(edge.http, upload, offset, SOUND[offset:])
        job = last.headers["genesis-transcription"].rpartition("/")[2]
        await edge.until(job, "completed")
        assert orchestrator.received[job] == len(SOUND)
        assert (await edge.http.get(f"/api/transcribe/{job}/audio")).content == SOUND


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def left_in(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.data_dir / "uploads").iterdir())
