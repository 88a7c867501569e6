"""`/ws/live`: the microphone up, the log down."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bus.connection import Bus
from bus.session_log import read_state
from music.errors import NotFound, Reason, Unavailable
from music.events import EndReason
from tests.support.nats import NatsServer
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_following import Reader, ask, durable_part, socket_to
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio

CHUNK = b"\x00" * 4096
CONFIG: dict[str, Any] = {"encoding": "pcm_f32le", "sample_rate_hz": 48_000, "channel_count": 1}


async def start(ws: ClientConnection, **config: object) -> None:
    await ask(ws, type="start", config=CONFIG | config)


async def closed(ws: ClientConnection) -> tuple[list[dict[str, Any]], int | None]:
    """Every frame until the socket is closed, and the code."""
    frames = []
    with anyio.fail_after(WAIT_S):
        while True:
            try:
                frames.append(json.loads(await ws.recv()))
            except ConnectionClosed:
                return frames, ws.close_code


async def test_what_is_played_comes_down_while_it_is_played(edge: Edge, bus: Bus) -> None:
    reader = Reader()
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws, tuning="drop_d", capo=2)
        started = await reader.read(ws, frames=1)
        assert started["type"] == "session:started"
        for played in range(1, 4):
            await ws.send(CHUNK)
            await reader.read(ws, until="progress:update")
            assert len(reader.state.notes) == played
        await ask(ws, type="stop")
        assert (await reader.read(ws))["type"] == "job:complete"
        frames, code = await closed(ws)
        assert (frames, code) == ([], 1000)
    assert reader.state.started is not None
    assert reader.state.started.config.instrument.tuning[-1] == 38
    assert reader.state.started.config.instrument.capo == 2
    assert durable_part(reader.state) == durable_part(await read_state(bus, started["id"]))
    result = (await edge.http.get(f"/api/transcribe/{started['id']}/result")).json()
    assert len(result["notes"]) == 3


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([CHUNK], Reason.CONFIG_MISSING),
        (["nonsense"], Reason.REQUEST_INVALID),
        (['{"type": "stop"}'], Reason.CONFIG_MISSING),
        (['{"type": "start"}'], Reason.CONFIG_MISSING),
        (['{"type": "start", "config": {}}'], Reason.ENCODING_UNSUPPORTED),
        ([json.dumps({"type": "start", "config": CONFIG | {"encoding": "container"}})], Reason.ENCODING_UNSUPPORTED),
        ([json.dumps({"type": "start", "config": CONFIG | {"sample_rate_hz": "x"}})], Reason.SAMPLE_RATE_OUT_OF_RANGE),
        ([json.dumps({"type": "start", "config": CONFIG | {"sample_rate_hz": -1}})], Reason.SAMPLE_RATE_OUT_OF_RANGE),
        (
            [json.dumps({"type": "start", "config": CONFIG | {"channel_count": 1.5}})],
            Reason.CHANNEL_COUNT_OUT_OF_RANGE,
        ),
        ([json.dumps({"type": "start", "config": CONFIG | {"tuning": "odd"}})], Reason.TUNING_INVALID),
        ([json.dumps({"type": "start", "config": CONFIG | {"tuning": [1]}})], Reason.TUNING_INVALID),
        ([json.dumps({"type": "start", "config": CONFIG | {"capo": 99}})], Reason.CAPO_INVALID),
        ([json.dumps({"type": "start", "config": CONFIG})] * 2, Reason.CONFIG_DUPLICATE),
        ([json.dumps({"type": "start", "config": CONFIG}), "{"], Reason.REQUEST_INVALID),
    ],
)
async def test_what_the_client_does_wrong_is_said(edge: Edge, messages: list[str | bytes], reason: Reason) -> None:
    async with socket_to(edge, "/ws/live") as ws:
        for message in messages:
            await ws.send(message)
        frames, code = await closed(ws)
    errors = [frame for frame in frames if frame["type"] == "error"]
    assert [frame["error"]["reason"] for frame in errors] == [reason]
    assert code == 1008


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"sample_rate_hz": 0}, Reason.SAMPLE_RATE_OUT_OF_RANGE),
        ({"sample_rate_hz": 4_000_000_000}, Reason.SAMPLE_RATE_OUT_OF_RANGE),
        ({"channel_count": 200}, Reason.CHANNEL_COUNT_OUT_OF_RANGE),
        ({"channel_count": 0}, Reason.CHANNEL_COUNT_OUT_OF_RANGE),
    ],
)
async def test_what_the_orchestrator_refuses_is_said(edge: Edge, config: dict[str, int], reason: Reason) -> None:
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws, **config)
        frames, code = await closed(ws)
    assert [frame["type"] for frame in frames] == ["job:error"]
    assert frames[0]["error"]["reason"] == reason
    assert code == 1008


async def test_half_a_sample_is_said(edge: Edge) -> None:
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        await ws.send(CHUNK + b"\x00")
        frames, code = await closed(ws)
    broken = [frame for frame in frames if frame["type"] == "job:error"]
    assert [frame["error"]["reason"] for frame in broken] == [Reason.CHUNK_MISALIGNED]
    assert code == 1000


async def test_a_failure_that_stands_in_the_log_is_said_once(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.break_after = (1, Unavailable(Reason.MODEL_MISSING, "The model is gone."))
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        await ws.send(CHUNK)
        await ws.send(CHUNK)
        frames, code = await closed(ws)
    over = [frame for frame in frames if frame["type"] in ("job:error", "error")]
    assert len(over) == 1
    assert over[0]["event"]["failed"]["reason"] == "ERROR_REASON_MODEL_MISSING"
    assert code == 1000


async def test_a_browser_that_goes_gets_its_tail_transcribed(
    edge: Edge, orchestrator: FakeOrchestrator, bus: Bus
) -> None:
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        reader = Reader()
        session_id = (await reader.read(ws, frames=1))["id"]
        orchestrator.gate = anyio.Event()
        for _ in range(5):
            await ws.send(CHUNK)
        with anyio.fail_after(WAIT_S):
            while orchestrator.received.get(session_id, 0) < len(CHUNK):  # noqa: ASYNC110 - behind two sockets
                await anyio.sleep(0.01)
        ws.transport.abort()
    orchestrator.gate.set()
    await edge.until(session_id, "completed")
    state = await read_state(bus, session_id)
    assert state.ended is not None
    assert state.ended.reason is EndReason.COMPLETED
    assert len(state.notes) == 5
    # And its page can come back for it.
    async with socket_to(edge) as ws:
        await ask(ws, type="resume", id=session_id, after_sequence=reader.state.sequence)
        await reader.read(ws)
    assert len(reader.state.notes) == 5


async def test_an_orchestrator_that_is_away_is_said(edge_settings: Settings, unused_tcp_port: int) -> None:
    nobody = edge_settings.model_copy(update={"orchestrator": f"127.0.0.1:{unused_tcp_port}"})
    async with running_edge(nobody) as edge, socket_to(edge, "/ws/live") as ws:
        await start(ws)
        frames, code = await closed(ws)
    assert [frame["error"]["reason"] for frame in frames] == [Reason.ORCHESTRATOR_UNAVAILABLE]
    assert code == 1013


async def test_without_the_bus_no_digit_is_shown(
    edge: Edge, orchestrator: FakeOrchestrator, nats_server: NatsServer
) -> None:
    reader = Reader()
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        await ws.send(CHUNK)
        await reader.read(ws, until="progress:update")
        shown = dict(reader.state.notes)
        await nats_server.kill()
        await ws.send(CHUNK)
        with anyio.move_on_after(1):
            await reader.read(ws)
        assert reader.state.notes == shown
        await nats_server.start()
        await ask(ws, type="stop")
        await reader.read(ws)
        assert len(reader.state.notes) == 2


async def test_there_is_a_limit_of_live_sessions(edge_settings: Settings) -> None:
    async with running_edge(edge_settings.model_copy(update={"max_live_sessions": 1})) as edge:
        await edge.until_ready()
        async with socket_to(edge, "/ws/live") as first:
            await start(first)
            await Reader().read(first, frames=1)
            async with socket_to(edge, "/ws/live") as second:
                await start(second)
                frames, code = await closed(second)
                assert frames[0]["error"]["reason"] == Reason.SESSION_LIMIT_REACHED
                assert code == 1013


async def test_deleting_a_live_session_ends_it(edge: Edge, bus: Bus) -> None:
    async with socket_to(edge, "/ws/live") as ws:
        await start(ws)
        session_id = (await Reader().read(ws, frames=1))["id"]
        await ws.send(CHUNK)
        await edge.until(session_id, "processing")
        assert (await edge.http.delete(f"/api/transcribe/{session_id}")).status_code == 204
        frames, code = await closed(ws)
    assert frames[-1]["type"] == "job:error"
    assert frames[-1]["error"]["reason"] == Reason.TRANSCRIPTION_NOT_FOUND
    assert code == 1008
    assert (await edge.http.get("/api/transcribe")).json()["items"] == []
    with pytest.raises(NotFound):
        await read_state(bus, session_id)
