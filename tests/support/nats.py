"""A real nats-server on a free port with a store of its own, to stop, kill and start again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Process

from bus.connection import Bus
from bus.embedded import FREE_PORT, nats_server_command, wait_until_ready, write_nats_config


class NatsServer:
    """One server over its restarts: same port, same store. `folder` should be the test's `tmp_path`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None
        self.url = ""

    async def start(self) -> str:
        """Start, or start again where it was; returns the URL once it answers."""
        port = int(self.url.rpartition(":")[2]) if self.url else FREE_PORT
        config, ports_dir = self._folder / "nats.conf", self._folder / "ports"
        write_nats_config(config, store_dir=self._folder / "store", port=port, ports_dir=ports_dir)
        with (self._folder / "nats.log").open("ab") as output:
            self._process = await anyio.open_process(nats_server_command(config), stdout=output, stderr=output)
        self.url = await wait_until_ready(ports_dir, self._process.pid)
        return self.url

    async def stop(self) -> None:
        """End it in order (SIGTERM) and wait."""
        if self._process is not None:
            self._process.terminate()
            await self._gone(self._process)

    async def kill(self) -> None:
        """End it as a crash would (SIGKILL) and wait."""
        if self._process is not None:
            self._process.kill()
            await self._gone(self._process)

    async def restart(self) -> None:
        """Kill it and start it again on the same port and store."""
        await self.kill()
        await self.start()

    async def _gone(self, process: Process) -> None:
        await process.wait()
        await process.aclose()
        self._process = None


@asynccontextmanager
async def running_nats(folder: Path) -> AsyncGenerator[NatsServer, None]:
    """A server for the length of the block."""
    server = NatsServer(folder)
    try:
        await server.start()
        yield server
    finally:
        with anyio.CancelScope(shield=True):
            await server.stop()


@asynccontextmanager
async def running_bus(folder: Path, *, name: str = "test") -> AsyncGenerator[tuple[NatsServer, Bus], None]:
    """A server, and a connection on which everything is declared."""
    async with running_nats(folder) as server, Bus.connect(server.url, name=name) as bus:
        await bus.declare()
        yield server, bus
