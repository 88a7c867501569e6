"""`/health`: this process lives. `/ready`: it can do its work now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from music.errors import GenesisError
from web_edge.bus_link import BusLink
from web_edge.database import Database
from web_edge.problems import problem_response
from web_edge.uplink import Uplink

_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Health:
    """Asks the neighbours."""

    database: Database
    bus: BusLink
    uplink: Uplink

    def routes(self) -> list[Route]:
        return [Route("/health", self.health, methods=["GET"]), Route("/ready", self.ready, methods=["GET"])]

    async def health(self, _request: Request) -> Response:
        """Whether this process lives."""
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    async def ready(self, _request: Request) -> Response:
        """200, or 503 that lists the parts and what is wrong with each."""
        failures: dict[str, GenesisError] = {}

        async def ask(part: str, check: Callable[[], Awaitable[None]]) -> None:
            try:
                await check()
            except GenesisError as error:
                failures[part] = error

        checks = {"database": self.database.check, "bus": self._check_bus, "orchestrator": self.uplink.check}
        async with anyio.create_task_group() as group:
            for part, check in checks.items():
                group.start_soon(ask, part, check)
        parts = {part: failures[part].message if part in failures else "ok" for part in checks}
        if failures:
            first = failures[next(part for part in checks if part in failures)]
            return problem_response(first, _NO_STORE, parts=parts)
        return JSONResponse({"status": "ready", "parts": parts}, headers=_NO_STORE)

    async def _check_bus(self) -> None:
        self.bus.require()
