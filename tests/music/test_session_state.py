from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from music.audio import seconds
from music.errors import Reason
from music.events import (
    AudioEncoding,
    AudioFormat,
    EndReason,
    GapFound,
    NoteRevised,
    Payload,
    Progressed,
    SessionConfig,
    SessionEnded,
    SessionEvent,
    SessionFailed,
    SessionStarted,
    is_durable,
)
from music.note import SETTLED, Note, NoteState
from music.session_state import SessionState, fold
from music.tuning import Position
from wire.codec import decode_event
from wire.gen.genesis.v1 import event_pb2

VECTORS = sorted((Path(__file__).parents[1] / "vectors").glob("*.json"))


def described(state: SessionState) -> dict[str, Any]:
    """A state the way the vectors describe one."""
    return {
        "notes": [
            {
                "id": note.id,
                "state": note.state.value,
                "onset_s": pytest.approx(seconds(note.onset), abs=1e-4),
                "pitch": note.pitch,
                "string": note.position.string if note.position else None,
                "fret": note.position.fret if note.position else None,
                **({"techniques": [asdict(technique) for technique in note.techniques]} if note.techniques else {}),
            }
            for note in state.sorted_notes()
        ],
        "gaps": [
            {"start_s": pytest.approx(seconds(gap.start)), "end_s": pytest.approx(seconds(gap.end)), "cause": gap.cause}
            for gap in state.gaps
        ],
        "processed_until_s": pytest.approx(seconds(state.processed_until)),
        "cadence_s": None if state.cadence is None else pytest.approx(seconds(state.cadence)),
        "separation": None
        if state.separation is None
        else {
            "separation": state.separation.separation.value,
            "start_s": pytest.approx(seconds(state.separation.start)),
            "cause": state.separation.cause,
        },
        "sequence": state.sequence,
        "durable_sequence": state.durable_sequence,
        "ended": state.ended is not None,
        "failed": state.failed is not None,
        **described_music(state),
    }


def described_music(state: SessionState) -> dict[str, Any]:
    """Bars and harmony, where the vector is about them."""
    bars = [*((bar, True) for bar in state.bars), *((bar, False) for bar in state.tentative_bars)]
    chords = [*((chord, True) for chord in state.chords), *((chord, False) for chord in state.tentative_chords)]
    if not bars and not chords and not state.keys:
        return {}
    return {
        "bars": [
            {
                "number": bar.number,
                "beats_s": [pytest.approx(seconds(beat), abs=1e-4) for beat in bar.beats],
                "end_s": pytest.approx(seconds(bar.end), abs=1e-4),
                "signature": str(bar.signature),
                "committed": committed,
            }
            for bar, committed in bars
        ],
        "chords": [
            {"start_s": pytest.approx(seconds(chord.start), abs=1e-4), "symbol": chord.symbol, "committed": committed}
            for chord, committed in chords
        ],
        "keys": [{"start_s": pytest.approx(seconds(key.start), abs=1e-4), "key": key.key} for key in state.keys],
    }


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    vector = json.loads(path.read_text())
    messages = [
        json_format.ParseDict(event, event_pb2.SessionEvent(), ignore_unknown_fields=True) for event in vector["events"]
    ]
    events = [decode_event(message) for message in messages]
    assert described(fold(events)) == vector["state"]
    twice = [event for event in events for _ in range(2)]
    assert described(fold(twice)) == vector["state"], "delivering every event twice must change nothing"


def test_there_are_vectors() -> None:
    assert len(VECTORS) >= 7


class LogWriter:
    """Writes a valid log: sequences that may skip, durable events chained, notes that keep their lifecycle."""

    def __init__(self) -> None:
        self.events: list[SessionEvent] = []
        self.attempt = 0
        self.watermark = 0
        self._durable = 0

    def append(self, payload: Payload, skip: int = 0) -> None:
        last = self.events[-1].sequence if self.events else 0
        durable = is_durable(payload)
        self.events.append(
            SessionEvent(
                session_id="s",
                sequence=last + 1 + skip,
                attempt=self.attempt,
                previous_durable_sequence=self._durable if durable else 0,
                processed_until=self.watermark,
                created_at_ns=0,
                payload=payload,
            )
        )
        if durable:
            self._durable = self.events[-1].sequence

    def start(self) -> None:
        self.attempt += 1
        config = SessionConfig(audio=AudioFormat(AudioEncoding.PCM_F32LE, 22_050, 1))
        self.append(SessionStarted(config, (), started_at_ns=self.attempt))


NEXT_STATE = {
    NoteState.TENTATIVE: (NoteState.TENTATIVE, NoteState.COMMITTED, NoteState.RETRACTED),
    NoteState.COMMITTED: (NoteState.COMMITTED, NoteState.ENDED),
}


