"""Learn which onset peaks are notes, from rendered pieces. `python -m bench.fit_tracker`, twenty minutes of a core.

Fits on pieces of the TRAINING recipe and on noises, and writes music/tracker_early.jsonl and music/tracker_late.jsonl.
Half of the pieces are the recipe's, the others play under a louder band. The early table is fitted first, for its
opinions are among the figures of the late one. No piece of the VALIDATION recipe and no recording has a part in it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._boosting import BoostingSettings, fit_trees
from bench._pieces import Ear, Heard, heard_noises, heard_pieces
from inference.training.recipes import TRAINING
from inference.training.score import GuitarNote
from music.activations import BINS_PER_SEMITONE, LOWEST_PITCH
from music.boosted_trees import BoostedTrees
from music.onset_evidence import FRAMES_BEFORE, evidence, peaks
from music.onset_judging import FIRST_AHEAD
from music.onset_memory import FRAMES_PAST, TOGETHER_AFTER, exact, stir, surroundings
from music.tree_judge import DECISION_FRAMES, LEAST_EARLY

ROOT = Path(__file__).resolve().parents[1]
FIT_SEEDS, FIT_LOUD_SEEDS, FIT_BAND_SEEDS = range(1000, 1400), range(3000, 3400), range(1900, 1980)
LOUD_BAND_DB = (-6.0, 8.0)
NOISES = 40
EARLY = BoostingSettings(trees=80, depth=3)
LATE = BoostingSettings(trees=160, depth=4)
_TOLERANCE = 1080
"""Samples: a little less than mir_eval's 50 ms."""


@dataclass(frozen=True, slots=True)
class Example:
    """The peaks of a piece within the instrument's range.

    Attributes:
        onset, frame, centre: [t, 88], the activations and the contour at the pitches' centres; the latter two in half
            precision, for a thousand pieces are held.
        rows, columns: i[n], of the peaks.
        truth: bool[n], whether they are notes.
    """

    onset: NDArray[np.float32]
    frame: NDArray[np.float16]
    centre: NDArray[np.float16]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    truth: NDArray[np.bool_]

    def evidence(self, ahead: int) -> tuple[list[str], NDArray[np.float32]]:
        """See `music.onset_evidence`."""
        margin = ((FRAMES_BEFORE, ahead), (0, 0))
        maps = [np.pad(held.astype(np.float32), margin) for held in (self.onset, self.frame, self.centre)]
        return evidence(maps[0], maps[1], maps[2], self.rows + FRAMES_BEFORE, self.columns, ahead)


def main() -> None:
    """Fit both tables and write them."""
    early, late = fit(examples(_pieces()))
    for name, trees in {"early": early, "late": late}.items():
        path = ROOT / "music" / f"tracker_{name}.jsonl"
        path.write_text("\n".join(trees.to_lines()) + "\n", encoding="utf-8")


def examples(pieces: Iterable[Heard]) -> Iterator[Example]:
    """Of each piece that has peaks; the piece itself is not kept."""
    for piece in pieces:
        maps = piece.activations
        assert maps.contour is not None
        rows, columns = np.nonzero(peaks(np.pad(maps.onset, ((1, 1), (0, 0)))))
        low, high = piece.instrument.lowest_pitch - LOWEST_PITCH, piece.instrument.highest_pitch - LOWEST_PITCH
        inside = (columns >= low) & (columns <= high)
        rows, columns = rows[inside], columns[inside]
        if len(rows):
            truth = truth_of(maps.onset[rows, columns], rows, columns, piece.notes, piece.hop)
            centre = maps.contour[:, 1::BINS_PER_SEMITONE]
            halved = maps.frame.astype(np.float16), centre.astype(np.float16)
            yield Example(maps.onset.copy(), *halved, rows, columns, truth)


def truth_of(
    strength: NDArray[np.float32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    notes: Iterable[GuitarNote],
    hop: int,
) -> NDArray[np.bool_]:
    """Each true note's peak: the highest near it, the nearer of two alike, each peak used once."""
    truth = np.zeros(len(rows), bool)
    for note in notes:
        away = np.abs(rows * hop - note.onset)
        near = np.flatnonzero((columns == note.pitch - LOWEST_PITCH) & (away <= _TOLERANCE) & ~truth)
        if len(near):
            truth[near[np.argmax(strength[near] - away[near] / 6000)]] = True
    return truth


def fit(
    pieces: Iterable[Example], early: BoostingSettings = EARLY, late: BoostingSettings = LATE
) -> list[BoostedTrees]:
    """The early and the late table."""
    held = list(pieces)
    seen = [piece.evidence(FIRST_AHEAD) for piece in held]
    names = seen[0][0]
    truth = np.concatenate([piece.truth for piece in held])
    sys.stderr.write(f"early: {len(truth)} peaks, {int(truth.sum())} of them notes\n")
    first = fit_trees(names, np.concatenate([figures for _, figures in seen]), truth, early)
    likely = [exact(first.probability(figures)) for _, figures in seen]
    del seen
    heard = [(piece, opinions) for piece, opinions in zip(held, likely, strict=True) if opinions.max() >= LEAST_EARLY]
    judged = [late_figures(piece, opinions) for piece, opinions in heard]
    truth = np.concatenate([truth for _, _, truth in judged])
    sys.stderr.write(f"late: {len(truth)} peaks, {int(truth.sum())} of them notes\n")
    second = fit_trees(judged[0][0], np.concatenate([figures for _, figures, _ in judged]), truth, late)
    return [first, second]


def late_figures(
    piece: Example, likely: NDArray[np.float32]
) -> tuple[list[str], NDArray[np.float32], NDArray[np.bool_]]:
    """Of the peaks that are judged again: figures, and whether they are notes; `likely` f32[n] are early opinions."""
    early = np.zeros_like(piece.onset)
    early[piece.rows, piece.columns] = likely
    margin = ((FRAMES_PAST, TOGETHER_AFTER), (0, 0))
    stirs = np.pad(stir(piece.onset, piece.frame.astype(np.float32)), margin)
    chosen = likely >= LEAST_EARLY
    left = replace(piece, rows=piece.rows[chosen], columns=piece.columns[chosen], truth=piece.truth[chosen])
    near_names, near = left.evidence(DECISION_FRAMES)
    wide_names, wide = surroundings(np.pad(early, margin), stirs, left.rows + FRAMES_PAST, left.columns)
    return near_names + wide_names, np.hstack([near, wide]), left.truth


def _pieces() -> Iterator[Heard]:
    yield from heard_pieces(TRAINING, FIT_SEEDS)
    ear, guitars = Ear(), replace(TRAINING, band_only_share=0.0)
    for number, seed in enumerate(FIT_LOUD_SEEDS):
        level_db = float(np.random.default_rng([77, number]).uniform(*LOUD_BAND_DB))
        yield ear.hear(guitars, seed, band_db=level_db)
    yield from heard_pieces(TRAINING, FIT_BAND_SEEDS, band_only=True)
    yield from heard_noises(NOISES)


if __name__ == "__main__":
    main()
