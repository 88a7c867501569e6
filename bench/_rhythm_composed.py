"""Bars straight from notes: more pieces than there is time to render, written and hard music, and what is believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from bench._report import print_table
from bench._rhythm_failures import FAILURES, first_failure
from bench._rhythm_hard import hard_pieces
from bench._rhythm_pieces import REPORT_SEED, Composed, composed_pieces, song_pieces
from bench._rhythm_scores import written_pieces
from bench._rhythm_scoring import (
    bars_right,
    beat_f1,
    beats_s,
    chord_overlap,
    chords_of,
    downbeats_of,
    downbeats_s,
    key_of,
    key_score,
    metre_of,
    places_right,
    template_chords,
    template_key,
)
from music.audio import SAMPLE_RATE_HZ
from music.rhythm_document import final_music, main_key

PIECES, ROUNDS = 100, 4
_LEVELS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
Said = list[tuple[float, bool]]


def print_composed() -> dict[str, dict[str, float]]:
    """Notes as a transcription might hear them, missing, false and late at random."""
    sets: dict[str, Iterable[Composed]] = {
        "songs": song_pieces(REPORT_SEED + 1000, PIECES, spare=True),
        "composer's": composed_pieces(REPORT_SEED + 1000, PIECES),
        "written": (piece for number in range(2) for piece in written_pieces(REPORT_SEED + 2000 + 100 * number)),
    }
    facts: dict[str, dict[str, float]] = {}
    for name, pieces in sets.items():
        said: Said = []
        facts[name] = _judged(name, pieces, said) | print_honesty(name, said)
    return facts


def _judged(name: str, pieces: Iterable[Composed], said: Said) -> dict[str, float]:
    rows: dict[str, list[float]] = {}
    failures: list[str] = []
    for piece in pieces:
        duration = piece.performance.duration
        music = final_music(piece.notes, duration)
        beats, _ = (np.asarray(part) for part in piece.truth)
        bar, onset = places_right(piece, piece.notes, music.bars)
        failures.append(first_failure(piece, music.bars, (bar, onset)))
        said += bars_right(downbeats_of(piece), music.bars)
        row = {
            "beats": beat_f1(beats / SAMPLE_RATE_HZ, beats_s(music.bars)),
            "downbeats": beat_f1(downbeats_of(piece), downbeats_s(music.bars)),
            "metre right": float(metre_of(music) == piece.performance.beats_per_bar),
            "right bar": bar,
            "right onset": onset,
        }
        truth, key = chords_of(piece), key_of(piece)
        if truth and piece.name != "lines":
            row["chords"] = chord_overlap(truth, music.chords)
            row["chords, template"] = chord_overlap(truth, template_chords(piece.notes, duration))
            if key:
                row["key"] = key_score(key, main_key(music.keys))
                row["key, template"] = key_score(key, template_key(piece.notes))
        for figure, value in row.items():
            rows.setdefault(figure, []).append(value)
    print(f"\n{name}: {len(failures)} pieces, not rendered")
    means = {figure: float(np.nanmean(values)) for figure, values in rows.items()}
    print_table(["", "mean", "pieces"], [[figure, means[figure], len(values)] for figure, values in rows.items()])
    print_failures(failures)
    return means


def print_failures(found: Sequence[str]) -> None:
    print(f"where bars go wrong first, {len(found)} pieces")
    print_table(["", "pieces"], [[name, found.count(name)] for name in FAILURES if name in found])


def print_honesty(name: str, said: Said) -> dict[str, float]:
    """How many bars are right of those that are said with so much confidence."""
    print(f"how sure bars are and how many of them are right, {name}")
    table: list[list[object]] = []
    facts: dict[str, float] = {}
    for low, high in pairwise(_LEVELS):
        right = [is_right for sure, is_right in said if low <= sure < high or sure == high == 1.0]
        share = float(np.mean(right)) if right else float("nan")
        table.append([f"{low} to {high}", len(right), share])
        facts |= {f"said {low} to {high}": float(len(right)), f"right of {low} to {high}": share}
    print_table(["confidence", "bars", "right"], table)
    return facts


def print_hard() -> dict[str, dict[str, float]]:
    """Each kind of hard music some times over: what is said of its bars, and whether it is believed."""
    print(f"\nhard: composed, straight from the notes, means of {ROUNDS} each")
    rows: dict[str, list[tuple[float, Said, set[str]]]] = {}
    for number in range(ROUNDS):
        for name, notes, duration, truth, count in hard_pieces(REPORT_SEED + 20 * number):
            music = final_music(notes, duration)
            f1 = beat_f1(truth, beats_s(music.bars)) if len(truth) else float("nan")
            # Where a piece has a hole its true bars are not asked for after it.
            downs = truth[::count] if count else truth
            said = bars_right(downs, music.bars)
            rows.setdefault(name, []).append((f1, said, {str(bar.signature) for bar in music.bars}))
    facts: dict[str, dict[str, float]] = {}
    table: list[list[object]] = []
    for name, found in rows.items():
        said = [pair for _, pairs, _ in found for pair in pairs]
        firm = [right for sure, right in said if sure >= _LEVELS[-2]]
        facts[name] = {
            "f1": float(np.mean([f1 for f1, _, _ in found])),
            "confidence": float(np.mean([sure for sure, _ in said])) if said else 0.0,
            "right": float(np.mean([right for _, right in said])) if said else float("nan"),
            "bars": float(len(said)),
            "said .9": float(len(firm)),
            "wrong of those": float(len(firm) - sum(firm)),
        }
        metres = " ".join(sorted(set().union(*(own for _, _, own in found))))
        table.append([name, *facts[name].values(), metres])
    print_table(["", "beat F1", "confidence", "bars right", "bars", "said .9", "wrong of those", "metres said"], table)
    return facts
