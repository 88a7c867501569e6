"""Chords and keys, of whole pieces and live."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.audio import SAMPLE_RATE_HZ
from music.beats_live import STEP
from music.harmony import ChordSpan
from music.harmony_live import LiveHarmony
from music.harmony_tracking import harmony_of
from music.note import Note, NoteState
from music.roman import roman_numeral, scale_suggestions

_SONG = (
    ("A:min", (45, 52, 57, 60)),
    ("F:maj", (41, 48, 57, 60)),
    ("C:maj", (48, 52, 55, 60)),
    ("G:maj", (43, 50, 55, 59)),
)


def song(rounds: int = 3, up: int = 0) -> tuple[list[Note], int]:
    """Two seconds of each chord, struck four times."""
    notes = []
    for stroke in range(rounds * 16):
        onset = stroke * SAMPLE_RATE_HZ // 2
        for pitch in _SONG[(stroke // 4) % 4][1]:
            name = f"{stroke}.{pitch}"
            notes.append(Note(name, NoteState.ENDED, onset, pitch + up, onset + 9000, 0.7, 0.9))
    return notes, rounds * 8 * SAMPLE_RATE_HZ


def test_chords_and_key_of_a_plain_song() -> None:
    notes, duration = song()
    chords, keys = harmony_of(notes, (), duration)
    assert [chord.symbol for chord in chords] == [name for name, _ in _SONG] * 3
    assert all(chord.start == pytest.approx(i * 2 * SAMPLE_RATE_HZ, abs=600) for i, chord in enumerate(chords))
    assert keys[0].key in ("A:minor", "C:major")
    assert min(chord.confidence for chord in chords) > 0.5


def test_a_modulation_is_heard() -> None:
    notes, duration = song(4)
    later, _ = song(4, up=6)
    moved = [Note(f"b{n.id}", n.state, n.onset + duration, n.pitch, n.onset + duration + 9000, 0.7, 0.9) for n in later]
    _, keys = harmony_of([*notes, *moved], (), 2 * duration)
    assert len({key.key for key in keys if key.key}) == 2
    assert any(abs(key.start - duration) < 4 * SAMPLE_RATE_HZ for key in keys[1:])


def test_noise_is_no_certain_harmony() -> None:
    random = np.random.default_rng(3)
    notes = [
        Note(f"n{i}", NoteState.ENDED, i * 5000, int(random.integers(40, 80)), i * 5000 + 4000, 0.5, 0.5)
        for i in range(100)
    ]
    chords, _ = harmony_of(notes, (), 100 * 5000)
    assert float(np.mean([chord.confidence for chord in chords])) < 0.5


def told_live(notes: list[Note], duration: int) -> list[ChordSpan]:
    live = LiveHarmony()
    chords: list[ChordSpan] = []
    ordered = sorted(notes, key=lambda n: n.onset)
    for until in range(STEP, duration, STEP):
        for note in ordered:
            if until - STEP <= note.onset < until:
                live.add(note)
        chords += live.step(until, ()).committed
    for note in ordered:
        if note.onset >= (duration - 1) // STEP * STEP:
            live.add(note)
    chords += live.step(duration, (), last=True).committed
    return chords


def test_live_chords_agree_with_the_final_ones() -> None:
    notes, duration = song()
    final, _ = harmony_of(notes, (), duration)
    assert [chord.symbol for chord in told_live(notes, duration)] == [chord.symbol for chord in final]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20 * SAMPLE_RATE_HZ), st.integers(0, 127)), max_size=60))
def test_live_chords_follow_each_other_without_a_hole(drawn: list[tuple[int, int]]) -> None:
    notes = [Note(f"n{i}", NoteState.COMMITTED, onset, pitch) for i, (onset, pitch) in enumerate(drawn)]
    chords = told_live(notes, 21 * SAMPLE_RATE_HZ)
    assert all(a.end == b.start for a, b in itertools.pairwise(chords))
    assert not chords or chords[-1].end == 21 * SAMPLE_RATE_HZ


def test_degrees_and_scales() -> None:
    assert [roman_numeral(s, "C:major") for s in ("C:maj", "D:min7", "G:7", "A#:maj", "B:dim", "N")] == [
        "I",
        "ii7",
        "V7",
        "♭VII",
        "vii°",
        "",
    ]
    assert [roman_numeral(s, "A:minor") for s in ("A:min", "C:maj", "E:7")] == ["i", "III", "V7"]
    assert scale_suggestions("A:minor", ["E:7"])[:2] == ("A natural_minor", "A harmonic_minor")
    assert scale_suggestions("", []) == ()
