"""Cancel, retry, filter, go first, be told that nothing has changed."""

from __future__ import annotations

import anyio
import pytest
from sqlalchemy import func, select

from bus.connection import Bus
from bus.session_log import read_state
from music.errors import InvalidInput, NotFound, Reason
from tests.web_edge.conftest import EITHER_DATABASE, Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.database import Database
from web_edge.schema import metadata
from web_edge.settings import Settings

pytestmark = [pytest.mark.anyio, EITHER_DATABASE]


async def act(edge: Edge, transcription_id: str, action: str, status: int) -> dict[str, object]:
    answer = await edge.http.post(f"/api/transcribe/{transcription_id}/{action}")
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def test_a_running_job_is_cancelled_and_stays_so(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    running = await edge.upload()
    await edge.until(running, "processing")
    with anyio.fail_after(1):  # the slot is free within a second
        assert (await act(edge, running, "cancel", 200))["status"] == "cancelled"
    orchestrator.gate.set()
    following = await edge.upload()
    await edge.until(following, "completed")
    assert (await edge.status(running))["status"] == "cancelled"
    assert (await act(edge, running, "cancel", 200))["status"] == "cancelled"
    assert orchestrator.calls == [running, following]
    result = await edge.http.get(f"/api/transcribe/{running}/result")
    assert result.status_code == 200


async def test_a_waiting_job_that_is_cancelled_never_runs(
    edge_settings: Settings, orchestrator: FakeOrchestrator
) -> None:
    orchestrator.gate = anyio.Event()
    async with running_edge(edge_settings.model_copy(update={"concurrent_jobs": 1})) as edge:
        await edge.until_ready()
        first, waiting = await edge.upload(), await edge.upload()
        await edge.until(first, "processing")
        await act(edge, waiting, "cancel", 200)
        orchestrator.gate.set()
        await edge.until(first, "completed")
    # A new process does not take it up either.
    async with running_edge(edge_settings) as edge:
        await edge.until_ready()
        await edge.until(await edge.upload(), "completed")
        assert (await edge.status(waiting))["status"] == "cancelled"
    assert waiting not in orchestrator.calls


async def test_a_cancelled_job_is_tried_again(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    job = await edge.upload()
    await edge.until(job, "processing")
    await act(edge, job, "cancel", 200)
    orchestrator.gate.set()
    await act(edge, job, "retry", 202)
    assert (await edge.until(job, "completed", "failed"))["status"] == "completed"
    notes = (await edge.http.get(f"/api/transcribe/{job}/result")).json()["notes"]
    assert [note["id"] for note in notes] == ["n0", "n1", "n2"]


async def test_a_failed_job_is_tried_again(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.break_after = (1, InvalidInput(Reason.AUDIO_TRUNCATED, "It ends too early."))
    job = await edge.upload()
    await edge.until(job, "failed")
    orchestrator.break_after = None
    again = await act(edge, job, "retry", 202)
    assert again["error"] is None
    done = await edge.until(job, "completed", "failed")
    assert (done["status"], done["error"], done["progress"]) == ("completed", None, 1.0)


async def test_a_job_refused_without_a_log_is_tried_again(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.refuse = [InvalidInput(Reason.AUDIO_UNREADABLE, "This is a text file.")]
    job = await edge.upload()
    await edge.until(job, "failed")
    await act(edge, job, "retry", 202)
    assert (await edge.until(job, "completed", "failed"))["status"] == "completed"


async def test_what_is_over_is_neither_cancelled_nor_tried_again(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    job = await edge.upload()
    await edge.until(job, "completed")
    for action in ("cancel", "retry"):
        answer = await edge.http.post(f"/api/transcribe/{job}/{action}")
        assert assert_problem(answer, 409, Reason.JOB_STATE_CONFLICT)["status"] == 409
        missing = await edge.http.post(f"/api/transcribe/unknown/{action}")
        assert_problem(missing, 404, Reason.TRANSCRIPTION_NOT_FOUND)
    orchestrator.gate = anyio.Event()
    running = await edge.upload()
    await edge.until(running, "processing")
    assert_problem(await edge.http.post(f"/api/transcribe/{running}/retry"), 409, Reason.JOB_STATE_CONFLICT)
    orchestrator.gate.set()


async def test_retries_that_race_run_once(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.refuse = [InvalidInput(Reason.AUDIO_UNREADABLE, "This is a text file.")]
    job = await edge.upload()
    await edge.until(job, "failed")
    answers: list[int] = []

    async def retry() -> None:
        answers.append((await edge.http.post(f"/api/transcribe/{job}/retry")).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(retry)
    await edge.until(job, "completed")
    assert sorted(answers) == [202, 409, 409, 409, 409]
    assert orchestrator.calls == [job, job]


async def test_a_list_is_filtered_by_state(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.refuse = [InvalidInput(Reason.AUDIO_UNREADABLE, "This is a text file.")]
    failed = await edge.upload()
    await edge.until(failed, "failed")
    done = [await edge.upload() for _ in range(3)]
    for job in done:
        await edge.until(job, "completed")

    async def ids(**parameters: str) -> list[str]:
        return [item["id"] for item in (await edge.http.get("/api/transcribe", params=parameters)).json()["items"]]

    assert await ids(status="failed") == [failed]
    assert await ids(status="completed") == done[::-1]
    assert await ids(status="completed,failed") == [*done[::-1], failed]
    assert await ids(status="pending") == []
    first = (await edge.http.get("/api/transcribe", params={"status": "completed", "limit": "2"})).json()
    assert await ids(status="completed", cursor=first["next"]) == done[:1]
    assert_problem(await edge.http.get("/api/transcribe?status=done"), 422, Reason.REQUEST_INVALID)


async def test_a_high_priority_goes_first(edge_settings: Settings, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    async with running_edge(edge_settings.model_copy(update={"concurrent_jobs": 1})) as edge:
        await edge.until_ready()
        running = await edge.upload()
        await edge.until(running, "processing")
        normal, high = await edge.upload(), await edge.upload(priority="high")
        orchestrator.gate.set()
        await edge.until(normal, "completed")
        assert orchestrator.calls == [running, high, normal]
        assert (await edge.status(high))["priority"] == "high"
        refused = await edge.http.post("/api/transcribe", files={"file": b"x"}, data={"priority": "highest"})
        assert_problem(refused, 422, Reason.CONFIG_INVALID)


async def test_who_has_an_answer_is_told_so(edge: Edge) -> None:
    job = await edge.upload()
    await edge.until(job, "completed")
    one = f"/api/transcribe/{job}"
    arranged = await edge.http.post(one + "/arrange", json={"capo": 1})
    assert arranged.status_code == 201
    tags = set()
    for address in (one, one + "/result", arranged.headers["location"], one + "/audio"):
        answer = await edge.http.get(address)
        assert answer.headers["cache-control"] == "private, no-cache"
        tags.add(answer.headers["etag"])
        for known in (answer.headers["etag"], f'"x", W/{answer.headers["etag"]}', "*"):
            again = await edge.http.get(address, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == answer.headers["etag"]
        assert (await edge.http.get(address, headers={"If-None-Match": '"other"'})).status_code == 200
    assert len(tags) == 4


async def test_a_result_made_anew_has_another_tag(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    job = await edge.upload()
    await edge.until(job, "processing")
    await act(edge, job, "cancel", 200)
    before = (await edge.http.get(f"/api/transcribe/{job}/result")).headers["etag"]
    orchestrator.gate.set()
    await act(edge, job, "retry", 202)
    await edge.until(job, "completed")
    after = await edge.http.get(f"/api/transcribe/{job}/result", headers={"If-None-Match": before})
    assert after.status_code == 200


async def test_a_deletion_leaves_no_row_no_file_and_no_event(edge: Edge, bus: Bus) -> None:
    answer = await edge.http.post(
        "/api/transcribe", files={"file": ("a.wav", b"RIFF")}, headers={"Idempotency-Key": "once"}
    )
    job = answer.json()["id"]
    await edge.until(job, "completed")
    assert (await edge.http.post(f"/api/transcribe/{job}/arrange", json={"capo": 1})).status_code == 201
    assert (await edge.http.delete(f"/api/transcribe/{job}")).status_code == 204
    assert [path for path in edge.settings.data_dir.rglob("*") if job in path.name] == []
    with pytest.raises(NotFound):
        await read_state(bus, job)
    async with Database.open(edge.settings.database) as database, database.read() as connection:
        for table in metadata.sorted_tables:
            # That it was deleted is remembered.
            if table.name == "transcriptions" or ("transcription_id" in table.columns and table.name != "deletions"):
                rows = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                assert (table.name, rows) == (table.name, 0)
    for path in ("", "/result", "/audio", "/documents", "/export/mid"):
        assert_problem(await edge.http.get(f"/api/transcribe/{job}{path}"), 404, Reason.TRANSCRIPTION_NOT_FOUND)
