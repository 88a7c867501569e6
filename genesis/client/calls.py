"""Callers of the gRPC service: audio out, events back; sessions followed and fetched."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from access.tls import authority_pem
from music.errors import GenesisError, Reason, Unavailable
from music.events import SessionConfig, SessionEvent, SessionFailed, SnapshotTaken
from music.rhythm_locks import LockRequest
from wire.codec import decode_event, decode_snapshot
from wire.config_codec import encode_config
from wire.errors import from_rpc
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2
from wire.gen.genesis.v1.transcription_service_pb2_grpc import TranscriptionServiceStub
from wire.stream_codec import encode_piece


@dataclass(frozen=True, slots=True)
class Server:
    """Where the service is: host:port, whether it speaks TLS, and whom to trust; None for whom this machine trusts."""

    address: str
    tls: bool = False
    authority: Path | None = None

    def channel(self) -> grpc.aio.Channel:
        """Raises InvalidInput: CONFIG_INVALID."""
        if not self.tls:
            return grpc.aio.insecure_channel(self.address)
        return grpc.aio.secure_channel(self.address, grpc.ssl_channel_credentials(authority_pem(self.authority)))


async def stream_transcribe(
    server: Server | str, config: SessionConfig, chunks: AsyncIterable[bytes | LockRequest]
) -> AsyncIterator[SessionEvent]:
    """Events of one session, as they arrive.

    What `chunks` raises ends the audio, and is raised here once the session has told all it knows.

    Args:
        server: host:port as text, of one that speaks no TLS, or all that is to be known of it.
        config: what is asked for.
        chunks: of audio, and between them what a person decides about the bars; `RhythmLocked` answers it.

    Raises:
        GenesisError: what the server says; Unavailable: ORCHESTRATOR_UNAVAILABLE when it cannot be reached.
    """
    fault: list[GenesisError] = []

    async def requests() -> AsyncIterator[service_pb2.StreamTranscribeRequest]:
        yield service_pb2.StreamTranscribeRequest(config=encode_config(config))
        try:
            async for piece in chunks:
                yield encode_piece(piece)
        except GenesisError as error:
            fault.append(error)

    async with _channel(server) as channel:
        stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        call = stub.StreamTranscribe(requests(), metadata=_shown())
        try:
            async for response in call:
                yield decode_event(response.event)
        except grpc.aio.AioRpcError as error:
            raise (fault[0] if fault else _failure(error, server)) from None
    if fault:
        raise fault[0]


async def watch_session(server: Server | str, session_id: str, after_sequence: int = 0) -> AsyncIterator[SessionEvent]:
    """Events of a session after `after_sequence`, until it ends. Raises as `stream_transcribe`."""
    request = service_pb2.WatchSessionRequest(session_id=session_id, after_sequence=after_sequence)
    async with _channel(server) as channel:
        stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        try:
            async for response in stub.WatchSession(request, metadata=_shown()):
                yield decode_event(response.event)
        except grpc.aio.AioRpcError as error:
            raise _failure(error, server) from None


async def get_session(server: Server | str, session_id: str) -> SnapshotTaken:
    """A session as it stands. Raises as `stream_transcribe`."""
    request = service_pb2.GetSessionRequest(session_id=session_id)
    async with _channel(server) as channel:
        stub = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        try:
            response = await stub.GetSession(request, metadata=_shown())
        except grpc.aio.AioRpcError as error:
            raise _failure(error, server) from None
    return decode_snapshot(response.session)


def _shown() -> tuple[tuple[str, str], ...]:
    """The token or API key in `$GENESIS_TOKEN`, for a server that has accounts."""
    token = os.environ.get("GENESIS_TOKEN", "")
    return (("authorization", f"Bearer {token}"),) if token else ()


def raise_if_failed(event: SessionEvent) -> None:
    """Raise what made a session fail, when `event` is that."""
    if isinstance(event.payload, SessionFailed):
        raise GenesisError(event.payload.reason, event.payload.message)


def _channel(server: Server | str) -> grpc.aio.Channel:
    return (Server(server) if isinstance(server, str) else server).channel()


def _failure(error: grpc.aio.AioRpcError, server: Server | str) -> GenesisError:
    failure = from_rpc(error, Reason.ORCHESTRATOR_UNAVAILABLE)
    if failure.reason is not Reason.ORCHESTRATOR_UNAVAILABLE:
        return failure
    address = server if isinstance(server, str) else server.address
    said = " ".join((error.details() or error.code().name).split())
    return Unavailable(
        Reason.ORCHESTRATOR_UNAVAILABLE,
        f"No transcription service answers at {address} ({said[:200]}). Start one with `genesis serve`, or name "
        "another with --server.",
    )
