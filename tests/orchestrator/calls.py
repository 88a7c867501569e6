"""A client's side of the contract, as short as the tests want it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2

from music.errors import GenesisError, Reason
from music.events import AudioEncoding, AudioFormat, SessionConfig, SessionEvent
from orchestrator.bootstrap import Orchestrator
from wire.codec import decode_event
from wire.config_codec import encode_config
from wire.errors import from_rpc
from wire.gen.genesis.v1 import audio_pb2, transcription_service_pb2, transcription_service_pb2_grpc

pb = transcription_service_pb2

S16_MONO = AudioFormat(AudioEncoding.PCM_S16LE, 44_100, 1)


def config_message(audio: AudioFormat = S16_MONO, **settings: Any) -> pb.StreamTranscribeRequest:
    return pb.StreamTranscribeRequest(config=encode_config(SessionConfig(audio, **settings)))


def audio_message(data: bytes) -> pb.StreamTranscribeRequest:
    return pb.StreamTranscribeRequest(audio=audio_pb2.AudioChunk(data=data))


def in_chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


class Client:
    """A channel to one orchestrator; a context manager that closes it."""

    def __init__(self, orchestrator: Orchestrator | str) -> None:
        address = orchestrator if isinstance(orchestrator, str) else orchestrator.address
        self.channel = grpc.aio.insecure_channel(address)
        self.stub: Any = transcription_service_pb2_grpc.TranscriptionServiceStub(self.channel)  # type: ignore[no-untyped-call]

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.channel.close(None)

    async def transcribe(
        self, data: bytes, chunk_bytes: int, audio: AudioFormat = S16_MONO, **settings: Any
    ) -> list[SessionEvent]:
        """Every event of a whole session."""
        chunks = (audio_message(chunk) for chunk in in_chunks(data, chunk_bytes))
        return await self.events([config_message(audio, **settings), *chunks])

    async def events(
        self,
        messages: Iterable[pb.StreamTranscribeRequest] | AsyncIterator[pb.StreamTranscribeRequest],
        into: list[SessionEvent] | None = None,
    ) -> list[SessionEvent]:
        events = [] if into is None else into
        try:
            async for response in self.stub.StreamTranscribe(messages):
                events.append(decode_event(response.event))
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, Reason.ORCHESTRATOR_UNAVAILABLE) from error
        return events

    async def watch(self, session_id: str, after_sequence: int = 0) -> list[SessionEvent]:
        request = pb.WatchSessionRequest(session_id=session_id, after_sequence=after_sequence)
        try:
            return [decode_event(response.event) async for response in self.stub.WatchSession(request)]
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error, Reason.ORCHESTRATOR_UNAVAILABLE) from error

    async def failure(self, messages: Iterable[pb.StreamTranscribeRequest], into: list[SessionEvent]) -> GenesisError:
        """The error a stream ends with; it must carry exactly one ErrorInfo of ours."""
        with pytest.raises(GenesisError) as caught:
            await self.events(messages, into)
        cause = caught.value.__cause__
        assert isinstance(cause, grpc.aio.AioRpcError)
        metadata: Any = cause.trailing_metadata()
        packed = [value for key, value in metadata if key == "grpc-status-details-bin"]
        assert [len(status_pb2.Status.FromString(value).details) for value in packed] == [1]
        return caught.value
