"""Learn which of the guitar network's onsets are notes, from rendered pieces. `python -m bench.fit_onsets`.

Fits on pieces of the TRAINING recipe (with guitars of its own, performances through driven amplifiers, bands alone and
noises) and writes music/onsets_guitar.jsonl. `--report` writes nothing: it fits without some of the pieces and figures,
and prints what that does to VALIDATION pieces, and to guitars of another kind than those fitted on. Hearing the pieces
takes half an hour, once.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._boosting import BoostingSettings, fit_trees
from bench._heard_onsets import HeardOnsets, heard_onsets
from bench._onset_pieces import ALONE, BAND, BAND_ONLY, DIRECT, DRIVEN, NOISE, orders_to_fit_on, orders_to_report_on
from bench._report import print_json, print_table
from inference.training.amplifiers import amp_chains
from inference.training.sounds import MODAL, default_sounds_dir
from music.boosted_trees import BoostedTrees
from music.weighed_judge import GUITAR_TREES, weighed

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = BoostingSettings(trees=300, depth=5, rate=0.08, least=20.0)
REPORT_SETTINGS = BoostingSettings(trees=160, depth=4)
"""For the tables, which are about the parts: a third of the time."""
THRESHOLDS = (0.4, 0.5)
TRUSTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SPACING, _NEAR = 4, 4
"""Frames: the tracker's, and within which an onset is the same one."""
_FRAMES_IN_25_S = 25 * 22_050 / 256

