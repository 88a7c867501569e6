from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from music.audio import sample_at
from music.document import arrange_document, parse_document, to_document
from music.errors import InvalidInput, Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    GapFound,
    ModelReference,
    NoteRevised,
    Payload,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionStarted,
)
from music.note import Alternative, Note, NoteState, PitchBend, Technique
from music.session_state import SessionState, fold
from music.tuning import Instrument, Position
from tests.support.data import shared_data

NOTE = Note(
    id="n1",
    state=NoteState.ENDED,
    onset=11_291,
    offset=20_000,
    pitch=64,
    velocity=0.8,
    confidence=0.93,
    stability=1.0,
    position=Position(1, 0),
    alternatives=(Alternative(Position(2, 5), 1.4),),
    string_evidence=(0.7, 0.3, 0.0, 0.0, 0.0, 0.0),
    bends=(PitchBend(12_345, 0.5),),
    techniques=(Technique("slide", "n2", 0.7),),
    flags=("odd",),
)
FILE: dict[str, Any] = {"schema": "genesis.transcription/1", "notes": [{"onset_s": 0.5, "pitch": 64}]}


def session(instrument: Instrument | None = None) -> SessionState:
    config = SessionConfig(AudioFormat(AudioEncoding.PCM_F32LE, 22_050, 1), instrument or Instrument())
    payloads: list[Payload] = [
        SessionStarted(config, (ModelReference("transcriber", "basic_pitch", "00ff"),), 0),
        NoteRevised(NOTE),
        GapFound(100, 200, "lost"),
        SessionEnded(EndReason.COMPLETED, 22_051),
    ]
    return fold(SessionEvent("s", number, 1, number - 1, 0, 0, payload) for number, payload in enumerate(payloads, 1))


def test_a_session_survives_the_file() -> None:
    written = to_document(session(Instrument(capo=3, fret_count=24)))
    document = parse_document(json.loads(json.dumps(written)))
    assert document.notes == (NOTE,)
    assert document.instrument == Instrument(capo=3, fret_count=24)
    assert document.session == "s"
    assert document.duration == 22_051
    assert document.models == {"transcriber": "basic_pitch@sha256:00ff"}


def test_every_key_of_the_schema_is_there() -> None:
    written = to_document(session())
    assert set(written) == {
        *("schema", "session", "models", "duration_s", "tuning", "capo", "gaps", "notes", "tempo_bpm"),
        "summary",
        *("time_signature", "beats", "key", "chords"),
    }
    assert set(written["notes"][0]) == {
        *("id", "state", "onset_s", "offset_s", "pitch", "velocity", "confidence", "string", "fret", "flags"),
        *("alternatives", "string_evidence", "bends", "techniques"),
    }
    assert to_document(SessionState())["notes"] == []


@pytest.mark.parametrize("sample", [0, 1, 7, 44_099, 22_050 * 3600 * 5 + 1])
def test_times_keep_the_sample(sample: int) -> None:
    state = session()
    state.notes["n1"] = Note("n1", NoteState.COMMITTED, sample, 64)
    assert parse_document(to_document(state)).notes[0].onset == sample


def test_the_least_a_note_needs_is_onset_and_pitch() -> None:
    note = parse_document(FILE).notes[0]
    assert (note.onset, note.pitch, note.offset, note.position) == (sample_at(0.5), 64, None, None)
    assert note.state is NoteState.ENDED


