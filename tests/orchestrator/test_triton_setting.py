"""GENESIS_TRITON, from the environment to the events a caller gets."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from pydantic import ValidationError

from music.events import RunnerChanged, SessionEnded, SessionEvent
from orchestrator.settings import Settings
from tests.orchestrator.test_servicer import plucks, serving
from tests.support.triton import needs_triton, running_triton

pytestmark = [pytest.mark.anyio]


def places(events: list[SessionEvent]) -> list[str]:
    return [event.payload.runner for event in events if isinstance(event.payload, RunnerChanged)]


def test_the_environment_says_which_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().triton == ""
    monkeypatch.setenv("GENESIS_TRITON", "models.example:8001")
    monkeypatch.setenv("GENESIS_TRITON_FALLBACK", "false")
    monkeypatch.setenv("GENESIS_TRITON_DEADLINE_MS", "250")
    settings = Settings()
    assert settings.triton == "models.example:8001"
    assert (settings.triton_policy.fallback, settings.triton_policy.deadline_s) == (False, 0.25)
    monkeypatch.setenv("GENESIS_TRITON", "models.example")
    with pytest.raises(ValidationError, match="GENESIS_TRITON"):
        Settings()


@needs_triton
async def test_a_caller_is_told_where_the_network_runs(tmp_path: Path, built_model_repo: Path) -> None:
    with running_triton(tmp_path / "triton", built_model_repo) as server:
        async with serving(tmp_path, triton=server.address, triton_deadline_ms=20_000) as (_, client, _nats):
            events = await client.transcribe(plucks(2.0), 88_200)
            counted = server.metrics()["nv_inference_request_success", "guitar"]
            assert places(events)[0] == "triton"
            assert counted > 40
            await anyio.to_thread.run_sync(server.kill)
            after = await client.transcribe(plucks(2.0), 88_200)
            assert places(after)[-1] == "in_process"
            assert isinstance(after[-1].payload, SessionEnded)


async def test_without_server_and_fallback_it_does_not_serve(tmp_path: Path, built_model_repo: Path) -> None:
    settings = {"triton": "127.0.0.1:9", "triton_fallback": False}
    with anyio.move_on_after(3.0) as waiting:
        async with serving(tmp_path, **settings):
            raise AssertionError("it serves though it could open no session")
    assert waiting.cancelled_caught
