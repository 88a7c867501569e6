"""Standard gRPC health: SERVING while a session could be opened and written down."""

from __future__ import annotations

from typing import Any

import anyio
import structlog
from grpc_health.v1 import _async as aio
from grpc_health.v1 import health_pb2

from orchestrator.desk import SessionDesk
from orchestrator.neighbours import BusLink, TranscriberShelf
from wire.gen.genesis.v1 import transcription_service_pb2

SERVICE = transcription_service_pb2.DESCRIPTOR.services_by_name["TranscriptionService"].full_name
_LOOK_EVERY_S = 0.1

log = structlog.get_logger(__name__)


class HealthKeeper:
    """Keeps the health service's answer true. `ready` is set the first time it says SERVING."""

    def __init__(self, desk: SessionDesk, link: BusLink, shelf: TranscriberShelf) -> None:
        self.servicer: Any = aio.HealthServicer()
        self.ready = anyio.Event()
        self._desk = desk
        self._link = link
        self._shelf = shelf

    @property
    def is_serving(self) -> bool:
        return self._link.is_up and self._shelf.is_ready and not self._desk.draining

    async def run(self) -> None:
        """Follow the neighbours until cancelled."""
        told: bool | None = None
        while True:
            if self.is_serving is not told:
                told = self.is_serving
                await self.tell(told)
            await anyio.sleep(_LOOK_EVERY_S)

    async def tell(self, serving: bool) -> None:
        """Answer this from now on."""
        statuses = health_pb2.HealthCheckResponse
        for service in ("", SERVICE):
            await self.servicer.set(service, statuses.SERVING if serving else statuses.NOT_SERVING)
        log.info("health", serving=serving)
        if serving:
            self.ready.set()
