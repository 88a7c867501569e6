"""Arranging a finished transcription anew: documents with revisions of their own over a log that never changes."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from music.errors import Reason
from tests.web_edge.conftest import EITHER_DATABASE, Edge
from tests.web_edge.fakes import FakeOrchestrator
from tests.web_edge.test_transcriptions_api import assert_problem

pytestmark = [pytest.mark.anyio, EITHER_DATABASE]

DROP_D = [64, 59, 55, 50, 45, 38]


async def finished(edge: Edge, **options: str) -> str:
    transcription_id = await edge.upload(b"RIFF....", **options)
    await edge.until(transcription_id, "completed")
    return transcription_id


async def arranged(edge: Edge, transcription_id: str, **asked: Any) -> dict[str, Any]:
    answer = await edge.http.post(f"/api/transcribe/{transcription_id}/arrange", json=asked)
    assert answer.status_code == 201, answer.text
    again = await edge.http.get(answer.headers["location"])
    assert again.json() == answer.json(), "what was answered can be had again"
    return dict(answer.json())


def places(file: dict[str, Any]) -> dict[str, tuple[int | None, int | None]]:
    return {note["id"]: (note["string"], note["fret"]) for note in file["notes"]}


async def test_another_tuning_and_capo_is_a_document_that_names_its_log(edge: Edge) -> None:
    transcription_id = await finished(edge, capo="2")
    result = f"/api/transcribe/{transcription_id}/result"
    before = (await edge.http.get(result)).json()
    file = await arranged(edge, transcription_id, tuning="drop_d", capo=0, difficulty="beginner")
    document = file["document"]
    assert (document["revision"], document["kind"], document["session"]) == (1, "arrangement", transcription_id)
    assert document["sequence"] > 0
    assert (file["tuning"], file["capo"], before["capo"]) == (DROP_D, 0, 2)
    assert document["settings"]["difficulty"] == "beginner"
    for note in file["notes"]:
        assert DROP_D[note["string"] - 1] + note["fret"] == note["pitch"]
    untouched = ("id", "onset_s", "offset_s", "pitch", "velocity", "confidence", "state")
    for now, then in zip(file["notes"], before["notes"], strict=True):
        assert [now[key] for key in untouched] == [then[key] for key in untouched]
    assert (await edge.http.get(result)).json() == before, "the log says what it said"


async def test_a_pin_makes_the_next_revision_and_null_takes_it_back(edge: Edge) -> None:
    transcription_id = await finished(edge)
    first = await arranged(edge, transcription_id)
    other = first["notes"][0]["alternatives"][0]
    document_id = first["document"]["id"]
    pinned = await arranged(edge, transcription_id, document=document_id, pins={"n0": other["string"]})
    assert (pinned["document"]["id"], pinned["document"]["revision"]) == (document_id, 2)
    assert places(pinned)["n0"] == (other["string"], other["fret"])
    assert pinned["document"]["settings"]["pins"] == {"n0": other["string"]}
    kept = await arranged(edge, transcription_id, document=document_id, style="one_position")
    assert places(kept)["n0"] == (other["string"], other["fret"]), "what is not said is as in the revision before"
    freed = await arranged(edge, transcription_id, document=document_id, pins={"n0": None}, style="any")
    assert places(freed) == places(first)
    old = await edge.http.get(f"/api/transcribe/{transcription_id}/result?document={document_id}&revision=2")
    assert places(old.json()) == places(pinned), "a revision stays as it is"


async def test_documents_are_listed_shown_and_deleted(edge: Edge) -> None:
    transcription_id = await finished(edge)
    one = (await arranged(edge, transcription_id))["document"]
    two = (await arranged(edge, transcription_id, capo=1))["document"]
    two = (await arranged(edge, transcription_id, document=two["id"], capo=2))["document"]
    base = f"/api/transcribe/{transcription_id}/documents"
    assert (await edge.http.get(base)).json() == {"items": [two, one]}
    assert (await edge.http.get(f"{base}/{two['id']}")).json() == two
    assert (await edge.http.get(f"{base}/{two['id']}?revision=1")).json()["settings"]["capo"] == 1
    assert (await edge.http.delete(f"{base}/{two['id']}")).status_code == 204
    assert (await edge.http.get(base)).json() == {"items": [one]}
    assert_problem(await edge.http.get(f"{base}/{two['id']}"), 404, Reason.NOT_FOUND)
    assert_problem(await edge.http.delete(f"{base}/{two['id']}"), 404, Reason.NOT_FOUND)
    assert (await edge.http.delete(f"/api/transcribe/{transcription_id}")).status_code == 204
    assert_problem(await edge.http.get(base), 404, Reason.TRANSCRIPTION_NOT_FOUND)


async def test_what_cannot_be_played_is_kept_and_counted(edge: Edge) -> None:
    transcription_id = await finished(edge)
    file = await arranged(edge, transcription_id, tuning="bass")
    assert len(file["notes"]) == 3
    flagged = [note for note in file["notes"] if note["flags"]]
    assert all(note["string"] is None and note["flags"] == ["out_of_range"] for note in flagged)
    assert file["summary"] == {"notes": 3, "out_of_range": len(flagged), "unplayable": 0}
    assert file["document"]["summary"] == file["summary"]
    assert len(flagged) > 0


async def test_the_transcription_is_arranged_as_it_was_asked_for(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    asked = {"difficulty": "beginner", "style": "open_position", "max_stretch": "3", "lowest_fret": "1"}
    transcription_id = await finished(edge, fret_count="19", highest_fret="7", **asked)
    assert orchestrator.configs[transcription_id].player.max_stretch == 3
    settings = (await arranged(edge, transcription_id))["document"]["settings"]
    expected = {"difficulty": "beginner", "style": "open_position", "max_stretch": 3, "fret_count": 19}
    assert settings | expected == settings
    assert (settings["lowest_fret"], settings["highest_fret"]) == (1, 7)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", Reason.REQUEST_INVALID),
        ("[" * 100_000, Reason.REQUEST_INVALID),
        ("[]", Reason.REQUEST_INVALID),
        ('{"colour": 1}', Reason.REQUEST_INVALID),
        ('{"document": 3}', Reason.REQUEST_INVALID),
        ('{"pins": [1]}', Reason.REQUEST_INVALID),
        ('{"pins": {"n0": "1"}}', Reason.REQUEST_INVALID),
        ('{"pins": {"nobody": 1}}', Reason.REQUEST_INVALID),
        ('{"pins": {"n0": 99}}', Reason.REQUEST_INVALID),
        ('{"tuning": "banjo"}', Reason.TUNING_INVALID),
        ('{"tuning": [1e400]}', Reason.REQUEST_INVALID),
        ('{"capo": "high"}', Reason.CAPO_INVALID),
        ('{"difficulty": "wizard"}', Reason.CONFIG_INVALID),
        ('{"difficulty": 3}', Reason.CONFIG_INVALID),
        ('{"max_stretch": 0}', Reason.CONFIG_INVALID),
        ('{"lowest_fret": 9, "highest_fret": 5}', Reason.CONFIG_INVALID),
        ('{"fret_count": true}', Reason.CONFIG_INVALID),
        (" " * 1_100_000, Reason.REQUEST_INVALID),
    ],
)
async def test_what_cannot_be_arranged_is_refused_and_leaves_nothing(edge: Edge, body: str, reason: Reason) -> None:
    transcription_id = await finished(edge)
    answer = await edge.http.post(f"/api/transcribe/{transcription_id}/arrange", content=body)
    assert_problem(answer, 422, reason)
    assert (await edge.http.get(f"/api/transcribe/{transcription_id}/documents")).json() == {"items": []}


async def test_a_document_belongs_to_its_transcription(edge: Edge) -> None:
    mine, other = await finished(edge), await finished(edge)
    document_id = (await arranged(edge, mine))["document"]["id"]
    stolen = await edge.http.post(f"/api/transcribe/{other}/arrange", json={"document": document_id})
    assert_problem(stolen, 404, Reason.NOT_FOUND)
    assert_problem(await edge.http.get(f"/api/transcribe/{other}/result?document={document_id}"), 404, Reason.NOT_FOUND)
    bad = await edge.http.get(f"/api/transcribe/{mine}/result?document={document_id}&revision=x")
    assert_problem(bad, 422, Reason.REQUEST_INVALID)


async def test_what_is_not_finished_cannot_be_arranged(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    orchestrator.gate = anyio.Event()
    transcription_id = await edge.upload()
    early = await edge.http.post(f"/api/transcribe/{transcription_id}/arrange", json={})
    assert_problem(early, 409, Reason.RESULT_NOT_READY)
    orchestrator.gate.set()
    assert_problem(await edge.http.post("/api/transcribe/nobody/arrange"), 404, Reason.TRANSCRIPTION_NOT_FOUND)
    await edge.until(transcription_id, "completed")


async def test_two_at_a_time_make_two_revisions(edge: Edge) -> None:
    transcription_id = await finished(edge)
    document_id = (await arranged(edge, transcription_id))["document"]["id"]
    revisions: list[int] = []

    async def pin(note: str) -> None:
        asked = {"document": document_id, "pins": {note: 2}}
        answer = await edge.http.post(f"/api/transcribe/{transcription_id}/arrange", json=asked)
        revisions.append(answer.json()["document"]["revision"])

    async with anyio.create_task_group() as group:
        for note in ("n0", "n1", "n2"):
            group.start_soon(pin, note)
    assert sorted(revisions) == [2, 3, 4]
    last = (await edge.http.get(f"/api/transcribe/{transcription_id}/documents/{document_id}")).json()
    assert last["settings"]["pins"] == {"n0": 2, "n1": 2, "n2": 2}, "nobody's choice is lost"


async def test_a_tuning_is_offered_or_not_and_never_applied(edge: Edge, orchestrator: FakeOrchestrator) -> None:
    transcription_id = await finished(edge)
    answer = await edge.http.get(f"/api/transcribe/{transcription_id}/tuning")
    assert answer.json() == {"offer": None}, "three notes suggest nothing"
    orchestrator.notes_per_file = 40
    low = await finished(edge, tuning="ukulele")
    before = (await edge.http.get(f"/api/transcribe/{low}/result")).json()
    offer = (await edge.http.get(f"/api/transcribe/{low}/tuning")).json()["offer"]
    assert offer is None or {"name", "tuning", "capo"} == set(offer)
    assert (await edge.http.get(f"/api/transcribe/{low}/result")).json() == before
    assert_problem(await edge.http.get("/api/transcribe/nobody/tuning"), 404, Reason.TRANSCRIPTION_NOT_FOUND)