Likely = Sequence[NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Part:
    """A fit without something: the kinds of pieces, or the figures by a part of their name."""

    kinds: tuple[str, ...] = ()
    banded: bool = True
    figures: tuple[str, ...] = ()


PARTS = {
    "everything": Part(),
    "no driven performances": Part(kinds=(DRIVEN,)),
    "no bands": Part(kinds=(BAND_ONLY,), banded=False),
    "no noises": Part(kinds=(NOISE,)),
    "no figures of the last seconds": Part(figures=("lately",)),
    "no figures of other pitches": Part(figures=(" st", "fundamental")),
}


def main() -> None:
    """Fit, and write the table or print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.fit_onsets", description=__doc__)
    parser.add_argument("--report", action="store_true", help="print what each part of the fit buys, write nothing")
    parser.add_argument("--heard", type=Path, default=default_sounds_dir() / "heard_onsets", help="where to keep it")
    wish = parser.parse_args()
    pieces = list(heard_onsets(orders_to_fit_on(), wish.heard))
    if wish.report:
        report(pieces, list(heard_onsets(orders_to_report_on(), wish.heard)))
        return
    trees, _ = fitted(pieces, Part(), SETTINGS)
    path = ROOT / "music" / f"{GUITAR_TREES}.jsonl"
    path.write_text("\n".join(trees.to_lines()) + "\n", encoding="utf-8")
    onsets, notes = sum(len(piece.truth) for piece in pieces), sum(int(piece.truth.sum()) for piece in pieces)
    print(f"{path.name}: {onsets} onsets of {len(pieces)} pieces, {notes} of them notes")


def fitted(
    pieces: Sequence[HeardOnsets], without: Part, settings: BoostingSettings = REPORT_SETTINGS
) -> tuple[BoostedTrees, list[int]]:
    """The trees, and the columns of the figures that they read."""
    used = [p for p in pieces if p.kind not in without.kinds and (without.banded or not p.banded)]
    names = pieces[0].names
    columns = [i for i, name in enumerate(names) if not any(part in name for part in without.figures)]
    figures = np.concatenate([piece.figures[:, columns] for piece in used])
    truth = np.concatenate([piece.truth for piece in used])
    return fit_trees([names[i] for i in columns], figures, truth, settings), columns


def report(pieces: Sequence[HeardOnsets], judged: Sequence[HeardOnsets]) -> None:
    """Tables: F1 of onsets by kind of piece, agreement through amplifiers, and how far the probability is believed."""
    likely: dict[str, Likely] = {"as the network says": [piece.said for piece in judged]}
    for name, part in PARTS.items():
        trees, columns = fitted(pieces, part)
        likely[name] = [weighed(trees.odds(piece.figures[:, columns]), piece.said) for piece in judged]
    rows: list[list[object]] = []
    facts = {}
    for name, probabilities in likely.items():
        for least in THRESHOLDS:
            figures = scores(judged, probabilities, least)
            rows.append([name, least, *figures.values()])
            facts[f"{name}, {least}"] = figures
    print_table(["fit", "least", *scores(judged, likely["everything"], 0.5)], rows)
    edges = (0.08, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)
    truth = np.concatenate([piece.truth for piece in judged])
    tables = [np.concatenate(likely[name]) for name in ("as the network says", "everything")]
    rows = []
    for low, high in pairwise(edges):
        row: list[object] = [f"{low:.2f} - {min(high, 1):.2f}"]
        for told in tables:
            inside = (told >= low) & (told < high)
            row += [int(inside.sum()), float(told[inside].mean()), float(truth[inside].mean())]
        rows.append(row)
    print_table(["told", "onsets", "mean said", "true", "onsets", "mean weighed", "true"], rows)
    print_json("onsets", scores=facts, elsewhere=report_elsewhere(pieces))


def report_elsewhere(pieces: Sequence[HeardOnsets]) -> dict[str, dict[str, float]]:
    """F1 on recorded guitars of trees fitted on modal ones, and the other way round, by how much they are trusted."""
    played = [piece for piece in pieces if piece.played]
    modal = [piece for piece in played if piece.sound.startswith(MODAL)]
    recorded = [piece for piece in played if not piece.sound.startswith(MODAL)]
    facts: dict[str, dict[str, float]] = {}
    for name, known, other in (("recorded", modal, recorded), ("modal", recorded, modal)):
        trees, _ = fitted([*known, *(piece for piece in pieces if not piece.played)], Part())
        odds = [trees.odds(piece.figures) for piece in other]
        facts[name] = {
            f"{trust:.2f}": float(
                np.mean(
                    [
                        _f1(other, [weighed(o, p.said, trust) >= least for o, p in zip(odds, other, strict=True)])
                        for least in THRESHOLDS
                    ]
                )
            )
            for trust in TRUSTS
        }
    print("\nF1 on guitars of a kind that had no part in the fit, by how much the trees are trusted")
    print_table(["heard", *facts["modal"]], [[name, *row.values()] for name, row in facts.items()])
    return facts


def scores(pieces: Sequence[HeardOnsets], likely: Likely, least: float) -> dict[str, float]:
    """F1 of the onsets that are at least so likely, by kind of piece; false ones of bands; agreement by chain."""
    taken = [_taken(piece, told >= least) for piece, told in zip(pieces, likely, strict=True)]
    found: dict[str, float] = {}
    for kind in (ALONE, BAND, DIRECT):
        own = [(p, told >= least) for p, told in zip(pieces, likely, strict=True) if p.kind == kind]
        found[kind] = _f1([p for p, _ in own], [told for _, told in own])
    alone = [(p, t) for p, t in zip(pieces, taken, strict=True) if p.kind == BAND_ONLY]
    frames = sum(p.duration for p, _ in alone)
    found["false in 25 s of band"] = sum(int(t.sum()) for _, t in alone) / max(1, frames) * _FRAMES_IN_25_S
    direct = {p.number: (p, t) for p, t in zip(pieces, taken, strict=True) if p.kind == DIRECT}
    chains = [name for name in amp_chains() if name != DIRECT]
    for chain in chains:
        agreed = [_agreement(direct[p.number], (p, t)) for p, t in zip(pieces, taken, strict=True) if p.kind == chain]
        found[chain] = float(np.mean(agreed)) if agreed else 0.0
    found["amplifiers"] = float(np.mean([found[chain] for chain in chains]))
    return found


def _f1(pieces: Sequence[HeardOnsets], likely: Sequence[NDArray[np.bool_]]) -> float:
    taken = [_taken(piece, one) for piece, one in zip(pieces, likely, strict=True)]
    right = sum(int(p.truth[t].sum()) for p, t in zip(pieces, taken, strict=True))
    return 2 * right / max(1, sum(int(t.sum()) + p.played for p, t in zip(pieces, taken, strict=True)))


def _taken(piece: HeardOnsets, likely: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of the likely ones, those that are no echo."""
    taken = np.zeros(len(likely), bool)
    last: dict[int, int] = {}
    for index in np.flatnonzero(likely).tolist():
        row, column = int(piece.rows[index]), int(piece.columns[index])
        if row - last.get(column, -_SPACING - 1) > _SPACING:
            taken[index], last[column] = True, row
    return taken


def _agreement(one: tuple[HeardOnsets, NDArray[np.bool_]], other: tuple[HeardOnsets, NDArray[np.bool_]]) -> float:
    """F1 of one's onsets against the other's."""
    (first, first_taken), (second, second_taken) = one, other
    rows, columns = second.rows[second_taken], second.columns[second_taken]
    free = np.ones(len(rows), bool)
    for row, column in zip(first.rows[first_taken], first.columns[first_taken], strict=True):
        near = np.flatnonzero((columns == column) & (np.abs(rows - row) <= _NEAR) & free)
        if len(near):
            free[near[np.argmin(np.abs(rows[near] - row))]] = False
    return float(2 * (~free).sum() / max(1, int(first_taken.sum()) + len(rows)))


if __name__ == "__main__":
    main()
