"""Note values over REST: of a finished transcription, of a document, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import anyio
import pytest

from music.errors import Reason
from music.notation_document import notation_to_json
from tests.web_edge.conftest import Edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_documents_api import arranged, finished
from tests.web_edge.test_transcriptions_api import assert_problem
from web_edge.openapi.notation_shapes import NotationSheet

pytestmark = pytest.mark.anyio


async def barred(edge: Edge, transcription_id: str, **asked: Any) -> dict[str, Any]:
    answer = await edge.http.post(f"/api/transcribe/{transcription_id}/bars", json=asked)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_document_is_written_in_its_own_bars(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.notes_per_file = 8
    transcription_id = await finished(edge)
    path = f"/api/transcribe/{transcription_id}/notation"
    file = await barred(edge, transcription_id, tempo_bpm=120, time_signature="3/4", bar_one_s=0)
    document = file["document"]
    answer = await edge.http.get(path, params={"document": document["id"]})
    assert answer.status_code == 200
    written = answer.json()
    NotationSheet.model_validate(written)
    assert written == notation_to_json(file)
    bars = written["bars"]
    assert [(bar["number"], bar["time_signature"]) for bar in bars] == [
        (bar["number"], bar["time_signature"]) for bar in file["bars"]
    ]
    begun = [
        head["id"] for bar in bars for voice in bar["voices"] for s in voice for head in s["heads"] if head["begins"]
    ]
    assert sorted(begun + written["left_out"]) == sorted(note["id"] for note in file["notes"])
    assert {symbol["base"] for bar in bars for symbol in bar["voices"][0]} >= {4}, "a note every half second at 120"
    await barred(edge, transcription_id, time_signature="4/4", document=document["id"])
    old = await edge.http.get(path, params={"document": document["id"], "revision": 1})
    assert old.json() == written, "a revision stays as it is"
    new = await edge.http.get(path, params={"document": document["id"]})
    assert {bar["time_signature"] for bar in new.json()["bars"]} == {"4/4"}
    log = await edge.http.get(path)
    assert log.json() == notation_to_json((await edge.http.get(f"/api/transcribe/{transcription_id}/result")).json())


async def test_who_has_it_is_told_so(edge: Edge) -> None:
    transcription_id = await finished(edge)
    path = f"/api/transcribe/{transcription_id}/notation"
    answer = await edge.http.get(path)
    again = await edge.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    document = (await arranged(edge, transcription_id))["document"]["id"]
    other = await edge.http.get(path, params={"document": document}, headers={"If-None-Match": answer.headers["etag"]})
    assert other.status_code == 200


async def test_what_is_not_there_is_refused(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    assert_problem(await edge.http.get("/api/transcribe/none/notation"), 404, Reason.TRANSCRIPTION_NOT_FOUND)
    transcription_id = await finished(edge)
    path = f"/api/transcribe/{transcription_id}/notation"
    assert_problem(await edge.http.get(path, params={"document": "none"}), 404, Reason.NOT_FOUND)
    document = (await arranged(edge, transcription_id))["document"]["id"]
    for revision, status, reason in (("0", 422, Reason.REQUEST_INVALID), ("9", 404, Reason.NOT_FOUND)):
        refused = await edge.http.get(path, params={"document": document, "revision": revision})
        assert_problem(refused, status, reason)
    orchestrator.gate = anyio.Event()
    running = await edge.upload(b"RIFF....")
    assert_problem(await edge.http.get(f"/api/transcribe/{running}/notation"), 409, Reason.RESULT_NOT_READY)
    orchestrator.gate.set()
    await edge.until(running, "completed")


def test_no_music21_in_a_process_that_serves() -> None:
    """The exports' child process alone may take the second that its import lasts."""
    script = "import sys, web_edge.notation_api; sys.exit('music21' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
