"""Fits what decides beats, metre and downbeats together: `python -m bench.fit_bars [--pieces N]`.

Writes `music/beats_bars.jsonl` for whole pieces and `music/beats_live.jsonl` for music that goes on, and prints the
weights of `beats_weights.JOINT_CONFIDENCE` and `LIVE_CONFIDENCE`. Both ask the network that `bench.fit_beats_network`
fitted on other pieces, so that comes first. Songs (`bench/_songs.py`), half as many pieces of the training composer,
some cut out of longer ones, five and seven beats a bar, notes that follow no beat and rubato; seeds from FIT_SEED on,
which nothing reports on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import _live_bar_examples as live_bars
from bench._bar_examples import NEAR, RIGHT, Truth, all_heard, beatless, examples, fit_shares, truth_of, whole_pieces
from bench._boosting import BoostingSettings
from bench._rhythm_pieces import FIT_SEED
from bench.fit_rhythm import logistic
from music.beats_confidence import figures
from music.beats_joint import FIGURES, judge
from music.boosted_trees import BoostedTrees
from music.note import Note

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = BoostingSettings(trees=300, depth=4, rate=0.08, least=0.5, penalty=3.0, share=0.5)
_SEED, _LIVE_SEED = FIT_SEED + 1000, FIT_SEED + 5000


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.fit_bars")
    parser.add_argument("--pieces", type=int, default=700, help="songs; of the others in proportion")
    parser.add_argument("--judged", type=int, default=200, help="songs for the confidence")
    wish = parser.parse_args()
    live = live_bars.fit(list(live_bars.examples(whole_pieces(_LIVE_SEED, wish.pieces // 2))))
    _write("beats_live", live)
    judged = live_bars.windows(whole_pieces(_LIVE_SEED + 7000, wish.judged // 2))
    print("LIVE_CONFIDENCE:", live_bars.fit_confidence(live, judged).round(3).tolist(), flush=True)
    trees = fit_shares(FIGURES, list(examples(_SEED, wish.pieces)), SETTINGS)
    _write("beats_bars", trees)
    print("JOINT_CONFIDENCE:", fit_confidence(trees, _SEED + 7000, wish.judged).round(3).tolist())


def _write(name: str, trees: BoostedTrees) -> None:
    path = ROOT / "music" / f"{name}.jsonl"
    path.write_text("\n".join(trees.to_lines()) + "\n", encoding="utf-8")
    sys.stderr.write(f"{path.name}: written\n")


def fit_confidence(trees: BoostedTrees, seed: int, count: int) -> NDArray[np.float64]:
    """Weights of `beats_confidence.figures` with a reading's log odds: whether four beats in five around are right."""
    rows: list[NDArray[np.float64]] = []
    right: list[float] = []
    pieces: Iterable[tuple[Sequence[Note], int, Truth | None]] = [
        *((p.notes, p.performance.duration, truth_of(p)) for p in whole_pieces(seed, count)),
        *((notes, duration, None) for notes, duration in beatless(seed, 3 * count)),
    ]
    for notes, duration, truth in pieces:
        hypothetical, strokes, evidence = all_heard(notes, duration)
        if not hypothetical:
            continue
        judged = judge(strokes, evidence, hypothetical, trees=trees)
        chance = np.clip(judged.chance, 1e-4, 1 - 1e-4)
        rows.append(figures(judged.beats.tolist(), strokes.times.tolist(), np.log(chance / (1 - chance))))
        hits = np.zeros(len(judged.beats))
        if truth is not None:
            nearest = np.abs(truth[0][None] - judged.beats[:, None]).argmin(axis=1)
            near = np.abs(truth[0][nearest] - judged.beats) < NEAR
            hits = (near & (truth[1][nearest] == (judged.places == 0))).astype(np.float64)
        right += [float(np.mean(hits[max(0, at - 8) : at + 9]) > RIGHT) for at in range(len(hits))]
    return logistic(np.concatenate(rows), np.array(right), np.ones(len(right)))


if __name__ == "__main__":
    main()