def with_note(**fields: object) -> dict[str, Any]:
    return {**FILE, "notes": [{"onset_s": 0.5, "pitch": 64, **fields}]}


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ([], "JSON object"),
        (None, "JSON object"),
        ({}, "schema"),
        ({**FILE, "schema": "genesis.transcription/9"}, "schema"),
        ({"schema": "genesis.transcription/1"}, "notes"),
        ({**FILE, "notes": {}}, "notes"),
        ({**FILE, "notes": [3]}, r"notes\[0\]"),
        ({**FILE, "models": []}, "models"),
        ({**FILE, "session": 5}, "session"),
        ({**FILE, "duration_s": -1}, "duration_s"),
        ({**FILE, "tuning": "standard"}, "tuning"),
        ({**FILE, "tuning": [64.5, 59, 55, 50]}, "whole number"),
        (with_note(pitch=None), "pitch"),
        (with_note(pitch=128), "pitch"),
        (with_note(pitch=True), "pitch"),
        (with_note(pitch="64"), "pitch"),
        (with_note(pitch=64.5), "pitch"),
        (with_note(onset_s=-0.1), "onset_s"),
        (with_note(onset_s=float("inf")), "onset_s"),
        (with_note(onset_s=float("nan")), "onset_s"),
        (with_note(onset_s=10**400), "onset_s"),
        (with_note(offset_s=0.4), "offset_s"),
        (with_note(velocity=2), "velocity"),
        (with_note(state="gone"), "state"),
        (with_note(state=1), "state"),
        (with_note(string=0, fret=1), "string"),
        (with_note(flags=[1]), "flags"),
        (with_note(alternatives=[{"string": 1}]), "alternatives"),
        (with_note(string_evidence=[0.5, 2]), "string_evidence"),
        (with_note(string_evidence=[0.1] * 9), "string_evidence"),
        (with_note(bends=[{"time_s": 1}]), "semitones"),
        (with_note(techniques=[{"to": "n2"}]), "kind"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(data: object, named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as caught:
        parse_document(data)
    assert caught.value.reason is Reason.REQUEST_INVALID
    assert len(caught.value.message) < 200
    with pytest.raises(InvalidInput):
        arrange_document(data)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tuning": [64, 59]}, Reason.TUNING_INVALID),
        ({"tuning": [64, 59, 55, 500]}, Reason.TUNING_INVALID),
        ({"capo": 13}, Reason.CAPO_INVALID),
        ({"fret_count": 0}, Reason.CONFIG_INVALID),
    ],
)
def test_an_instrument_that_is_none_is_refused(changed: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_document({**FILE, **changed})
    assert caught.value.reason is reason


def test_arranging_touches_nothing_else() -> None:
    data = {
        **FILE,
        "mine": {"deep": [1]},
        "key": "C:major",
        "notes": [
            {"id": "a", "onset_s": 0.123456789, "pitch": 64, "string": None, "fret": None, "colour": "red"},
            {"onset_s": 0.5, "pitch": 20},
        ],
    }
    before = copy.deepcopy(data)
    arranged = arrange_document(data)
    assert data == before
    first, second = arranged.pop("notes")
    assert arranged == {key: value for key, value in before.items() if key != "notes"}
    places = [(first["string"], first["fret"]), *((a["string"], a["fret"]) for a in first["alternatives"])]
    assert sorted(places) == [(1, 0), (2, 5), (3, 9), (4, 14), (5, 19)]
    assert [first[key] for key in ("id", "onset_s", "pitch", "colour")] == ["a", 0.123456789, 64, "red"]
    assert "flags" not in first
    assert (second["string"], second["fret"], second["flags"]) == (None, None, ["out_of_range"])


def test_arranging_for_another_instrument_says_so() -> None:
    arranged = arrange_document(FILE, tuning=(62, 57, 55, 50, 45, 38), capo=2)
    assert arranged["tuning"] == [62, 57, 55, 50, 45, 38]
    assert arranged["capo"] == 2
    (note,) = arranged["notes"]
    assert arranged["tuning"][note["string"] - 1] + 2 + note["fret"] == 64


def test_pins_are_strings_of_notes() -> None:
    data = {**FILE, "notes": [{"id": "a", "onset_s": 0.5, "pitch": 64}, {"id": "b", "onset_s": 0.9, "pitch": 67}]}
    for string, fret in ((1, 0), (2, 5), (3, 9)):
        (first, second) = arrange_document(data, pins={"a": string})["notes"]
        assert (first["string"], first["fret"]) == (string, fret)
        assert second["string"] is not None
    for pins in ({"a": 6}, {"c": 1}):
        with pytest.raises(InvalidInput) as caught:
            arrange_document(data, pins=pins)
        assert caught.value.reason is Reason.REQUEST_INVALID


def test_the_labelled_recordings_can_be_read() -> None:
    data = json.loads(shared_data("guitarset/00_BN1-129-Eb_comp.json").read_text())
    document = parse_document(data)
    assert len(document.notes) == 133
    assert all(document.instrument.pitch_at(note.position) == note.pitch for note in document.notes if note.position)
    assert len(arrange_document(data)["notes"]) == 133
