"""How right the tracker is on rendered pieces, stock note creation on the same activations beside it.

`python -m bench.tracker_report validation` (or `selection`, the training pieces that the thresholds were chosen on).
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from bench._peers import peers_bin
from bench._pieces import Ear, Heard, heard_pieces
from bench._report import print_json, print_table
from bench._scoring import PlainNote, Scores, score
from inference.training.amplifiers import amp_chains
from inference.training.effects import Effects
from inference.training.recipes import TRAINING, VALIDATION, Recipe
from music.audio import seconds
from music.note_tracking import NoteTracker, Track, TrackState

SETS: dict[str, tuple[Recipe, range, range, range]] = {
    "validation": (
        VALIDATION,
        range(1_000_000, 1_000_040),
        range(1_000_200, 1_000_210),
        range(1_000_300, 1_000_308),
    ),
    "selection": (TRAINING, range(120), range(200, 216), range(300, 305)),
}
"""Recipe, and the seeds of pieces, of bands alone and of performances through amplifiers."""
STOCK = {"stock 0.50/0.30": (0.5, 0.3, 0, 127), "stock 0.70/0.35, 40-88": (0.7, 0.35, 40, 88)}
OURS = "ours"
BAND_SECONDS = 25
_STOCK_SCRIPT = """
import json, pickle, sys
from basic_pitch.note_creation import output_to_notes_polyphonic
jobs = pickle.load(open(sys.argv[1], "rb"))
notes = [output_to_notes_polyphonic(f, o, a, b, 11, True, None, None) for f, o, a, b in jobs]
json.dump([[(int(n[0]), int(n[1]), int(n[2])) for n in piece] for piece in notes], open(sys.argv[2], "w"))
"""
Notes = dict[str, list[list[PlainNote]]]


def main() -> None:
    """Print tables and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench.tracker_report", description=__doc__)
    parser.add_argument("set", choices=list(SETS))
    name: str = parser.parse_args().set
    recipe, seeds, band_seeds, amp_seeds = SETS[name]
    report(name, [*heard_pieces(recipe, seeds), *heard_pieces(recipe, band_seeds, band_only=True)])
    report_amplifiers(recipe, amp_seeds)


def report(name: str, pieces: Sequence[Heard]) -> None:
    """Tables by style and sound, false notes of bands alone, and how far a confidence can be believed."""
    tracks = [followed(piece) for piece in pieces]
    notes = {**stock(pieces), OURS: [_plain(found, piece) for found, piece in zip(tracks, pieces, strict=True)]}
    scores: dict[str, list[Scores | None]] = {
        who: [score(_truth(p), found) if p.notes else None for p, found in zip(pieces, results, strict=True)]
        for who, results in notes.items()
    }
    rows = [_row("all", scores, [True] * len(pieces))]
    for of in _groupings():
        for group in sorted({of(p) for p in pieces if p.notes}):
            rows += [_row(group, scores, [of(p) == group for p in pieces])]
    print_table([name, "pieces", *(f"{who} {what}" for who in scores for what in ("P", "R", "F1"))], rows)
    alone = [index for index, piece in enumerate(pieces) if not piece.notes]
    length_s = sum(seconds(pieces[i].duration) for i in alone)
    false = {w: sum(len(found[i]) for i in alone) / length_s * BAND_SECONDS for w, found in notes.items()}
    print(f"false notes in {BAND_SECONDS} s of a band alone ({len(alone)} pieces):", json.dumps(false))
    _print_reliability(pieces, tracks)
    print_json("tracker", set=name, f1={who: _mean(s, "f1") for who, s in scores.items()}, false_notes=false)


