"""Hypotheses about beats, and the choice between their readings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from music.audio import SAMPLE_RATE_HZ
from music.beats import RhythmLock, TimeSignature
from music.beats_bar_figures import COUNTS
from music.beats_evidence import Evidence, listen
from music.beats_figures import Strokes, strokes_of
from music.beats_hypotheses import Beats, hypotheses, snapped
from music.beats_joint import FIGURES, STRETCH_S, judge, readings_of, stretches
from music.beats_onsets import Marker, lasting, onsets_of
from music.beats_tracking import mark_weight, track_bars
from music.note import Note
from tests.music.test_beats_tracking import note, waltz


def heard(notes: list[Note]) -> tuple[list[Beats], Strokes, Evidence]:
    onsets, marker = onsets_of(notes), Marker()
    marks = [marker.mark(onset) for onset in onsets]
    end = max(onset.time for onset in onsets) + SAMPLE_RATE_HZ
    rows = hypotheses(onsets, [mark_weight(mark) for mark in marks], end)
    return rows, strokes_of(onsets, marks, lasting(notes, onsets)), listen(onsets, marks, end)


@pytest.mark.parametrize("bpm", [45.0, 70.0, 100.0, 150.0, 220.0])
def test_the_true_beats_are_among_the_hypotheses_whatever_the_tempo(bpm: float) -> None:
    rows, _, _ = heard(waltz(4, bpm=bpm, bars=12))
    truth = (0.5 + np.arange(48) * 60 / bpm) * SAMPLE_RATE_HZ
    near = 0.07 * SAMPLE_RATE_HZ
    best = max(
        float((np.abs(truth[:, None] - row[None]).min(axis=1) < near).mean()) * min(1.0, len(truth) / len(row))
        for row in rows
    )
    assert best > 0.95


def test_no_two_hypotheses_are_the_same() -> None:
    rows, _, _ = heard(waltz(3))
    assert len(rows) > 4
    assert len({tuple(row.tolist()) for row in rows}) == len(rows)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 400_000), min_size=2, max_size=40), st.lists(st.integers(0, 400_000), min_size=1))
def test_snapped_beats_keep_their_order(beats: list[int], times: list[int]) -> None:
    row = np.asarray(sorted(set(beats)), np.int64)
    moved = snapped(row, np.asarray(sorted(times), np.int64))
    assert (np.diff(moved) > 0).all()
    assert (np.abs(moved - row) <= 0.03 * SAMPLE_RATE_HZ + len(row)).all()


def test_every_reading_has_all_figures_and_they_are_finite() -> None:
    rows, strokes, evidence = heard(waltz(4))
    readings, found = readings_of(strokes, evidence, rows)
    assert found.shape == (len(readings), len(FIGURES))
    assert np.isfinite(found).all()
    assert {reading.count for reading in readings} == set(COUNTS)


def test_figures_say_only_how_long_it_is_of_a_piece_that_is_played_later() -> None:
    rows, strokes, evidence = heard(waltz(4))
    late_rows, late_strokes, late_evidence = heard(
        [note(n.id, n.onset / SAMPLE_RATE_HZ + 7.0, n.pitch, n.velocity) for n in waltz(4)]
    )
    assert len(rows) == len(late_rows)
    readings, found = readings_of(strokes, evidence, rows)
    same, later = readings_of(late_strokes, late_evidence, late_rows)
    assert readings == same
    assert np.abs(found - later).max() < 0.05


def test_long_pieces_are_heard_in_stretches_and_beats_go_on_over_their_edges() -> None:
    notes = waltz(4, bars=50)
    rows, strokes, evidence = heard(notes)
    cuts = stretches(strokes)
    assert len(cuts) == round(50 * 2.4 / STRETCH_S)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(cuts))
    judged = judge(strokes, evidence, rows)
    assert np.diff(judged.beats) == pytest.approx(0.6 * SAMPLE_RATE_HZ, rel=0.15)
    assert (np.diff(judged.places) % judged.counts[1:] == 1).all()


def test_a_metre_or_bar_one_that_is_said_is_kept() -> None:
    notes, duration = waltz(4), 40 * SAMPLE_RATE_HZ
    three = track_bars(notes, duration, RhythmLock(signature=TimeSignature(3, 4)))
    assert {len(bar.beats) for bar in three[1:-1]} == {3}
    later = round(1.7 * SAMPLE_RATE_HZ)
    shifted = track_bars(notes, duration, RhythmLock(bar_one=later))
    assert min(abs(bar.start - later) for bar in shifted) < 0.07 * SAMPLE_RATE_HZ
    nine = track_bars(notes, duration, RhythmLock(signature=TimeSignature(9, 4)))
    assert {len(bar.beats) for bar in nine[1:-1]} == {9}


def test_half_bars_are_given_away_by_every_other_downbeat_and_the_root_is_in_the_bass_on_one() -> None:
    rows, strokes, evidence = heard(waltz(4))
    readings, found = readings_of(strokes, evidence, rows)
    beats = 0.5 * SAMPLE_RATE_HZ + np.arange(64) * 0.6 * SAMPLE_RATE_HZ
    is_true = [60 < len(row) < 70 and np.abs(row[:60] - beats[:60]).max() < 0.05 * SAMPLE_RATE_HZ for row in rows]
    row = is_true.index(True)

    def figure(name: str, count: int, first: int) -> float:
        at = next(n for n, r in enumerate(readings) if (r.beats, r.count, r.first) == (row, count, first))
        return float(found[at, FIGURES.index(name)])

    assert figure("two_lower", 2, 0) > figure("two_lower", 4, 0) + 0.1
    assert figure("all_root", 4, 0) > max(figure("all_root", 4, first) for first in (1, 2, 3)) + 0.4
    assert figure("share_harmony_bar", 4, 0) > 0.25
