"""What an amplifier does that notes get lost by. `python -m bench.driven`.

Rendered performances, played string by string, are heard directly and through a heavily driven amplifier or parts of
it: its filters alone, its curve alone, all of it on the sum of the strings as in any amplifier, and all of it on every
string by itself, where no two strings' notes meet in the curve; and through all of it, then through what might undo it.
It prints how much of what was heard directly is heard again. Seeds are neither those of training nor of other benches.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.signal import lfilter

from bench._models import load, session_notes
from bench._report import print_json, print_table
from bench._scoring import PlainNote, score
from bench.notes import plain_notes
from inference.ports import Transcriber
from inference.training.amplifiers import Signal, amp_chains, amplify
from inference.training.dataset import Piece, render_piece
from inference.training.effects import Effects, record
from inference.training.recipes import VALIDATION
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.audio import SAMPLE_RATE_HZ

FIRST_SEED = 1_040_000
STYLES: Mapping[str, Mapping[str, float]] = {
    "one note at a time": {"lines": 1.0},
    "chords": {"chords": 0.5, "strums": 0.5},
}
WHOLE = amp_chains()["metal"]
WAYS = {
    "filters alone": replace(WHOLE, drive_db=0.0),
    "curve alone": replace(WHOLE, tight_hz=0.0, bite_db=0.0, speaker_hz=0.0, presence_db=0.0),
    "the whole amplifier": WHOLE,
}
UNDONE = "the whole amplifier, then the inverse of a curve"
EXPANDED = "the whole amplifier, then an expander"
BY_STRING = "the whole amplifier, one a string"


def main() -> None:
    """Print the table and the JSON line."""
    parser = argparse.ArgumentParser(description="What of an amplifier loses notes.")
    parser.add_argument("--transcriber", default="guitar")
    parser.add_argument("--pieces", type=int, default=6, help="performances a row")
    options = parser.parse_args()
    transcriber = load(options.transcriber, threads=1)
    library = SoundLibrary(default_sounds_dir())
    facts = {}
    for number, (row, styles) in enumerate(STYLES.items()):
        recipe = replace(
            VALIDATION, duration_s=12.0, band_only_share=0.0, tunings={"standard": 1.0}, styles=dict(styles)
        )
        counts: dict[str, list[tuple[float, float, float]]] = {}
        for seed in range(FIRST_SEED + 100 * number, FIRST_SEED + 100 * number + options.pieces):
            piece = render_piece(recipe, seed, library, effects=Effects(), band_db=float("-inf"))
            heard = {way: _heard(transcriber, piece, signal) for way, signal in _signals(piece, library).items()}
            direct = heard.pop("direct")
            for way, notes in heard.items():
                found = score(direct, notes)
                counts.setdefault(way, []).append((found.precision, found.recall, found.f1))
        facts[row] = {way: [round(float(v), 3) for v in np.mean(each, axis=0)] for way, each in counts.items()}
        print(f"\n{row}: agreement with the direct signal, means of {options.pieces} performances")
        print_table(["through", "P", "R", "F1"], [[way, *each] for way, each in facts[row].items()])
    print_json("driven", pieces=options.pieces, agreement=facts)


def _signals(piece: Piece, library: SoundLibrary) -> dict[str, Signal]:
    """The performance directly and in every way."""
    guitar = library.guitar(piece.sound)
    strings = [
        guitar.play(
            [note for note in piece.notes if note.string == string],
            piece.instrument,
            len(piece.samples),
            np.random.default_rng([piece.seed, string]),
        ).samples
        for string in sorted({note.string for note in piece.notes})
    ]
    direct: Signal = np.asarray(np.sum(strings, axis=0), np.float32)
    driven = {way: amplify(direct, amplifier) for way, amplifier in WAYS.items()}
    one_each: Signal = np.asarray(np.sum([amplify(string, WHOLE) for string in strings], axis=0), np.float32)
    whole = driven["the whole amplifier"]
    return {"direct": direct, **driven, UNDONE: _undone(whole), EXPANDED: _expanded(whole), BY_STRING: one_each}


def _undone(signal: Signal) -> Signal:
    """Through the inverse of a tanh, nine tenths of the way up at the peaks; what filters did behind it stays."""
    peak = max(1e-9, float(np.quantile(np.abs(signal), 0.999)))
    return np.asarray(np.arctanh(0.9 * np.clip(signal / peak, -1, 1)), np.float32)


def _expanded(signal: Signal) -> Signal:
    """Attacks raised, what rings on lowered: the level of 10 ms over that of 300 ms, as a gain."""
    fast, slow = (_level(signal, seconds) for seconds in (0.01, 0.3))
    return np.asarray(signal * np.clip(fast / slow, 0.2, 4), np.float32)


def _level(signal: Signal, seconds: float) -> Signal:
    pole = float(np.exp(-1 / (seconds * SAMPLE_RATE_HZ)))
    return np.asarray(lfilter([1 - pole], [1, -pole], np.abs(signal)) + 1e-4, np.float32)


def _heard(transcriber: Transcriber, piece: Piece, signal: Signal) -> list[PlainNote]:
    samples = record(signal, Effects(), np.random.default_rng(piece.seed))
    return plain_notes(session_notes(transcriber, samples, SAMPLE_RATE_HZ, piece.instrument))


if __name__ == "__main__":
    main()
