"""The way up: audio to the orchestrator over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

import anyio
import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from access.caller import Role, Scope
from access.tokens import TokenSigner
from music.errors import Conflict, GenesisError, InvalidInput, Reason, Unavailable
from music.events import SessionConfig, SessionEvent
from music.rhythm_locks import LockRequest
from wire.codec import decode_event
from wire.config_codec import encode_config
from wire.errors import from_rpc
from wire.gen.genesis.v1 import transcription_service_pb2 as service_pb2
from wire.gen.genesis.v1.transcription_service_pb2_grpc import TranscriptionServiceStub
from wire.stream_codec import encode_piece

SERVICE = "genesis.v1.TranscriptionService"

_OPTIONS: Final = MappingProxyType(
    {
        # A restarted orchestrator is found again within a second or two, not after gRPC's default of up to two minutes.
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.min_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 1_000,
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 10_000,
        # Snapshots of long sessions.
        "grpc.max_receive_message_length": 16 << 20,
    }
)
_HEALTH_TIMEOUT_S = 2.0
_NOBODY = "nobody"
"""For whom what was uploaded before there were accounts is transcribed."""


class Uplink:
    """One channel to the orchestrator, shared by all sessions; `async with Uplink.open(address) as uplink`."""

    def __init__(self, channel: grpc.aio.Channel, address: str, signer: TokenSigner | None) -> None:
        self._stub: Any = TranscriptionServiceStub(channel)  # type: ignore[no-untyped-call]
        self._health: Any = health_pb2_grpc.HealthStub(channel)
        self.address = address
        self._signer = signer

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        address: str,
        *,
        signer: TokenSigner | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        name: str = "",
    ) -> AsyncIterator[Uplink]:
        """Opens the channel; nothing is connected before the first call.

        Args:
            address: host:port.
            signer: makes the tokens that say for whom a call is; None where there are no accounts.
            credentials: for a channel of TLS.
            name: that the certificate is for, unless it is that of the address.
        """
        options: list[tuple[str, Any]] = list(_OPTIONS.items())
        if name:
            options.append(("grpc.ssl_target_name_override", name))
        if credentials is None:
            channel = grpc.aio.insecure_channel(address, options=options)
        else:
            channel = grpc.aio.secure_channel(address, credentials, options=options)
        try:
            yield cls(channel, address, signer)
        finally:
            with anyio.CancelScope(shield=True):
                await channel.close(grace=None)

    async def check(self) -> None:
        """Raises Unavailable: ORCHESTRATOR_UNAVAILABLE unless it takes sessions."""
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        try:
            answer = await self._health.Check(request, timeout=_HEALTH_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise self._unreachable() from error
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable(
                Reason.ORCHESTRATOR_UNAVAILABLE, "The transcription service is starting or stopping. Try again soon."
            )

    async def transcribe(
        self,
        config: SessionConfig,
        audio: AsyncIterator[bytes | LockRequest],
        on_event: Callable[[SessionEvent], None],
        owner: str,
    ) -> None:
        """Feed one session to its end; leaving early (cancellation) takes the call back.

        Audio is sent once the first event shows that the session has begun. A call that is refused while its client
        writes loses the reason in grpc.aio: the write that fails replaces the status by INTERNAL (grpc issue 36066).
        One that breaks later has the reason in its log.

        Args:
            config: what to do with the audio; `session_id` names the session.
            audio: the bytes in pieces of at most 1 MiB, and between them what somebody decides about the bars. Its end
                is the end of the session's audio.
            on_event: called with each event the bus has acknowledged, for progress; readers follow the bus instead.
            owner: the account whose session it is.

        Raises:
            GenesisError: what the orchestrator says, with its reason; Unavailable: ORCHESTRATOR_UNAVAILABLE when it
                cannot be reached or the connection broke. What `audio` raises passes through.
        """
        call = self._stub.StreamTranscribe(metadata=self._metadata(owner))
        has_begun = anyio.Event()
        failures: list[GenesisError] = []
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_send, call, config, has_begun, audio, failures)
                try:
                    async for response in call:
                        has_begun.set()
                        on_event(decode_event(response.event))
                except grpc.aio.AioRpcError as error:
                    failures.append(self._from_rpc(error))
                except GenesisError as error:
                    failures.append(error)
                except asyncio.CancelledError:
                    # Two ways lead here: we are cancelled, or `_send` has taken the call back.
                    if not failures:
                        raise
                # Whether or not all audio is sent: the session is over.
                group.cancel_scope.cancel()
        finally:
            call.cancel()
        if failures:
            raise failures[0]

    async def stem(self, session_id: str, owner: str) -> AsyncGenerator[bytes, None]:
        """The stem of a session that is over, a FLAC file in pieces.

        Raises NotFound: STEM_NOT_FOUND, SESSION_NOT_FOUND. Unavailable: ORCHESTRATOR_UNAVAILABLE.
        """
        call = self._stub.GetStem(service_pb2.GetStemRequest(session_id=session_id), metadata=self._metadata(owner))
        try:
            async for response in call:
                yield response.data
        except grpc.aio.AioRpcError as error:
            raise self._from_rpc(error) from error
        finally:
            call.cancel()

    def _metadata(self, owner: str) -> tuple[tuple[str, str], ...]:
        if self._signer is None:
            return ()
        token = self._signer.sign(owner or _NOBODY, Role.USER, {Scope.READ, Scope.WRITE, Scope.RELAY})
        return (("authorization", f"Bearer {token}"),)

    def _from_rpc(self, error: grpc.aio.AioRpcError) -> GenesisError:
        failure = from_rpc(error, Reason.INTERNAL)
        if failure.reason is Reason.INTERNAL and error.code() in (
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.DEADLINE_EXCEEDED,
        ):
            return self._unreachable()
        return failure

    def _unreachable(self) -> Unavailable:
        return Unavailable(
            Reason.ORCHESTRATOR_UNAVAILABLE,
            f"The transcription service at {self.address} cannot be reached. Try again in a moment.",
        )


async def _send(
    call: Any,
    config: SessionConfig,
    has_begun: anyio.Event,
    audio: AsyncIterator[bytes | LockRequest],
    failures: list[GenesisError],
) -> None:
    # A call that has ended refuses writes; why it ended is for the reading side to say.
    try:
        await call.write(service_pb2.StreamTranscribeRequest(config=encode_config(config)))
        await has_begun.wait()
        async for piece in audio:
            await call.write(encode_piece(piece))
        await call.done_writing()
    except (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError):
        return
    except GenesisError as error:
        failures.append(error)
        call.cancel()


def is_transient(error: Exception) -> bool:
    """Whether the same audio may be taken if it is offered again a little later."""
    if not isinstance(error, GenesisError) or isinstance(error, InvalidInput):
        return False
    return error.reason in {
        Reason.ORCHESTRATOR_UNAVAILABLE,
        Reason.BUS_UNAVAILABLE,
        Reason.SERVER_DRAINING,
        Reason.SESSION_LIMIT_REACHED,
        Reason.SESSION_SUPERSEDED,
        Reason.STREAM_IDLE,
    }


def is_over_already(error: Exception) -> bool:
    return isinstance(error, Conflict) and error.reason is Reason.SESSION_EXISTS