def report_amplifiers(recipe: Recipe, seeds: Sequence[int]) -> None:
    """Agreement (F1) of one performance's notes through each amplifier with those of its direct signal."""
    ear, plain = Ear(), replace(recipe, band_only_share=0.0)
    agreed: dict[str, list[float]] = {}
    for seed in seeds:
        heard = {
            name: ear.hear(plain, seed, Effects(amplifier=amplifier), float("-inf"))
            for name, amplifier in {"dry": None, **amp_chains()}.items()
        }
        direct = _plain(followed(heard["dry"]), heard["dry"])
        for name, piece in heard.items():
            agreed.setdefault(name, []).append(score(direct, _plain(followed(piece), piece)).f1)
    means = {name: float(np.mean(values)) for name, values in agreed.items() if name != "dry"}
    print(f"agreement through amplifiers with the direct signal ({len(seeds)} performances):", json.dumps(means))


def followed(piece: Heard) -> list[Track]:
    """The notes that the tracker confirms and ends."""
    tracker = NoteTracker(piece.instrument.lowest_pitch, piece.instrument.highest_pitch)
    steps = chain(tracker.advance(piece.activations), tracker.finish())
    return [track for step in steps for track in step.changed if track.state is TrackState.ENDED]


def stock(pieces: Sequence[Heard]) -> Notes:
    """Stock note creation at each of its settings; the peers are installed when they are not there yet."""
    found: Notes = {}
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked", Path(folder) / "answered"
        for who, (onset, frame, low, high) in STOCK.items():
            jobs = [(p.activations.frame.copy(), p.activations.onset.copy(), onset, frame) for p in pieces]
            asked.write_bytes(pickle.dumps(jobs))
            command = [str(peers_bin() / "python"), "-c", _STOCK_SCRIPT, str(asked), str(answered)]
            subprocess.run(command, check=True, capture_output=True)
            found[who] = [
                [
                    PlainNote(seconds(b * p.hop), seconds(e * p.hop), pitch)
                    for b, e, pitch in notes
                    if low <= pitch <= high
                ]
                for p, notes in zip(pieces, json.loads(answered.read_text(encoding="utf-8")), strict=True)
            ]
    return found


def _plain(tracks: Sequence[Track], piece: Heard) -> list[PlainNote]:
    return [
        PlainNote(seconds(t.onset * piece.hop), seconds(round((t.end or t.onset) * piece.hop)), t.pitch) for t in tracks
    ]


def _truth(piece: Heard) -> list[PlainNote]:
    return [PlainNote(seconds(note.onset), seconds(note.offset), note.pitch) for note in piece.notes]


def _groupings() -> Iterator[Callable[[Heard], str]]:
    yield lambda piece: "with a band" if piece.banded else "guitar alone"
    yield lambda piece: piece.style
    yield lambda piece: "modal" if piece.sound.startswith("modal") else piece.sound


def _row(name: str, scores: dict[str, list[Scores | None]], chosen: list[bool]) -> list[object]:
    picked = {who: [s for s, c in zip(all_, chosen, strict=True) if c] for who, all_ in scores.items()}
    figures = [_mean(found, what) for found in picked.values() for what in ("precision", "recall", "f1")]
    return [name, sum(s is not None for s in picked[OURS]), *figures]


def _mean(scores: Sequence[Scores | None], what: str) -> float:
    return float(np.mean([getattr(s, what) for s in scores if s is not None]))


def _print_reliability(pieces: Sequence[Heard], tracks: Sequence[Sequence[Track]]) -> None:
    """Of the notes committed with a confidence, how many are in the truth."""
    said, true = [], []
    for piece, found in zip(pieces, tracks, strict=True):
        left = list(piece.notes)
        for track in sorted(found, key=lambda t: -t.confidence):
            at = track.onset * piece.hop
            near = [n for n in left if n.pitch == track.pitch and abs(n.onset - at) <= 0.05 * 22050]
            said.append(track.confidence)
            true.append(bool(near))
            if near:
                left.remove(min(near, key=lambda n: abs(n.onset - at)))
    confidence, right = np.array(said), np.array(true)
    edges = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01]
    rows: list[list[object]] = []
    for low, high in pairwise(edges):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            share, mean = float(right[inside].mean()), float(confidence[inside].mean())
            rows.append([f"{low:.2f} - {min(high, 1):.2f}", int(inside.sum()), mean, share])
    print_table(["confidence", "notes", "mean confidence", "true"], rows)


if __name__ == "__main__":
    main()
