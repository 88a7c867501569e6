"""Fits what decides beats, metre and downbeats together: `python -m bench.fit_bars [--pieces N]`.

Writes `music/beats_bars.jsonl` and prints the weights of `beats_weights.JOINT_CONFIDENCE`. Songs (`bench/_songs.py`),
half as many pieces of the training composer, some cut out of longer ones, five and seven beats a bar, notes that follow
no beat and rubato; seeds from FIT_SEED on, which nothing reports on. A fifth of a second a piece.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._boosting import BoostingSettings, fit_choice
from bench._rhythm_pieces import FIT_SEED, Composed, composed_pieces, odd_pieces, song_pieces, without_metre
from bench.fit_rhythm import logistic
from music.audio import SAMPLE_RATE_HZ
from music.beats_bar_figures import FIGURES
from music.beats_confidence import figures
from music.beats_figures import Strokes, strokes_of
from music.beats_hypotheses import Beats, hypotheses
from music.beats_joint import Reading, judge, readings_of
from music.beats_onsets import Marker, Onset, lasting, onsets_of
from music.beats_tracking import mark_weight
from music.boosted_trees import BoostedTrees
from music.note import Note

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = BoostingSettings(trees=300, depth=4, rate=0.08, least=0.5, penalty=3.0, share=0.5)
_NEAR = 0.07 * SAMPLE_RATE_HZ
_RIGHT = 0.8
_HOPELESS, _DRAWN = 0.3, 0.12
_CUT = (14 * SAMPLE_RATE_HZ, 44 * SAMPLE_RATE_HZ)
_SEED = FIT_SEED + 1000
Truth = tuple[NDArray[np.int64], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Example:
    """A stretch: figures of its readings, f32[n, FIGURES], and how much of the truth each holds, f64[n]."""

    figures: NDArray[np.float32]
    right: NDArray[np.float64]


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.fit_bars")
    parser.add_argument("--pieces", type=int, default=700, help="songs; of the others in proportion")
    parser.add_argument("--judged", type=int, default=200, help="songs for the confidence")
    wish = parser.parse_args()
    trees = fit_readings(list(examples(_SEED, wish.pieces)))
    path = ROOT / "music" / "beats_bars.jsonl"
    path.write_text("\n".join(trees.to_lines()) + "\n", encoding="utf-8")
    sys.stderr.write(f"{path.name}: written\n")
    print("JOINT_CONFIDENCE:", fit_confidence(trees, _SEED + 7000, wish.judged).round(3).tolist())


def fit_readings(stretches: Sequence[Example]) -> BoostedTrees:
    """Trees that choose a reading; several that are nearly right share the truth."""
    right = np.concatenate([example.right for example in stretches])
    worth = np.concatenate([_worth(example.right) for example in stretches]).astype(np.float32)
    groups = np.concatenate([np.full(len(example.right), number) for number, example in enumerate(stretches)])
    found = np.concatenate([example.figures for example in stretches])
    # Of hundreds of readings that are plainly wrong a few stand for all.
    random = np.random.default_rng(SETTINGS.seed)
    stands_for = np.where(right > _HOPELESS, 1.0, 1 / _DRAWN).astype(np.float32)
    kept = (right > _HOPELESS) | (random.random(len(right)) < _DRAWN)
    groups = np.unique(groups[kept], return_inverse=True)[1]
    return fit_choice(FIGURES, found[kept], worth[kept], groups, SETTINGS, stands_for[kept])


def _worth(right: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.where(right > _RIGHT, np.exp(12 * (right - right.max())), 0.0)
    return np.asarray(weights / max(weights.sum(), 1e-9))


def examples(seed: int, count: int) -> Iterator[Example]:
    """Stretches of pieces of every kind."""
    for piece in whole_pieces(seed, count):
        rows, strokes = _heard(piece.notes, piece.performance.duration)
        yield _example(strokes, rows, _truth(piece), is_first=True)
    long = (song_pieces(seed + count, count // 6, 45.0), composed_pieces(seed + count, count // 12, 45.0))
    for piece in chain(*long):
        rows, strokes = _heard(piece.notes, piece.performance.duration)
        cropped = [row[(row >= _CUT[0]) & (row < _CUT[1])] for row in rows]
        beats, downs = _truth(piece)
        kept = (beats >= _CUT[0]) & (beats < _CUT[1])
        yield _example(strokes.between(*_CUT), cropped, (beats[kept], downs[kept]), is_first=False)
    for notes, duration in beatless(seed, count):
        rows, strokes = _heard(notes, duration)
        yield _example(strokes, rows, None, is_first=True)


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


def fit_confidence(trees: BoostedTrees, seed: int, count: int) -> NDArray[np.float64]:
    """Weights of `beats_confidence.figures` with a reading's log odds: whether four beats in five around are right."""
    rows: list[NDArray[np.float64]] = []
    right: list[float] = []
    pieces: Iterable[tuple[Sequence[Note], int, Truth | None]] = [
        *((p.notes, p.performance.duration, _truth(p)) for p in whole_pieces(seed, count)),
        *((notes, duration, None) for notes, duration in beatless(seed, 3 * count)),
    ]
    for notes, duration, truth in pieces:
        hypothetical, strokes = _heard(notes, duration)
        if not hypothetical:
            continue
        judged = judge(strokes, hypothetical, trees=trees)
        chance = np.clip(judged.chance, 1e-4, 1 - 1e-4)
        rows.append(figures(judged.beats.tolist(), strokes.times.tolist(), np.log(chance / (1 - chance))))
        hits = np.zeros(len(judged.beats))
        if truth is not None:
            nearest = np.abs(truth[0][None] - judged.beats[:, None]).argmin(axis=1)
            near = np.abs(truth[0][nearest] - judged.beats) < _NEAR
            hits = (near & (truth[1][nearest] == (judged.places == 0))).astype(np.float64)
        right += [float(np.mean(hits[max(0, at - 8) : at + 9]) > _RIGHT) for at in range(len(hits))]
    return logistic(np.concatenate(rows), np.array(right), np.ones(len(right)))


def _heard(notes: Sequence[Note], duration: int) -> tuple[list[Beats], Strokes]:
    onsets: list[Onset] = onsets_of(notes)
    marker = Marker()
    marks = [marker.mark(onset) for onset in onsets]
    rows = hypotheses(onsets, [mark_weight(mark) for mark in marks], duration)
    return rows, strokes_of(onsets, marks, lasting(notes, onsets))


def _truth(piece: Composed) -> Truth:
    beats, downs = piece.truth
    return np.asarray(beats, np.int64), np.asarray(downs, bool)


def _example(strokes: Strokes, rows: Sequence[Beats], truth: Truth | None, *, is_first: bool) -> Example:
    readings, found = readings_of(strokes, rows, is_first=is_first)
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
    right = (np.abs(beats[at] - times) < _NEAR) & (said % count == own % count)
    if by_number:
        # Beats before the first downbeat are a pickup, whose bar has the number before.
        right &= said // count == own // count
    within = (beats >= times[0] - _NEAR) & (beats <= times[-1] + _NEAR)
    return float(right.sum() / max(len(times), int(within.sum())))


if __name__ == "__main__":
    main()
