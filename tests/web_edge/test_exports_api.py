"""Exports over real sockets: every format, its headers and its report, and what is refused."""

from __future__ import annotations

import io

import anyio
import guitarpro
import pretty_midi
import pytest

from music.errors import Reason
from tests.web_edge.conftest import Edge, running_edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.exports_api import LOSSES_HEADER, attachment
from web_edge.settings import Settings

pytestmark = pytest.mark.anyio
FORMATS = ["mid", "musicxml", "gp5", "txt", "json"]


@pytest.fixture
async def finished(edge: Edge, orchestrator: FakeOrchestrator) -> str:
    files = {"file": ("Größe \u202e<1>.wav", b"x" * 1000)}
    response = await edge.http.post("/api/transcribe", files=files, data={"capo": "2"})
    await edge.until(response.json()["id"], "completed")
    return f"/api/transcribe/{response.json()['id']}/export"


async def test_every_format_opens(edge: Edge, finished: str) -> None:
    files = {name: await edge.http.get(f"{finished}/{name}") for name in FORMATS}
    assert {name: file.status_code for name, file in files.items()} == dict.fromkeys(FORMATS, 200)
    result = (await edge.http.get(finished.replace("/export", "/result"))).json()
    pitches = sorted(note["pitch"] for note in result["notes"])
    midi = pretty_midi.PrettyMIDI(io.BytesIO(files["mid"].content))
    assert sorted(note.pitch for track in midi.instruments for note in track.notes) == pitches
    track = guitarpro.parse(io.BytesIO(files["gp5"].content)).tracks[0]
    assert track.offset == 2
    assert files["musicxml"].text.count("<staff-tuning") == 6
    assert "capo on fret 2" in files["txt"].text
    assert files["json"].json() == result


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("mid", "audio/midi"),
        ("musicxml", "application/vnd.recordare.musicxml+xml"),
        ("gp5", "application/x-guitar-pro"),
        ("txt", "text/plain; charset=utf-8"),
        ("json", "application/json"),
    ],
)
async def test_a_file_says_what_it_is_and_what_it_lacks(edge: Edge, finished: str, name: str, media_type: str) -> None:
    response = await edge.http.get(f"{finished}/{name}")
    assert response.headers["content-type"] == media_type
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="Gr__e ')
    assert f"filename*=UTF-8''Gr%C3%B6%C3%9Fe%20_1_.{name}" in disposition
    report = (await edge.http.get(f"{finished}/{name}/report")).json()
    assert report["format"] == name
    counted = ", ".join(f"{loss['kind']}={loss['count']}" for loss in report["losses"])
    assert response.headers[LOSSES_HEADER] == counted
    assert bool(report["losses"]) == (name != "json"), "only our own format carries everything"
    assert f"{finished}/{name}/report" in response.headers["link"]


async def test_who_has_the_file_is_told_so(edge: Edge, finished: str) -> None:
    first = await edge.http.get(f"{finished}/gp5")
    again = await edge.http.get(f"{finished}/gp5", headers={"if-none-match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await edge.http.get(f"{finished}/mid", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200
    assert (await edge.http.get(f"{finished}/gp5")).content == first.content


async def test_a_document_derived_of_it_is_exported_too(edge: Edge, finished: str) -> None:
    made = await edge.http.post(finished.replace("/export", "/arrange"), json={"tuning": "drop_d", "capo": 0})
    document = made.json()["document"]["id"]
    exported = await edge.http.get(f"{finished}/gp5", params={"document": document})
    assert exported.status_code == 200, exported.text
    strings = guitarpro.parse(io.BytesIO(exported.content)).tracks[0].strings
    assert [string.value for string in strings] == [64, 59, 55, 50, 45, 38]
    assert_problem(await edge.http.get(f"{finished}/gp5?document=nowhere"), 404, Reason.NOT_FOUND)


async def test_what_is_not_there_is_not_exported(edge: Edge, finished: str) -> None:
    problem = assert_problem(await edge.http.get(f"{finished}/pdf"), 404, Reason.NOT_FOUND)
    assert "musicxml" in problem["detail"]
    missing = await edge.http.get("/api/transcribe/0123/export/mid")
    assert_problem(missing, 404, Reason.TRANSCRIPTION_NOT_FOUND)


async def test_what_is_not_over_is_not_exported(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    transcription_id = await edge.upload()
    response = await edge.http.get(f"/api/transcribe/{transcription_id}/export/mid")
    assert_problem(response, 409, Reason.RESULT_NOT_READY)


async def test_an_export_that_takes_too_much_is_refused(edge_settings: Settings) -> None:
    hasty = edge_settings.model_copy(update={"export_limit_s": 0.05})
    async with running_edge(hasty) as edge:
        await edge.until_ready()
        transcription_id = await edge.upload()
        await edge.until(transcription_id, "completed")
        response = await edge.http.get(f"/api/transcribe/{transcription_id}/export/musicxml")
        assert "Cut it" in assert_problem(response, 422, Reason.REQUEST_INVALID)["detail"]


@pytest.mark.parametrize("name", ["../../x", "a\0b", 'quo"te', "\r\nSet-Cookie: a=1", "<script>", "x" * 4096, "\u202e"])
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    header = attachment(f"{name}.mid")
    assert not {"\r", "\n", "\0", "/"} & set(header.replace("UTF-8''", ""))
    assert header.isascii()
    assert header.count('"') == 2
    assert len(header) < 600