@st.composite
def logs(draw: st.DrawFn) -> list[SessionEvent]:
    """A session as a correct writer may leave it, sometimes with several attempts, sometimes unfinished."""
    log = LogWriter()
    log.start()
    notes: dict[str, Note] = {}
    for number in range(draw(st.integers(0, 30))):
        match draw(st.sampled_from(["note", "note", "revise", "revise", "revise", "progress", "gap", "attempt"])):
            case "note":
                onset = log.watermark + draw(st.integers(0, 500))
                note = Note(
                    f"n{number}", NoteState.TENTATIVE, onset, draw(st.integers(40, 80)), position=Position(1, 0)
                )
                notes[note.id] = note
                log.append(NoteRevised(note), draw(st.integers(0, 2)))
            case "revise" if notes:
                note = notes.pop(draw(st.sampled_from(sorted(notes))))
                note = replace(note, state=draw(st.sampled_from(NEXT_STATE[note.state])))
                if note.state in NEXT_STATE:
                    notes[note.id] = note
                log.append(NoteRevised(note), draw(st.integers(0, 2)))
            case "progress":
                earliest = min((n.onset for n in notes.values() if n.state is NoteState.TENTATIVE), default=10_000)
                log.watermark = max(log.watermark, min(earliest, log.watermark + draw(st.integers(0, 800))))
                log.append(Progressed(log.watermark + 900))
            case "gap":
                log.append(GapFound(log.watermark, log.watermark + 10 + number, "lost"))
            case "attempt":
                log.start()
                notes = {note.id: note for note in notes.values() if note.state in SETTLED}
    ending: Payload | None = draw(
        st.sampled_from(
            [None, SessionEnded(EndReason.COMPLETED, 30_000), SessionFailed(Reason.INTERNAL, "It broke.", 30_000)]
        )
    )
    if ending is not None:
        log.append(ending)
    return log.events


def public(state: SessionState) -> dict[str, Any]:
    return {key: value for key, value in vars(state).items() if not key.startswith("_")}


def durable_part(state: SessionState) -> dict[str, Any]:
    notes = {note.id: note for note in state.sorted_notes() if note.state in SETTLED}
    progress = ("received_until", "sequence", "notes")
    return {key: value for key, value in public(state).items() if key not in progress} | {"notes": notes}


@given(log=logs())
def test_applying_again_changes_nothing(log: list[SessionEvent]) -> None:
    state = fold(log)
    before = public(state) | {"notes": dict(state.notes), "gaps": list(state.gaps)}
    for event in log:
        state.apply(event)
    assert public(state) == before


@given(log=logs(), data=st.data())
def test_duplicates_and_old_events_anywhere_change_nothing(log: list[SessionEvent], data: st.DataObject) -> None:
    delivered: list[SessionEvent] = []
    for index, event in enumerate(log):
        delivered += [event] * data.draw(st.integers(1, 2))
        delivered += [log[earlier] for earlier in data.draw(st.lists(st.integers(0, index), max_size=2))]
    assert public(fold(delivered)) == public(fold(log))


@given(log=logs(), data=st.data())
def test_a_snapshot_and_the_rest_are_the_whole(log: list[SessionEvent], data: st.DataObject) -> None:
    taken_at = data.draw(st.integers(1, len(log)))
    snapshot = fold(log[:taken_at]).snapshot()
    event = replace(log[taken_at - 1], sequence=snapshot.sequence, payload=snapshot, previous_durable_sequence=0)
    rest = [entry for entry in log if entry.sequence > snapshot.sequence]
    resumed, whole = fold([event, *rest]), fold(log)
    assert durable_part(resumed) == durable_part(whole)
    # A tentative note told before the snapshot is not in it; the reader sees it again with its next revision.
    missing = {name for name, note in whole.notes.items() if resumed.notes.get(name) != note}
    assert all(whole.notes[name].state is NoteState.TENTATIVE for name in missing)
    assert set(resumed.notes) <= set(whole.notes)
    assert resumed.sequence == whole.sequence


@given(log=logs(), data=st.data())
def test_a_reader_that_was_cut_off_and_resumes_ends_the_same(log: list[SessionEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    state = fold(log[:cut])
    resume_from = data.draw(st.integers(0, cut))
    for event in log[resume_from:]:
        state.apply(event)
    assert public(state) == public(fold(log))


@given(log=logs(), data=st.data())
def test_a_lost_durable_event_is_noticed(log: list[SessionEvent], data: st.DataObject) -> None:
    durable = [index for index, event in enumerate(log) if is_durable(event.payload)]
    lost = data.draw(st.sampled_from(durable))
    state, noticed = SessionState(), []
    for index, event in enumerate(log):
        if index != lost:
            noticed.append(state.has_missed(event))
            state.apply(event)
    assert any(noticed) == any(index > lost for index in durable)
    if noticed:
        assert not any(noticed[:lost])


@given(log=logs())
def test_settled_notes_never_go_back(log: list[SessionEvent]) -> None:
    state = SessionState()
    order = [NoteState.TENTATIVE, NoteState.COMMITTED, NoteState.ENDED]
    for event in log:
        before = dict(state.notes)
        state.apply(event)
        for note in before.values():
            if note.state in SETTLED:
                assert order.index(state.notes[note.id].state) >= order.index(note.state)
        unsettled = [note for note in state.notes.values() if note.state is NoteState.TENTATIVE]
        assert all(note.onset >= state.processed_until for note in unsettled)


def test_a_new_reader_misses_nothing_before_the_first_durable_event() -> None:
    log = LogWriter()
    log.start()
    assert not SessionState().has_missed(log.events[0])
    assert fold(log.events).is_over is False


def test_a_lost_durable_event_is_noticed_and_taken_when_it_comes_again() -> None:
    path = next(vector for vector in VECTORS if vector.stem == "plain")
    log = [
        decode_event(json_format.ParseDict(raw, event_pb2.SessionEvent()))
        for raw in json.loads(path.read_text())["events"]
    ]
    durable = [index for index, event in enumerate(log) if is_durable(event.payload)]
    for lost in durable[:-1]:
        state = fold(log[:lost])
        following = log[lost + 1 :]
        missed = next(index for index, event in enumerate(following) if state.has_missed(event))
        for event in following[:missed]:
            state.apply(event)
        state.rewind()
        for event in log:
            if event.sequence > state.sequence:
                state.apply(event)
        assert described(state) == described(fold(log))
