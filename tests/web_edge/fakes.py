"""An orchestrator that speaks the real contract over a real socket and writes real logs, but hears nothing.

What it "hears" is scripted: one note a chunk of audio, with the life of every note in full.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from access.tokens import TokenVerifier
from bus.connection import Bus
from bus.session_log import SessionLogWriter
from music.audio import SAMPLE_RATE_HZ
from music.errors import GenesisError, InvalidInput, NotFound, Reason
from music.events import (
    AudioEncoding,
    EndReason,
    ModelReference,
    NoteRevised,
    Payload,
    Progressed,
    RhythmLocked,
    Separation,
    SeparationChosen,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    is_durable,
)
from music.note import Note, NoteState
from music.rhythm_locks import LockRequest
from music.session_state import SessionState
from music.tuning import Position
from web_edge.uplink import SERVICE
from wire.codec import encode_event
from wire.config_codec import decode_config
from wire.errors import FACES, to_status
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2
from wire.gen.genesis.v1.transcription_service_pb2_grpc import (
    TranscriptionServiceServicer,
    add_TranscriptionServiceServicer_to_server,
)
from wire.rhythm_codec import decode_lock_request

MODELS = (ModelReference("transcriber", "fake", "0" * 64),)
NOTE_SAMPLES = SAMPLE_RATE_HZ // 2


@dataclass
class FakeOrchestrator(TranscriptionServiceServicer):
    """Attributes say what it does next.

    Attributes:
        notes_per_file: heard in a file, whatever its size.
        refuse: raised before a session begins, as many times as there are entries.
        break_after: fail the session after this many notes, with this error.
        gate: sessions wait here before each note; open unless a test closes it.
        flags: put on every note; long ones make large events.
        calls: session ids, one a call.
        received: bytes of audio by session.
        transcribers: those asked for, by session.
        configs: what was asked for, by session.
        locks: what was asked of the bars, in any session.
        stem: what is kept of a session that is to be separated; none where it is empty.
        stems_fetched: session ids, one a call.
        verifier: of the tokens that calls must show; None: they need none.
    """

    bus: Bus | None = None
    notes_per_file: int = 3
    refuse: list[GenesisError] = field(default_factory=list)
    break_after: tuple[int, GenesisError] | None = None
    gate: anyio.Event = field(default_factory=anyio.Event)
    flags: tuple[str, ...] = ()
    calls: list[str] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)
    transcribers: dict[str, str] = field(default_factory=dict)
    configs: dict[str, SessionConfig] = field(default_factory=dict)
    locks: list[LockRequest] = field(default_factory=list)
    stem: bytes = b""
    stems_fetched: list[str] = field(default_factory=list)
    verifier: TokenVerifier | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    async def StreamTranscribe(  # noqa: N802 - gRPC's name
        self, requests: AsyncIterator[service_pb2.StreamTranscribeRequest], context: Any
    ) -> AsyncGenerator[service_pb2.StreamTranscribeResponse, None]:
        try:
            first = await anext(requests)
            config = decode_config(first.config)
            self.calls.append(config.session_id)
            self.transcribers[config.session_id] = config.transcriber
            self.configs[config.session_id] = config
            if self.refuse:
                raise self.refuse.pop(0)
            check(config)
            assert self.bus is not None
            session = _Session(await SessionLogWriter.open(self.bus, config.session_id), config)
            session.owner = self.owner_of(context)
            try:
                async for event in self._session(session, config, requests):
                    yield service_pb2.StreamTranscribeResponse(event=encode_event(event))
            except GenesisError as error:
                if not session.state.is_over:
                    await session.write(SessionFailed(error.reason, error.message, session.until))
                raise
            except BaseException:
                if not session.state.is_over:
                    # As the real one does when its caller goes away.
                    with anyio.CancelScope(shield=True):
                        await session.write(SessionEnded(EndReason.CANCELLED, session.until))
                raise
        except GenesisError as error:
            status = to_status(error)
            await context.abort(
                FACES[error.reason].grpc,
                error.message,
                trailing_metadata=(("grpc-status-details-bin", status.SerializeToString()),),
            )

    async def GetStem(  # noqa: N802 - gRPC's name
        self, request: service_pb2.GetStemRequest, context: Any
    ) -> AsyncGenerator[service_pb2.GetStemResponse, None]:
        if not self.stem:
            gone = NotFound(Reason.STEM_NOT_FOUND, "It ended too long ago.")
            trailing = (("grpc-status-details-bin", to_status(gone).SerializeToString()),)
            await context.abort(FACES[gone.reason].grpc, gone.message, trailing_metadata=trailing)
        self.stems_fetched.append(request.session_id)
        for start in range(0, len(self.stem), 1000):
            yield service_pb2.GetStemResponse(data=self.stem[start : start + 1000])

    def owner_of(self, context: Any) -> str:
        """For whom the call is, as the real one's door has it."""
        if self.verifier is None:
            return ""
        shown = dict(context.invocation_metadata()).get("authorization", "")
        return self.verifier.verify(shown.removeprefix("Bearer ")).caller.id

    async def _session(
        self, session: _Session, config: SessionConfig, requests: AsyncIterator[service_pb2.StreamTranscribeRequest]
    ) -> AsyncGenerator[SessionEvent, None]:
        yield await session.write(SessionStarted(config, MODELS, time.time_ns(), session.owner))
        if config.separation is not Separation.OFF:
            yield await session.write(SeparationChosen(config.separation, 0, "asked"))
        is_file = config.audio.encoding is AudioEncoding.CONTAINER
        duration = self.notes_per_file * NOTE_SAMPLES if is_file else None
        heard = 0
        async for request in requests:
            if request.HasField("lock_rhythm"):
                self.locks.append(decode_lock_request(request.lock_rhythm))
                revision = session.state.lock_revision + 1
                yield await session.write(RhythmLocked(self.locks[-1].lock, revision, session.until))
                continue
            self.received[config.session_id] = self.received.get(config.session_id, 0) + len(request.audio.data)
            if not is_file:
                check_chunk(config, request.audio.data)
                async for event in self._note(session, heard, duration):
                    yield event
                heard += 1
        for index in range(self.notes_per_file if is_file else 0):
            async for event in self._note(session, index, duration):
                yield event
        yield await session.write(SessionEnded(EndReason.COMPLETED, session.until))

    async def _note(self, session: _Session, index: int, duration: int | None) -> AsyncGenerator[SessionEvent, None]:
        await self.gate.wait()
        if self.break_after is not None and self.break_after[0] == index:
            error = self.break_after[1]
            yield await session.write(SessionFailed(error.reason, error.message, session.until))
            raise error
        onset, pitch = index * NOTE_SAMPLES, 64 + index % 12
        held = session.held.notes.get(f"n{index}")
        if held is None or held.state is not NoteState.ENDED:
            yield await session.write(NoteRevised(Note(f"n{index}", NoteState.TENTATIVE, onset, pitch, stability=0.5)))
            settled = Note(
                f"n{index}",
                NoteState.COMMITTED,
                onset,
                pitch,
                velocity=0.8,
                confidence=0.9,
                stability=1.0,
                position=Position(1, index % 12),
                flags=self.flags,
            )
            yield await session.write(NoteRevised(settled))
            session.until = onset + NOTE_SAMPLES
            yield await session.write(NoteRevised(ended(settled, session.until)))
        session.until = onset + NOTE_SAMPLES
        yield await session.write(Progressed(session.until, duration))


