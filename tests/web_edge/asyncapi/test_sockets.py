"""What real sockets say, held to the served document; and what it lets a client say, held to what is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from music.errors import Reason, Unavailable
from tests.web_edge.asyncapi.schemas import Spoken
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio

LIVE = {"encoding": "pcm_f32le", "sample_rate_hz": 48_000, "channel_count": 1}
OVER = ("job:complete", "job:error", "snapshot")


@pytest.fixture
async def lively(edge_settings: Settings) -> AsyncIterator[Edge]:
    """An edge whose heart beats fast."""
    async with running_edge(edge_settings.model_copy(update={"heartbeat_s": 0.05})) as edge:
        await edge.until_ready()
        yield edge


@asynccontextmanager
async def socket(edge: Edge, path: str) -> AsyncIterator[tuple[ClientConnection, Spoken]]:
    spoken = Spoken((await edge.http.get("/asyncapi.json")).json())
    async with connect(edge.ws + path) as ws:
        yield ws, spoken


async def heard(ws: ClientConnection, spoken: Spoken, channel: str, *until: str) -> set[str]:
    """Types of the frames that came, the last of them one of `until`; each is as promised."""
    types: set[str] = set()
    with anyio.fail_after(WAIT_S):
        while not types & set(until):
            types.add(spoken.check_down(str(await ws.recv()), channel))
    return types


async def test_a_live_session(lively: Edge) -> None:
    async with socket(lively, "/ws/live") as (ws, spoken):
        await heard(ws, spoken, "live", "heartbeat")
        start = json.dumps({"type": "start", "config": {**LIVE, "tuning": [62, 59, 55, 50, 45, 38], "capo": 2}})
        assert spoken.may_be_sent(start, "live")
        await ws.send(start)
        await heard(ws, spoken, "live", "session:started")
        await ws.send(b"\x00" * 4096)
        assert await heard(ws, spoken, "live", "progress:update") >= {"note"}
        await ws.send('{"type": "stop"}')
        await heard(ws, spoken, "live", "job:complete")


@pytest.mark.parametrize(
    "message",
    [
        {"type": "stop"},
        {"type": "start"},
        {"type": "start", "config": {}},
        {"type": "start", "config": {**LIVE, "encoding": "mp3"}},
        {"type": "start", "config": {**LIVE, "sample_rate_hz": "high"}},
        {"type": "start", "config": {**LIVE, "tuning": "banjo"}},
        {"type": "start", "config": {**LIVE, "difficulty": 7}},
        "start",
        7,
    ],
)
async def test_what_live_sessions_refuse(edge: Edge, message: Any) -> None:
    async with socket(edge, "/ws/live") as (ws, spoken):
        text = json.dumps(message)
        await ws.send(text)
        assert await heard(ws, spoken, "live", "error", "job:error")
        # What is told may be sent and is refused all the same: a stop that comes first.
        assert spoken.may_be_sent(text, "live") == (message == {"type": "stop"})
        with pytest.raises(ConnectionClosed) as closed, anyio.fail_after(WAIT_S):
            await ws.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_what_is_told_may_be_asked_and_nothing_else(edge: Edge) -> None:
    job = await edge.upload()
    await edge.until(job, "completed")
    asked: list[Any] = [
        {"type": "subscribe:job", "id": job},
        {"type": "subscribe:job", "id": job, "after_sequence": 0},
        {"type": "resume", "id": job, "after_sequence": 2},
        {"type": "resume", "id": job, "after_sequence": 1, "new": True},
        {"type": "unsubscribe", "id": job},
    ]
    refused: list[Any] = [
        {"type": "subscribe:job"},
        {"type": "subscribe:job", "id": "*"},
        {"type": "subscribe:job", "id": job + ".durable"},
        {"type": "resume", "id": job, "after_sequence": -1},
        {"type": "resume", "id": job, "after_sequence": 2**63},
        {"type": "resume", "id": job, "after_sequence": "1"},
        {"type": "resume", "id": job, "after_sequence": True},
        {"type": "unsubscribe", "id": 7},
        {"type": "start", "config": LIVE},
        {"id": job},
        [],
        None,
    ]
    async with socket(edge, "/ws") as (ws, spoken):
        for message in asked:
            text = json.dumps(message)
            assert spoken.may_be_sent(text), text
            await ws.send(text)
            if message["type"] != "unsubscribe":
                assert "error" not in await heard(ws, spoken, "follow", *OVER)
        for message in refused:
            text = json.dumps(message)
            assert not spoken.may_be_sent(text), text
            await ws.send(text)
            assert await heard(ws, spoken, "follow", "error", *OVER) == {"error"}, text
        await ws.send(json.dumps({"type": "subscribe:job", "id": "nobody"}))
        assert await heard(ws, spoken, "follow", "error", *OVER) == {"job:error"}


async def test_a_session_that_fails(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    orchestrator.break_after = (1, Unavailable(Reason.MODEL_MISSING, "No model."))
    job = await edge.upload()
    async with socket(edge, "/ws") as (ws, spoken):
        await ws.send(json.dumps({"type": "subscribe:job", "id": job}))
        await heard(ws, spoken, "follow", "session:started")
        orchestrator.gate.set()
        await heard(ws, spoken, "follow", *OVER)
