"""Chooses a streaming transcriber's tracking rules on rendered pieces with unseen sounds. `python -m bench.fit_rules`.

Every piece is heard once; then the notes are written down from the same activations under one rule after another, and
played live with previews under different showing rules. Where notes end is read on the demo piece too: its guitars are
recorded, and ring down as recorded ones do. It prints tables and chooses nothing by itself: what was chosen
stands in the model's config.pbtxt, and why in bench/NOTES.md. Seeds are neither those of training nor of other benches.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import anyio
import numpy as np
import soxr
from numpy.typing import NDArray

from bench._models import load
from bench._recordings import demo
from bench._report import print_table
from bench._scoring import PlainNote, matches, matches_with_offset
from bench.live_simulation import taken_back_share
from inference.ports import Transcriber
from inference.training.dataset import Piece, render_piece
from inference.training.recipes import VALIDATION
from inference.training.sounds import SoundLibrary, default_sounds_dir
from music.activations import Activations
from music.audio import SAMPLE_RATE_HZ, seconds
from music.note import Note, NoteState
from music.scribe import Scribe
from music.tracking_rules import TrackingRules
from music.tuning import Instrument

SEEDS = range(1_060_000, 1_061_000)
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Played:
    """What is to be heard: f32[n] at the session's rate, and what is played in it."""

    samples: NDArray[np.float32]
    instrument: Instrument
    truth: list[PlainNote]


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece and all that a network said about it, in order, previews among it; the rest once it was over."""

    piece: Played
    said: list[Activations]
    rest: list[Activations]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Tables to choose tracking rules by.")
    parser.add_argument("--transcriber", default="guitar")
    parser.add_argument("--pieces", type=int, default=24)
    options = parser.parse_args()
    transcriber = load(options.transcriber, threads=1)
    library = SoundLibrary(default_sounds_dir())
    pieces = [_rendered(render_piece(VALIDATION, seed, library)) for seed in SEEDS[: options.pieces]]
    heard = [anyio.run(_hear, transcriber, piece) for piece in pieces]
    rules = transcriber.tracking
    rows = []
    for least, reach in product((0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6), (1, 2)):
        tried = replace(rules, note_probability=least, reach=reach)
        rows.append([least, reach, *_settled(heard, transcriber, tried)[:3]])
    print_table(["note probability", "reach", "P", "R", "F1"], rows)
    rows = []
    played = [anyio.run(_hear, transcriber, _demo())]
    for least, tolerance in product((0.07, 0.12, 0.2, 0.3, 0.4, 0.5), (1, 3, 8)):
        tried = replace(rules, frame_threshold=least, tolerance=tolerance)
        ends = [_settled(pieces_heard, transcriber, tried)[3] for pieces_heard in (heard, played)]
        rows.append([least, tolerance, *ends, sum(ends) / 2])
    print_table(["frame threshold", "tolerance", "F1 offset", "of the demo piece", "mean"], rows)
    rows = []
    for birth, show in ((0.3, 0.4), (0.45, 0.5), (0.45, 0.6), (0.45, 0.65), (0.45, 0.7), (0.45, 0.8)):
        tried = replace(rules, birth_probability=birth, show_probability=show, show_decided_probability=show)
        rows.append([birth, show, *_live(heard, transcriber, tried)])
    print_table(["birth", "show", "shown first", "mean ms after onset", "taken back"], rows)


def _demo() -> Played:
    recording = demo()
    samples, rate_hz = recording.read()
    signal = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
    return Played(signal, Instrument(recording.tuning), recording.truth)


async def _hear(transcriber: Transcriber, piece: Played) -> Heard:
    stream = transcriber.open_stream(piece.instrument)
    said: list[Activations] = []
    for begin in range(0, len(piece.samples), _CHUNK):
        said += await stream.push(piece.samples[begin : begin + _CHUNK])
        if (provisional := await stream.preview(1)) is not None:
            said.append(provisional)
    return Heard(piece, said, list(await stream.finish()))


def _settled(heard: Sequence[Heard], transcriber: Transcriber, rules: TrackingRules) -> tuple[float, ...]:
    """Precision, recall, F1 and F1 with offsets of all pieces together."""
    right = timed = found = true = 0
    for one in heard:
        scribe = Scribe(one.piece.instrument, transcriber.grid, rules)
        revised: list[Note] = []
        for activations in (*one.said, *one.rest):
            if activations.settled:
                revised += (event.note for event in scribe.advance(activations))
        revised += (event.note for event in scribe.finish(len(one.piece.samples)))
        notes = [_plain(note) for note in revised if note.state is NoteState.ENDED]
        truth = one.piece.truth
        right += len(matches(truth, notes))
        timed += len(matches_with_offset(truth, notes))
        found, true = found + len(notes), true + len(truth)
    total = max(1, found + true)
    return right / max(1, found), right / max(1, true), 2 * right / total, 2 * timed / total


def _live(heard: Sequence[Heard], transcriber: Transcriber, rules: TrackingRules) -> tuple[float, float, float]:
    """Share of committed notes shown before, how long after the note's own onset on the signal's clock, share of
    tentative notes taken back.
    """
    shown = committed = 0
    after_s = 0.0
    back: list[float] = []
    weights: list[int] = []
    for one in heard:
        scribe = Scribe(one.piece.instrument, transcriber.grid, rules)
        told: list[tuple[float, Note]] = []
        for activations in one.said:
            events = scribe.advance(activations) if activations.settled else scribe.preview(activations)
            until_s = seconds(activations.end_frame * transcriber.grid.hop)
            told += [(until_s, event.note) for event in events]
        first: dict[str, float] = {}
        for until_s, note in told:
            if note.state is NoteState.TENTATIVE:
                first.setdefault(note.id, until_s)
        settled = {note.id: note for _, note in told if note.state is NoteState.COMMITTED}
        committed += len(settled)
        before = [name for name in settled if name in first]
        shown += len(before)
        after_s += sum(first[name] - seconds(settled[name].onset) for name in before)
        back.append(taken_back_share(note for _, note in told))
        weights.append(len(first))
    taken = sum(b * w for b, w in zip(back, weights, strict=True)) / max(1, sum(weights))
    return shown / max(1, committed), 1000 * after_s / max(1, shown), taken


def _rendered(piece: Piece) -> Played:
    truth = [PlainNote(seconds(n.onset), seconds(n.offset), n.pitch, n.string, n.fret) for n in piece.notes]
    return Played(piece.samples, piece.instrument, truth)


def _plain(note: Note) -> PlainNote:
    return PlainNote(seconds(note.onset), seconds(note.offset or note.onset), note.pitch)


if __name__ == "__main__":
    main()
