"""Bars of a finished transcription: found once, and found anew around what a person decides."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from music import document as document_rules
from music.errors import Reason
from tests.web_edge.conftest import Edge
from tests.web_edge.test_documents_api import finished, places
from tests.web_edge.test_transcriptions_api import assert_problem

pytestmark = pytest.mark.anyio


async def barred(edge: Edge, transcription_id: str, **asked: Any) -> dict[str, Any]:
    answer = await edge.http.post(f"/api/transcribe/{transcription_id}/bars", json=asked)
    assert answer.status_code == 201, answer.text
    again = await edge.http.get(answer.headers["location"])
    assert again.json() == answer.json(), "what was answered can be had again"
    return dict(answer.json())


async def test_tempo_metre_and_bar_one_are_locked_and_no_note_changes(edge: Edge) -> None:
    transcription_id = await finished(edge)
    before = (await edge.http.get(f"/api/transcribe/{transcription_id}/result")).json()
    file = await barred(edge, transcription_id, tempo_bpm=120, time_signature="3/4", bar_one_s=0.5)
    assert file["notes"] == before["notes"]
    assert file["time_signature"] == "3/4"
    assert file["tempo_bpm"] == pytest.approx(120, abs=0.1)
    bars = {bar["number"]: bar for bar in file["bars"]}
    assert bars[1]["beats_s"][0] == pytest.approx(0.5, abs=1e-3)
    settings = file["document"]["settings"]["rhythm"]
    assert settings == {"tempo_bpm": 120.0, "time_signature": "3/4", "bar_one_s": 0.5, "taps_s": []}
    exported = await edge.http.get(
        f"/api/transcribe/{transcription_id}/export/json?document={file['document']['id']}&revision=1"
    )
    assert exported.json()["bars"] == file["bars"], "exports have the same bars"


async def test_taps_hold_and_null_takes_them_back(edge: Edge) -> None:
    transcription_id = await finished(edge)
    taps = [0.1, 0.62, 1.1]
    tapped = await barred(edge, transcription_id, taps_s=taps, time_signature="4/4")
    beats = [beat["time_s"] for beat in tapped["beats"]]
    assert all(min(abs(beat - tap) for beat in beats) < 1e-3 for tap in taps)
    document_id = tapped["document"]["id"]
    again = await barred(edge, transcription_id, document=document_id, taps_s=None)
    assert (again["document"]["id"], again["document"]["revision"]) == (document_id, 2)
    assert again["document"]["settings"]["rhythm"]["taps_s"] == []
    assert again["document"]["settings"]["rhythm"]["time_signature"] == "4/4", "what is not said is as it was"
    first = await edge.http.get(f"/api/transcribe/{transcription_id}/result?document={document_id}&revision=1")
    assert first.json()["beats"] == tapped["beats"], "a revision stays as it is"


async def test_bars_and_places_of_a_document_go_together(edge: Edge) -> None:
    transcription_id = await finished(edge)
    arranged = (await edge.http.post(f"/api/transcribe/{transcription_id}/arrange", json={"capo": 2})).json()
    document_id = arranged["document"]["id"]
    file = await barred(edge, transcription_id, document=document_id, tempo_bpm=90, bar_one_s=0)
    assert places(file) == places(arranged)
    assert file["capo"] == 2
    answer = await edge.http.post(
        f"/api/transcribe/{transcription_id}/arrange", json={"document": document_id, "capo": 1}
    )
    moved = answer.json()
    assert moved["capo"] == 1
    assert moved["bars"] == file["bars"], "another capo leaves the bars alone"


async def test_final_bars_are_found_once(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    transcription_id = await finished(edge)
    result = f"/api/transcribe/{transcription_id}/result"
    first = (await edge.http.get(result)).json()

    def never(*_: object) -> None:
        raise AssertionError("they are stored")

    monkeypatch.setattr(document_rules, "final_music", never)
    assert (await edge.http.get(result)).json() == first
    listed = await edge.http.get(f"/api/transcribe/{transcription_id}/documents")
    assert listed.json() == {"items": []}, "they are no version of the tab"


async def test_two_readers_may_ask_at_the_same_time(edge: Edge) -> None:
    transcription_id = await finished(edge)
    answers: list[int] = []

    async def ask() -> None:
        answers.append((await edge.http.get(f"/api/transcribe/{transcription_id}/result")).status_code)

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(ask)
    assert answers == [200] * 4


@pytest.mark.parametrize(
    "asked",
    [
        {"tempo_bpm": 5},
        {"tempo_bpm": "fast"},
        {"tempo_bpm": True},
        {"time_signature": "four"},
        {"time_signature": 4},
        {"bar_one_s": -1},
        {"taps_s": [1, 1]},
        {"taps_s": ["1"]},
        {"taps_s": 3},
        {"tuning": "drop_d"},
    ],
)
async def test_what_cannot_be_is_refused(edge: Edge, asked: dict[str, Any]) -> None:
    transcription_id = await finished(edge)
    answer = await edge.http.post(f"/api/transcribe/{transcription_id}/bars", json=asked)
    assert_problem(answer, 422, Reason.REQUEST_INVALID)
