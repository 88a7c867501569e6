"""The one place where the orchestrator's parts are put together."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import grpc
import structlog
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from access.tls import identity_of
from access.tokens import TokenVerifier, load_public_keys
from inference.triton_models import TritonModels
from orchestrator.desk import SessionDesk
from orchestrator.door import Door
from orchestrator.health import SERVICE, HealthKeeper
from orchestrator.neighbours import BusLink, TranscriberShelf
from orchestrator.separating import SeparatorShelf
from orchestrator.servicer import TranscriptionServicer
from orchestrator.settings import SETTINGS_PREFIX, Settings, check_listen
from orchestrator.stems import StemShelf
from wire.gen.genesis.v1 import transcription_service_pb2_grpc

_GRPC_OPTIONS = (
    # Somewhat above the largest chunk, so that one too large is refused with our reason.
    ("grpc.max_receive_message_length", 2 << 20),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
)
_STOP_GRACE_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """A server that listens at `address` (host:port)."""

    address: str
    desk: SessionDesk
    health: HealthKeeper

    async def drain(self, timeout_s: float) -> None:
        """Say NOT_SERVING, refuse new sessions, flush the live ones."""
        self.desk.draining = True
        await self.health.tell(serving=False)
        await self.desk.drain(timeout_s)


@asynccontextmanager
async def running_orchestrator(settings: Settings) -> AsyncIterator[Orchestrator]:
    """A server that listens; it serves once `health.ready` is set. Leaving the context ends it at once.

    Raises:
        RuntimeError: the address cannot be bound.
        InvalidInput: CONFIG_INVALID, for an address that others reach without keys to know them by, and bad files.
    """
    check_listen(settings)
    verifier = TokenVerifier(load_public_keys(settings.public_key)) if settings.public_key else None
    link = BusLink(settings.nats_url, authority=settings.nats_ca)
    triton = TritonModels(settings.triton, settings.triton_policy, settings.threads) if settings.triton else None
    shelf = TranscriberShelf(settings.models, settings.transcriber, settings.threads, triton)
    separators = SeparatorShelf(settings.models, settings.threads, settings.separation_cores, triton)
    stems = StemShelf(settings.stems_dir, settings.stems_kept_s) if settings.stems_dir else None
    async with anyio.create_task_group() as group:
        desk = SessionDesk(group, link, shelf, separators, settings, stems)
        keeper = HealthKeeper(desk, link, shelf)
        await keeper.tell(serving=False)
        server = grpc.aio.server(interceptors=[Door(verifier, link)], options=_GRPC_OPTIONS)
        servicer = TranscriptionServicer(desk, link, settings.idle_timeout_s, stems)
        # The generated function has no types.
        transcription_service_pb2_grpc.add_TranscriptionServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(keeper.servicer, server)
        if settings.reflection:
            reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        port = _listen(server, settings)
        await server.start()
        try:
            for task in (link.run, shelf.keep_ready, keeper.run):
                group.start_soon(task)
            if triton is not None:
                group.start_soon(triton.keep_probing)
            if stems is not None:
                group.start_soon(stems.keep_tidy)
            yield Orchestrator(f"{settings.listen.rpartition(':')[0]}:{port}", desk, keeper)
        finally:
            with anyio.CancelScope(shield=True):
                await server.stop(_STOP_GRACE_S)
            group.cancel_scope.cancel()


def _listen(server: grpc.aio.Server, settings: Settings) -> int:
    """The port it is. Raises RuntimeError: it is taken. InvalidInput: CONFIG_INVALID."""
    identity = identity_of(settings.tls_certificate, settings.tls_key, SETTINGS_PREFIX)
    if identity is None:
        return server.add_insecure_port(settings.listen)
    chain, key = identity.read()
    return server.add_secure_port(settings.listen, grpc.ssl_server_credentials([(key, chain)]))


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with running_orchestrator(settings) as orchestrator, anyio.create_task_group() as group:
            log.info("orchestrator.listening", address=orchestrator.address)
            group.start_soon(_announce, orchestrator, settings.port_file)
            async for received in signals:
                log.info("orchestrator.draining", signal=received.name, sessions=orchestrator.desk.count)
                break
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await orchestrator.drain(settings.drain_timeout_s)
    log.info("orchestrator.stopped")


async def _announce(orchestrator: Orchestrator, port_file: Path | None) -> None:
    """Write the port file once the server serves; take it away at the end."""
    await orchestrator.health.ready.wait()
    log.info("orchestrator.serving", address=orchestrator.address)
    if port_file is None:
        return
    # Readers must never see half an address.
    draft = anyio.Path(port_file.with_name(port_file.name + ".new"))
    await draft.write_text(orchestrator.address)
    await draft.rename(port_file)
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.Path(port_file).unlink(missing_ok=True)
