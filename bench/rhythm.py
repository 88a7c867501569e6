"""Beats, bars, chords and keys beside librosa and templates. `python -m bench rhythm`.

Pieces are composed with drift, bends of tempo and uneven time from fixed seeds that nothing was fitted on, rendered on
modal guitars of the validation recipe, and transcribed from the sound: what is judged is the whole way. The truth is
the composer's. "live" are the bars that the session's log committed while it ran.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench._models import load, session_state
from bench._peers import PeersAbsentError
from bench._recordings import GUITARSET, read_audio
from bench._report import print_json, print_table
from bench._rhythm_composed import print_composed, print_failures, print_hard, print_honesty
from bench._rhythm_failures import first_failure
from bench._rhythm_peers import librosa_beats
from bench._rhythm_pieces import REPORT_SEED, Composed, composed_pieces, song_pieces
from bench._rhythm_scoring import (
    WARM_UP_S,
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
    true_bars,
)
from bench._rhythm_sound import rendered
from inference.ports import Transcriber
from music.audio import SAMPLE_RATE_HZ, seconds
from music.beats import RhythmLock, TimeSignature
from music.beats_tracking import track_bars
from music.harmony import ChordSpan
from music.note import SETTLED, Note
from music.rhythm_document import Music, final_music, main_key
from music.session_state import SessionState
from music.tuning import Instrument

QUICK_PIECES, QUICK_S = 12, 24.0


@dataclass(frozen=True, slots=True)
class Take:
    """A signal that was transcribed: what the log said live, and what all its notes say."""

    name: str
    samples: NDArray[np.float32]
    rate_hz: int
    notes: tuple[Note, ...]
    live: SessionState
    final: Music


def main(arguments: Sequence[str] = ()) -> None:
    """Print the tables and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench rhythm")
    parser.add_argument("--pieces", type=int, default=QUICK_PIECES, help="rendered pieces")
    parser.add_argument("--seconds", type=float, default=QUICK_S, help="length of a rendered piece")
    wish = parser.parse_args(arguments)
    transcriber = load()
    absent: list[str] = []
    facts: dict[str, object] = {"pieces": wish.pieces, "duration_s": wish.seconds}
    sets = {
        "songs": song_pieces(REPORT_SEED, wish.pieces, wish.seconds, spare=True),
        "composer's": composed_pieces(REPORT_SEED, wish.pieces, wish.seconds),
    }
    sure: list[tuple[float, bool]] = []
    for name, drawn in sets.items():
        pieces = list(drawn)
        takes = [
            _listen(transcriber, piece.name, rendered(piece, n), SAMPLE_RATE_HZ, piece.performance.instrument)
            for n, piece in enumerate(pieces)
        ]
        print(f"\n# {name}: {len(pieces)} rendered pieces of {wish.seconds:g} s")
        facts[name] = {
            "beats": _print_beats(pieces, takes, absent),
            "harmony": _print_harmony(pieces, takes),
            "bars": _print_bars(pieces, takes),
        }
        for piece, take in zip(pieces, takes, strict=True):
            sure += bars_right(downbeats_of(piece), take.final.bars)
    facts["said, rendered"] = print_honesty("rendered pieces", sure)
    facts["composed"] = print_composed()
    facts["hard"] = print_hard()
    facts["recording"] = _print_recording(transcriber, absent)
    for line in dict.fromkeys(absent):
        print(line)
    print_json("rhythm", **facts, absent=len(set(absent)))


def _listen(
    transcriber: Transcriber, name: str, samples: NDArray[np.float32], rate_hz: int, instrument: Instrument
) -> Take:
    state = session_state(transcriber, samples, rate_hz, instrument)
    notes = tuple(note for note in state.sorted_notes() if note.state in SETTLED)
    return Take(name, samples, rate_hz, notes, state, final_music(notes, state.duration or 0))


def _print_beats(pieces: Sequence[Composed], takes: Sequence[Take], absent: list[str]) -> dict[str, float]:
    try:
        others = librosa_beats([(take.samples, take.rate_hz) for take in takes])
    except PeersAbsentError as error:
        absent.append(f"librosa: left out, {error}")
        others = [np.zeros(0)] * len(takes)
    rows: dict[str, list[float]] = {}
    for piece, take, other in zip(pieces, takes, others, strict=True):
        beats, downs = (np.asarray(part) for part in piece.truth)
        truth = beats / SAMPLE_RATE_HZ
        warm = truth[0] + WARM_UP_S
        row = {
            "final": beat_f1(truth, beats_s(take.final.bars)),
            "librosa": beat_f1(truth, other),
            "final, after 8 s": beat_f1(truth, beats_s(take.final.bars), warm),
            "live, after 8 s": beat_f1(truth, beats_s(take.live.bars), warm),
            "downbeats, final": beat_f1(truth[downs], downbeats_s(take.final.bars)),
            "downbeats, live, after 8 s": beat_f1(truth[downs], downbeats_s(take.live.bars), warm),
            "metre right": float(metre_of(take.final) == piece.performance.beats_per_bar),
        }
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
    print(f"\nbeats: F-measure at ±70 ms, {len(takes)} rendered pieces")
    means = {name: float(np.nanmean(values)) for name, values in rows.items()}
    print_table(["", "mean", "median"], [[n, means[n], float(np.nanmedian(v))] for n, v in rows.items()])
    return means


