"""Looks for the numbers of `music/beats_weights.py` on composed pieces: `python -m bench.fit_rhythm`.

Prints what it finds; whoever believes it copies it there. Seeds from FIT_SEED on serve this and nothing else; what
`bench rhythm` reports begins at REPORT_SEED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import mir_eval
import numpy as np
from numpy.typing import NDArray

from bench._rhythm_pieces import FIT_SEED, Composed, composed_pieces, without_metre
from music.audio import SAMPLE_RATE_HZ
from music.beats_confidence import figures
from music.beats_lattice import Lattice
from music.beats_metre import FIGURES, find_metre, hear
from music.beats_onsets import MARKS, Marker, onsets_of
from music.beats_tracking import mark_weight
from music.beats_weights import LATTICE, METRE, LatticeWeights
from music.note import Note

Array = NDArray[np.float64]
_NEAR = 0.07 * SAMPLE_RATE_HZ
_PLACES = np.array([0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4])
_SEARCHED: dict[str, Sequence[float]] = {
    "tempo_each": (0.3, 0.6, 1.0, 1.6),
    "tempo_spread": (0.25, 0.3, 0.4),
    "accent": (0.8, 1.1, 1.4, 2.0),
    "spread_s": (0.012, 0.016, 0.02),
    "stray_per_s": (0.04, 0.08, 0.2),
    "drift": (0.005, 0.008, 0.012, 0.02),
    "jump": (1e-5, 1e-4, 1e-3),
}


def main() -> None:
    """All fits, one after the other."""
    pieces = list(composed_pieces(FIT_SEED, 200))
    print("marks:", dict(zip((*MARKS, "constant"), fit_marks(pieces).round(3).tolist(), strict=True)))
    print("kinds:", fit_kinds(pieces))
    print("downbeats:", dict(zip((*FIGURES, "constant"), fit_downbeats(pieces).round(3).tolist(), strict=True)))
    print("confidence:", fit_confidence(composed_pieces(FIT_SEED + 4000, 150)).round(3).tolist())
    print("lattice:", search_lattice(list(composed_pieces(FIT_SEED + 500, 80))))


def logistic(figures: Array, right: Array, weights: Array, ridge: float = 1.0) -> Array:
    """Weights of figures and a constant, by Newton's method with a ridge."""
    rows = np.column_stack([figures, np.ones(len(figures))])
    found = np.zeros(rows.shape[1])
    for _ in range(30):
        sure = 1 / (1 + np.exp(-rows @ found))
        slope = rows.T @ (weights * (right - sure)) - ridge * found
        bend = (rows * (weights * sure * (1 - sure))[:, None]).T @ rows + ridge * np.eye(len(found))
        found += np.linalg.solve(bend, slope)
    return found


def fit_marks(pieces: Sequence[Composed]) -> Array:
    """What an onset's marks say for its being on a beat."""
    rows, right, weights = [], [], []
    for piece in pieces:
        marker, beats = Marker(), np.asarray(piece.performance.beats)
        onsets = onsets_of(piece.notes)
        for onset in onsets:
            rows.append(marker.mark(onset))
            right.append(float(np.abs(beats - onset.time).min() < 0.04 * SAMPLE_RATE_HZ))
            weights.append(1 / len(onsets))
    return logistic(np.array(rows), np.array(right), _even(weights))


def fit_kinds(pieces: Sequence[Composed], kinds: int = 6) -> list[tuple[float, list[float]]]:
    """Shares of kinds of subdivision and how often each place of a beat has an onset: a Bernoulli mixture, by EM."""
    seen = np.concatenate([_occupied(piece) for piece in pieces])
    random = np.random.default_rng(0)
    chance, share = random.uniform(0.2, 0.8, (kinds, len(_PLACES))), np.full(kinds, 1 / kinds)
    for _ in range(300):
        odds = np.log(share) + seen @ np.log(chance).T + (1 - seen) @ np.log(1 - chance).T
        part = np.exp(odds - odds.max(axis=1, keepdims=True))
        part /= part.sum(axis=1, keepdims=True)
        share = part.mean(axis=0)
        chance = np.clip((part.T @ seen + 0.5) / (part.sum(axis=0)[:, None] + 1), 0.01, 0.95)
    return [(round(float(s), 3), c.round(2).tolist()) for s, c in zip(share, chance, strict=True)]


def fit_downbeats(pieces: Sequence[Composed]) -> Array:
    """What sets a bar's first beat apart, beats being known. Where a piece begins is left out: it always was a bar."""
    rows, right, weights = [], [], []
    for piece in pieces:
        beats, downs = piece.truth
        if len(beats) < 6:
            continue
        found = hear(beats, onsets_of(piece.notes)).figures
        found[:, FIGURES.index("first")] = 0
        rows.append(found)
        right += [float(down) for down in downs]
        weights += [1 / len(beats)] * len(beats)
    return logistic(np.concatenate(rows), np.array(right), _even(weights))


