"""Chords and keys from notes: what sounds in each beat against what chords and keys are made of.

Chords are the best path of a hidden Markov model over segments (beats, or half seconds where no beat is known): each
chord explains the weighted pitch classes of a segment by its own notes and its bass, and changing costs less where a
bar begins. Keys are a second, slower path over the same pitch classes, with the profiles of Krumhansl and Kessler
(1982) as revised by Temperley (1999). `music.harmony_live` does the same as the music plays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from music.audio import SAMPLE_RATE_HZ
from music.beats import Bar
from music.harmony import NO_CHORD, NO_KEY, SHARPS, ChordSpan, KeySpan
from music.harmony_weights import HARMONY, HarmonyWeights
from music.note import Note

Array = NDArray[np.float64]
SEGMENT = SAMPLE_RATE_HZ // 2
_LONGEST_NOTE = 2 * SAMPLE_RATE_HZ
QUALITIES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("maj", (0, 4, 7)),
    ("min", (0, 3, 7)),
    ("7", (0, 4, 7, 10)),
    ("maj7", (0, 4, 7, 11)),
    ("min7", (0, 3, 7, 10)),
    ("sus4", (0, 5, 7)),
    ("sus2", (0, 2, 7)),
    ("maj6", (0, 4, 7, 9)),
    ("dim", (0, 3, 6)),
    ("aug", (0, 4, 8)),
    ("5", (0, 7)),
)
CHORDS: tuple[str, ...] = (*(f"{root}:{name}" for root in SHARPS for name, _ in QUALITIES), NO_CHORD)
KEYS: tuple[str, ...] = (*(f"{root}:major" for root in SHARPS), *(f"{root}:minor" for root in SHARPS))
_MAJOR = (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0)
_MINOR = (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0)


@dataclass(frozen=True, slots=True)
class Sounding:
    """What sounds in segments.

    Attributes:
        edges: sample indices, one more than segments, rising.
        is_bar: whether a segment begins a bar.
        classes: f64[segments, 12], seconds that each pitch class sounds, louder and newer notes more.
        bass: f64[segments, 12], the same of the lowest notes.
    """

    edges: tuple[int, ...]
    is_bar: tuple[bool, ...]
    classes: Array
    bass: Array


def segments_of(bars: Sequence[Bar], begin: int, end: int) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Beats where there are any and half seconds elsewhere, from `begin` to `end`; and which of them begin bars."""
    beats = [(beat, beat == bar.start) for bar in bars for beat in bar.beats if begin < beat < end]
    edges, firsts = [begin], [True]
    for beat, is_bar in [*beats, (end, True)]:
        while beat - edges[-1] > 4 * SEGMENT:
            edges.append(edges[-1] + SEGMENT)
            firsts.append(False)
        if beat > edges[-1]:
            edges.append(beat)
            firsts.append(is_bar)
    return tuple(edges), tuple(firsts[:-1])


def sounding(notes: Iterable[Note], edges: tuple[int, ...], is_bar: tuple[bool, ...]) -> Sounding:
    """Weigh the notes in each segment. A note counts for two seconds at most and fades as a string does."""
    count = len(edges) - 1
    classes, bass = np.zeros((count, 12)), np.zeros((count, 12))
    bounds = np.asarray(edges, np.float64)
    lowest = np.full(count, 128)
    held: list[tuple[int, int, int]] = []
    # A note struck just before a beat belongs to the beat.
    early = 0.06 * SAMPLE_RATE_HZ
    for note in notes:
        onset = note.onset + early if _precedes(note.onset, bounds, early) else note.onset
        end = min(note.offset if note.offset is not None else onset + _LONGEST_NOTE, onset + _LONGEST_NOTE)
        first = max(0, int(np.searchsorted(bounds, onset, side="right")) - 1)
        last = min(count - 1, int(np.searchsorted(bounds, max(end, onset + 1), side="left")) - 1)
        loud = 0.3 + note.velocity
        for at in range(first, last + 1):
            begin, until = max(onset, bounds[at]), min(max(end, onset + 1), bounds[at + 1])
            if until <= begin:
                continue
            age_s = (begin - onset) / SAMPLE_RATE_HZ
            weight = loud * np.exp(-age_s) * (0.15 + (until - begin) / SAMPLE_RATE_HZ)
            classes[at, note.pitch % 12] += weight
            lowest[at] = min(lowest[at], note.pitch)
            held.append((at, note.pitch, 0))
    for at, pitch, _ in held:
        if pitch <= lowest[at] + 2:
            bass[at, pitch % 12] = 1.0
    return Sounding(edges, is_bar, classes, bass)


