"""Alive is not ready, and both are said."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from bus.connection import Bus
from music.errors import Reason
from tests.support.nats import running_nats
from tests.web_edge.conftest import WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator, serving
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio


async def test_an_edge_with_all_its_neighbours_is_ready(edge: Edge) -> None:
    answer = await edge.http.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["parts"] == {"database": "ok", "bus": "ok", "orchestrator": "ok"}


async def test_an_edge_starts_alone_and_becomes_ready(tmp_path: Path, unused_tcp_port: int) -> None:
    settings = Settings(
        listen="127.0.0.1:0",
        orchestrator="127.0.0.1:1",
        nats_url=f"nats://127.0.0.1:{unused_tcp_port}",
        data_dir=tmp_path / "data",
    )
    async with running_nats(tmp_path / "nats") as server:
        url = server.url
        async with Bus.connect(url, name="test") as bus, serving(FakeOrchestrator(bus)) as address:
            await bus.declare()
            await server.stop()
            alone = settings.model_copy(update={"nats_url": url, "orchestrator": address})
            async with running_edge(alone) as edge:
                assert (await edge.http.get("/health")).json() == {"status": "alive"}
                problem = assert_problem(await edge.http.get("/ready"), 503, Reason.BUS_UNAVAILABLE)
                assert problem["parts"]["database"] == problem["parts"]["orchestrator"] == "ok"
                assert problem["parts"]["bus"] != "ok"
                job = await edge.upload()
                await server.start()
                await edge.until_ready()
                await edge.until(job, "completed", "failed")


async def test_an_edge_without_an_orchestrator_says_so(edge_settings: Settings, unused_tcp_port: int) -> None:
    nobody = edge_settings.model_copy(update={"orchestrator": f"127.0.0.1:{unused_tcp_port}"})
    async with running_edge(nobody) as edge:
        with anyio.fail_after(WAIT_S):
            while (answer := await edge.http.get("/ready")).json()["parts"]["bus"] != "ok":  # noqa: ASYNC110 - behind a socket
                await anyio.sleep(0.02)
        problem = assert_problem(answer, 503, Reason.ORCHESTRATOR_UNAVAILABLE)
        assert problem["parts"]["orchestrator"] != "ok"
        assert answer.headers["retry-after"]
