"""What was heard of a recording, kept with it and gone with it."""

from __future__ import annotations

import random

import anyio
import pytest

from music.errors import Reason
from tests.web_edge.conftest import EITHER_DATABASE, WAIT_S, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_transcriptions_api import assert_problem

pytestmark = [pytest.mark.anyio, EITHER_DATABASE]
STEM = b"fLaC" + random.Random(2).randbytes(200_000)


async def separated(edge: Edge, orchestrator: FakeOrchestrator) -> str:
    """A job's id, once it is over and the orchestrator has been asked for its stem."""
    job = await edge.upload(separation="vocals_removed")
    await edge.until(job, "completed")
    with anyio.fail_after(WAIT_S):
        while job not in orchestrator.stems_fetched:  # noqa: ASYNC110 - the other side of a socket gets there
            await anyio.sleep(0.01)
    return job


async def test_a_stem_is_kept_with_its_recording(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.stem = STEM
    job = await separated(edge, orchestrator)
    address = f"/api/transcribe/{job}/stem"
    answer = await edge.http.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/flac")
    assert answer.content == STEM
    assert "separated.flac" in answer.headers["content-disposition"]
    part = await edge.http.get(address, headers={"Range": "bytes=70000-140000"})
    assert (part.status_code, part.content) == (206, STEM[70_000:140_001])
    seen = await edge.http.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert seen.status_code == 304
    assert orchestrator.stems_fetched == [job], "once it is here nobody else is asked"
    stored = [path for path in edge.settings.data_dir.rglob("*") if path.is_file() and job in path.name]
    assert len(stored) == 2
    assert all(STEM[:64] not in path.read_bytes() for path in stored), "sealed like the recording"


async def test_a_restart_keeps_it_and_a_deletion_does_not(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.stem = STEM
    job = await separated(edge, orchestrator)
    address = f"/api/transcribe/{job}/stem"
    assert (await edge.http.get(address)).status_code == 200
    orchestrator.stem = b""
    async with running_edge(edge.settings) as again:
        await again.until_ready()
        assert (await again.http.get(address)).content == STEM
        assert (await again.http.delete(f"/api/transcribe/{job}")).status_code == 204
    assert [path for path in edge.settings.data_dir.rglob("*") if job in path.name] == []
    assert_problem(await edge.http.get(address), 404, Reason.TRANSCRIPTION_NOT_FOUND)


async def test_what_there_is_no_stem_of_says_so(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    plain = await edge.upload()
    await edge.until(plain, "completed")
    assert_problem(await edge.http.get(f"/api/transcribe/{plain}/stem"), 404, Reason.STEM_NOT_FOUND)
    late = await edge.upload(separation="vocals_removed")
    await edge.until(late, "completed")
    assert_problem(await edge.http.get(f"/api/transcribe/{late}/stem"), 404, Reason.STEM_NOT_FOUND)
    orchestrator.gate = anyio.Event()
    running = await edge.upload(separation="vocals_removed")
    await edge.until(running, "processing")
    assert_problem(await edge.http.get(f"/api/transcribe/{running}/stem"), 409, Reason.RESULT_NOT_READY)
    orchestrator.gate.set()
