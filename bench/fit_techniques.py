"""Learn how notes are played from rendered pieces. `python -m bench.fit_techniques`, some ten minutes on one core.

Fits on sounds of the TRAINING recipe and writes music/technique_*.jsonl; `python -m bench techniques` measures them on
sounds that had no part in it. No recording has a part in either.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from bench._boosting import BoostingSettings, fit_trees
from bench._models import load
from bench._technique_pieces import technique_pieces, truth_of
from inference.training.recipes import TRAINING
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.technique_figures import BEND_FIGURES, CURVE_FIGURES, JOINT_FIGURES

ROOT = Path(__file__).resolve().parents[1]
FIRST_SEED = 700_000
SETTINGS = BoostingSettings(trees=120, depth=3, least=4.0, penalty=4.0, share=0.7, rate=0.08)


def main() -> None:
    """Fit the tables and write them."""
    parser = argparse.ArgumentParser(description="Fits the judges of techniques.")
    parser.add_argument("--pieces", type=int, default=220)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.pieces)
    pieces = list(technique_pieces(load("guitar", threads=1), TRAINING, seeds, SoundLibrary(default_sounds_dir())))
    for kind, names in (("vibrato", CURVE_FIGURES), ("bend", BEND_FIGURES), ("slide", JOINT_FIGURES)):
        examples = [
            (figures, truth_of(piece, heard, kind))
            for piece in pieces
            for heard in piece.heard
            if (figures := {"vibrato": heard.curve, "bend": heard.bend, "slide": heard.joint}[kind]) is not None
        ]
        shown = np.array([figures for figures, _ in examples], np.float32)
        truth = np.array([is_true for _, is_true in examples], bool)
        trees = fit_trees(names, shown, truth, SETTINGS)
        path = ROOT / "music" / f"technique_{kind}.jsonl"
        path.write_text("\n".join(trees.to_lines()) + "\n", encoding="utf-8")
        sys.stderr.write(f"{path.name}: {len(truth)} examples, {int(truth.sum())} of them true\n")


if __name__ == "__main__":
    main()
