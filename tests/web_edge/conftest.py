"""A real edge on a real socket, with a real bus and an orchestrator that obeys the contract."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest

from bus.connection import Bus
from tests.support.nats import NatsServer, running_nats
from tests.support.postgres import fresh_database, running_postgres
from tests.web_edge.fakes import FakeOrchestrator, serving
from web_edge.__main__ import create_server
from web_edge.settings import Settings

WAIT_S = 45


@dataclass
class Edge:
    """A running edge: where it is, and a client for it."""

    host: str
    http: httpx.AsyncClient
    settings: Settings
    app: Any = None

    @property
    def ws(self) -> str:
        return f"ws://{self.host}"

    async def upload(self, data: bytes = b"RIFF....", **options: str) -> str:
        """Id of the transcription of an upload that was accepted."""
        response = await self.http.post("/api/transcribe", files={"file": ("song.wav", data)}, data=options)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    async def status(self, transcription_id: str) -> dict[str, Any]:
        response = await self.http.get(f"/api/transcribe/{transcription_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def until(self, transcription_id: str, *statuses: str) -> dict[str, Any]:
        """Wait for the transcription to be there and in one of `statuses`."""
        with anyio.fail_after(WAIT_S):
            while True:
                response = await self.http.get(f"/api/transcribe/{transcription_id}")
                if response.status_code == 200 and response.json()["status"] in statuses:
                    return dict(response.json())
                await anyio.sleep(0.02)

    async def until_ready(self, status: int = 200) -> httpx.Response:
        """Wait for `/ready` to answer with `status`."""
        with anyio.fail_after(WAIT_S):
            while (response := await self.http.get("/ready")).status_code != status:  # noqa: ASYNC110 - behind a socket
                await anyio.sleep(0.05)
        return response


@asynccontextmanager
async def running_edge(settings: Settings) -> AsyncGenerator[Edge, None]:
    """An edge in this process for the length of the block."""
    server, listener = create_server(settings)
    host = "{}:{}".format(*listener.getsockname())
    async with anyio.create_task_group() as group:
        group.start_soon(serve, server, listener)
        async with httpx.AsyncClient(base_url=f"http://{host}", timeout=WAIT_S) as client:
            with anyio.fail_after(WAIT_S):
                while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag
                    await anyio.sleep(0.01)
            yield Edge(host, client, settings, server.config.app)
        server.should_exit = True


async def serve(server: Any, listener: socket.socket) -> None:
    await server.serve(sockets=[listener])


@asynccontextmanager
async def edge_process(
    settings: Settings, port_path: Path
) -> AsyncGenerator[tuple[anyio.abc.Process, httpx.AsyncClient], None]:
    """`python -m web_edge` as the local stack starts it."""
    told = {
        "GENESIS_EDGE_LISTEN": "127.0.0.1:0",
        "GENESIS_EDGE_ORCHESTRATOR": settings.orchestrator,
        "GENESIS_EDGE_NATS_URL": settings.nats_url,
        "GENESIS_EDGE_DATA_DIR": str(settings.data_dir),
        "GENESIS_EDGE_PORT_FILE": str(port_path),
    }
    port_file = anyio.Path(port_path)
    command = [sys.executable, "-m", "web_edge"]
    async with await anyio.open_process(command, env=os.environ | told, stdout=None, stderr=None) as process:
        try:
            with anyio.fail_after(WAIT_S):
                while not await port_file.exists():  # noqa: ASYNC110 - another process writes it
                    await anyio.sleep(0.02)
            async with httpx.AsyncClient(base_url=f"http://{await port_file.read_text()}", timeout=WAIT_S) as client:
                yield process, client
        finally:
            if process.returncode is None:
                process.kill()


@pytest.fixture(autouse=True)
def nothing_broke(caplog: pytest.LogCaptureFixture) -> Generator[None, None, None]:
    """An exception nobody foresaw is answered with 500 or a closed socket, and logged: no test may pass over it."""
    yield
    broken = [record for record in caplog.get_records("call") if record.name == "uvicorn.error" and record.exc_info]
    assert broken == []


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncGenerator[NatsServer, None]:
    async with running_nats(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncGenerator[Bus, None]:
    async with Bus.connect(nats_server.url, name="test") as bus:
        await bus.declare()
        yield bus


@pytest.fixture
def orchestrator(bus: Bus) -> FakeOrchestrator:
    return FakeOrchestrator(bus)


@pytest.fixture
async def orchestrator_address(orchestrator: FakeOrchestrator) -> AsyncGenerator[str, None]:
    async with serving(orchestrator) as address:
        yield address


@pytest.fixture(scope="package")
def postgres() -> Iterator[str]:
    with running_postgres() as url:
        yield url


EITHER_DATABASE = pytest.mark.parametrize("edge_database", ["sqlite", "postgresql"], indirect=True)
"""For tests that are about what the database does."""


@pytest.fixture
async def edge_database(request: pytest.FixtureRequest) -> str:
    """The address that an edge is told; "" for its own SQLite file."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return ""
    return await fresh_database(request.getfixturevalue("postgres"))


@pytest.fixture
def edge_settings(tmp_path: Path, nats_server: NatsServer, orchestrator_address: str, edge_database: str) -> Settings:
    return Settings(
        database_url=edge_database,
        listen="127.0.0.1:0",
        orchestrator=orchestrator_address,
        nats_url=nats_server.url,
        data_dir=tmp_path / "data",
        ui_dir=tmp_path / "ui",
        job_backoff_s=0.02,
        job_backoff_max_s=0.1,
        shutdown_s=3,
    )


@pytest.fixture
async def edge(edge_settings: Settings) -> AsyncGenerator[Edge, None]:
    async with running_edge(edge_settings) as edge:
        await edge.until_ready()
        yield edge


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
