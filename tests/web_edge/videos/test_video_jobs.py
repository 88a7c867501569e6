"""Jobs that are given a video's address, through the API and the real yt-dlp."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import psutil
import pytest

from music.errors import Reason
from tests.web_edge.conftest import WAIT_S, Edge, edge_process, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.videos.media_server import SOUND, MediaServer, serving_media
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[MediaServer]:
    with serving_media() as site:
        monkeypatch.setenv("GENESIS_EDGE_VIDEOS", "true")
        monkeypatch.setenv("GENESIS_EDGE_VIDEOS_TEST_ADDRESS", site.address)
        yield site


@pytest.fixture
async def video_edge(site: MediaServer, edge_settings: Settings) -> AsyncGenerator[Edge, None]:
    async with running_edge(edge_settings) as edge:
        await edge.until_ready()
        yield edge


async def asked(edge: Edge, url: str, **options: Any) -> str:
    answer = await edge.http.post("/api/transcribe", json={"url": url, **options})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def assert_refused(answer: httpx.Response, reason: Reason) -> None:
    assert (answer.status_code, answer.json()["reason"]) == (422, reason), answer.text


async def test_a_video_is_fetched_and_transcribed(
    video_edge: Edge, orchestrator: FakeOrchestrator, site: MediaServer
) -> None:
    job = await asked(video_edge, f"{site.url}/page", capo=2, tuning=[64, 59, 55, 50, 45, 38], priority="high")
    done = await video_edge.until(job, "completed")
    assert done["url"] == f"{site.url}/page"
    assert done["title"] == done["video"]["title"]
    assert done["title"].startswith("<script>")
    assert (done["priority"], done["progress"]) == ("high", 1.0)
    assert orchestrator.received[job] == len(SOUND)
    assert orchestrator.configs[job].instrument.capo == 2
    assert orchestrator.configs[job].instrument.tuning[5] == 38
    audio = await video_edge.http.get(f"/api/transcribe/{job}/audio")
    assert audio.content == SOUND
    assert "<" not in audio.headers["content-disposition"]
    assert (await video_edge.http.delete(f"/api/transcribe/{job}")).status_code == 204


async def test_a_video_that_is_not_there_fails_with_a_reason_and_can_be_tried_again(
    video_edge: Edge, site: MediaServer
) -> None:
    job = await asked(video_edge, f"{site.url}/nowhere.wav")
    failed = await video_edge.until(job, "failed")
    assert failed["error"]["reason"] == Reason.URL_REFUSED
    assert "404" in failed["error"]["detail"]
    assert failed["video"] is None
    before = site.asked.count("/nowhere.wav")
    assert (await video_edge.http.post(f"/api/transcribe/{job}/retry")).status_code == 202
    await video_edge.until(job, "failed")
    assert site.asked.count("/nowhere.wav") > before


async def test_a_job_that_fetches_can_be_cancelled(video_edge: Edge, site: MediaServer) -> None:
    job = await asked(video_edge, f"{site.url}/silent.wav")
    with anyio.fail_after(WAIT_S):
        while not site.asked:  # noqa: ASYNC110 - another process gets there
            await anyio.sleep(0.02)
    with anyio.fail_after(5):
        answer = await video_edge.http.post(f"/api/transcribe/{job}/cancel")
    assert answer.json()["status"] == "cancelled"
    assert_none_is_left()


async def test_the_same_key_makes_one_job(video_edge: Edge, site: MediaServer) -> None:
    headers = {"Idempotency-Key": "one"}
    first, again = [
        await video_edge.http.post("/api/transcribe", json={"url": f"{site.url}/song.wav"}, headers=headers)
        for _ in range(2)
    ]
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = await video_edge.http.post("/api/transcribe", json={"url": f"{site.url}/page"}, headers=headers)
    assert_refused(other, Reason.IDEMPOTENCY_KEY_REUSED)
    await video_edge.until(first.json()["id"], "completed")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"url": "http://127.0.0.1:1/a.wav"}, Reason.URL_REFUSED),
        ({"url": "ytsearch:blues"}, Reason.URL_REFUSED),
        ({"url": "-o/x"}, Reason.URL_REFUSED),
        ({"url": 7}, Reason.REQUEST_INVALID),
        ({}, Reason.REQUEST_INVALID),
        ([], Reason.REQUEST_INVALID),
        ({"url": "https://youtu.be/dQw4w9WgXcQ", "colour": 1}, Reason.REQUEST_INVALID),
        ({"url": "https://youtu.be/dQw4w9WgXcQ", "capo": "high"}, Reason.CAPO_INVALID),
        (b"", Reason.REQUEST_INVALID),
        (b"{", Reason.REQUEST_INVALID),
        (b'{"url": NaN}', Reason.REQUEST_INVALID),
        (b'{"url": "https://youtu.be/dQw4w9WgXcQ", "capo": 1e309}', Reason.REQUEST_INVALID),
        (b'{"url": "a", "url": "https://youtu.be/dQw4w9WgXcQ"}', Reason.REQUEST_INVALID),
        (b'{"url": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", Reason.REQUEST_INVALID),
        (b'{"url": "' + b"a" * 100_000 + b'"}', Reason.REQUEST_INVALID),
        (b'{"url": "\xff\xfe"}', Reason.REQUEST_INVALID),
    ],
)
async def test_a_bad_address_or_body_makes_nothing(
    video_edge: Edge, site: MediaServer, body: Any, reason: Reason
) -> None:
    content = body if isinstance(body, bytes) else httpx.Request("POST", "http://x", json=body).content
    answer = await video_edge.http.post(
        "/api/transcribe", content=content, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert_refused(answer, reason)
    assert (await video_edge.http.get("/api/transcribe")).json()["items"] == []
    assert site.asked == []


async def test_without_the_setting_no_address_is_taken(edge: Edge) -> None:
    answer = await edge.http.post("/api/transcribe", json={"url": "https://youtu.be/dQw4w9WgXcQ"})
    assert_refused(answer, Reason.URL_REFUSED)
    assert "GENESIS_EDGE_VIDEOS" in answer.json()["detail"]


async def test_the_kill_of_an_edge_that_fetches_leaves_no_process_and_the_next_one_fetches_anew(
    edge_settings: Settings, site: MediaServer, tmp_path: Path
) -> None:
    async with edge_process(edge_settings, tmp_path / "first") as (process, client):
        made = await client.post("/api/transcribe", json={"url": f"{site.url}/silent.wav"})
        job = made.json()["id"]
        with anyio.fail_after(WAIT_S):
            while not site.asked:  # noqa: ASYNC110 - another process gets there
                await anyio.sleep(0.02)
        process.kill()
        await process.wait()
    assert_none_is_left()
    before = len(site.asked)
    async with edge_process(edge_settings, tmp_path / "second") as (process, client):
        with anyio.fail_after(WAIT_S):
            while len(site.asked) == before:  # noqa: ASYNC110 - as above
                await anyio.sleep(0.02)
        assert (await client.get(f"/api/transcribe/{job}")).json()["status"] == "processing"
        assert (await client.post(f"/api/transcribe/{job}/cancel")).status_code == 200


def assert_none_is_left() -> None:
    """Wait until no fetching process lives."""
    children = [p for p in psutil.process_iter() if _fetches(p)]
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def _fetches(process: psutil.Process) -> bool:
    try:
        return "web_edge.videos.child" in process.cmdline()
    except psutil.Error:
        return False
