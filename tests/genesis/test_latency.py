"""Latency from a note's own onset, on scripted events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genesis.latency import LatencyMeter
from music.audio import sample_at
from music.events import NoteRevised, Progressed, SessionEvent
from music.note import Note, NoteState

NOTE = Note("n1", NoteState.TENTATIVE, sample_at(1.0), 64)


def event(note: Note) -> SessionEvent:
    return SessionEvent("s", 1, 1, 0, 0, 0, NoteRevised(note))


def test_counts_from_the_first_event_with_the_final_pitch() -> None:
    meter = LatencyMeter()
    assert meter.take(event(NOTE), 1.1) == pytest.approx(100)
    meter.take(event(replace(NOTE, pitch=65)), 1.2)
    meter.take(event(replace(NOTE, pitch=65, state=NoteState.COMMITTED)), 1.4)
    meter.take(event(replace(NOTE, pitch=65, state=NoteState.ENDED)), 1.9)
    assert [round(value) for value in meter.latencies_ms] == [200]
    assert (meter.taken_back_count, meter.tentative_count) == (1, 1)


def test_retracted_or_moved_notes_are_taken_back() -> None:
    meter = LatencyMeter()
    meter.take(event(NOTE), 1.1)
    meter.take(event(replace(NOTE, state=NoteState.RETRACTED)), 1.2)
    moved = replace(NOTE, id="n2")
    meter.take(event(moved), 1.1)
    meter.take(event(replace(moved, onset=sample_at(1.04))), 1.2)
    assert meter.taken_back_count == 1
    meter.take(event(replace(moved, onset=sample_at(1.06), state=NoteState.COMMITTED)), 1.2)
    assert meter.taken_back_count == 2


def test_other_events_have_no_latency() -> None:
    meter = LatencyMeter()
    assert meter.take(SessionEvent("s", 1, 1, 0, 0, 0, Progressed(10)), 1.0) is None
    assert meter.summary() == "no notes"
