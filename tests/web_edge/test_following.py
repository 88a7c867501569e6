"""`/ws`: following, cutting, resuming."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from google.protobuf import json_format
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bus.connection import Bus
from bus.session_log import read_state
from music.errors import InvalidInput, Reason
from music.session_state import SessionState
from tests.support.nats import NatsServer
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.settings import Settings
from wire.codec import decode_event
from wire.gen.genesis.v1 import event_pb2

pytestmark = pytest.mark.anyio

OVER = ("job:complete", "job:error")


class Reader:
    """A client that folds what comes down and checks the sequence."""

    def __init__(self) -> None:
        self.state = SessionState()
        self.types: list[str] = []

    def take(self, frame: dict[str, Any]) -> None:
        self.types.append(frame["type"])
        if "event" not in frame:
            return
        event = decode_event(json_format.ParseDict(frame["event"], event_pb2.SessionEvent()))
        assert frame["id"] == event.session_id
        assert frame["sequence"] == event.sequence
        assert event.sequence > self.state.sequence, "the sequence a client sees strictly increases"
        assert frame["type"] == "snapshot" or not self.state.has_missed(event)
        self.state.apply(event)

    async def read(self, ws: ClientConnection, *, until: str = "", frames: int = 0) -> dict[str, Any]:
        """Take frames until one of type `until`, or the session is over, or so many have come; returns the last."""
        taken = 0
        with anyio.fail_after(WAIT_S):
            while True:
                frame: dict[str, Any] = json.loads(await ws.recv())
                self.take(frame)
                taken += 1
                if frame["type"] == until or taken == frames or (not until and self.state.is_over):
                    return frame


@asynccontextmanager
async def socket_to(edge: Edge, path: str = "/ws") -> AsyncIterator[ClientConnection]:
    async with connect(edge.ws + path, max_size=None) as ws:
        yield ws


async def ask(ws: ClientConnection, **message: object) -> None:
    await ws.send(json.dumps(message))


def durable_part(state: SessionState) -> object:
    snapshot = state.snapshot()
    return (snapshot.sequence, snapshot.started, snapshot.notes, snapshot.gaps, snapshot.ended, snapshot.failed)


async def test_a_subscriber_sees_the_whole_job(edge: Edge, orchestrator: FakeOrchestrator, bus: Bus) -> None:
    orchestrator.gate = anyio.Event()
    job = await edge.upload()
    reader = Reader()
    async with socket_to(edge) as ws:
        await ask(ws, type="subscribe:job", id=job, after_sequence=0)
        first = await reader.read(ws, frames=1)
        assert first["type"] == "session:started"
        assert first["event"]["sessionId"] == job
        orchestrator.gate.set()
        last = await reader.read(ws)
        assert last["type"] == "job:complete"
        assert (await edge.status(job))["status"] == "completed", "nothing says complete before the database does"
    assert {"note", "progress:update"} <= set(reader.types)
    assert durable_part(reader.state) == durable_part(await read_state(bus, job))


async def test_a_subscriber_may_come_before_the_job_has_begun(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    jobs = [await edge.upload() for _ in range(3)]
    reader = Reader()
    async with socket_to(edge) as ws:
        await ask(ws, type="subscribe:job", id=jobs[2])
        orchestrator.gate.set()
        assert (await reader.read(ws))["type"] == "job:complete"


async def test_a_socket_that_is_cut_resumes_where_it_was(edge: Edge, orchestrator: FakeOrchestrator, bus: Bus) -> None:
    orchestrator.gate = anyio.Event()
    orchestrator.notes_per_file = 40
    job = await edge.upload()
    reader = Reader()
    async with socket_to(edge) as ws:
        await ask(ws, type="subscribe:job", id=job)
        await reader.read(ws, frames=1)
        orchestrator.gate.set()
        await reader.read(ws, frames=12)
        ws.transport.abort()
    while not reader.state.is_over:
        async with socket_to(edge) as ws:
            await ask(ws, type="resume", id=job, after_sequence=reader.state.sequence)
            try:
                await reader.read(ws, frames=9)
            except ConnectionClosed:
                continue
            ws.transport.abort()
    assert durable_part(reader.state) == durable_part(await read_state(bus, job))


async def test_who_comes_late_gets_a_snapshot(edge: Edge, bus: Bus) -> None:
    job = await edge.upload()
    await edge.until(job, "completed")
    reader = Reader()
    async with socket_to(edge) as ws:
        await ask(ws, type="subscribe:job", id=job)
        assert (await reader.read(ws, frames=1))["type"] == "snapshot"
    assert durable_part(reader.state) == durable_part(await read_state(bus, job))


async def test_a_finished_session_is_there_without_the_bus(edge: Edge, nats_server: NatsServer) -> None:
    job = await edge.upload()
    await edge.until(job, "completed")
    await nats_server.kill()
    await edge.until_ready(503)
    reader = Reader()
    async with socket_to(edge) as ws:
        await ask(ws, type="subscribe:job", id=job)
        await reader.read(ws)
    assert len(reader.state.notes) == 3
    assert (await edge.http.get(f"/api/transcribe/{job}/result")).status_code == 200


async def test_a_job_that_is_given_up_says_why(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    busy = [await edge.upload() for _ in range(2)]
    await edge.until(busy[1], "processing")
    job = await edge.upload()
    reader = Reader()
    async with socket_to(edge) as ws:
        await ask(ws, type="subscribe:job", id=job)
        with anyio.fail_after(WAIT_S):
            while len(orchestrator.calls) < 2:  # noqa: ASYNC110 - the other side of a socket gets there
                await anyio.sleep(0.01)
        orchestrator.refuse = [InvalidInput(Reason.AUDIO_UNREADABLE, "This is a text file.")]
        orchestrator.gate.set()
        frame = await reader.read(ws, until="job:error")
        assert frame["id"] == job
        assert frame["error"]["reason"] == Reason.AUDIO_UNREADABLE
        # And for whoever asks afterwards.
        await ask(ws, type="subscribe:job", id=job)
        assert (await reader.read(ws, until="job:error"))["error"]["reason"] == Reason.AUDIO_UNREADABLE


async def test_several_sessions_share_a_socket_up_to_a_limit(
    edge_settings: Settings, orchestrator: FakeOrchestrator
) -> None:
    orchestrator.gate = anyio.Event()
    async with running_edge(edge_settings.model_copy(update={"max_followed_sessions": 2})) as edge:
        await edge.until_ready()
        jobs = [await edge.upload() for _ in range(3)]
        async with socket_to(edge) as ws:
            for job in jobs:
                await ask(ws, type="subscribe:job", id=job)
            reader = Reader()
            frame = await reader.read(ws, until="error")
            assert frame["error"]["reason"] == Reason.SESSION_LIMIT_REACHED
            await ask(ws, type="unsubscribe", id=jobs[0])
            await ask(ws, type="subscribe:job", id=jobs[2])
            orchestrator.gate.set()
            done: set[str] = set()
            with anyio.fail_after(WAIT_S):
                while done != set(jobs[1:]):
                    frame = json.loads(await ws.recv())
                    assert frame["id"] in jobs[1:] or frame["type"] == "session:started"
                    if frame["type"] in OVER:
                        done.add(frame["id"])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("not json", Reason.REQUEST_INVALID),
        ("[]", Reason.REQUEST_INVALID),
        ("[" * 100_000, Reason.REQUEST_INVALID),
        ('{"type": 1}', Reason.REQUEST_INVALID),
        ('{"type": "dance"}', Reason.REQUEST_INVALID),
        (b"\x00\x01", Reason.REQUEST_INVALID),
        ('{"type": "subscribe:job"}', Reason.REQUEST_INVALID),
        ('{"type": "subscribe:job", "id": "*"}', Reason.REQUEST_INVALID),
        ('{"type": "subscribe:job", "id": ">"}', Reason.REQUEST_INVALID),
        ('{"type": "subscribe:job", "id": "a.b"}', Reason.REQUEST_INVALID),
        ('{"type": "resume", "id": "a", "after_sequence": -1}', Reason.REQUEST_INVALID),
        ('{"type": "resume", "id": "a", "after_sequence": 1e309}', Reason.REQUEST_INVALID),
        ('{"type": "resume", "id": "a", "after_sequence": true}', Reason.REQUEST_INVALID),
    ],
)
async def test_a_bad_request_is_answered_and_forgotten(edge: Edge, message: str | bytes, reason: Reason) -> None:
    async with socket_to(edge) as ws:
        await ws.send(message)
        frame = json.loads(await ws.recv())
        assert (frame["type"], frame["error"]["reason"]) == ("error", reason)
        await ask(ws, type="subscribe:job", id="nobody")
        frame = json.loads(await ws.recv())
        assert (frame["type"], frame["id"]) == ("job:error", "nobody")
        assert frame["error"]["reason"] == Reason.SESSION_NOT_FOUND


@pytest.mark.parametrize(("path", "size"), [("/ws", 2 << 20), ("/ws/live", 64 << 20)])
async def test_a_frame_over_the_limit_closes_the_socket(edge: Edge, path: str, size: int) -> None:
    async with socket_to(edge, path) as ws:
        with suppress(ConnectionClosed):
            await ws.send(b"x" * size)
        with pytest.raises(ConnectionClosed):
            await ws.recv()
        assert ws.close_code == 1009


async def test_signs_of_life_come_down(edge_settings: Settings) -> None:
    async with running_edge(edge_settings.model_copy(update={"heartbeat_s": 0.05})) as edge, socket_to(edge) as ws:
        frames = [json.loads(await ws.recv()) for _ in range(2)]
        assert [frame["type"] for frame in frames] == ["heartbeat"] * 2
        assert frames[0]["time"] < frames[1]["time"]


async def test_a_reader_that_does_not_read_is_let_go(edge_settings: Settings, orchestrator: FakeOrchestrator) -> None:
    orchestrator.notes_per_file = 300
    orchestrator.flags = ("x" * 20_000,)
    update = {"outbox_frames": 10, "slow_reader_s": 0.3}
    async with running_edge(edge_settings.model_copy(update=update)) as edge:
        await edge.until_ready()
        orchestrator.gate = anyio.Event()
        job = await edge.upload()
        host, _, port = edge.host.rpartition(":")
        raw = socket.socket()
        # Small, so that what is sent does not vanish into the kernel's buffers.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect((host, int(port)))
        async with connect(f"{edge.ws}/ws", sock=raw, max_queue=1, max_size=None, ping_interval=None) as ws:
            await ask(ws, type="subscribe:job", id=job)
            orchestrator.gate.set()
            await edge.until(job, "completed")
            await anyio.sleep(1)
            reader = Reader()
            with pytest.raises(ConnectionClosed):
                await reader.read(ws)
            assert ws.close_code in (1013, 1006)
        # It resumes, and has everything.
        async with socket_to(edge) as ws:
            await ask(ws, type="resume", id=job, after_sequence=reader.state.sequence)
            await reader.read(ws)
        assert len(reader.state.notes) == 300


async def test_followers_live_through_a_restart_of_the_bus(
    edge: Edge, orchestrator: FakeOrchestrator, nats_server: NatsServer, bus: Bus
) -> None:
    orchestrator.gate = anyio.Event()
    job = await edge.upload()
    reader = Reader()
    async with socket_to(edge) as ws:
        await ask(ws, type="subscribe:job", id=job)
        await reader.read(ws, frames=1)
        await nats_server.kill()
        answer = await edge.until_ready(503)
        assert answer.headers["retry-after"]
        assert (await edge.http.get("/health")).status_code == 200
        await nats_server.start()
        orchestrator.gate.set()
        await reader.read(ws)
    await edge.until_ready()
    assert durable_part(reader.state) == durable_part(await read_state(bus, job))
    assert (await edge.status(job))["status"] == "completed"