def fit_confidence(pieces: Iterable[Composed]) -> Array:
    """What to believe of a beat: right is one within 70 ms of the truth whose place in the bar is right too."""
    rows: list[Array] = []
    right: list[float] = []
    for piece in pieces:
        beats, downs = (np.asarray(part) for part in piece.truth)

        def is_right(beat: int, is_down: bool, beats: Array = beats, downs: Array = downs) -> bool:
            nearest = int(np.abs(beats - beat).argmin())
            return bool(abs(beats[nearest] - beat) < _NEAR and downs[nearest] == is_down)

        _judge(piece.notes, piece.performance.duration, is_right, rows, right)
    for notes, duration in without_metre(FIT_SEED + 4500, 40):
        _judge(notes, duration, lambda _beat, _down: False, rows, right)
    return logistic(np.concatenate(rows), np.array(right), np.ones(len(right)))


def _judge(
    notes: Sequence[Note],
    duration: int,
    is_right: Callable[[int, bool], bool],
    rows: list[Array],
    right: list[float],
) -> None:
    onsets, marker = onsets_of(notes), Marker()
    marks = [marker.mark(onset) for onset in onsets]
    lattice = Lattice(onsets[0].time, LATTICE)
    for onset, mark in zip(onsets, marks, strict=True):
        lattice.advance(onset.time)
        lattice.add(onset.time, mark_weight(mark))
    lattice.advance(duration)
    beats = [lattice.time_of(frame) for frame in lattice.path()]
    if len(beats) < 4:
        return
    metre = find_metre(hear(beats, onsets, marks), METRE)
    rows.append(figures(beats, [onset.time for onset in onsets], metre.clarity))
    hits = [float(is_right(beat, bool(place == 0))) for beat, place in zip(beats, metre.positions, strict=True)]
    # A bar is right when its beats are: judged over the bars around, as the figures are.
    right += [float(np.mean(hits[max(0, at - 8) : at + 9]) > 0.8) for at in range(len(hits))]


def search_lattice(pieces: Sequence[Composed]) -> LatticeWeights:
    """The lattice's other numbers, one after the other, by the beats' F-measure."""
    best, score = LATTICE, beat_score(pieces, LATTICE)
    for name, values in _SEARCHED.items():
        for value in values:
            tried = replace(best, **{name: value})  # type: ignore[arg-type]  # the searched fields are numbers
            if (reached := beat_score(pieces, tried)) > score:
                best, score = tried, reached
        print(f"  {name}: {getattr(best, name)} ({score:.4f})", flush=True)
    return best


def beat_score(pieces: Sequence[Composed], weights: LatticeWeights) -> float:
    """Mean F-measure of the beats found in pieces."""
    scores = []
    for piece in pieces:
        onsets, marker = onsets_of(piece.notes), Marker()
        lattice = Lattice(onsets[0].time, weights)
        for onset in onsets:
            lattice.advance(onset.time)
            lattice.add(onset.time, float(np.dot(weights.marks[:-1], marker.mark(onset)) + weights.marks[-1]))
        lattice.advance(piece.performance.duration)
        truth = np.asarray(piece.truth[0])
        found = np.asarray([lattice.time_of(frame) for frame in lattice.path()])
        found = found[(found >= truth[0] - 2 * _NEAR) & (found <= truth[-1] + 2 * _NEAR)]
        scores.append(mir_eval.beat.f_measure(truth / SAMPLE_RATE_HZ, found / SAMPLE_RATE_HZ))
    return float(np.mean(scores))


def _occupied(piece: Composed) -> Array:
    """f64[beats, places]: which places of each beat have an onset."""
    beats = np.asarray(piece.truth[0])
    out = np.zeros((len(beats), len(_PLACES)))
    for onset in onsets_of(piece.notes):
        at = int(np.searchsorted(beats, onset.time, side="right")) - 1
        if not 0 <= at < len(beats) - 1:
            continue
        length = beats[at + 1] - beats[at]
        phase = (onset.time - beats[at]) / length
        at, phase = (at + 1, phase - 1) if phase > 0.92 else (at, phase)
        place = int(np.abs(_PLACES - phase).argmin())
        if abs(_PLACES[place] - phase) * length < 0.035 * SAMPLE_RATE_HZ:
            out[at, place] = 1
    return out


def _even(weights: Sequence[float]) -> Array:
    found = np.asarray(weights)
    return np.asarray(found / found.mean())


if __name__ == "__main__":
    main()
