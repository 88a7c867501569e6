"""Jobs that meet a neighbour which is away, late, or begins anew."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from music.errors import Reason, Unavailable
from tests.support.nats import NatsServer
from tests.web_edge.conftest import EITHER_DATABASE, WAIT_S, Edge, edge_process, running_edge
from tests.web_edge.fakes import FakeOrchestrator, serving
from web_edge.settings import Settings

pytestmark = [pytest.mark.anyio, EITHER_DATABASE]


async def test_a_job_waits_for_an_orchestrator_that_comes_back(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.refuse = [
        Unavailable(Reason.SERVER_DRAINING, "Stopping."),
        Unavailable(Reason.BUS_UNAVAILABLE, "Away."),
    ]
    transcription_id = await edge.upload()
    await edge.until(transcription_id, "completed")
    assert orchestrator.calls == [transcription_id] * 3


async def test_a_job_is_given_up_after_a_bounded_number_of_tries(edge_settings: Settings, unused_tcp_port: int) -> None:
    nobody = edge_settings.model_copy(update={"orchestrator": f"127.0.0.1:{unused_tcp_port}", "job_attempts": 3})
    async with running_edge(nobody) as edge:
        failed = await edge.until(await edge.upload(), "failed")
    assert failed["error"]["reason"] == Reason.ORCHESTRATOR_UNAVAILABLE


async def test_jobs_run_a_few_at_a_time(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    ids = [await edge.upload() for _ in range(5)]
    await edge.until(ids[1], "processing")
    assert [(await edge.status(job))["status"] for job in ids[2:]] == ["pending"] * 3
    assert len(orchestrator.calls) <= 2
    orchestrator.gate.set()
    for job in ids:
        await edge.until(job, "completed")
    assert sorted(orchestrator.calls) == sorted(ids)


async def test_a_job_of_an_edge_that_stopped_is_finished_by_the_next(
    edge_settings: Settings, orchestrator: FakeOrchestrator
) -> None:
    orchestrator.gate = anyio.Event()
    async with running_edge(edge_settings) as edge:
        transcription_id = await edge.upload()
        await edge.until(transcription_id, "processing")
    orchestrator.gate.set()
    async with running_edge(edge_settings) as edge:
        await edge.until(transcription_id, "completed")
        result = (await edge.http.get(f"/api/transcribe/{transcription_id}/result")).json()
    assert [note["id"] for note in result["notes"]] == ["n0", "n1", "n2"]


async def test_a_job_goes_on_after_its_orchestrator_was_killed(
    edge_settings: Settings, orchestrator: FakeOrchestrator, nats_server: NatsServer, unused_tcp_port: int
) -> None:
    settings = edge_settings.model_copy(
        update={"orchestrator": f"127.0.0.1:{unused_tcp_port}", "job_attempts": 50, "concurrent_jobs": 1}
    )
    async with running_edge(settings) as edge:
        orchestrator.gate = anyio.Event()
        async with serving(orchestrator, unused_tcp_port):
            transcription_id = await edge.upload()
            await edge.until(transcription_id, "processing")
        orchestrator.gate.set()
        async with serving(orchestrator, unused_tcp_port):
            await edge.until(transcription_id, "completed")


async def test_a_job_survives_the_kill_of_its_edge(
    edge_settings: Settings, orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    orchestrator.gate = anyio.Event()
    async with edge_process(edge_settings, tmp_path / "first") as (process, client):
        response = await client.post("/api/transcribe", files={"file": b"x" * 100_000})
        transcription_id = response.json()["id"]
        with anyio.fail_after(WAIT_S):
            while not orchestrator.calls:  # noqa: ASYNC110 - another process gets there
                await anyio.sleep(0.02)
        process.kill()
        await process.wait()
    orchestrator.gate.set()
    async with edge_process(edge_settings, tmp_path / "second") as (process, client):
        with anyio.fail_after(WAIT_S):
            while True:
                found = (await client.get(f"/api/transcribe/{transcription_id}")).json()
                if found["status"] not in ("pending", "processing"):
                    break
                await anyio.sleep(0.05)
        assert found["status"] == "completed"
        assert (await client.get(f"/api/transcribe/{transcription_id}/result")).status_code == 200
        process.terminate()
        with anyio.fail_after(WAIT_S):
            await process.wait()
