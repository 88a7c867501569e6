"""Uploads over real sockets, from the first byte to the result and the deletion."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from bus.connection import Bus
from bus.session_log import read_state
from music.errors import InvalidInput, NotFound, Reason
from tests.web_edge.conftest import Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio


def assert_problem(response: httpx.Response, status: int, reason: Reason) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = dict(response.json())
    assert problem["reason"] == reason
    assert problem["type"].endswith(f"/{reason}")
    assert problem["status"] == status
    assert problem["detail"]
    return problem


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


@pytest.mark.parametrize("transcriber", ["", "basic_pitch"])
async def test_an_upload_may_name_its_transcriber(edge: Edge, orchestrator: FakeOrchestrator, transcriber: str) -> None:
    asked = {"transcriber": transcriber} if transcriber else {}
    response = await edge.http.post("/api/transcribe", files={"file": ("a.wav", b"x" * 1000)}, data=asked)
    await edge.until(response.json()["id"], "completed")
    assert orchestrator.transcribers == {response.json()["id"]: transcriber}


async def test_a_raw_body_is_an_upload_too(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"y" * 30_000

    response = await edge.http.post(
        "/api/transcribe?capo=1&filename=take.flac", content=body(), headers={"content-type": "audio/flac"}
    )
    assert response.status_code == 202
    assert response.json()["title"] == "take.flac"
    await edge.until(response.json()["id"], "completed")
    assert orchestrator.received[response.json()["id"]] == 300_000


@pytest.mark.parametrize(
    ("request_arguments", "status", "reason"),
    [
        ({"files": {"file": ("empty.wav", b"")}}, 422, Reason.AUDIO_EMPTY),
        ({"files": {"other": ("a.wav", b"RIFF")}}, 422, Reason.REQUEST_INVALID),
        ({"files": [("file", ("a.wav", b"a")), ("file", ("b.wav", b"b"))]}, 422, Reason.REQUEST_INVALID),
        ({"files": {f"part{n}": b"" for n in range(40)}}, 422, Reason.REQUEST_INVALID),
        ({"content": b"", "headers": {"content-type": "audio/wav"}}, 422, Reason.AUDIO_EMPTY),
        ({"content": b"x"}, 415, Reason.ENCODING_UNSUPPORTED),
        ({"json": {"url": "file:///etc/passwd"}}, 422, Reason.URL_REFUSED),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 422, Reason.REQUEST_INVALID),
        (
            {"content": b"nonsense", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            422,
            Reason.REQUEST_INVALID,
        ),
        (
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf',
                "headers": {"content-type": "multipart/form-data; boundary=b"},
            },
            422,
            Reason.REQUEST_INVALID,
        ),
        (
            {
                "content": b"--b\r\n" + b"X: y\r\n" * 100_000,
                "headers": {"content-type": "multipart/form-data; boundary=b"},
            },
            422,
            Reason.REQUEST_INVALID,
        ),
        ({"files": {"file": b"x"}, "data": {"tuning": "no_such"}}, 422, Reason.TUNING_INVALID),
        ({"files": {"file": b"x"}, "data": {"tuning": "1,2"}}, 422, Reason.TUNING_INVALID),
        ({"files": {"file": b"x"}, "data": {"tuning": "t" * 5000}}, 422, Reason.REQUEST_INVALID),
        ({"files": {"file": b"x"}, "data": {"capo": "99"}}, 422, Reason.CAPO_INVALID),
        ({"files": {"file": b"x"}, "data": {"capo": "high"}}, 422, Reason.CAPO_INVALID),
        ({"files": {"file": b"x"}, "params": {"capo": "-1"}}, 422, Reason.CAPO_INVALID),
        ({"files": {"file": b"x"}, "data": {"transcriber": "x" * 100}}, 422, Reason.TRANSCRIBER_UNKNOWN),
    ],
)
async def test_a_bad_upload_is_refused_and_leaves_nothing(
    edge: Edge, request_arguments: dict[str, Any], status: int, reason: Reason
) -> None:
    assert_problem(await edge.http.post("/api/transcribe", **request_arguments), status, reason)
    assert (await edge.http.get("/api/transcribe")).json() == {"items": [], "next": None}
    assert list(edge.settings.audio_dir.glob("*")) == []


async def test_an_upload_over_the_limit_is_refused_while_it_streams(edge_settings: Settings) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"z" * 65_536
            await anyio.lowlevel.checkpoint()

    async with running_edge(edge_settings.model_copy(update={"max_upload_bytes": 1_000_000})) as edge:
        small_enough = await edge.http.post("/api/transcribe", files={"file": b"x" * 1_000_000})
        assert small_enough.status_code == 202
        said = await edge.http.post("/api/transcribe", files={"file": b"x" * 2_000_000})
        assert_problem(said, 413, Reason.AUDIO_TOO_LARGE)
        just_over = await edge.http.post("/api/transcribe", files={"file": b"x" * 1_000_001})
        assert_problem(just_over, 413, Reason.AUDIO_TOO_LARGE)
        unsaid = await raw_answer(edge, endless())
        assert unsaid.startswith(b"HTTP/1.1 413 ")
        assert b"AUDIO_TOO_LARGE" in unsaid
        assert [path.name for path in edge.settings.audio_dir.iterdir()] == [small_enough.json()["id"]]


async def raw_answer(edge: Edge, body: AsyncIterator[bytes]) -> bytes:
    """What the edge answers to a chunked upload that never ends; httpx would not read before it has sent everything."""
    host, _, port = edge.host.rpartition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(
            f"POST /api/transcribe HTTP/1.1\r\nHost: {edge.host}\r\nContent-Type: audio/wav\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        async with anyio.create_task_group() as group:

            async def send() -> None:
                async for piece in body:
                    await stream.send(b"%x\r\n%b\r\n" % (len(piece), piece))

            group.start_soon(send)
            answer = await stream.receive()
            while b"}" not in answer:
                answer += await stream.receive()
            group.cancel_scope.cancel()
    return answer


async def test_a_stalled_upload_is_given_up(edge_settings: Settings) -> None:
    async with running_edge(edge_settings.model_copy(update={"upload_idle_s": 0.1})) as edge:
        host, _, port = edge.host.rpartition(":")
        async with await anyio.connect_tcp(host, int(port)) as stream:
            await stream.send(
                f"POST /api/transcribe HTTP/1.1\r\nHost: {edge.host}\r\nContent-Type: audio/wav\r\n"
                "Content-Length: 1000\r\n\r\nabc".encode()
            )
            with anyio.fail_after(5):
                assert (await stream.receive()).startswith(b"HTTP/1.1 408 ")
        assert list(edge.settings.audio_dir.glob("*")) == []


async def test_what_is_not_there_is_a_problem(edge: Edge) -> None:
    assert_problem(await edge.http.get("/nowhere"), 404, Reason.NOT_FOUND)
    assert_problem(await edge.http.get("/demo/demo.json"), 404, Reason.NOT_FOUND)
    answer = await edge.http.put("/api/transcribe")
    assert_problem(answer, 405, Reason.METHOD_NOT_ALLOWED)
    assert "POST" in answer.headers["allow"] or "GET" in answer.headers["allow"]
    assert_problem(await edge.http.get("/api/transcribe/..%2f..%2fetc"), 404, Reason.NOT_FOUND)
    missing = Reason.TRANSCRIPTION_NOT_FOUND
    # What no database could hold is no address at all.
    for path, reason in (("unknown", missing), ("*", missing), ("a" * 300, missing), ("%00", Reason.NOT_FOUND)):
        for method, address in (("GET", path), ("DELETE", path), ("GET", path + "/result")):
            answer = await edge.http.request(method, f"/api/transcribe/{address}")
            assert_problem(answer, 404, reason)


async def test_titles_are_names_without_folders_or_tricks(edge: Edge) -> None:
    names = {"../../etc/passwd": "passwd", "a\u202egnp.wav": "agnp.wav", "n" * 4000: "n" * 200, "<script>": "<script>"}
    for name, title in names.items():
        response = await edge.http.post("/api/transcribe", files={"file": (name, b"x")})
        assert response.json()["title"] == title
        assert (edge.settings.audio_dir / response.json()["id"]).is_file()


async def test_a_result_is_there_once_the_transcription_is_completed(
    edge: Edge, orchestrator: FakeOrchestrator
) -> None:
    orchestrator.gate = anyio.Event()
    transcription_id = await edge.upload()
    await edge.until(transcription_id, "processing")
    early = await edge.http.get(f"/api/transcribe/{transcription_id}/result")
    assert_problem(early, 409, Reason.RESULT_NOT_READY)
    orchestrator.gate.set()
    await edge.until(transcription_id, "completed")
    assert (await edge.http.get(f"/api/transcribe/{transcription_id}/result")).status_code == 200


async def test_a_failed_transcription_says_why(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.refuse = [InvalidInput(Reason.AUDIO_UNREADABLE, "This is a text file.")]
    refused = await edge.upload()
    failed = await edge.until(refused, "failed")
    assert failed["error"]["reason"] == Reason.AUDIO_UNREADABLE
    assert failed["error"]["detail"] == "This is a text file."
    answer = await edge.http.get(f"/api/transcribe/{refused}/result")
    assert_problem(answer, 422, Reason.AUDIO_UNREADABLE)
    orchestrator.break_after = (1, InvalidInput(Reason.AUDIO_TRUNCATED, "It ends too early."))
    broken = await edge.upload()
    failed = await edge.until(broken, "failed")
    assert failed["error"]["reason"] == Reason.AUDIO_TRUNCATED
    assert orchestrator.calls == [refused, broken]


async def test_a_list_is_read_page_by_page(edge: Edge) -> None:
    created = [await edge.upload() for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (
            await edge.http.get("/api/transcribe", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == created[::-1]
    for bad in ({"limit": "0"}, {"limit": "x"}, {"limit": "9" * 30}, {"cursor": "?"}, {"cursor": "bm9wZQ"}):
        assert_problem(await edge.http.get("/api/transcribe", params=bad), 422, Reason.REQUEST_INVALID)


async def test_a_deletion_leaves_nothing_behind(edge: Edge, bus: Bus) -> None:
    transcription_id = await edge.upload()
    await edge.until(transcription_id, "completed")
    assert (await edge.http.delete(f"/api/transcribe/{transcription_id}")).status_code == 204
    assert_problem(await edge.http.get(f"/api/transcribe/{transcription_id}"), 404, Reason.TRANSCRIPTION_NOT_FOUND)
    assert not (edge.settings.audio_dir / transcription_id).exists()
    with pytest.raises(NotFound):
        await read_state(bus, transcription_id)
    again = await edge.http.delete(f"/api/transcribe/{transcription_id}")
    assert_problem(again, 404, Reason.TRANSCRIPTION_NOT_FOUND)


async def test_deleting_a_running_job_stops_it(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    running = await edge.upload()
    await edge.until(running, "processing")
    with anyio.fail_after(2):
        assert (await edge.http.delete(f"/api/transcribe/{running}")).status_code == 204
    orchestrator.gate.set()
    following = await edge.upload()
    await edge.until(following, "completed")
    items = (await edge.http.get("/api/transcribe")).json()["items"]
    assert [item["id"] for item in items] == [following]