def ended(note: Note, offset: int) -> Note:
    return Note(
        note.id,
        NoteState.ENDED,
        note.onset,
        note.pitch,
        offset,
        note.velocity,
        note.confidence,
        1.0,
        note.position,
        flags=note.flags,
    )


class _Session:
    """Numbers and publishes."""

    def __init__(self, writer: SessionLogWriter, config: SessionConfig) -> None:
        self._writer = writer
        self._id = config.session_id
        self.owner = ""
        self.until = 0
        self.held: SessionState = writer.state
        self.state = SessionState()

    async def write(self, payload: Payload) -> SessionEvent:
        event = SessionEvent(
            session_id=self._id,
            sequence=self._writer.last_sequence + 1,
            attempt=self._writer.attempt,
            previous_durable_sequence=self._writer.last_durable_sequence if is_durable(payload) else 0,
            processed_until=self.until,
            created_at_ns=time.time_ns(),
            payload=payload,
        )
        await self._writer.append(event)
        self.state.apply(event)
        return event


def check(config: SessionConfig) -> None:
    """As the real one: raises InvalidInput."""
    if config.audio.encoding is AudioEncoding.CONTAINER:
        return
    if not 8_000 <= config.audio.sample_rate_hz <= 192_000:
        raise InvalidInput(Reason.SAMPLE_RATE_OUT_OF_RANGE, "The sample rate must be 8000 to 192000 Hz.")
    if not 1 <= config.audio.channel_count <= 8:
        raise InvalidInput(Reason.CHANNEL_COUNT_OUT_OF_RANGE, "There must be 1 to 8 channels.")


def check_chunk(config: SessionConfig, data: bytes) -> None:
    if len(data) % 4:
        raise InvalidInput(Reason.CHUNK_MISALIGNED, "A chunk holds whole frames.")


@asynccontextmanager
async def serving(fake: FakeOrchestrator, port: int = 0) -> AsyncGenerator[str, None]:
    """Serve it on loopback for the length of the block; yields its address."""
    server = grpc.aio.server()
    add_TranscriptionServiceServicer_to_server(fake, server)  # type: ignore[no-untyped-call]
    servicer = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        with anyio.CancelScope(shield=True):
            await server.stop(grace=None)
