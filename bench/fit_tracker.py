"""Learn which onset peaks are notes, from rendered pieces. `python -m bench.fit_tracker`, some forty minutes.

Fits on pieces of the TRAINING recipe and on noises, and writes music/tracker_early.jsonl and music/tracker_late.jsonl.
The thresholds of `TrackingRules` are chosen with `bench.tracker_report` on other pieces of that recipe. No piece of the
VALIDATION recipe and no recording has a part in it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._boosting import BoostingSettings, fit_trees
from bench._pieces import Heard, heard_noises, heard_pieces
from inference.training.recipes import TRAINING
from music.activations import BINS_PER_SEMITONE, LOWEST_PITCH
from music.onset_evidence import FRAMES_BEFORE, evidence, peaks

ROOT = Path(__file__).resolve().parents[1]
FIT_SEEDS, FIT_BAND_SEEDS = range(1000, 1900), range(1900, 1990)
NOISES = 40
AHEAD = {"early": 1, "late": 6}
SETTINGS = {"early": BoostingSettings(trees=80, depth=3), "late": BoostingSettings(trees=160, depth=4)}
_TOLERANCE = 1080
"""Samples: a little less than mir_eval's 50 ms."""


def main() -> None:
    """Fit both tables and write them."""
    pieces = [*heard_pieces(TRAINING, FIT_SEEDS), *heard_pieces(TRAINING, FIT_BAND_SEEDS, band_only=True)]
    fit([*pieces, *heard_noises(NOISES)])


def fit(pieces: Iterable[Heard]) -> None:
    """Fit on `pieces` and write the tables."""
    held = list(pieces)
    for name, ahead in AHEAD.items():
        examples = [example for piece in held for example in _examples(piece, ahead)]
        figures = np.concatenate([figures for _, figures, _ in examples])
        truth = np.concatenate([truth for _, _, truth in examples])
        trees = fit_trees(examples[0][0], figures, truth, SETTINGS[name])
        path = ROOT / "music" / f"tracker_{name}.jsonl"
        path.write_text("\n".join(trees.to_lines()) + "\n", encoding="utf-8")
        sys.stderr.write(f"{path.name}: {len(truth)} peaks, {int(truth.sum())} of them notes\n")


def _examples(piece: Heard, ahead: int) -> Iterator[tuple[list[str], NDArray[np.float32], NDArray[np.bool_]]]:
    """Figures about all peaks of a piece within the instrument's range, and which of them are notes."""
    maps = piece.activations
    margin = ((FRAMES_BEFORE, ahead), (0, 0))
    assert maps.contour is not None
    onset, frame = np.pad(maps.onset, margin), np.pad(maps.frame, margin)
    centre = np.pad(maps.contour[:, 1::BINS_PER_SEMITONE], margin)
    rows, columns = np.nonzero(peaks(np.pad(maps.onset, ((1, 1), (0, 0)))))
    low, high = piece.instrument.lowest_pitch - LOWEST_PITCH, piece.instrument.highest_pitch - LOWEST_PITCH
    inside = (columns >= low) & (columns <= high)
    rows, columns = rows[inside], columns[inside]
    if len(rows):
        names, figures = evidence(onset, frame, centre, rows + FRAMES_BEFORE, columns, ahead)
        yield names, figures, _truth(piece, rows, columns)


def _truth(piece: Heard, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Each true note's peak: the highest near it, the nearer of two alike, each peak used once."""
    truth = np.zeros(len(rows), bool)
    strength = piece.activations.onset[rows, columns]
    for note in piece.notes:
        away = np.abs(rows * piece.hop - note.onset)
        near = np.flatnonzero((columns == note.pitch - LOWEST_PITCH) & (away <= _TOLERANCE) & ~truth)
        if len(near):
            truth[near[np.argmax(strength[near] - away[near] / 6000)]] = True
    return truth


if __name__ == "__main__":
    main()
