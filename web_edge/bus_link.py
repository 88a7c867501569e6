"""The edge's connection to the bus: it may be away at the start and comes when the bus does."""

from __future__ import annotations

import ssl

import anyio
import structlog

from bus.connection import Bus
from music.errors import GenesisError, Reason, Unavailable

log = structlog.get_logger(__name__)

_RETRY_S = 0.5


class BusLink:
    """Holds the `Bus` once there is one; `run` keeps it open until cancelled."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._tls = tls
        self._bus: Bus | None = None
        self._opened = anyio.Event()

    async def run(self) -> None:
        """Connect, declare and hold, for as long as this process lives."""
        while True:
            try:
                async with Bus.connect(self._url, name="edge", tls=self._tls) as bus:
                    await bus.declare()
                    self._bus = bus
                    self._opened.set()
                    await anyio.sleep_forever()
            except GenesisError as error:
                log.warning("edge.bus_away", error=error.message)
                await anyio.sleep(_RETRY_S)
            finally:
                self._bus = None

    async def wait(self) -> Bus:
        """The bus, once it has been reached for the first time; a cut since then mends itself."""
        while self._bus is None:
            await self._opened.wait()
        return self._bus

    def require(self) -> Bus:
        """The bus as it stands. Raises Unavailable: BUS_UNAVAILABLE when it is away."""
        if self._bus is None or not self._bus.is_connected:
            raise Unavailable(
                Reason.BUS_UNAVAILABLE,
                "The message bus cannot be reached. It is tried again by itself; try again soon.",
            )
        return self._bus
