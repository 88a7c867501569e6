"""Stretches of composed pieces with all their readings, and how right each of them is: what `fit_bars` learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bench._boosting import BoostingSettings, fit_choice
from bench._rhythm_pieces import Composed, composed_pieces, odd_pieces, song_pieces, without_metre
from music.audio import SAMPLE_RATE_HZ
from music.beats_evidence import Evidence, listen
from music.beats_figures import Strokes, strokes_of
from music.beats_hypotheses import Beats
from music.beats_joint import Reading, readings_of
from music.beats_onsets import Marker, Onset, lasting, onsets_of
from music.beats_tracking import considered
from music.boosted_trees import BoostedTrees
from music.note import Note

NEAR = 0.07 * SAMPLE_RATE_HZ
RIGHT = 0.8
_HOPELESS, _DRAWN = 0.3, 0.12
_CUT = (14 * SAMPLE_RATE_HZ, 44 * SAMPLE_RATE_HZ)
Truth = tuple[NDArray[np.int64], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Example:
    """A stretch: figures of its readings, f32[n, figures], and how much of the truth each holds, f64[n]."""

    figures: NDArray[np.float32]
    right: NDArray[np.float64]


def fit_shares(names: Sequence[str], stretches: Sequence[Example], settings: BoostingSettings) -> BoostedTrees:
    """Trees that choose a reading by figures of such names; several that are nearly right share the truth."""
    right = np.concatenate([example.right for example in stretches])
    worth = np.concatenate([_worth(example.right) for example in stretches]).astype(np.float32)
    groups = np.concatenate([np.full(len(example.right), number) for number, example in enumerate(stretches)])
    found = np.concatenate([example.figures for example in stretches])
    # Of hundreds of readings that are plainly wrong a few stand for all.
    random = np.random.default_rng(settings.seed)
    stands_for = np.where(right > _HOPELESS, 1.0, 1 / _DRAWN).astype(np.float32)
    kept = (right > _HOPELESS) | (random.random(len(right)) < _DRAWN)
    groups = np.unique(groups[kept], return_inverse=True)[1]
    return fit_choice(names, found[kept], worth[kept], groups, settings, stands_for[kept])


def _worth(right: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.where(right > RIGHT, np.exp(12 * (right - right.max())), 0.0)
    return np.asarray(weights / max(weights.sum(), 1e-9))


def examples(seed: int, count: int) -> Iterator[Example]:
    """Stretches of pieces of every kind."""
    for piece in whole_pieces(seed, count):
        rows, strokes, evidence = all_heard(piece.notes, piece.performance.duration)
        yield _example(strokes, evidence, rows, truth_of(piece), is_first=True)
    long = (song_pieces(seed + count, count // 6, 45.0), composed_pieces(seed + count, count // 12, 45.0))
    for piece in chain(*long):
        rows, strokes, evidence = all_heard(piece.notes, piece.performance.duration)
        cropped = [row[(row >= _CUT[0]) & (row < _CUT[1])] for row in rows]
        beats, downs = truth_of(piece)
        kept = (beats >= _CUT[0]) & (beats < _CUT[1])
        yield _example(strokes.between(*_CUT), evidence, cropped, (beats[kept], downs[kept]), is_first=False)
    for notes, duration in beatless(seed, count):
        rows, strokes, evidence = all_heard(notes, duration)
        yield _example(strokes, evidence, rows, None, is_first=True)


def whole_pieces(seed: int, count: int) -> Iterator[Composed]:
    """Songs, half as many pieces of the training composer, and some of five and seven beats a bar."""
    return chain(song_pieces(seed, count), composed_pieces(seed, count // 2), odd_pieces(seed, count // 14))


def beatless(seed: int, count: int) -> Iterator[tuple[Sequence[Note], int]]:
    """Notes of which no reading is right: without a beat, and with beats of which none is as long as the last."""
    yield from without_metre(seed, count // 20)
    for number, piece in enumerate(composed_pieces(seed + 2 * count, count // 40)):
        random = np.random.default_rng([seed + number, 11])
        beats = np.asarray(piece.performance.beats, np.float64)
        lengths = np.diff(beats) * np.exp(random.normal(0, 0.22, len(beats) - 1))
        warped = beats[0] + np.concatenate([[0.0], np.cumsum(lengths)])
        notes = []
        for note in piece.notes:
            onset, offset = (int(np.interp(at, beats, warped)) for at in (note.onset, note.offset or note.onset + 1))
            notes.append(replace(note, onset=onset, offset=max(offset, onset + 1)))
        yield notes, int(warped[-1])


def all_heard(notes: Sequence[Note], duration: int) -> tuple[list[Beats], Strokes, Evidence]:
    onsets: list[Onset] = onsets_of(notes)
    marker = Marker()
    marks = [marker.mark(onset) for onset in onsets]
    evidence = listen(onsets, marks, duration)
    rows = considered(evidence, onsets, marks, duration)
    return rows, strokes_of(onsets, marks, lasting(notes, onsets)), evidence


def truth_of(piece: Composed) -> Truth:
    beats, downs = piece.truth
    return np.asarray(beats, np.int64), np.asarray(downs, bool)


def _example(
    strokes: Strokes, evidence: Evidence, rows: Sequence[Beats], truth: Truth | None, *, is_first: bool
) -> Example:
    readings, found = readings_of(strokes, evidence, rows, is_first=is_first)
    right = [0.0 if truth is None else share_right(truth, rows[r.beats], r, by_number=is_first) for r in readings]
    return Example(found, np.asarray(right))


def share_right(truth: Truth, beats: Beats, reading: Reading, *, by_number: bool) -> float:
    """Share of the true beats that a reading has, each at its place in the bar and, where asked, in the bar's number.

    Beats that are too many count against it.
    """
    times, downs = truth
    found = np.flatnonzero(downs)
    if len(found) < 2:
        return 0.0
    count = int(found[1] - found[0])
    if reading.count != count:
        return 0.0
    at = np.clip(np.searchsorted(beats, times), 1, len(beats) - 1)
    at = np.where(np.abs(beats[at] - times) < np.abs(beats[at - 1] - times), at, at - 1)
    own = np.arange(len(times)) - int(found[0])
    said = at - reading.first
    right = (np.abs(beats[at] - times) < NEAR) & (said % count == own % count)
    if by_number:
        # Beats before the first downbeat are a pickup, whose bar has the number before.
        right &= said // count == own // count
    within = (beats >= times[0] - NEAR) & (beats <= times[-1] + NEAR)
    return float(right.sum() / max(len(times), int(within.sum())))
