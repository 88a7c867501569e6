"""Uploads over real sockets, from the first byte to the result and the deletion."""

from __future__ import annotations

import pytest

from tests.web_edge.conftest import Edge
from tests.web_edge.fakes import FakeOrchestrator

pytestmark = pytest.mark.anyio


async def test_an_upload_becomes_a_result(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    response = await edge.http.post(
        "/api/transcribe", files={"file": ("My song.wav", b"x" * 200_000)}, data={"tuning": "drop_d", "capo": "2"}
    )
    assert response.status_code == 202
    created = response.json()
    assert response.headers["location"] == f"/api/transcribe/{created['id']}"
    assert created["title"] == "My song.wav"
    assert created["error"] is None
    done = await edge.until(created["id"], "completed", "failed")
    assert done["status"] == "completed"
    assert done["progress"] == 1.0
    assert done["duration_s"] == 1.5
    assert orchestrator.received[created["id"]] == 200_000
    result = (await edge.http.get(f"/api/transcribe/{created['id']}/result")).json()
    assert result["schema"] == "genesis.transcription/1"
    assert result["session"] == created["id"]
    assert result["tuning"] == [64, 59, 55, 50, 45, 38]
    assert result["capo"] == 2
    assert [note["id"] for note in result["notes"]] == ["n0", "n1", "n2"]
    assert {note["state"] for note in result["notes"]} == {"ended"}
