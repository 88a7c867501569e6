"""A request that is sent again under its key makes one job, whatever comes between."""

from __future__ import annotations

import anyio
import httpx
import pytest

from music.errors import Reason
from tests.web_edge.conftest import EITHER_DATABASE, Edge, running_edge
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.idempotency import HEADER, REPLAYED_HEADER
from web_edge.settings import Settings

pytestmark = [pytest.mark.anyio, EITHER_DATABASE]


async def send(edge: Edge, key: str, data: bytes = b"RIFF....", **options: str) -> httpx.Response:
    return await edge.http.post("/api/transcribe", files={"file": ("a.wav", data)}, data=options, headers={HEADER: key})


async def count(edge: Edge) -> int:
    return len((await edge.http.get("/api/transcribe")).json()["items"])


async def test_the_same_request_is_answered_with_the_same_job(edge: Edge) -> None:
    first, again = await send(edge, "k1", capo="2"), await send(edge, "k1", capo="2")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["location"] == again.headers["location"]
    assert REPLAYED_HEADER not in first.headers
    assert again.headers[REPLAYED_HEADER] == "true"
    assert (await send(edge, "k2", capo="2")).json()["id"] != first.json()["id"]
    assert await count(edge) == 2
    assert len(list(edge.settings.audio_dir.iterdir())) == 2


async def test_another_request_under_the_key_is_refused(edge: Edge) -> None:
    await send(edge, "k")
    assert_problem(await send(edge, "k", b"other"), 422, Reason.IDEMPOTENCY_KEY_REUSED)
    assert_problem(await send(edge, "k", capo="1"), 422, Reason.IDEMPOTENCY_KEY_REUSED)
    assert await count(edge) == 1
    assert len(list(edge.settings.audio_dir.iterdir())) == 1


async def test_racing_requests_make_one_job(edge: Edge) -> None:
    ids = set()

    async def race() -> None:
        ids.add((await send(edge, "race")).json()["id"])

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(race)
    assert len(ids) == 1
    assert await count(edge) == 1


async def test_a_key_counts_after_a_restart_and_until_its_job_is_deleted(edge_settings: Settings) -> None:
    async with running_edge(edge_settings) as edge:
        await edge.until_ready()
        first = (await send(edge, "k")).json()["id"]
        await edge.until(first, "completed")
    async with running_edge(edge_settings) as edge:
        await edge.until_ready()
        assert (await send(edge, "k")).json()["id"] == first
        await edge.http.delete(f"/api/transcribe/{first}")
        assert (await send(edge, "k")).json()["id"] != first


@pytest.mark.parametrize("key", ["", "k" * 256, "tab\tkey"])
async def test_a_key_that_is_none_is_refused(edge: Edge, key: str) -> None:
    assert_problem(await send(edge, key), 422, Reason.REQUEST_INVALID)
    assert await count(edge) == 0
