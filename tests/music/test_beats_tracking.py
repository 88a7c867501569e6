"""Bars of whole pieces and of pieces that come note by note."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.audio import SAMPLE_RATE_HZ
from music.beats import UNSURE, Bar, BarState, RhythmLock, TimeSignature
from music.beats_live import STEP, LiveBars, Told
from music.beats_live_choice import choose
from music.beats_onsets import TOGETHER
from music.beats_tracking import track_bars
from music.note import Note, NoteState


def note(name: str, time_s: float, pitch: int, velocity: float = 0.6) -> Note:
    onset = round(time_s * SAMPLE_RATE_HZ)
    return Note(name, NoteState.ENDED, onset, pitch, onset + 5000, velocity, 0.9)


def waltz(beats_per_bar: int = 3, bpm: float = 100.0, bars: int = 16, jitter_s: float = 0.008) -> list[Note]:
    """A bass note on each first beat, a chord on the others, the harmony changing with the bar."""
    random = np.random.default_rng(7)
    chords = [(45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62)]
    notes = []
    for beat in range(bars * beats_per_bar):
        chord = chords[(beat // beats_per_bar) % 4]
        at = 0.5 + beat * 60 / bpm + float(random.normal(0, jitter_s))
        is_first = beat % beats_per_bar == 0
        struck = chord[:1] if is_first else chord[1:]
        notes += [note(f"{beat}.{pitch}", at, pitch, 0.8 if is_first else 0.5) for pitch in struck]
    return notes


def live(notes: list[Note], duration: int, steps: list[int], lock: RhythmLock | None = None) -> list[Told]:
    """What is told while watermarks rise by `steps`, over and over."""
    tracker, at, given_until = LiveBars(lock) if lock else LiveBars(), 0, 0
    told: list[Told] = []
    ordered = sorted(notes, key=lambda n: n.onset)
    while at < duration:
        at += steps[len(told) % len(steps)] if len(steps) == 1 else steps[at % len(steps)]
        while given_until < len(ordered) and ordered[given_until].onset < at:
            tracker.add(ordered[given_until])
            given_until += 1
        told += tracker.advance(min(at, duration))
    for rest in ordered[given_until:]:
        tracker.add(rest)
    return [*told, tracker.finish(duration)]


def committed(told: list[Told]) -> list[Bar]:
    return [bar for step in told for bar in step.committed]


@pytest.mark.parametrize("beats_per_bar", [3, 4])
def test_beats_and_downbeats_of_plain_music_are_found(beats_per_bar: int) -> None:
    notes = waltz(beats_per_bar)
    bars = track_bars(notes, 32 * SAMPLE_RATE_HZ)
    starts_s = [bar.start / SAMPLE_RATE_HZ for bar in bars]
    expected_s = [0.5 + bar * beats_per_bar * 0.6 for bar in range(16)]
    assert starts_s == pytest.approx(expected_s, abs=0.04)
    assert {str(bar.signature) for bar in bars} == {f"{beats_per_bar}/4"}
    assert all(bar.tempo_bpm == pytest.approx(100, rel=0.05) for bar in bars)
    assert float(np.mean([bar.confidence for bar in bars])) > UNSURE


def test_what_is_committed_live_is_right_and_comes_in_time() -> None:
    notes, duration = waltz(4, bars=20), 50 * SAMPLE_RATE_HZ
    bars = committed(live(notes, duration, [STEP // 3]))
    starts_s = [bar.start / SAMPLE_RATE_HZ for bar in bars if 8 < bar.start / SAMPLE_RATE_HZ < 47]
    assert all(abs((start - 0.5) / 2.4 - round((start - 0.5) / 2.4)) < 0.03 for start in starts_s)
    assert len(starts_s) >= 15


def test_steady_bars_are_looked_at_less_often_and_still_reach_the_present(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def counted(until: int, *rest: Any) -> Any:
        looks.append(until)
        return choose(until, *rest)

    monkeypatch.setattr("music.beats_live.choose", counted)
    tracker = LiveBars()
    for played in waltz(bars=24):
        tracker.add(played)
    for now in range(STEP, 40 * STEP, STEP):
        tracker.advance(now)
        if now > 20 * STEP:
            assert now - TOGETHER <= tracker.known[-1].end < now + 2 * STEP
            assert {len(bar.beats) for bar in tracker.known[:-1] if bar.number > 8} <= {3}
    late = [until for until in looks if until > 20 * STEP]
    assert 20 / 3 - 1 < len(late) < 12


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(200, 60_000), min_size=2, max_size=5), st.integers(0, 3))
def test_bars_do_not_depend_on_how_the_watermark_rises(steps: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    notes = [
        note(f"n{i}", float(t), int(random.integers(40, 76))) for i, t in enumerate(np.sort(random.uniform(0, 20, 60)))
    ]
    duration = 20 * SAMPLE_RATE_HZ
    assert committed(live(notes, duration, steps)) == committed(live(notes, duration, [STEP]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 25), st.integers(0, 127), st.floats(0, 1)), max_size=60),
    st.sampled_from([None, RhythmLock(tempo_bpm=20.0), RhythmLock(tempo_bpm=400.0, signature=TimeSignature(7, 8))]),
)
def test_any_notes_give_bars_in_order_or_none(drawn: list[tuple[float, int, float]], lock: RhythmLock | None) -> None:
    notes = [note(f"n{i}", *values) for i, values in enumerate(drawn)]
    duration = 25 * SAMPLE_RATE_HZ
    final = list(track_bars(notes, duration, lock or RhythmLock()))
    for bars in (final, committed(live(notes, duration, [STEP], lock))):
        assert all(before.end == after.start for before, after in itertools.pairwise(bars))
        assert all(after.number == before.number + 1 for before, after in itertools.pairwise(bars))
        assert all(bar.state is BarState.COMMITTED and 0 <= bar.confidence <= 1 for bar in bars)


def test_a_person_has_the_last_word() -> None:
    notes, duration = waltz(4), 40 * SAMPLE_RATE_HZ
    lock = RhythmLock(tempo_bpm=100.0, signature=TimeSignature(6, 8), bar_one=round(1.7 * SAMPLE_RATE_HZ))
    bars = track_bars(notes, duration, lock)
    assert {str(bar.signature) for bar in bars} == {"6/8"}
    assert any(abs(bar.start - lock.bar_one) < 300 for bar in bars if lock.bar_one is not None)
    assert all(bar.tempo_bpm == pytest.approx(100, rel=0.01) for bar in bars)
    tapped = tuple(round((0.5 + 1.2 * n) * SAMPLE_RATE_HZ) for n in range(4))
    slow = track_bars(notes, duration, RhythmLock(taps=tapped))
    beats = [beat for bar in slow for beat in bar.beats]
    assert set(tapped) <= set(beats)
    assert np.diff(beats) == pytest.approx(1.2 * SAMPLE_RATE_HZ, abs=2)


def test_notes_without_a_metre_are_not_believed() -> None:
    believed = []
    for seed in range(5):
        random = np.random.default_rng(seed)
        times = 0.3 + np.cumsum(random.gamma(1.3, 0.35, 80))
        notes = [note(f"n{i}", float(t), int(random.integers(45, 76))) for i, t in enumerate(times)]
        bars = track_bars(notes, round(times[-1] + 1) * SAMPLE_RATE_HZ)
        believed += [bar.confidence for bar in bars]
    assert float(np.mean(believed)) < UNSURE


def test_silence_is_not_believed() -> None:
    before, after = waltz(4, bars=6), waltz(4, bars=6)
    late = [note(f"late{n.id}", n.onset / SAMPLE_RATE_HZ + 40.0, n.pitch, n.velocity) for n in after]
    bars = track_bars([*before, *late], 60 * SAMPLE_RATE_HZ)
    silent = [bar.confidence for bar in bars if 22 < bar.start / SAMPLE_RATE_HZ < 34]
    assert silent
    assert max(silent) < UNSURE
