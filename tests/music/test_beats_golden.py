"""Bars that must not change: the demo piece, music with a hole, and what was said live before more was known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from music.audio import SAMPLE_RATE_HZ
from music.beats import UNSURE
from music.beats_joint import stretches
from music.beats_live import STEP
from music.beats_tracking import track_bars
from music.note import Note, NoteState
from tests.music.test_beats_joint import heard
from tests.music.test_beats_tracking import committed, live, waltz
from tests.support.demo import demo_truth

HOLE_S = (9.7, 21.7)


def demo_notes() -> tuple[list[Note], int]:
    truth = demo_truth()
    notes = [
        Note(n["id"], NoteState.ENDED, at(n["onset_s"]), n["pitch"], at(n["offset_s"]), n["velocity"], 1.0)
        for n in truth["notes"]
    ]
    return notes, at(truth["duration_s"])


def at(time_s: float) -> int:
    return round(time_s * SAMPLE_RATE_HZ)


def test_the_demo_piece_is_three_quarters_at_a_hundred_from_its_first_note_on() -> None:
    notes, duration = demo_notes()
    bars = track_bars(notes, duration)
    assert {str(bar.signature) for bar in bars} == {"3/4"}
    assert float(np.median([bar.tempo_bpm for bar in bars])) == pytest.approx(100, rel=0.02)
    beats = [round(beat["time_s"] * SAMPLE_RATE_HZ) for beat in demo_truth()["beats"]]
    starts = [bar.start for bar in bars]
    assert np.abs(np.asarray(starts[:8]) - np.asarray(beats[: 3 * 8 : 3])).max() < 0.07 * SAMPLE_RATE_HZ
    assert bars[0].number == 1


def with_hole() -> list[Note]:
    notes = waltz(4, bars=15)
    return [n for n in notes if not HOLE_S[0] * SAMPLE_RATE_HZ <= n.onset < HOLE_S[1] * SAMPLE_RATE_HZ]


def test_after_a_hole_the_beat_is_found_anew_and_in_it_nothing_is_believed() -> None:
    notes = with_hole()
    _, strokes, _ = heard(notes)
    cuts = stretches(strokes)
    assert len(cuts) == 2
    assert HOLE_S[0] < cuts[1][0] / SAMPLE_RATE_HZ < HOLE_S[1] + 0.6
    bars = track_bars(notes, 38 * SAMPLE_RATE_HZ)
    silent = [bar for bar in bars if bar.start > at(HOLE_S[0] + 0.6) and bar.end < at(HOLE_S[1])]
    assert silent
    assert all(bar.confidence < 0.2 for bar in silent)
    assert max(bar.confidence for bar in bars) > UNSURE


def test_what_is_told_live_is_told_before_later_notes_are_known() -> None:
    notes, until = waltz(3, bars=16), 15 * SAMPLE_RATE_HZ
    early = [note for note in notes if note.onset < until]
    whole = committed(live(notes, 30 * SAMPLE_RATE_HZ, [STEP]))
    cut = committed(live(early, until, [STEP])[:-1])  # the last one says that the piece is over
    assert len(cut) > 3
    assert whole[: len(cut)] == cut


def test_bars_go_on_live_through_long_silence() -> None:
    """Two minutes of silence: bars of the old length, never believed, and one row of bars without a hole after it."""
    before, gap = waltz(4, bars=10), 120 * SAMPLE_RATE_HZ
    after = [Note(f"l{n.id}", n.state, n.onset + gap, n.pitch, n.onset + gap + 5000, n.velocity, 0.9) for n in before]
    duration = gap + 30 * SAMPLE_RATE_HZ
    bars = committed(live([*before, *after], duration, [STEP]))
    assert all(first.end == second.start for first, second in itertools.pairwise(bars))
    silent = [bar for bar in bars if at(30) < bar.start and bar.end < gap]
    assert len(silent) > 30
    assert all(bar.confidence < 0.2 for bar in silent)
    assert max(bar.end - bar.start for bar in bars) < at(5.5)
    again = [bar for bar in bars if bar.start > gap + at(12)]
    assert {len(bar.beats) for bar in again[:-1]} == {4}