def _print_harmony(pieces: Sequence[Composed], takes: Sequence[Take]) -> dict[str, float]:
    rows: dict[str, list[float]] = {}
    for piece, take in zip(pieces, takes, strict=True):
        truth, key = chords_of(piece), key_of(piece)
        if not truth or piece.name == "lines":
            continue
        chords = {
            "chords, final": take.final.chords,
            "chords, live": take.live.chords,
            "chords, template": template_chords(take.notes, take.live.duration or 0),
        }
        for name, found in chords.items():
            rows.setdefault(name, []).append(chord_overlap(truth, found))
        keys = {
            "key, final": main_key(take.final.keys),
            "key, live": main_key(take.live.keys),
            "key, template": template_key(take.notes),
        }
        for name, said in keys.items() if key else ():
            rows.setdefault(name, []).append(key_score(key, said))
    means = {name: float(np.nanmean(values)) for name, values in rows.items()}
    print("\nharmony: weighted overlap (majmin) and weighted key score, rendered pieces with chords")
    print_table(["", "mean", "pieces"], [[name, means[name], len(values)] for name, values in rows.items()])
    return means


def _print_bars(pieces: Sequence[Composed], takes: Sequence[Take]) -> dict[str, float]:
    rows: dict[str, list[tuple[float, float]]] = {}
    for piece, take in zip(pieces, takes, strict=True):
        metre = RhythmLock(signature=TimeSignature(piece.performance.beats_per_bar, 4))
        told = track_bars(take.notes, take.live.duration or 0, metre)
        given = {"nothing told": take.final.bars, "metre told": told, "true beats": true_bars(piece)}
        for name, bars in given.items():
            rows.setdefault(name, []).append(places_right(piece, take.notes, bars))
    print("\nbars: share of the true notes in the right bar, and at the right written onset in it")
    table: list[list[object]] = []
    facts: dict[str, float] = {}
    for name, scores in rows.items():
        bar, onset = (float(np.nanmean([score[part] for score in scores])) for part in (0, 1))
        whole = sum(score[0] > 0.9 for score in scores) / len(scores)
        table.append([name, bar, onset, whole])
        facts |= {f"{name}, bar": bar, f"{name}, onset": onset, f"{name}, pieces above .9": whole}
    print_table(["", "right bar", "right onset", "pieces above .9"], table)
    print_failures(
        [
            first_failure(piece, take.final.bars, places_right(piece, take.notes, take.final.bars))
            for piece, take in zip(pieces, takes, strict=True)
        ]
    )
    return facts


def _print_recording(transcriber: Transcriber, absent: list[str]) -> dict[str, float]:
    """The labelled recording; reported, never tuned on."""
    audio, labels = GUITARSET / "00_BN1-129-Eb_comp_mic.wav", GUITARSET / "00_BN1-129-Eb_comp.json"
    if not audio.exists():
        absent.append("the labelled recording: left out, ../shared/data is not beside this checkout")
        return {}
    truth = json.loads(labels.read_text(encoding="utf-8"))
    samples, rate_hz = read_audio(audio)
    take = _listen(transcriber, "recording", samples, rate_hz, Instrument(tuple(truth["tuning"])))
    beats = np.asarray([beat["time_s"] for beat in truth["beats"]])
    downs = np.asarray([beat["time_s"] for beat in truth["beats"] if beat["position"] == 1])
    chords = [(c["start_s"], c["end_s"], c["symbol"]) for c in truth["chords_instructed"]]
    facts = {
        "beats, final": beat_f1(beats, beats_s(take.final.bars)),
        "beats, live, after 8 s": beat_f1(beats, beats_s(take.live.bars), WARM_UP_S),
        "downbeats, final": beat_f1(downs, downbeats_s(take.final.bars)),
        "chords, final": chord_overlap(chords, take.final.chords),
        "chords, live": chord_overlap(chords, take.live.chords),
        "chords, template": chord_overlap(chords, _template(take)),
        "key, final": key_score("D# major", main_key(take.final.keys)),
        "key, template": key_score("D# major", template_key(take.notes)),
        "mean confidence of its bars": float(np.mean([bar.confidence for bar in take.final.bars] or [0.0])),
    }
    with contextlib.suppress(PeersAbsentError):  # it is told already
        facts["beats, librosa"] = beat_f1(beats, librosa_beats([(samples, rate_hz)])[0])
    print(f"\nthe labelled recording ({seconds(take.live.duration or 0):.0f} s, real guitar, nothing was tuned on it)")
    print_table(["", "score"], [[name, value] for name, value in facts.items()])
    return facts


def _template(take: Take) -> list[ChordSpan]:
    return template_chords(take.notes, take.live.duration or 0)


if __name__ == "__main__":
    main(sys.argv[1:])