def _precedes(onset: int, bounds: Array, early: float) -> bool:
    at = int(np.searchsorted(bounds, onset, side="right"))
    return at < len(bounds) - 1 and bounds[at] - onset < early


def find_chords(heard: Sounding, key: int | None = None, weights: HarmonyWeights = HARMONY) -> list[ChordSpan]:
    """The likeliest chords, equal neighbours joined.

    Args:
        heard: the segments.
        key: index into `KEYS` of the piece's key, whose own chords are likelier; None for any.
        weights: how music behaves.
    """
    if not len(heard.classes):
        return []
    scores = chord_scores(heard, weights)
    if key is not None:
        scores = scores + weights.in_key * _belongs(key)[None]
    stay = np.log1p(-weights.change)
    leave = np.where(heard.is_bar, np.log(weights.change_at_bar), np.log(weights.change))
    path = _best_path(scores, stay, leave - np.log(len(CHORDS) - 1))
    sure = _posterior(scores, stay, leave - np.log(len(CHORDS) - 1))
    silent = heard.classes.sum(axis=1) <= 0
    spans: list[ChordSpan] = []
    weighed: list[list[float]] = []
    for at, chord in enumerate(path):
        symbol = NO_CHORD if silent[at] and (not spans or spans[-1].symbol == NO_CHORD) else CHORDS[chord]
        share = float(sure[at, chord])
        if spans and spans[-1].symbol == symbol:
            weighed[-1].append(share)
            spans[-1] = ChordSpan(spans[-1].start, heard.edges[at + 1], symbol, round(float(np.mean(weighed[-1])), 3))
        else:
            weighed.append([share])
            spans.append(ChordSpan(heard.edges[at], heard.edges[at + 1], symbol, round(share, 3)))
    return spans


def chord_scores(heard: Sounding, weights: HarmonyWeights) -> Array:
    """f64[segments, chords]: how well each chord explains each segment, in log units."""
    total = heard.classes.sum(axis=1, keepdims=True)
    share = heard.classes / np.where(total > 0, total, 1.0)
    members, roots = _templates()
    # A mixture: with probability `inside` a note is one of the chord's, weighted by its place in it.
    expected = weights.inside * members + (1 - weights.inside) / 12
    amount = np.minimum(total / weights.enough, 1.0) * weights.trust
    scores = amount * (share @ np.log(expected).T)
    bass = heard.bass / np.maximum(heard.bass.sum(axis=1, keepdims=True), 1.0)
    scores += amount * weights.bass * (bass @ roots.T)
    scores += np.asarray([np.log(weights.qualities[name]) for _ in SHARPS for name, _ in QUALITIES])[None]
    nothing = np.where(total > 0, amount * np.log(1 / 12) + weights.none, 0.0)
    return np.concatenate([scores, nothing], axis=1)


@cache
def _templates() -> tuple[Array, Array]:
    """f64[chords − 1, 12] twice: shares of a chord's notes (root and third weigh more), and its root."""
    members, roots = [], []
    for root in range(12):
        for _, intervals in QUALITIES:
            row, own = np.zeros(12), np.zeros(12)
            for interval in intervals:
                row[(root + interval) % 12] = 1.3 if interval == 0 else 0.8 if interval > 8 else 1.0
            own[root] = 1.0
            members.append(row / row.sum())
            roots.append(own)
    return np.asarray(members), np.asarray(roots)


@cache
def _belongs(key: int) -> Array:
    """f64[chords]: 1 where all notes of a chord's triad are in the key's scale."""
    scale = {(key + step) % 12 for step in ((0, 2, 4, 5, 7, 9, 11) if key < 12 else (0, 2, 3, 5, 7, 8, 10, 11))}
    inside = [all((root + i) % 12 in scale for i in intervals[:3]) for root in range(12) for _, intervals in QUALITIES]
    return np.asarray([*inside, True], np.float64)


