"""One session, four ways to read it, over real sockets: all of them end with the same fold."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
import grpc.aio
import nats
import pytest
from google.protobuf import json_format
from nats.js.api import ConsumerConfig, DeliverPolicy
from websockets.asyncio.client import connect

from music.events import AudioEncoding, AudioFormat, SessionConfig, SessionEvent, SnapshotTaken, is_durable
from music.note import NoteState
from music.session_state import SessionState
from tests.support.demo import demo_truth, demo_wav
from tests.support.stack import Stack, running_stack
from wire.codec import decode_event
from wire.config_codec import encode_config
from wire.gen.genesis.v1 import audio_pb2, event_pb2
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2
from wire.gen.genesis.v1.transcription_service_pb2_grpc import TranscriptionServiceStub
from wire.subjects import SESSIONS_STREAM, session_subjects

pytestmark = pytest.mark.anyio

SESSION_ID = "four-readers"
CHUNK_BYTES = 16_384
FOLLOWERS_TIMEOUT_S = 60
LATE_AFTER = 220
"""Durable events after which the late reader joins: the writer has left a snapshot by then."""


async def audio_of(pcm: bytes, held_back: anyio.Event) -> AsyncIterator[service_pb2.StreamTranscribeRequest]:
    """The samples in chunks; the last tenth waits until the late reader has joined."""
    config = SessionConfig(AudioFormat(AudioEncoding.PCM_S16LE, 44_100, 1), session_id=SESSION_ID)
    yield service_pb2.StreamTranscribeRequest(config=encode_config(config))
    for start in range(0, len(pcm), CHUNK_BYTES):
        if start > len(pcm) * 9 // 10:
            await held_back.wait()
        yield service_pb2.StreamTranscribeRequest(audio=audio_pb2.AudioChunk(data=pcm[start : start + CHUNK_BYTES]))


class Reader:
    """Folds what it is given and checks the sequence as a client should."""

    def __init__(self) -> None:
        self.state = SessionState()
        self.seen = 0
        self.durable = 0
        self.snapshots = 0

    def take(self, event: SessionEvent) -> None:
        assert event.sequence > self.state.sequence, "the sequence a client sees strictly increases"
        assert not self.state.has_missed(event), "a durable event never arrived"
        self.state.apply(event)
        self.seen += 1
        self.durable += is_durable(event.payload)
        self.snapshots += isinstance(event.payload, SnapshotTaken)


async def call_grpc(stub: TranscriptionServiceStub, reader: Reader, late: anyio.Event, joined: anyio.Event) -> None:
    async for response in stub.StreamTranscribe(audio_of(demo_wav().read_bytes()[44:] * 2, held_back=joined)):
        reader.take(decode_event(response.event))
        if reader.durable > LATE_AFTER:
            late.set()


async def subscribe_nats(url: str, reader: Reader, ready: anyio.Event) -> None:
    client = await nats.connect(url)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    subscription = await client.jetstream().subscribe(
        session_subjects(SESSION_ID), stream=SESSIONS_STREAM, ordered_consumer=True, config=config
    )
    ready.set()
    while not reader.state.is_over:
        message = await subscription.next_msg(timeout=FOLLOWERS_TIMEOUT_S)
        reader.take(decode_event(event_pb2.SessionEvent.FromString(message.data)))
    await client.close()


async def watch_late(stub: TranscriptionServiceStub, reader: Reader, late: anyio.Event, joined: anyio.Event) -> None:
    await late.wait()
    async for response in stub.WatchSession(service_pb2.WatchSessionRequest(session_id=SESSION_ID)):
        reader.take(decode_event(response.event))
        joined.set()


async def watch_websocket(edge: str, reader: Reader, started: anyio.Event) -> int:
    """Follows, loses its connection after every 20 events, resumes; returns how often it was cut."""
    await started.wait()
    cuts = 0
    while not reader.state.is_over:
        async with connect(edge.replace("http", "ws") + "/ws") as socket:
            kind = "resume" if cuts else "subscribe:job"
            request = {"type": kind, "id": SESSION_ID, "after_sequence": reader.state.sequence}
            await socket.send(json.dumps(request))
            until = reader.seen + 20
            async for text in socket:
                frame = json.loads(text)
                if "event" not in frame:
                    assert frame["type"] == "heartbeat", frame
                    continue
                event = decode_event(json_format.ParseDict(frame["event"], event_pb2.SessionEvent()))
                assert (frame["id"], frame["sequence"]) == (SESSION_ID, event.sequence)
                reader.take(event)
                if reader.seen >= until or reader.state.is_over:
                    socket.transport.abort()
                    break
        cuts += 1
    return cuts


async def run_readers(stack: Stack) -> dict[str, Reader]:
    readers = {name: Reader() for name in ("grpc", "nats", "late watch", "websocket")}
    late, joined, listening = anyio.Event(), anyio.Event(), anyio.Event()
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
        stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        with anyio.fail_after(FOLLOWERS_TIMEOUT_S):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(subscribe_nats, stack.nats_url, readers["nats"], listening)
                await listening.wait()
                tasks.start_soon(call_grpc, stub, readers["grpc"], late, joined)
                tasks.start_soon(watch_late, stub, readers["late watch"], late, joined)
                tasks.start_soon(watch_websocket, stack.edge_url, readers["websocket"], late)
    return readers


async def test_four_readers_end_with_the_same_session() -> None:
    with running_stack() as stack:
        readers = await run_readers(stack)
    folded = {name: reader.state.snapshot() for name, reader in readers.items()}
    reference = folded.pop("grpc")
    assert reference.ended is not None
    assert len(reference.notes) >= len(demo_truth()["notes"])
    assert all(note.state is NoteState.ENDED for note in reference.notes)
    for name, snapshot in folded.items():
        assert snapshot == reference, name
    assert readers["late watch"].snapshots == 1
    assert readers["late watch"].seen < readers["grpc"].seen - LATE_AFTER // 2
