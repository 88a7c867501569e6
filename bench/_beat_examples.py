"""Composed notes with their beats, as examples for the beat network: every one drawn anew.

Seeds from NETWORK_SEED on; rhythms from the half of the tables that reports do not use. Songs and pieces of the
training composer, five and seven beats a bar, notes without a beat; then played faster or slower, transposed, with a
hole, with more notes missing, begun or ended in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench._rhythm_pieces import Composed, composed_pieces, odd_pieces, song_pieces, without_metre
from music.audio import SAMPLE_RATE_HZ
from music.beats_hearing import HOP, hearing
from music.beats_network import FASTEST_BPM, METRES, SLOWEST_BPM, TEMPI
from music.beats_onsets import Marker, onsets_of
from music.note import Note

NETWORK_SEED = 3_000_000
FRAMES = 1500

Array = NDArray[np.float64]
Float32s = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BeatExample:
    """FRAMES of music.

    Attributes:
        heard: f16[FRAMES, HEARD].
        beats: f32[FRAMES, 2], 1 at a beat and at a downbeat, less beside it.
        metre: index of `METRES`, or its length for none.
        tempo: f32[FRAMES], place among `TEMPI`; −1 for none.
        known: f32[FRAMES], 1 where beats are known.
    """

    heard: NDArray[np.float16]
    beats: Float32s
    metre: int
    tempo: Float32s
    known: Float32s


@dataclass(frozen=True, slots=True)
class _Piece:
    notes: Sequence[Note]
    beats: Array
    downs: NDArray[np.bool_]
    count: int


def beat_examples(seed: int) -> Iterator[BeatExample]:
    """Without end."""
    while True:
        random = np.random.default_rng([seed, 41])
        yield _example(random, _changed(random, _drawn(random, seed)))
        seed += 1


def _drawn(random: np.random.Generator, seed: int) -> _Piece:
    kind, long_s = random.random(), float(random.choice([32.0, 50.0]))
    if kind < 0.05:
        notes, _ = next(without_metre(seed, 1, long_s))
        return _Piece(notes, np.zeros(0), np.zeros(0, bool), 0)
    if kind < 0.52:
        drawn = song_pieces(seed, 1, long_s, turn=seed)
    elif kind < 0.92:
        drawn = composed_pieces(seed, 1, long_s, turn=seed)
    else:
        drawn = odd_pieces(seed, 1, long_s, turn=seed)
    piece = next(iter(drawn), None)
    return _drawn(random, seed + 1_000_000) if piece is None else _of(piece)


def _of(piece: Composed) -> _Piece:
    beats, count = np.asarray(piece.performance.beats, np.float64), piece.performance.beats_per_bar
    return _Piece(piece.notes, beats, (np.arange(len(beats)) - piece.first_downbeat) % count == 0, count)


def _changed(random: np.random.Generator, piece: _Piece) -> _Piece:
    """Another tempo, another pitch, unevenly, with holes."""
    how = random.random()
    spread = 0.0 if how < 0.5 else 0.12 if how < 0.8 else 0.4
    stretch = float(np.exp(random.normal(0, spread)))
    if len(piece.beats) > 1:
        tempo = 60 * SAMPLE_RATE_HZ / float(np.median(np.diff(piece.beats)))
        stretch = tempo / float(np.clip(tempo / stretch, SLOWEST_BPM, FASTEST_BPM))
    beats, notes = piece.beats * stretch, _played(random, piece.notes, stretch)
    if random.random() < 0.03 and len(beats) > 4:
        # No beat is as long as the last: nobody taps to that.
        warped = beats[0] + np.concatenate([[0.0], np.cumsum(np.diff(beats) * _uneven(random, len(beats) - 1))])
        notes = [_moved(note, float(np.interp(note.onset, beats, warped))) for note in notes]
        return _Piece(notes, np.zeros(0), np.zeros(0, bool), 0)
    return _Piece(notes, beats, piece.downs, piece.count)


def _uneven(random: np.random.Generator, count: int) -> Array:
    return np.asarray(np.exp(random.normal(0, 0.22, count)))


def _played(random: np.random.Generator, notes: Sequence[Note], stretch: float) -> list[Note]:
    up = int(random.integers(-6, 7))
    missing = float(random.uniform(0, 0.25)) if random.random() < 0.3 else 0.0
    late_s = float(random.uniform(0, 0.012)) if random.random() < 0.4 else 0.0
    hole = (0.0, 0.0)
    if random.random() < 0.06:
        begin = float(random.uniform(4, 20))
        hole = (begin * SAMPLE_RATE_HZ, (begin + float(random.uniform(2, 12))) * SAMPLE_RATE_HZ)
    kept = []
    for note in notes:
        onset = note.onset * stretch + float(random.normal(0, 1)) * late_s * SAMPLE_RATE_HZ
        if hole[0] <= onset < hole[1] or random.random() < missing:
            continue
        kept.append(replace(_moved(note, onset), pitch=int(np.clip(note.pitch + up, 0, 127))))
    return kept


def _moved(note: Note, onset: float) -> Note:
    at = max(0, round(onset))
    return replace(note, onset=at, offset=at + 2000)


def _example(random: np.random.Generator, piece: _Piece) -> BeatExample:
    end = max((note.onset for note in piece.notes), default=0)
    longest = FRAMES * HOP
    begin = int(random.integers(0, max(1, end - longest // 2))) if random.random() < 0.35 else 0
    begin = begin // HOP * HOP
    # What a live tracker hears ends in the middle of the music.
    length = int(longest * random.uniform(0.2, 1.0)) if random.random() < 0.3 else longest
    notes = [note for note in piece.notes if begin <= note.onset < begin + length]
    onsets, marker = onsets_of(notes), Marker()
    marks = [marker.mark(onset) for onset in onsets]
    targets, known = np.zeros((FRAMES, 2), np.float32), np.zeros(FRAMES, np.float32)
    tempo = np.full(FRAMES, -1.0, np.float32)
    if onsets:
        first, last = ((onset.time - begin) / HOP for onset in (onsets[0], onsets[-1]))
        known[max(0, int(first) - 10) : int(last) + 25] = 1.0
    if len(piece.beats) > 1:
        place = (piece.beats - begin) / HOP
        for row, chosen in ((0, place), (1, place[piece.downs])):
            off = np.abs(np.arange(FRAMES)[:, None] - chosen[None]).min(axis=1)
            targets[:, row] = np.maximum(0.0, 1.0 - off / 2)
        lengths = np.diff(piece.beats)
        at = np.clip(np.searchsorted(place, np.arange(FRAMES)) - 1, 0, len(lengths) - 1)
        bpm = 60 * SAMPLE_RATE_HZ / lengths[at]
        tempo = np.asarray(np.log(bpm / SLOWEST_BPM) / np.log(FASTEST_BPM / SLOWEST_BPM) * (TEMPI - 1), np.float32)
    metre = METRES.index(piece.count) if piece.count in METRES else len(METRES)
    return BeatExample(hearing(onsets, marks, begin, FRAMES).astype(np.float16), targets, metre, tempo, known)