def find_keys(heard: Sounding, weights: HarmonyWeights = HARMONY) -> list[KeySpan]:
    """Keys over time: one for most pieces, another where the music leaves it for long."""
    if not len(heard.classes) or heard.classes.sum() <= 0:
        return []
    scores = key_scores(heard, weights)
    stay, leave = np.log1p(-weights.modulation), np.full(len(scores), np.log(weights.modulation / 23))
    path, sure = _best_path(scores, stay, leave), _posterior(scores, stay, leave)
    spans: list[KeySpan] = []
    begin = 0
    for at in range(1, len(path) + 1):
        if at == len(path) or path[at] != path[begin]:
            certain = round(float(sure[begin:at, path[begin]].mean()), 3)
            key = KEYS[path[begin]] if certain > weights.least_key else NO_KEY
            spans.append(KeySpan(heard.edges[begin], heard.edges[at], key, certain))
            begin = at
    return spans


def key_scores(heard: Sounding, weights: HarmonyWeights = HARMONY) -> Array:
    """f64[segments, 24]: how well each key explains each segment, in log units."""
    total = heard.classes.sum(axis=1, keepdims=True)
    share = heard.classes / np.where(total > 0, total, 1.0)
    profiles = np.asarray(
        [np.roll(_MAJOR, tonic) for tonic in range(12)] + [np.roll(_MINOR, tonic) for tonic in range(12)]
    )
    chances = np.log(profiles / profiles.sum(axis=1, keepdims=True))
    scores = np.minimum(total / weights.enough, 1.0) * weights.key_trust * (share @ chances.T)
    bass = heard.bass / np.maximum(heard.bass.sum(axis=1, keepdims=True), 1.0)
    tonics = np.asarray([np.roll(weights.key_bass, tonic) for tonic in range(12)] * 2)
    return np.asarray(scores + weights.key_trust * (bass @ tonics.T))


def _best_path(scores: Array, stay: float, leave: Array) -> list[int]:
    """Viterbi where every change of state costs the same."""
    best, came = scores[0].copy(), np.zeros(scores.shape, np.int64)
    for at in range(1, len(scores)):
        leader = int(best.argmax())
        moved = best[leader] + leave[at]
        came[at] = np.where(moved > best + stay, leader, np.arange(len(best)))
        best = np.maximum(best + stay, moved) + scores[at]
    state, path = int(best.argmax()), []
    for at in range(len(scores) - 1, -1, -1):
        path.append(state)
        state = int(came[at, state])
    return path[::-1]


def _posterior(scores: Array, stay: float, leave: Array) -> Array:
    """f64[segments, states]: probability of each state, by the forward-backward algorithm."""
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    keep, go = np.exp(stay), np.exp(leave)
    ahead, behind = np.empty(scores.shape), np.empty(scores.shape)
    ahead[0] = likely[0] / likely[0].sum()
    for at in range(1, len(scores)):
        row = likely[at] * (keep * ahead[at - 1] + go[at])
        ahead[at] = row / row.sum()
    behind[-1] = 1.0
    for at in range(len(scores) - 2, -1, -1):
        seen = behind[at + 1] * likely[at + 1]
        row = keep * seen + go[at + 1] * seen.sum()
        behind[at] = row / row.max()
    both = ahead * behind
    return np.asarray(both / both.sum(axis=1, keepdims=True))


def harmony_of(notes: Sequence[Note], bars: Sequence[Bar], duration: int) -> tuple[list[ChordSpan], list[KeySpan]]:
    """Chords and keys of a whole piece, from its beginning to its end."""
    if duration <= 0 or not notes:
        return [], []
    heard = sounding(notes, *segments_of(bars, 0, max(duration, max(note.onset for note in notes) + 1)))
    keys = find_keys(heard)
    longest = max(keys, key=lambda span: span.end - span.start, default=None)
    key = KEYS.index(longest.key) if longest and longest.key else None
    return find_chords(heard, key), keys
